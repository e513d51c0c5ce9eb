//! SQLite as a whole: a writer thread, reader threads, and connections for reads on the caller's own thread.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use async_channel::{Receiver, Sender};

use super::{SqliteFile, VectorIndexes, readers, writer};
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
    vectors: Arc<VectorIndexes>,
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
        let (idle, vectors) = (Mutex::default(), Arc::default());
        Self { file, writes, reads, waiting_reads, idle, vectors, threads }
    }

    pub(crate) const fn file(&self) -> &SqliteFile {
        &self.file
    }

    pub(crate) const fn writes(&self) -> &Sender<Box<dyn Job>> {
        &self.writes
    }

    /// The queue of the reader threads, which are started with its first use.
    pub(crate) fn reads(&self) -> Result<&Sender<Box<dyn Job>>, OpenError> {
        let mut threads = lock(&self.threads);
        while threads.readers.len() < READER_THREADS && !self.reads.is_closed() {
            let conn = self.open_reader()?;
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
            None => self.open_reader()?,
        };
        let value = work(&conn);
        lock(&self.idle).push(conn);
        Ok(value)
    }

    fn open_reader(&self) -> Result<Conn, OpenError> {
        Ok(self.file.open_reader()?.with_vectors(&self.vectors).into())
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        StoreError, WhenMissing,
        conn::Tx,
        job::{read, write},
        value::params,
    };

    /// A piece of work, and what its caller hears.
    type Answer<T> = tokio::sync::oneshot::Receiver<Result<T, StoreError>>;

    /// A table, and a file that cannot grow beyond a megabyte.
    fn engine(folder: &tempfile::TempDir) -> SqliteEngine {
        let path = folder.path().join("test.db");
        let file = SqliteFile { path, when_missing: WhenMissing::Create, busy_timeout: Duration::ZERO };
        let conn = SqliteEngine::connect(&file).unwrap();
        let setup = "CREATE TABLE kept (number INTEGER PRIMARY KEY, filling TEXT NOT NULL) STRICT;
             PRAGMA max_page_count = 256;";
        conn.run_script(setup).unwrap();
        SqliteEngine::start(file, conn, 64)
    }

    fn submit<T: Send + 'static>(
        engine: &SqliteEngine,
        work: impl FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let (job, answer) = write(work);
        engine.writes().try_send(job).unwrap();
        answer
    }

    fn insert(engine: &SqliteEngine, number: i64, size: usize) -> Answer<u64> {
        submit(engine, move |tx| {
            let filling = "x".repeat(size);
            tx.execute("INSERT INTO kept (number, filling) VALUES ($1, $2)", params![number, filling])
        })
    }

    fn numbers(engine: &SqliteEngine) -> Vec<i64> {
        let query = |conn: &Conn| conn.query("SELECT number FROM kept", &[], |row| row.get(0));
        engine.read_here(query).unwrap().unwrap()
    }

    #[test]
    fn a_full_disk_fails_the_whole_batch_and_the_next_one_works() {
        let folder = tempfile::TempDir::new().unwrap();
        let engine = engine(&folder);
        insert(&engine, 1, 10).blocking_recv().unwrap().unwrap();
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let blocker = submit(&engine, move |_| Ok(held.recv().is_err()));
        let before = insert(&engine, 2, 10);
        let too_large = insert(&engine, 3, 2_000_000);
        let after = insert(&engine, 4, 10);
        drop(hold);
        let unavailable = |answer: Result<_, _>| matches!(answer, Err(StoreError::Unavailable { .. }));
        assert!(unavailable(blocker.blocking_recv().unwrap().map(|_| 0)));
        assert!(unavailable(before.blocking_recv().unwrap()));
        assert_eq!(too_large.blocking_recv().unwrap(), Err(StoreError::Full));
        assert_eq!(after.blocking_recv().unwrap(), Ok(1), "it waited for the next batch");
        assert_eq!(numbers(&engine), [1, 4]);
    }

    #[test]
    fn all_that_wait_behind_a_lock_are_told_when_the_first_has_waited_long_enough() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("test.db");
        drop(engine(&folder));
        let busy_timeout = Duration::from_millis(500);
        let file = SqliteFile { path: path.clone(), when_missing: WhenMissing::Refuse, busy_timeout };
        let engine = SqliteEngine::start(file.clone(), SqliteEngine::connect(&file).unwrap(), 64);
        let other = rusqlite::Connection::open(path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let waiting = [1, 2, 3].map(|number| insert(&engine, number, 10));
        let answers = waiting.map(|answer| {
            let answer = answer.blocking_recv().unwrap();
            // From the first answer on the file is free.
            drop(other.execute_batch("ROLLBACK"));
            answer
        });
        let is_unavailable = |answer: &Result<_, _>| matches!(answer, Err(StoreError::Unavailable { .. }));
        assert!(answers.iter().all(is_unavailable), "{answers:?}");
        assert_eq!(insert(&engine, 4, 10).blocking_recv().unwrap(), Ok(1));
        assert_eq!(numbers(&engine), [4]);
    }

    #[test]
    fn work_that_ignores_a_full_disk_leaves_nothing_behind() {
        let folder = tempfile::TempDir::new().unwrap();
        let engine = engine(&folder);
        let ignoring = submit(&engine, |tx| {
            let filling = "x".repeat(2_000_000);
            let sql = "INSERT INTO kept (number, filling) VALUES ($1, $2)";
            assert_eq!(tx.execute(sql, params![1_i64, filling]), Err(StoreError::Full));
            // The transaction is gone: without a transaction this would be committed at once.
            tx.execute(sql, params![2_i64, "x"]).unwrap_err();
            Ok(())
        });
        assert!(ignoring.blocking_recv().unwrap().is_err());
        assert_eq!(numbers(&engine), [0; 0]);
        assert_eq!(insert(&engine, 3, 10).blocking_recv().unwrap(), Ok(1));
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::TempDir::new().unwrap();
        let engine = engine(&folder);
        let write =
            |conn: &Conn| conn.query("INSERT INTO kept VALUES (1, '') RETURNING number", &[], |_| Ok(()));
        assert_eq!(engine.read_here(write).unwrap(), Err(StoreError::ReadOnly));
        let (job, answer) = read(write);
        engine.reads().unwrap().try_send(job).unwrap();
        assert_eq!(answer.blocking_recv().unwrap(), Err(StoreError::ReadOnly));
        assert_eq!(numbers(&engine), [0; 0]);
    }
}
