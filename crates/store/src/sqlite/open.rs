//! Opening an SQLite file: what may be opened, and how each connection is set up.

use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{ErrorCode, OpenFlags};

use super::SqliteConnection;
use crate::error::{OpenError, StoreError};

/// Marks a file as Provost's in the SQLite header (`PRAGMA application_id`): "PRVT".
const APPLICATION_ID: i64 = 0x5052_5654;

/// Which file, and what if it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFile {
    /// Where.
    pub path: PathBuf,
    /// What if it is not there.
    pub when_missing: WhenMissing,
    /// How long a statement waits for another process's transaction.
    pub busy_timeout: Duration,
}

/// What to do when the file is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenMissing {
    /// Create it, readable and writable by its owner only.
    Create,
    /// Refuse: a file that somebody named must exist, or a typing error would become a new empty database.
    Refuse,
}

impl SqliteFile {
    /// The connection that writes. Switches a new file to write-ahead logging.
    pub(super) fn open_writer(&self) -> Result<SqliteConnection, OpenError> {
        self.create_or_refuse()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.open(flags)?;
        if connection.raw.is_readonly("main").map_err(StoreError::from)? {
            return Err(OpenError::ReadOnly { path: self.path.clone() });
        }
        self.claim(&connection)?;
        // FULL: a commit is on the disk before its caller is answered.
        let setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
        connection.raw.execute_batch(setup).map_err(|error| self.explain(&error))?;
        Ok(connection)
    }

    /// A connection that reads.
    pub(super) fn open_reader(&self) -> Result<SqliteConnection, OpenError> {
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.raw.execute_batch("PRAGMA query_only = ON;").map_err(|error| self.explain(&error))?;
        Ok(connection)
    }

    fn open(&self, flags: OpenFlags) -> Result<SqliteConnection, OpenError> {
        let raw =
            rusqlite::Connection::open_with_flags(&self.path, flags).map_err(|error| self.explain(&error))?;
        raw.busy_timeout(self.busy_timeout).map_err(StoreError::from)?;
        raw.set_prepared_statement_cache_capacity(256);
        raw.execute_batch("PRAGMA mmap_size = 268435456;").map_err(|error| self.explain(&error))?;
        Ok(raw.into())
    }

    fn create_or_refuse(&self) -> Result<(), OpenError> {
        if self.when_missing == WhenMissing::Refuse {
            return match self.path.try_exists() {
                Ok(true) => Ok(()),
                Ok(false) => Err(OpenError::DatabaseNotFound { path: self.path.clone() }),
                Err(error) => Err(self.unopenable(&error)),
            };
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(self.unopenable(&error)),
        }
    }

    /// Marks an empty file as ours; refuses one that is full of something else.
    fn claim(&self, connection: &SqliteConnection) -> Result<(), OpenError> {
        let number = |sql: &str| connection.raw.query_row(sql, [], |row| row.get::<_, i64>(0));
        let claim = || {
            if number("PRAGMA application_id")? == APPLICATION_ID {
                return Ok(true);
            }
            if number("SELECT count(*) FROM sqlite_schema")? > 0 {
                return Ok(false);
            }
            connection.raw.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID};"))?;
            Ok(true)
        };
        match claim() {
            Ok(true) => Ok(()),
            Ok(false) => Err(OpenError::ForeignDatabase { path: self.path.clone() }),
            Err(error) => Err(self.explain(&error)),
        }
    }

    fn explain(&self, error: &rusqlite::Error) -> OpenError {
        let path = self.path.clone();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
            Some(ErrorCode::ReadOnly) => OpenError::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::Locked { path },
            _ => OpenError::Unopenable { path, what: error.to_string() },
        }
    }

    fn unopenable(&self, error: &std::io::Error) -> OpenError {
        OpenError::Unopenable { path: self.path.clone(), what: error.to_string() }
    }
}

impl AsRef<Path> for SqliteFile {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}
