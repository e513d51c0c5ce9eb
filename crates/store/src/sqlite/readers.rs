//! Threads for reads that may take long, so that they hold up no one.

use async_channel::Receiver;

use crate::{conn::Conn, job::Job};

/// Takes units of work until the queue is closed and empty.
pub(super) fn run(conn: &Conn, queue: &Receiver<Box<dyn Job>>) {
    while let Ok(mut job) = queue.recv_blocking() {
        job.run(conn);
        job.finish(Ok(()));
    }
}
