//! One connection, on either database, and the statements it takes.

use std::fmt::Write as _;

use crate::{
    error::StoreError,
    postgres::{self, PostgresConnection},
    record::Record,
    sqlite::SqliteConnection,
    value::{FromValue, Row, Value},
};

/// A connection that reads. SQL is the portable subset: parameters `$1`, `$2` … numbered in the order of their first use,
/// `RETURNING`, `ON CONFLICT`, common table expressions, `->>`.
#[derive(Debug)]
pub struct Conn {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Sqlite(SqliteConnection),
    Postgres(PostgresConnection),
}

/// A connection inside a transaction: reads and writes, all or nothing.
#[derive(Debug)]
pub struct Tx<'c> {
    conn: &'c Conn,
}

impl From<SqliteConnection> for Conn {
    fn from(connection: SqliteConnection) -> Self {
        Self { inner: Inner::Sqlite(connection) }
    }
}

impl From<PostgresConnection> for Conn {
    fn from(connection: PostgresConnection) -> Self {
        Self { inner: Inner::Postgres(connection) }
    }
}

impl Conn {
    /// All rows, mapped.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.trace(sql);
        match &self.inner {
            Inner::Sqlite(connection) => connection.query(sql, params, map),
            Inner::Postgres(connection) => connection.query(sql, params, map),
        }
    }

    /// The first row, mapped, if there is one.
    pub(crate) fn find<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.query(sql, params, map)?.into_iter().next())
    }

    /// The first column of the only row a statement such as an aggregate always has.
    pub(crate) fn scalar<T: FromValue>(&self, sql: &str, params: &[Value<'_>]) -> Result<T, StoreError> {
        self.find(sql, params, |row| row.get(0))?
            .ok_or_else(|| StoreError::corrupt("an aggregate gave no row"))
    }

    /// The text for this database, where the dialects differ.
    pub(crate) const fn pick<'s>(&self, sqlite: &'s str, postgres: &'s str) -> &'s str {
        match self.inner {
            Inner::Sqlite(_) => sqlite,
            Inner::Postgres(_) => postgres,
        }
    }

    /// Rows one by one, however many; on PostgreSQL through a cursor named `cursor`, which needs an open transaction. Not
    /// traced: what reads everything is not expected to search.
    pub(crate) fn each<E: From<StoreError>>(
        &self,
        cursor: &str,
        sql: &str,
        mut visit: impl FnMut(&Row<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match &self.inner {
            Inner::Sqlite(connection) => connection.each(sql, visit),
            Inner::Postgres(connection) => {
                connection.run_script(&format!("DECLARE {cursor} NO SCROLL CURSOR FOR {sql}"))?;
                let fetch = format!("FETCH {FETCHED_AT_ONCE} FROM {cursor}");
                loop {
                    let mut outcome = Ok(());
                    let rows = connection.query(&fetch, &[], |row| {
                        if outcome.is_ok() {
                            outcome = visit(row);
                        }
                        Ok(())
                    })?;
                    outcome?;
                    if rows.len() < FETCHED_AT_ONCE {
                        return Ok(connection.run_script(&format!("CLOSE {cursor}"))?);
                    }
                }
            }
        }
    }

    /// Whether a table has a row.
    pub(crate) fn has_rows(&self, table: &str) -> Result<bool, StoreError> {
        let sql = format!("/* any row */ SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1) r");
        Ok(self.scalar::<i64>(&sql, &[])? > 0)
    }

    /// Runs reads that all see the same state of the database, whatever is written meanwhile.
    pub(crate) fn in_snapshot<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        self.run_script(self.pick("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))?;
        // On every way out, a panic included.
        let snapshot = Snapshot { conn: self };
        let outcome = work();
        drop(snapshot);
        outcome
    }

    pub(crate) fn run_script(&self, sql: &str) -> Result<(), StoreError> {
        match &self.inner {
            Inner::Sqlite(connection) => connection.run_script(sql),
            Inner::Postgres(connection) => connection.run_script(sql),
        }
    }

    pub(crate) const fn sqlite(&self) -> Option<&SqliteConnection> {
        match &self.inner {
            Inner::Sqlite(connection) => Some(connection),
            Inner::Postgres(_) => None,
        }
    }

    pub(crate) const fn postgres(&self) -> Option<&PostgresConnection> {
        match &self.inner {
            Inner::Sqlite(_) => None,
            Inner::Postgres(connection) => Some(connection),
        }
    }

    /// Runs work in a transaction of its own: all of it is kept, or nothing. For a connection that no engine drives yet.
    pub(crate) fn in_transaction<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = self.as_tx();
        tx.execute(self.pick("BEGIN IMMEDIATE", postgres::BEGIN), &[])?;
        match work(&tx) {
            Ok(value) => Ok(tx.execute("COMMIT", &[]).map(|_| value)?),
            Err(error) => {
                // A full disk has rolled back by itself; the caller is to hear of the disk.
                if !self.sqlite().is_some_and(SqliteConnection::lost_its_transaction) {
                    drop(tx.execute("ROLLBACK", &[]));
                }
                Err(error)
            }
        }
    }

    /// The connection as a transaction; only the engines call this, after they began one.
    pub(crate) const fn as_tx(&self) -> Tx<'_> {
        Tx { conn: self }
    }

    fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        self.trace(sql);
        match &self.inner {
            Inner::Sqlite(connection) => connection.execute(sql, params),
            Inner::Postgres(connection) => connection.execute(sql, params),
        }
    }

    /// Texts only, never values: those are other people's words.
    fn trace(&self, sql: &str) {
        tracing::trace!(target: "provost_store::statement", database = self.pick("sqlite", "postgres"), sql);
    }
}

