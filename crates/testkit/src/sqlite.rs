//! Statements on a database file that is somebody else's.

use std::path::Path;

/// Runs statements on the file, beside whoever else has it open.
///
/// # Panics
/// When one fails.
pub fn execute(file: &Path, statements: &str) {
    let connection = rusqlite::Connection::open(file).expect("a database file");
    connection.execute_batch(statements).expect("statements that succeed");
}

/// Keeps everybody else from writing to the file until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _connection: rusqlite::Connection,
}

impl Lock {
    /// Takes it.
    ///
    /// # Panics
    /// When somebody else has it.
    #[must_use]
    pub fn take(file: &Path) -> Self {
        let connection = rusqlite::Connection::open(file).expect("a database file");
        connection.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
        Self { _connection: connection }
    }
}
