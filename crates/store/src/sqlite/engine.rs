//! SQLite as a whole: a writer thread, reader threads, and connections for reads on the caller's own thread.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use async_channel::{Receiver, Sender};

use super::{SqliteFile, readers, writer};
use crate::{
    conn::Conn,
    error::OpenError,
    job::{self, Job},
};

/// Threads that take long reads; two cores' worth, started with the first long read.
const READER_THREADS: usize = 2;

/// The running parts of an SQLite store.
#[derive(Debug)]
pub(crate) struct SqliteEngine {
    file: SqliteFile,
    writes: Sender<Box<dyn Job>>,
    reads: Sender<Box<dyn Job>>,
    waiting_reads: Receiver<Box<dyn Job>>,
    idle: Mutex<Vec<Conn>>,
    threads: Mutex<Threads>,
}

#[derive(Debug, Default)]
struct Threads {
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl SqliteEngine {
    /// Opens the file; nothing runs yet, so the caller may migrate on the connection before [`SqliteEngine::start`].
    pub(crate) fn connect(file: &SqliteFile) -> Result<Conn, OpenError> {
        Ok(file.open_writer()?.into())
    }

    /// Starts the writer on an opened connection.
    pub(crate) fn start(file: SqliteFile, conn: Conn, queue_length: usize) -> Self {
        let (writes, waiting_writes) = async_channel::bounded(queue_length);
        let (reads, waiting_reads) = async_channel::bounded(queue_length);
        let writer = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer::run(&conn, &waiting_writes))
            .ok();
        let threads = Mutex::new(Threads { writer, readers: Vec::new() });
        Self { file, writes, reads, waiting_reads, idle: Mutex::default(), threads }
    }

    pub(crate) const fn writes(&self) -> &Sender<Box<dyn Job>> {
        &self.writes
    }

    /// The queue of the reader threads, which are started with its first use.
    pub(crate) fn reads(&self) -> Result<&Sender<Box<dyn Job>>, OpenError> {
        let mut threads = lock(&self.threads);
        while threads.readers.len() < READER_THREADS && !self.reads.is_closed() {
            let conn: Conn = self.file.open_reader()?.into();
            let queue = self.waiting_reads.clone();
            let reader =
                thread::Builder::new().name("store-reader".into()).spawn(move || readers::run(&conn, &queue));
            match reader {
                Ok(reader) => threads.readers.push(reader),
                Err(_) if !threads.readers.is_empty() => break,
                Err(error) => {
                    let path = self.file.path.clone();
                    return Err(OpenError::Unopenable { path, what: format!("no thread: {error}") });
                }
            }
        }
        Ok(&self.reads)
    }

    /// Runs a read on this thread with a connection nobody uses. A point read takes 2–4 µs; handing it to another thread
    /// and waking this one again would cost more than that.
    pub(crate) fn read_here<T>(&self, work: impl FnOnce(&Conn) -> T) -> Result<T, OpenError> {
        let idle = lock(&self.idle).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => self.file.open_reader()?.into(),
        };
        let value = work(&conn);
        lock(&self.idle).push(conn);
        Ok(value)
    }

    /// Takes no new work, finishes what is queued, and ends the threads.
    pub(crate) fn close(&self) {
        self.writes.close();
        self.reads.close();
        let threads = std::mem::take(&mut *lock(&self.threads));
        job::join(threads.writer.into_iter().chain(threads.readers));
        lock(&self.idle).clear();
    }
}

impl Drop for SqliteEngine {
    fn drop(&mut self) {
        self.close();
    }
}

/// The guarded lists stay whole whatever a thread that held them did.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