/// An open transaction that only reads.
struct Snapshot<'c> {
    conn: &'c Conn,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.conn.run_script("ROLLBACK") {
            tracing::warn!(error = %error, "a snapshot could not be ended");
        }
    }
}

/// How many rows of a cursor are in memory.
const FETCHED_AT_ONCE: usize = 100;

impl Tx<'_> {
    /// Runs a statement and counts the rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        self.conn.execute(sql, params)
    }

    /// Runs work whose failure leaves the transaction as it was before, and usable.
    pub(crate) fn attempt<T>(&self, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.run_script("SAVEPOINT attempt")?;
        let outcome = work();
        if outcome.is_ok() {
            self.run_script("RELEASE SAVEPOINT attempt")?;
        } else {
            match &self.conn.inner {
                Inner::Sqlite(connection) => connection.forget_failure(),
                Inner::Postgres(connection) => drop(connection.take_failed()),
            }
            self.run_script("ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt")?;
        }
        outcome
    }

    /// As [`Tx::execute`], for a statement that must change exactly one row.
    pub(crate) fn execute_one(&self, what: &str, sql: &str, params: &[Value<'_>]) -> Result<(), StoreError> {
        match self.execute(sql, params)? {
            1 => Ok(()),
            0 => Err(StoreError::Conflict { what: format!("{what} is gone or is no longer what it was") }),
            rows => Err(StoreError::corrupt(format!("{rows} rows changed instead of one {what}"))),
        }
    }
}

impl Tx<'_> {
    /// Adds a row. Rows that belong to a team are added through its [`Scope`](crate::Scope).
    pub(crate) fn insert<T: Record>(&self, row: &T) -> Result<(), StoreError> {
        self.insert_rows(&[row])
    }

    /// Adds rows. On PostgreSQL many go in one statement, because each is a round trip; on SQLite there is none, and one text
    /// for each row costs less than a long one.
    pub(crate) fn insert_all<'r, T: Record + 'r>(
        &self,
        rows: impl IntoIterator<Item = &'r T>,
    ) -> Result<(), StoreError> {
        let rows: Vec<_> = rows.into_iter().collect();
        if self.postgres().is_some() {
            return in_few_sizes(&rows, |rows| self.insert_rows(rows));
        }
        let sql = insert_text::<T>(1, T::COLUMNS.split(", ").count());
        rows.iter().try_for_each(|row| self.execute(&sql, &row.values()).map(drop))
    }

    fn insert_rows<T: Record>(&self, rows: &[&T]) -> Result<(), StoreError> {
        let mut values = Vec::new();
        rows.iter().for_each(|row| values.extend(row.values()));
        let width = values.len() / rows.len().max(1);
        self.execute(&insert_text::<T>(rows.len(), width), &values).map(drop)
    }
}

/// The text that adds so many rows of so many columns.
fn insert_text<T: Record>(rows: usize, width: usize) -> String {
    let mut sql = String::with_capacity(64 + T::COLUMNS.len() + rows * width * 7);
    sql.push_str("INSERT INTO ");
    sql.push_str(T::TABLE);
    sql.push_str(" (");
    sql.push_str(T::COLUMNS);
    sql.push_str(") VALUES ");
    for index in 0..rows * width {
        sql.push_str(match (index, index % width) {
            (0, _) => "(",
            (_, 0) => "), (",
            _ => ", ",
        });
        // Writing to a string cannot fail.
        let _ = write!(sql, "${}", index + 1);
    }
    sql.push(')');
    sql
}

/// Cuts rows into pieces of few sizes, in their order: so statements for many rows have few texts and stay prepared.
pub(crate) fn in_few_sizes<T>(
    rows: &[T],
    mut work: impl FnMut(&[T]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    /// The last must be one.
    const SIZES: [usize; 3] = [100, 10, 1];
    let mut rest = rows;
    for size in SIZES {
        while rest.len() >= size {
            let (now, later) = rest.split_at(size);
            work(now)?;
            rest = later;
        }
    }
    Ok(())
}

impl std::ops::Deref for Tx<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.conn
    }
}
