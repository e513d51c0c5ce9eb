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
