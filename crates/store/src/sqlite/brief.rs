//! SQLite for a process that does one thing and ends: one connection, on the caller's own thread. Threads, a second connection
//! and the tidying up at the end would each take longer than the thing itself.

use std::sync::{Mutex, PoisonError};

use async_channel::Receiver;

use super::{SqliteFile, writer};
use crate::{
    conn::Conn,
    error::{OpenError, StoreError},
    job::Job,
};

/// The one connection; `None` once it is closed.
#[derive(Debug)]
pub(crate) struct BriefEngine {
    file: SqliteFile,
    conn: Mutex<Option<Conn>>,
    /// Nothing ever waits in it: a unit of work runs when it comes.
    queue: Receiver<Box<dyn Job>>,
}

impl BriefEngine {
    /// Opens the file; nothing runs yet.
    pub(crate) fn connect(file: &SqliteFile) -> Result<Conn, OpenError> {
        Ok(file.open_briefly()?.into())
    }

    pub(crate) fn start(file: SqliteFile, conn: Conn) -> Self {
        let (_, queue) = async_channel::bounded(1);
        Self { file, conn: Mutex::new(Some(conn)), queue }
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
            Some(conn) if job.is_write() => writer::run_alone(conn, job, &self.queue),
            Some(conn) => {
                job.run(conn);
                job.finish(Ok(()));
            }
        }
    }

    pub(crate) fn close(&self) {
        drop(self.conn.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Database, Migrate, OpenOptions, Store, WhenMissing, value::params};

    fn file(folder: &tempfile::TempDir) -> SqliteFile {
        let path = folder.path().join("test.db");
        SqliteFile { path, when_missing: WhenMissing::Create, busy_timeout: Duration::from_secs(7) }
    }

    fn open(file: &SqliteFile, brief: bool) -> Store {
        let options = OpenOptions::new(Database::Sqlite(file.clone()), Migrate::Leave);
        Store::open(OpenOptions { brief, ..options }).unwrap()
    }

    fn count(store: &Store, runtime: &tokio::runtime::Runtime) -> i64 {
        let count = |conn: &Conn| conn.query("SELECT count(*) FROM kept", &[], |row| row.get(0));
        runtime.block_on(store.read(count)).unwrap()[0]
    }

    #[test]
    fn what_was_written_briefly_is_there_and_what_failed_is_not() {
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
}
