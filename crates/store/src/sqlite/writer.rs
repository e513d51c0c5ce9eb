//! The one thread that writes: group commit with a savepoint for each unit of work but the first.

use async_channel::Receiver;

use super::SqliteConnection;
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    job::{self, Job, Verdict},
};

/// The most units of work that share a transaction, and so the most that fail together with it.
const LARGEST_BATCH: usize = 256;

/// A unit of work that ran, and what its caller is told if the batch is committed.
type Ran = (Box<dyn Job>, Result<(), StoreError>);

/// Takes units of work until the queue is closed and empty. Whatever is waiting shares a transaction with the first, so
/// one fsync answers many callers; while it runs, the next batch gathers by itself.
pub(super) fn run(conn: &Conn, queue: &Receiver<Box<dyn Job>>) {
    let Some(connection) = conn.sqlite() else { return };
    let writer = Writer { tx: conn.as_tx(), connection };
    while let Ok(first) = queue.recv_blocking() {
        writer.run_and_answer(first, queue);
    }
}

/// Runs one unit of work, with what waits in a queue, on this thread.
pub(super) fn run_alone(conn: &Conn, job: Box<dyn Job>, queue: &Receiver<Box<dyn Job>>) {
    match conn.sqlite() {
        Some(connection) => Writer { tx: conn.as_tx(), connection }.run_and_answer(job, queue),
        None => job.finish(Err(StoreError::Closed)),
    }
}

/// Where a unit of work stands in its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Behind,
}

struct Writer<'c> {
    tx: Tx<'c>,
    connection: &'c SqliteConnection,
}

impl Writer<'_> {
    fn run_and_answer(&self, first: Box<dyn Job>, queue: &Receiver<Box<dyn Job>>) {
        let mut batch = Vec::new();
        let outcome = self.run_batch(first, queue, &mut batch);
        if outcome.is_err() {
            self.roll_back();
        }
        for (job, own) in batch {
            job.finish(own.and_then(|()| outcome.clone()));
        }
    }

    /// Runs and commits a batch. Every job taken from the queue is in `batch` afterwards, whatever happened.
    fn run_batch(
        &self,
        first: Box<dyn Job>,
        queue: &Receiver<Box<dyn Job>>,
        batch: &mut Vec<Ran>,
    ) -> Result<(), StoreError> {
        if let Err(busy) = self.tx.execute("BEGIN IMMEDIATE", &[]) {
            // Those behind it have waited as long; one after the other, each would wait again.
            let behind = std::iter::from_fn(|| queue.try_recv().ok()).take(LARGEST_BATCH - 1);
            batch.extend(std::iter::once(first).chain(behind).map(|job| (job, Ok(()))));
            return Err(busy);
        }
        let (mut next, mut place) = (Some(first), Place::First);
        while let Some(mut job) = next.take() {
            match self.run_one(job.as_mut(), place) {
                Ok(own) => batch.push((job, own)),
                Err(lost) => {
                    batch.push((job, Ok(())));
                    return Err(lost);
                }
            }
            // The first was undone, and the transaction with it.
            if self.connection.lost_its_transaction() {
                return Ok(());
            }
            if batch.len() < LARGEST_BATCH {
                (next, place) = (queue.try_recv().ok(), Place::Behind);
            }
        }
        self.tx.execute("COMMIT", &[]).map(drop)
    }

    /// Runs one job so that its failure leaves its neighbours alone, and gives what its caller is told if the batch is committed.
    /// One that has others before it gets a savepoint, for which SQLite copies every page that it changes; the first needs none.
    ///
    /// # Errors
    /// When the transaction around it is lost: some errors (full disk, failed write, no memory) roll back all of it.
    fn run_one(&self, job: &mut dyn Job, place: Place) -> Result<Result<(), StoreError>, StoreError> {
        if place == Place::Behind {
            self.tx.execute("SAVEPOINT job", &[])?;
        }
        let (verdict, has_failed) = self.connection.in_unit_of_work(|| job.run(&self.tx));
        if self.connection.lost_its_transaction() {
            return Err(StoreError::Unavailable {
                what: format!("a write rolled its whole batch back: {}", self.connection.last_failure()),
            });
        }
        match (place, verdict == Verdict::Undo || has_failed) {
            (Place::First, false) => {}
            (Place::First, true) => drop(self.tx.execute("ROLLBACK", &[])?),
            (Place::Behind, is_undone) => {
                if is_undone {
                    self.tx.execute("ROLLBACK TO job", &[])?;
                }
                self.tx.execute("RELEASE job", &[])?;
            }
        }
        Ok(if has_failed { Err(job::ignored_failure()) } else { Ok(()) })
    }

    fn roll_back(&self) {
        if !self.connection.lost_its_transaction()
            && let Err(error) = self.tx.execute("ROLLBACK", &[])
        {
            tracing::error!(error = %error, "a failed batch could not be rolled back");
        }
    }
}
