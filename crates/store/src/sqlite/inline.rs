//! SQLite without threads: one connection, on the caller's own thread. For a process that does one thing and ends, or small
//! things one after the other: to hand them to other threads, or to a second connection that sees its pages change under it,
//! would take longer than the things themselves.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_channel::Receiver;

use super::{SqliteConnection, SqliteFile, log_bytes, writer};
use crate::{
    conn::Conn,
    error::{OpenError, StoreError},
    job::Job,
};

/// From which length on the write-ahead log is worked into the file. The next process reads all of it before anything else;
/// emptying it costs writes and fsyncs of its own, so that not every process does.
const LONG_LOG: u64 = 1024 * 1024;
/// After so many transactions whoever has a moment works the log into the file. It stays as long as it is then, and is written from
/// its beginning again: a disk takes longer for a file that grows.
const MANY_TRANSACTIONS: u32 = 16;

/// The one connection; `None` once it is closed.
#[derive(Debug)]
pub(crate) struct InlineEngine {
    file: SqliteFile,
    conn: Mutex<Option<Conn>>,
    /// Nothing ever waits in it: a unit of work runs when it comes.
    queue: Receiver<Box<dyn Job>>,
    /// Transactions since the log was worked in.
    written: AtomicU32,
}

impl InlineEngine {
    /// Opens the file; nothing runs yet.
    pub(crate) fn connect(file: &SqliteFile) -> Result<Conn, OpenError> {
        Ok(file.open_inline()?.into())
    }

    pub(crate) fn start(file: SqliteFile, conn: Conn) -> Self {
        let (_, queue) = async_channel::bounded(1);
        Self { file, conn: Mutex::new(Some(conn)), queue, written: AtomicU32::new(0) }
    }

    pub(crate) const fn file(&self) -> &SqliteFile {
        &self.file
    }

    pub(crate) fn read_here<T>(&self, work: impl FnOnce(&Conn) -> T) -> Result<T, StoreError> {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        conn.as_ref().map(work).ok_or(StoreError::Closed)
    }

    /// Runs a unit of work and answers its caller; one that writes is committed and on the disk then.
    pub(crate) fn run(&self, mut job: Box<dyn Job>) {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        match conn.as_ref() {
            None => job.finish(Err(StoreError::Closed)),
            Some(conn) if job.is_write() => {
                self.written.fetch_add(1, Ordering::Relaxed);
                writer::run_alone(conn, job, &self.queue);
            }
            Some(conn) => {
                job.run(conn);
                job.finish(Ok(()));
            }
        }
    }

    /// Works the log into the file once many transactions stand in it.
    pub(crate) fn tidy(&self) {
        if self.written.load(Ordering::Relaxed) >= MANY_TRANSACTIONS {
            self.written.store(0, Ordering::Relaxed);
            let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
            conn.iter().for_each(|conn| work_log_in(conn, "PASSIVE"));
        }
    }

    pub(crate) fn close(&self) {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(conn) = conn
            && log_bytes(&self.file.path) >= LONG_LOG
        {
            // A process that finds no other one reads the log as if nothing of it had been worked in, so one that is only worked in
            // would grow for ever.
            work_log_in(&conn, "TRUNCATE");
        }
    }
}

impl Drop for InlineEngine {
    fn drop(&mut self) {
        self.close();
    }
}

