//! One team's rows: the only way to the tables that belong to teams.

use domain::{id::TeamId, time::Timestamp};

use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    record::{Owned, Record, Versioned},
    repository::Reads,
    statement::Statement,
    value::{FromValue, Row, ToValue, Value, params},
};

/// A connection on which one team's rows are seen and no others. The repositories of everything that belongs to a team are
/// opened on it, and it binds the team to each of their statements: one that does not ask for the team has a value too many,
/// and neither database runs it.
#[derive(Debug)]
pub struct Scope<'c, C> {
    conn: &'c C,
    team: TeamId,
}

impl<C> Clone for Scope<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Scope<'_, C> {}

impl Conn {
    /// What belongs to this team, for reading.
    #[must_use]
    pub const fn team(&self, team: TeamId) -> Scope<'_, Self> {
        Scope { conn: self, team }
    }
}

impl<'t> Tx<'t> {
    /// What belongs to this team, for reading and writing.
    #[must_use]
    pub const fn team(&self, team: TeamId) -> Scope<'_, Tx<'t>> {
        Scope { conn: self, team }
    }
}

impl<C: Reads> Scope<'_, C> {
    /// The team.
    #[must_use]
    pub const fn team(&self) -> TeamId {
        self.team
    }

    /// The text for this database, where the dialects differ.
    pub(crate) fn pick<'s>(&self, sqlite: &'s str, postgres: &'s str) -> &'s str {
        self.conn.conn().pick(sqlite, postgres)
    }

    /// All rows, mapped. `$1` is the team, `params` follow from `$2` on.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.conn.conn().query(sql, &self.bind(params), map)
    }

    /// The first row, mapped, if there is one.
    pub(crate) fn find<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.conn.conn().find(sql, &self.bind(params), map)
    }

    /// The first column of the only row a statement such as an aggregate always has.
    pub(crate) fn scalar<T: FromValue>(&self, sql: &str, params: &[Value<'_>]) -> Result<T, StoreError> {
        self.conn.conn().scalar(sql, &self.bind(params))
    }

    /// A statement to go on with; the first `?` of the piece is the team.
    pub(crate) fn statement<'v>(&self, piece: &str) -> Statement<'v> {
        debug_assert!(piece.contains('?'), "a statement without its team: {piece}");
        Statement::new(piece, [Value::Id(*self.team.as_uuid())])
    }

    /// The live rows of a type; conditions and a page follow.
    pub(crate) fn select<'v, T: Owned>(&self) -> Statement<'v> {
        let mut statement =
            self.statement(&format!("SELECT {} FROM {} WHERE team_id = ?", T::COLUMNS, T::TABLE));
        statement.and(T::LIVE, []);
        statement
    }

    /// As [`Scope::select`]. When a condition follows whose few rows an index of its own finds, such as a reference to a
    /// parent, the team is only looked at: a database without statistics would go through all of the team's rows instead.
    pub(crate) fn select_by<'v, T: Owned>(&self, is_few: bool) -> Statement<'v> {
        if !is_few {
            return self.select::<T>();
        }
        let condition = format!("(team_id = ? AND {}) IS TRUE", T::LIVE);
        self.statement(&format!("SELECT {} FROM {} WHERE {condition}", T::COLUMNS, T::TABLE))
    }

    /// The rows of a type below one live row of the team's, whose id is in this column; conditions and an order follow.
    pub(crate) fn select_below<'v, P: Owned, T: Record>(
        &self,
        column: &str,
        parent: &'v P::Id,
    ) -> Statement<'v> {
        let mut statement = self.statement(&format!(
            "SELECT {} FROM {} t WHERE EXISTS
             (SELECT 1 FROM {} p WHERE (p.team_id = ? AND {}) IS TRUE AND p.id = t.{column})",
            T::COLUMNS,
            T::TABLE,
            P::TABLE,
            P::LIVE
        ));
        statement.and_equal(&format!("t.{column}"), Some(parent));
        statement
    }

    /// What a statement from [`Scope::statement`] or [`Scope::select`] runs on.
    pub(crate) fn connection(&self) -> &Conn {
        self.conn.conn()
    }

    /// The live row of this id.
    pub(crate) fn find_row<T: Owned>(&self, id: T::Id) -> Result<Option<T>, StoreError> {
        // `(…) IS TRUE`: conditions that no index answers. PostgreSQL without statistics, on a young database, would rather
        // go through all rows of the team than search the id.
        let sql = format!(
            "SELECT {} FROM {} WHERE (team_id = $1 AND {}) IS TRUE AND id = $2",
            T::COLUMNS,
            T::TABLE,
            T::LIVE
        );
        self.find(&sql, &[id.to_value()], |row| T::from_columns(&mut row.columns()))
    }

    /// The live row in which this column, which is unique in the team, holds this.
    pub(crate) fn find_row_by<T: Owned>(
        &self,
        column: &str,
        value: &impl ToValue,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.select::<T>();
        statement.and_equal(column, Some(value));
        Ok(statement.rows(self.connection())?.into_iter().next())
    }

    fn bind<'v>(&self, params: &[Value<'v>]) -> Vec<Value<'v>> {
        let mut bound = Vec::with_capacity(params.len() + 1);
        bound.push(Value::Id(*self.team.as_uuid()));
        bound.extend_from_slice(params);
        bound
    }
}

