//! A unit of work on its way to a connection and its answer on the way back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use crate::{
    conn::{Conn, Tx},
    error::StoreError,
};

/// A unit of work whose types are erased, so that jobs of all kinds share a queue.
pub(crate) trait Job: Send {
    /// Does the work and keeps its result for [`Job::finish`].
    fn run(&mut self, conn: &Conn) -> Verdict;

    /// Answers the caller: with the kept result, or with `outcome`'s error when the transaction around it failed.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);

    /// It changes something, so it needs a transaction.
    fn is_write(&self) -> bool;
}

/// Whether the work is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Undo,
}

struct TypedJob<F, T, E> {
    work: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    is_write: bool,
}

/// A job that reads, and where its answer arrives.
pub(crate) fn read<T, E, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: FnOnce(&Conn) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    (Box::new(TypedJob { work: Some(work), result: None, reply, is_write: false }), answer)
}

/// A job that writes, and where its answer arrives.
pub(crate) fn write<T, E, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T, E>>)
where
    F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let work = |conn: &Conn| work(&conn.as_tx());
    (Box::new(TypedJob { work: Some(work), result: None, reply, is_write: true }), answer)
}

/// Runs `work`, turning a panic into an error, so that no thread dies of somebody else's mistake.
pub(crate) fn run_caught<T, E: From<StoreError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "without a message".to_owned());
        Err(StoreError::Panicked { message }.into())
    })
}

/// Waits until threads that ran jobs have ended; not for the caller's own, on which a job may hold the last store.
pub(crate) fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    let own = thread::current().id();
    for thread in threads.into_iter().filter(|thread| thread.thread().id() != own) {
        if thread.join().is_err() {
            tracing::error!("a store thread panicked");
        }
    }
}

/// What a unit of work is told that went on after a failed statement and called itself well.
pub(crate) fn ignored_failure() -> StoreError {
    StoreError::Other { what: "a failed statement was ignored; nothing was kept".into() }
}

impl<F, T, E> Job for TypedJob<F, T, E>
where
    F: FnOnce(&Conn) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, conn: &Conn) -> Verdict {
        let Some(work) = self.work.take() else { return Verdict::Undo };
        let result = run_caught(|| work(conn));
        let verdict = if result.is_ok() { Verdict::Keep } else { Verdict::Undo };
        self.result = Some(result);
        verdict
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match (self.result, outcome) {
            (Some(Err(own)), _) => Err(own),
            (_, Err(around)) => Err(around.into()),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::Closed.into()),
        };
        // The caller may have gone away; its work is done all the same.
        drop(self.reply.send(answer));
    }

    fn is_write(&self) -> bool {
        self.is_write
    }
}
