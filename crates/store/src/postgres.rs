//! PostgreSQL: one connection, its statements and its errors.

mod connection;
mod encoding;
mod engine;
pub(crate) mod pgvector;
mod tls;

pub(crate) use connection::PostgresConnection;
pub(crate) use encoding::column;
pub(crate) use engine::PostgresEngine;
pub use engine::PostgresServer;

use tokio_postgres::error::SqlState;

use crate::error::StoreError;

/// Begins a unit of work, whose statements each see what was committed before them, whatever the server's default is.
pub(crate) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(database) = error.as_db_error() else {
            let what = source_text(&error);
            return if error.is_closed() || is_io(&error) {
                Self::Unavailable { what }
            } else {
                Self::Other { what }
            };
        };
        let what = match database.constraint() {
            Some(constraint) => format!("{} ({constraint})", database.message()),
            None => database.message().to_owned(),
        };
        let state = database.code();
        match state.code() {
            _ if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(state) => {
                Self::Unavailable { what }
            }
            _ if [SqlState::LOCK_NOT_AVAILABLE, SqlState::QUERY_CANCELED].contains(state) => {
                Self::Unavailable { what }
            }
            _ if *state == SqlState::DISK_FULL => Self::Full,
            _ if *state == SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly,
            _ if [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(state) => {
                Self::Corrupt { what }
            }
            // Classes: 08 connection, 53 resources, 57P operator intervention (shutdown, crash, starting up), 23 integrity.
            code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
                Self::Unavailable { what }
            }
            code if code.starts_with("23") => Self::Conflict { what },
            _ => Self::Other { what },
        }
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<std::io::Error>() {
            return true;
        }
        source = cause.source();
    }
    false
}

/// The error with its causes; the driver's own text leaves them out.
fn source_text(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
