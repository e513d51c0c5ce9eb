//! What can go wrong while opening and using a store.

use std::path::PathBuf;

/// Why a unit of work did not happen. Absence is no error: finders return `Ok(None)`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached or is busy: the same work may succeed when tried again.
    #[error("the database is unavailable: {what}")]
    Unavailable {
        /// What stood in the way.
        what: String,
    },
    /// The queue of waiting writes stayed full for as long as a writer may wait; nothing was done.
    #[error("the database is overloaded: {waiting} writes are waiting")]
    Overloaded {
        /// The length of the queue.
        waiting: usize,
    },
    /// A unique key, a reference or a check refused the change, or the row is no longer what the caller took it for.
    #[error("conflict: {what}")]
    Conflict {
        /// What was violated.
        what: String,
    },
    /// What was to be changed is not there, or belongs to another team.
    #[error("there is no {what}")]
    Missing {
        /// The noun and its id.
        what: String,
    },
    /// Somebody changed the row since the caller read it.
    #[error("{what} has version {current}, not {expected}: somebody changed it meanwhile")]
    Stale {
        /// The noun and its id.
        what: String,
        /// The version the caller read.
        expected: i64,
        /// The version it has now.
        current: i64,
    },
    /// A value that no rule of the store accepts.
    #[error("{field} = {value:?} is refused; accepted: {accepted}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// The value as given.
        value: String,
        /// What would do.
        accepted: String,
    },
    /// Another process took the session over; this one must stop.
    #[error("another process has taken the session over")]
    Fenced,
    /// The database file or server does not take writes.
    #[error("the database is read-only")]
    ReadOnly,
    /// No space is left where the database lives.
    #[error("no space left for the database")]
    Full,
    /// Stored data is not what this version writes.
    #[error("the database is damaged: {what}")]
    Corrupt {
        /// Where and how.
        what: String,
    },
    /// The unit of work panicked; it was rolled back, its neighbours were not.
    #[error("a unit of work panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// The store was closed.
    #[error("the database was closed")]
    Closed,
    /// Anything else; retrying does not help.
    #[error("database error: {what}")]
    Other {
        /// What the database said.
        what: String,
    },
}

impl StoreError {
    /// The same work may succeed when tried again.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Overloaded { .. })
    }

    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

/// Why a store could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A file that was named explicitly does not exist.
    #[error("there is no database at {path}")]
    DatabaseNotFound {
        /// As named.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is not an SQLite database")]
    NotADatabase {
        /// As named.
        path: PathBuf,
    },
    /// The file, or the schema on the server, holds tables of another program.
    #[error("{path} is a database of another program")]
    ForeignDatabase {
        /// The file as named, or `database.schema`.
        path: PathBuf,
    },
    /// The file may be read but not written.
    #[error("{path} is read-only")]
    ReadOnly {
        /// As named.
        path: PathBuf,
    },
    /// The file or its folder cannot be opened at all.
    #[error("{path} cannot be opened: {what}")]
    Unopenable {
        /// As named.
        path: PathBuf,
        /// What the operating system said.
        what: String,
    },
    /// Another process holds the file locked.
    #[error("{path} is locked by another process")]
    Locked {
        /// As named.
        path: PathBuf,
    },
    /// The address of a PostgreSQL server cannot be read.
    #[error("the database address is invalid: {what}")]
    InvalidAddress {
        /// Why; never contains the password.
        what: String,
    },
    /// The server's pgvector cannot search as this program needs it.
    #[error("the server has pgvector {found}; this program needs {needed} or newer")]
    PgvectorOlder {
        /// The version in the database, or the one it would get.
        found: String,
        /// The oldest version that will do.
        needed: &'static str,
    },
    /// The schema was migrated by a release that says this one can no longer work on it.
    #[error(
        "the database has schema version {found}, which works with schema version {needed} and newer; this is {supported}"
    )]
    SchemaNewer {
        /// The newest migration in the database.
        found: u32,
        /// The oldest program schema version it works with.
        needed: u32,
        /// The newest migration this program knows.
        supported: u32,
    },
    /// The schema is older than this program and was not to be migrated.
    #[error("the database has schema version {found}; this program needs {needed}")]
    SchemaOlder {
        /// The newest migration in the database; 0 when it is empty.
        found: u32,
        /// The newest migration this program knows.
        needed: u32,
    },
    /// The copy that goes before a migration could not be made, so nothing was migrated.
    #[error("nothing was migrated, because no copy of the database could be made at {path}: {what}")]
    NoBackup {
        /// Where it should have been.
        path: PathBuf,
        /// What was in the way.
        what: String,
    },
    /// A migration failed or does not match the one that was applied.
    #[error(transparent)]
    Migration(#[from] crate::migration::MigrationError),
    /// Anything that can also happen later.
    #[error(transparent)]
    Store(#[from] StoreError),
}
