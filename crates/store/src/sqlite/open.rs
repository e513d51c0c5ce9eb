//! Opening an SQLite file: what may be opened, and how each connection is set up.

use std::{
    fs::{self, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{ErrorCode, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use super::SqliteConnection;
use crate::error::{OpenError, StoreError};

/// Marks a file as Provost's in the SQLite header (`PRAGMA application_id`): "PRVT".
const APPLICATION_ID: i64 = 0x5052_5654;

/// Between two tries to set up a file that another process has locked.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

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
        // SQLite's own waiting leaves out the switch to write-ahead logging, where processes meet that open a new file at once.
        let deadline = Instant::now() + self.busy_timeout;
        loop {
            match self.set_up(&connection) {
                Err(OpenError::Locked { .. }) if Instant::now() < deadline => thread::sleep(RETRY_PAUSE),
                outcome => return outcome.map(|()| connection),
            }
        }
    }

    /// A connection that both writes and reads. It leaves the write-ahead log as it is, for the next to go on in; who has it
    /// works a long log into the file when nobody waits for it.
    pub(super) fn open_inline(&self) -> Result<SqliteConnection, OpenError> {
        let connection = self.open_writer()?;
        let setup = || {
            connection.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.raw.pragma_update(None, "wal_autocheckpoint", 0)
        };
        setup().map_err(|error| self.explain(&error))?;
        Ok(connection)
    }

    fn set_up(&self, connection: &SqliteConnection) -> Result<(), OpenError> {
        self.claim(connection)?;
        // FULL: a commit is on the disk before its caller is answered.
        // Room for what a large transaction changes, so that its pages are not written and read again meanwhile.
        let setup = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -16384;";
        connection.raw.execute_batch(setup).map_err(|error| self.explain(&error))
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
        // A plan is made once and not anew for each value: no query of ours depends on one.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| self.explain(&error))?;
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
        // Each look is a transaction, or another process could claim the file in the middle of it.
        let claim = || {
            let looking = Transaction::new_unchecked(&connection.raw, TransactionBehavior::Deferred)?;
            let seen = owner(&looking)?;
            drop(looking);
            if seen != Owner::Nobody {
                return Ok(seen);
            }
            let claiming = Transaction::new_unchecked(&connection.raw, TransactionBehavior::Immediate)?;
            let seen = owner(&claiming)?;
            if seen != Owner::Nobody {
                return Ok(seen);
            }
            claiming.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID};"))?;
            claiming.commit()?;
            Ok(Owner::Provost)
        };
        match claim() {
            Ok(Owner::Provost) => Ok(()),
            Ok(Owner::Nobody | Owner::Another) => Err(OpenError::ForeignDatabase { path: self.path.clone() }),
            Err(error) => Err(self.explain(&error)),
        }
    }

    pub(super) fn explain(&self, error: &rusqlite::Error) -> OpenError {
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

/// How many bytes the write-ahead log of a file takes.
pub(crate) fn log_bytes(file: &Path) -> u64 {
    let mut log = file.to_owned().into_os_string();
    log.push("-wal");
    fs::metadata(log).map_or(0, |log| log.len())
}

/// Whose a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    Provost,
    Nobody,
    Another,
}

pub(super) fn owner(connection: &rusqlite::Connection) -> rusqlite::Result<Owner> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    Ok(match number("PRAGMA application_id")? {
        APPLICATION_ID => Owner::Provost,
        0 if number("SELECT count(*) FROM sqlite_schema")? == 0 => Owner::Nobody,
        _ => Owner::Another,
    })
}

impl AsRef<Path> for SqliteFile {
    fn as_ref(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_set_up_for_durability_and_integrity() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("test.db");
        let file =
            SqliteFile { path, when_missing: WhenMissing::Create, busy_timeout: Duration::from_secs(7) };
        let (writer, reader) = (file.open_writer().unwrap(), file.open_reader().unwrap());
        let pragma = |connection: &SqliteConnection, name: &str| -> String {
            let read = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
            match connection.raw.query_row(&format!("PRAGMA {name}"), [], read).unwrap() {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(pragma(&writer, "journal_mode"), "wal");
        assert_eq!(pragma(&writer, "synchronous"), "2", "FULL");
        assert_eq!(pragma(&writer, "foreign_keys"), "1");
        assert_eq!(pragma(&writer, "busy_timeout"), "7000");
        assert_eq!(pragma(&writer, "application_id"), APPLICATION_ID.to_string());
        assert_eq!(pragma(&reader, "query_only"), "1");
        assert_eq!(pragma(&reader, "busy_timeout"), "7000");
    }
}
