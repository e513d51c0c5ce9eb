//! SQLite: one connection, its statements and its errors.

mod backup;
mod engine;
mod inline;
mod open;
mod readers;
mod vector_index;
mod vector_indexes;
mod writer;

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    sync::Arc,
};

use rusqlite::{
    ErrorCode,
    types::{ToSqlOutput, ValueRef},
};

use crate::{
    error::StoreError,
    value::{Row, RowSource, Value},
};

pub use backup::{BackupError, CopyProgress};
pub(crate) use engine::SqliteEngine;
pub(crate) use inline::InlineEngine;
pub(crate) use open::log_bytes;
pub use open::{SqliteFile, WhenMissing};
pub(crate) use vector_index::{Picking, VectorIndex};
pub(crate) use vector_indexes::VectorIndexes;

/// One SQLite connection with its prepared statements.
#[derive(Debug)]
pub(crate) struct SqliteConnection {
    raw: rusqlite::Connection,
    unit_of_work: Cell<UnitOfWork>,
    failure: RefCell<String>,
    vectors: Option<Arc<VectorIndexes>>,
}

/// Whether a unit of work that writes is running, and whether a statement of it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnitOfWork {
    None,
    Running,
    Failed,
}

impl From<rusqlite::Connection> for SqliteConnection {
    fn from(raw: rusqlite::Connection) -> Self {
        Self { raw, unit_of_work: Cell::new(UnitOfWork::None), failure: RefCell::default(), vectors: None }
    }
}

impl SqliteConnection {
    /// Shares embeddings in memory with other connections. Only for connections that read: one that writes sees what may
    /// never be committed.
    fn with_vectors(mut self, vectors: &Arc<VectorIndexes>) -> Self {
        self.vectors = Some(Arc::clone(vectors));
        self
    }

    /// The embeddings in memory; a connection that writes has none.
    pub(crate) fn vectors(&self) -> Option<&VectorIndexes> {
        self.vectors.as_deref()
    }

    pub(crate) fn query<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        mut map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut statement = self.prepare(sql, params)?;
        let mut rows = statement.raw_query();
        let mut mapped = Vec::new();
        while let Some(row) = self.noting_failure(rows.next())? {
            mapped.push(map(&Row { source: RowSource::Sqlite(row) })?);
        }
        Ok(mapped)
    }

    /// Rows one by one.
    pub(crate) fn each<E: From<StoreError>>(
        &self,
        sql: &str,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut statement = self.prepare(sql, &[])?;
        let mut rows = statement.raw_query();
        while let Some(row) = self.noting_failure(rows.next())? {
            visit(&Row { source: RowSource::Sqlite(row) })?;
        }
        Ok(())
    }

    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut statement = self.prepare(sql, params)?;
        Ok(self.noting_failure(statement.raw_execute())? as u64)
    }

    pub(crate) fn run_script(&self, sql: &str) -> Result<(), StoreError> {
        self.refuse_after_failure()?;
        self.noting_failure(self.raw.execute_batch(sql))
    }

    /// Runs `work` and says whether a statement of it failed. As on PostgreSQL, every statement after a failed one is
    /// refused: `work` must not go on as if nothing had happened, least of all when the failure undid the whole transaction.
    fn in_unit_of_work<T>(&self, work: impl FnOnce() -> T) -> (T, bool) {
        self.unit_of_work.set(UnitOfWork::Running);
        let value = work();
        (value, self.unit_of_work.replace(UnitOfWork::None) == UnitOfWork::Failed)
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> Option<&str> {
        self.raw.path()
    }

    /// The failure was undone by rolling back to before it.
    pub(crate) fn forget_failure(&self) {
        if self.unit_of_work.get() == UnitOfWork::Failed {
            self.unit_of_work.set(UnitOfWork::Running);
        }
    }

    fn refuse_after_failure(&self) -> Result<(), StoreError> {
        match self.unit_of_work.get() {
            UnitOfWork::Failed => Err(other("an earlier statement of this unit of work failed".into())),
            UnitOfWork::None | UnitOfWork::Running => Ok(()),
        }
    }

    fn noting_failure<T>(&self, outcome: rusqlite::Result<T>) -> Result<T, StoreError> {
        if let Err(error) = &outcome
            && self.unit_of_work.get() == UnitOfWork::Running
        {
            self.unit_of_work.set(UnitOfWork::Failed);
            self.failure.replace(error.to_string());
        }
        Ok(outcome?)
    }

    /// How the first statement failed of the unit of work that failed last.
    fn last_failure(&self) -> String {
        self.failure.borrow().clone()
    }

    /// No transaction is open, although one was begun: an error such as a full disk rolled all of it back.
    pub(crate) fn lost_its_transaction(&self) -> bool {
        self.raw.is_autocommit()
    }

    fn prepare(&self, sql: &str, params: &[Value<'_>]) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
        self.refuse_after_failure()?;
        let mut statement = self.noting_failure(self.raw.prepare_cached(sql))?;
        if statement.parameter_count() != params.len() {
            let expected = statement.parameter_count();
            return Err(other(format!("{expected} parameters expected, {} given: {sql}", params.len())));
        }
        for (index, value) in params.iter().enumerate() {
            // SQLite takes `$7` for a name and numbers names by first use; only in that order do both databases agree.
            debug_assert_eq!(
                statement.parameter_name(index + 1),
                Some(format!("${}", index + 1).as_str()),
                "{sql}"
            );
            self.noting_failure(statement.raw_bind_parameter(index + 1, value))?;
        }
        Ok(statement)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(yes) => ToSqlOutput::Borrowed(ValueRef::Integer(i64::from(*yes))),
            Value::Int(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Value::Real(number) => ToSqlOutput::Borrowed(ValueRef::Real(*number)),
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Vector(numbers) => ToSqlOutput::Owned(
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>().into(),
            ),
            Value::Text(text) | Value::Json(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Id(id) => ToSqlOutput::Owned(id.to_string().into()),
            Value::Time(time) => ToSqlOutput::Borrowed(ValueRef::Integer(time.as_micros())),
            Value::Unwritable(why) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(why.as_str().into()));
            }
        })
    }
}

/// The column at `index` as SQLite has it; ids and times come as their stored form.
pub(crate) fn column<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<Value<'r>, StoreError> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text).map_err(|error| StoreError::corrupt(error.to_string()))?;
            Value::Text(Cow::Borrowed(text))
        }
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Blob(bytes) => Value::Bytes(Cow::Borrowed(bytes)),
    })
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let what = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OperationInterrupted) => {
                Self::Unavailable { what }
            }
            Some(ErrorCode::ConstraintViolation) => Self::Conflict { what },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { what },
            _ => Self::Other { what },
        }
    }
}

fn other(what: String) -> StoreError {
    StoreError::Other { what }
}
