//! A whole database as lines of JSON, out of one database and into another, of either kind.
//!
//! A header, a line per row, a footer with counts and digests. Both databases give the same bytes for the same rows; what is
//! derived (search) and the schema's own history stay out. A single session is a bundle of the same lines.

mod export;
mod import;
mod line;
mod lines;
mod order;
mod rows;
mod session;

use std::collections::BTreeMap;

use domain::{digest::Sha256Digest, id::SessionId, time::Timestamp};
use serde::{Deserialize, Serialize};

use crate::{error::StoreError, migration};

pub use export::export;
pub use import::import;
pub use session::{Receiver, export_session, import_session};

/// What the header calls itself.
const FORMAT: &str = "provost-export";
/// What the header of a session's bundle calls itself.
const SESSION_FORMAT: &str = "provost-session";
/// How the last line begins.
const END: &[u8] = b"{\"end\"";
/// The version of the format of lines.
const FORMAT_VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    format: String,
    /// The version of the format of lines.
    pub version: u32,
    /// The schema version of the database that was exported.
    pub schema: u32,
    /// When, in microseconds since 1970 UTC.
    pub exported_at: i64,
    /// `sqlite` or `postgres`.
    pub source: String,
    /// The session that a bundle holds; nothing in the export of a database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// What is known of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSummary {
    /// How many.
    pub rows: u64,
    /// The digest of their lines.
    #[serde(serialize_with = "shown", deserialize_with = "parsed")]
    pub sha256: Sha256Digest,
}

/// What an export holds: rows and digest of every table that has rows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// Rows in all.
    pub rows: u64,
    /// The tables that have any, by name.
    pub tables: BTreeMap<String, TableSummary>,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Footer {
    end: Summary,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'t> {
    /// The table it is at.
    pub table: &'t str,
    /// Rows in all so far.
    pub rows: u64,
}

/// How often progress is told, in rows.
const PROGRESS_ROWS: u64 = 1000;

/// Why a database was not exported or imported. An import that fails leaves nothing behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// There are rows already.
    #[error("the database is not empty: {table} has rows")]
    NotEmpty {
        /// A table with rows.
        table: String,
    },
    /// The export was made at another version of the schema, or in a format this program does not know.
    #[error("the export has {what} {found}, this program has {known}")]
    OtherVersion {
        /// What differs.
        what: &'static str,
        /// As in the export.
        found: u32,
        /// As here.
        known: u32,
    },
    /// The database has tables or fields that this program does not know, or lacks some.
    #[error("the database has schema version {found}, this program exports schema version {known}")]
    OtherSchema {
        /// Of the database.
        found: u32,
        /// As here.
        known: u32,
    },
    /// A line is not what stands there in an export.
    #[error("line {line}{place}: {what}", place = place(table, field))]
    Line {
        /// Its number, from 1.
        line: u64,
        /// The table, where it is known.
        table: Option<String>,
        /// The field, where it is one.
        field: Option<String>,
        /// What is wrong.
        what: String,
    },
    /// A value that is stored cannot be written as a line.
    #[error("{table}.{field}: {what}")]
    Unwritable {
        /// The table.
        table: String,
        /// The field.
        field: String,
        /// What is wrong with the value.
        what: String,
    },
    /// The rows that were read back are not those that the footer announces.
    #[error("the rows of {table} are not those that were exported: {what}")]
    Differs {
        /// The table.
        table: String,
        /// How.
        what: String,
    },
    /// Whoever was told of the progress wanted no more.
    #[error("it was stopped")]
    Stopped,
    /// Reading or writing the lines failed.
    #[error("{what}")]
    Io {
        /// What kind of failure.
        kind: std::io::ErrorKind,
        /// What the operating system said.
        what: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<std::io::Error> for TransferError {
    fn from(error: std::io::Error) -> Self {
        Self::Io { kind: error.kind(), what: error.to_string() }
    }
}

impl Header {
    fn new(source: &str, exported_at: Timestamp, session: Option<SessionId>) -> Self {
        Self {
            format: if session.is_some() { SESSION_FORMAT } else { FORMAT }.to_owned(),
            version: FORMAT_VERSION,
            schema: migration::LATEST,
            exported_at: exported_at.as_micros(),
            source: source.to_owned(),
            session,
        }
    }
}

fn place(table: &Option<String>, field: &Option<String>) -> String {
    match (table, field) {
        (None, _) => String::new(),
        (Some(table), None) => format!(", {table}"),
        (Some(table), Some(field)) => format!(", {table}.{field}"),
    }
}

fn shown<S: serde::Serializer>(digest: &Sha256Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(digest)
}

fn parsed<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Sha256Digest, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