impl<'t> Scope<'_, Tx<'t>> {
    /// Runs a statement and counts the rows it changed. Values are numbered in the order of their first use and the team
    /// belongs into the condition, so here it comes last: `UPDATE … SET a = $1 WHERE id = $2 AND team_id = $3`.
    pub(crate) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        self.conn.execute(sql, &self.bind_last(params))
    }

    /// As [`Scope::execute`], for a statement that gives the row it changed.
    pub(crate) fn change<T>(
        &self,
        sql: &str,
        params: &[Value<'_>],
        map: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.conn.find(sql, &self.bind_last(params), map)
    }

    /// The transaction, for what belongs to a row of the team that was found through this scope.
    pub(crate) const fn tx(&self) -> &Tx<'t> {
        self.conn
    }

    /// Holds the team against everybody else who does, until the transaction ends: for what may happen only once at a time.
    /// Rows that refer to the team are written meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such team.
    pub(crate) fn hold(&self) -> Result<(), StoreError> {
        let sql = self.pick(
            "SELECT id FROM teams WHERE id = $1",
            "SELECT id FROM teams WHERE id = $1 FOR NO KEY UPDATE",
        );
        match self.find(sql, &[], |row| row.get::<TeamId>(0))? {
            Some(_) => Ok(()),
            None => Err(StoreError::Missing { what: format!("team {}", self.team) }),
        }
    }

    /// Adds a row of this team.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it says another team, or a unique key, reference or check refuses it.
    pub(crate) fn insert<T: Owned>(&self, row: &T) -> Result<(), StoreError> {
        self.refuse_foreign(row)?;
        self.conn.insert(row)
    }

    /// Adds rows of this team, as `Tx::insert_all` does. All or none.
    ///
    /// # Errors
    /// As [`Scope::insert`].
    pub(crate) fn insert_all<T: Owned>(&self, rows: &[T]) -> Result<(), StoreError> {
        rows.iter().try_for_each(|row| self.refuse_foreign(row))?;
        self.conn.insert_all(rows)
    }

    /// Adds a row below one of this team's: in the same statement the parent is looked for.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the parent is not a live row of this team.
    pub(crate) fn insert_below<P: Owned, T: Record>(&self, parent: P::Id, row: &T) -> Result<(), StoreError> {
        let mut statement = Statement::insert_from(row);
        let team = Value::Id(*self.team.as_uuid());
        statement.push(
            &format!(" FROM {} WHERE (team_id = ? AND {}) IS TRUE AND id = ?", P::TABLE, P::LIVE),
            [team, parent.to_value()],
        );
        match self.conn.execute(statement.text(), statement.values())? {
            0 => Err(missing::<P>(parent)),
            _ => Ok(()),
        }
    }

    /// Replaces a row by this one, whose version is the one that the caller read, and gives its new version. Id, team and time
    /// of creation stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there.
    pub(crate) fn update<T: Versioned>(&self, row: &T) -> Result<i64, StoreError> {
        self.update_except(&[], row)
    }

    /// As [`Scope::update`], but these columns stay as they are, too: those that have a door of their own.
    ///
    /// # Errors
    /// As [`Scope::update`].
    pub(crate) fn update_except<T: Versioned>(&self, kept: &[&str], row: &T) -> Result<i64, StoreError> {
        const KEPT: [&str; 4] = ["id", "team_id", "created_at", "version"];
        self.refuse_foreign(row)?;
        let columns = T::COLUMNS.split(", ").zip(row.values());
        let mut statement = Statement::new(&format!("UPDATE {} SET version = version + 1", T::TABLE), []);
        for (column, value) in columns.filter(|(column, _)| !KEPT.contains(column) && !kept.contains(column))
        {
            statement.push(&format!(", {column} = ?"), [value]);
        }
        self.finish_update::<T>(statement, row.id(), row.version())
    }

    /// Runs an update, which also counts up the version, of the row that still has the expected one; gives its new version.
    ///
    /// # Errors
    /// As [`Scope::update`].
    pub(crate) fn finish_update<T: Versioned>(
        &self,
        update: Statement<'_>,
        id: T::Id,
        expected: i64,
    ) -> Result<i64, StoreError> {
        let mut update = update;
        let condition = format!(
            " WHERE (team_id = ? AND version = ? AND {}) IS TRUE AND id = ? RETURNING version",
            T::LIVE
        );
        let values = params![self.team, expected, id].to_vec();
        update.push(&condition, values);
        let version = self.conn.find(update.text(), update.values(), |row| row.get(0))?;
        version.map_or_else(|| Err(self.why_not_updated::<T>(id, expected)), Ok)
    }

    /// Deletes a row softly.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub(crate) fn delete<T: Owned>(&self, id: T::Id, at: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE {} SET deleted_at = $1 WHERE id = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE",
            T::TABLE
        );
        match self.execute(&sql, &[Value::Time(at), id.to_value()])? {
            0 => Err(missing::<T>(id)),
            _ => Ok(()),
        }
    }

    fn bind_last<'v>(&self, params: &[Value<'v>]) -> Vec<Value<'v>> {
        let mut bound = Vec::with_capacity(params.len() + 1);
        bound.extend_from_slice(params);
        bound.push(Value::Id(*self.team.as_uuid()));
        bound
    }

    fn why_not_updated<T: Versioned>(&self, id: T::Id, expected: i64) -> StoreError {
        match self.find_row::<T>(id) {
            Ok(Some(row)) => {
                let what = format!("{} {id}", T::NOUN);
                StoreError::Stale { what, expected, current: row.version() }
            }
            Ok(None) => missing::<T>(id),
            Err(error) => error,
        }
    }

    /// A row that says another team is not written.
    pub(crate) fn refuse_foreign<T: Owned>(&self, row: &T) -> Result<(), StoreError> {
        if row.team_id() == self.team {
            return Ok(());
        }
        Err(StoreError::Conflict {
            what: format!("{} {} is of team {}, not of {}", T::NOUN, row.id(), row.team_id(), self.team),
        })
    }
}

/// The condition that a row belongs to a live one of the team's, whose id is in this column. The team is `$1`.
pub(crate) fn below<P: Owned>(column: &str) -> String {
    let (table, live) = (P::TABLE, P::LIVE);
    format!("EXISTS (SELECT 1 FROM {table} p WHERE (p.team_id = $1 AND {live}) IS TRUE AND p.id = {column})")
}

/// There is no live row of this id in the team.
pub(crate) fn missing<T: Owned>(id: T::Id) -> StoreError {
    StoreError::Missing { what: format!("{} {id}", T::NOUN) }
}