/// Works the write-ahead log into the file. Whoever reads or writes at the moment is not waited for; the next one tries again.
fn work_log_in(conn: &Conn, mode: &str) {
    let Some(SqliteConnection { raw, .. }) = conn.sqlite() else { return };
    let worked_in = || {
        let patience: u32 = raw.pragma_query_value(None, "busy_timeout", |row| row.get(0))?;
        raw.busy_timeout(Duration::ZERO)?;
        let worked_in = raw.execute_batch(&format!("PRAGMA wal_checkpoint({mode})"));
        raw.busy_timeout(Duration::from_millis(patience.into()))?;
        worked_in
    };
    if let Err(error) = worked_in() {
        tracing::debug!(%error, "the write-ahead log stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Database, Migrate, OpenOptions, Store, WhenMissing, value::params};

    fn file(folder: &tempfile::TempDir) -> SqliteFile {
        let path = folder.path().join("test.db");
        SqliteFile { path, when_missing: WhenMissing::Create, busy_timeout: Duration::from_secs(7) }
    }

    fn open(file: &SqliteFile, inline: bool) -> Store {
        let options = OpenOptions::new(Database::Sqlite(file.clone()), Migrate::Leave);
        Store::open(OpenOptions { inline, ..options }).unwrap()
    }

    fn count(store: &Store, runtime: &tokio::runtime::Runtime) -> i64 {
        let count = |conn: &Conn| conn.query("SELECT count(*) FROM kept", &[], |row| row.get(0));
        runtime.block_on(store.read(count)).unwrap()[0]
    }

    #[test]
    fn what_was_written_inline_is_there_and_what_failed_is_not() {
        let folder = tempfile::TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let file = file(&folder);
        let store = open(&file, true);
        let insert = |number: i64| {
            store.write(move |tx| {
                tx.execute("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY) STRICT", &[])?;
                tx.execute("INSERT INTO kept (number) VALUES ($1)", params![number])
            })
        };
        assert_eq!(runtime.block_on(insert(1)), Ok(1));
        assert!(runtime.block_on(insert(1)).is_err());
        assert_eq!(runtime.block_on(insert(2)), Ok(1));
        assert_eq!(count(&store, &runtime), 2);
        // Others see it at once, and after it as well, however it ended.
        let other = open(&file, false);
        assert_eq!(count(&other, &runtime), 2);
        drop(other);
        runtime.block_on(store.close());
        assert_eq!(runtime.block_on(store.read(|_| Ok(()))), Err(StoreError::Closed));
        drop(store);
        assert_eq!(count(&open(&file, true), &runtime), 2);
    }

    #[test]
    fn the_log_of_one_that_tidies_stays_short_and_it_waits_for_others_as_before() {
        let folder = tempfile::TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let file = file(&folder);
        let create = "CREATE TABLE kept (number INTEGER PRIMARY KEY, text TEXT) STRICT";
        let store = open(&file, true);
        runtime.block_on(store.write(move |tx| tx.execute(create, &[]))).unwrap();
        let mut longest = 0;
        for _ in 0..100 {
            let insert = "INSERT INTO kept (text) VALUES (hex(randomblob(100000)))";
            runtime.block_on(store.write(move |tx| tx.execute(insert, &[]))).unwrap();
            store.tidy();
            longest = longest.max(log_bytes(&file.path));
        }
        assert!(longest < u64::from(2 * MANY_TRANSACTIONS) * 210_000, "{longest} bytes");
        // One that fails leaves it so, too: inside of a transaction nothing can be worked in.
        let failing = |tx: &crate::conn::Tx<'_>| {
            work_log_in(tx, "PASSIVE");
            Ok::<_, StoreError>(())
        };
        runtime.block_on(store.write(failing)).unwrap();
        let timeout = |conn: &Conn| conn.query("PRAGMA busy_timeout", &[], |row| row.get::<i64>(0));
        assert_eq!(runtime.block_on(store.read(timeout)).unwrap(), [7000]);
        assert_eq!(count(&store, &runtime), 100);
    }

    #[test]
    fn the_log_of_many_brief_processes_stays_short() {
        let folder = tempfile::TempDir::new().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let file = file(&folder);
        let create = "CREATE TABLE kept (number INTEGER PRIMARY KEY, text TEXT) STRICT";
        runtime.block_on(open(&file, true).write(move |tx| tx.execute(create, &[]))).unwrap();
        let mut longest = 0;
        for _ in 0..30 {
            let store = open(&file, true);
            let insert = "INSERT INTO kept (text) VALUES (hex(randomblob(100000)))";
            runtime.block_on(store.write(move |tx| tx.execute(insert, &[]))).unwrap();
            drop(store);
            longest = longest.max(log_bytes(&file.path));
        }
        assert!(0 < longest && longest < 2 * LONG_LOG, "{longest} bytes");
        assert_eq!(count(&open(&file, true), &runtime), 30);
    }
}
