//! Teams.

use domain::{
    id::{TeamId, UserId},
    slug::Slug,
    team::{RetentionDays, Role, Team, TeamSettings},
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    statement::{Order, Statement},
    value::{FromValue, ToValue, Value, params, stored_documents, stored_words},
};

stored_words! { Slug }
stored_documents! { TeamSettings }

impl ToValue for RetentionDays {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(self.get()))
    }
}

impl FromValue for RetentionDays {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

record! {
    Team in "teams" { id, slug, name, settings, retention_days, version, created_at, updated_at }
    dated by created_at;
}

/// Teams. Those that were deleted are not found; their slugs stay taken until they are purged.
#[derive(Debug, Clone, Copy)]
pub struct Teams<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> Teams<'_, C> {
    /// The team of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: TeamId) -> Result<Option<Team>, StoreError> {
        let sql = format!("SELECT {} FROM teams WHERE id = $1 AND deleted_at IS NULL", Team::COLUMNS);
        self.conn.conn().find(&sql, params![id], |row| Team::from_columns(&mut row.columns()))
    }

    /// The team of this short name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_slug(&self, slug: &Slug) -> Result<Option<Team>, StoreError> {
        let sql = format!("SELECT {} FROM teams WHERE slug = $1 AND deleted_at IS NULL", Team::COLUMNS);
        self.conn.conn().find(&sql, params![*slug], |row| Team::from_columns(&mut row.columns()))
    }

    /// Every team; newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, after: Option<Cursor>, limit: u32) -> Result<Page<Team>, StoreError> {
        let piece = format!("SELECT {} FROM teams WHERE deleted_at IS NULL", Team::COLUMNS);
        // From the end of time on, so that the first page searches the index as the others do.
        let after = after.unwrap_or_else(Cursor::after_all);
        Statement::new(&piece, []).page(self.conn.conn(), Order::NewestFirst, Some(after), limit)
    }

    /// The teams somebody belongs to, and as what; by slug.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_of(&self, user: UserId) -> Result<Vec<(Team, Role)>, StoreError> {
        let sql = format!(
            "SELECT {}, m.role FROM team_memberships m JOIN teams t ON t.id = m.team_id
             WHERE m.user_id = $1 AND (t.deleted_at IS NULL) IS TRUE ORDER BY {}",
            Team::columns_of("t"),
            // The order of bytes, whatever the database's locale.
            self.conn.conn().pick("t.slug", "t.slug COLLATE \"C\"")
        );
        self.conn.conn().query(&sql, params![user], |row| {
            let mut columns = row.columns();
            Ok((Team::from_columns(&mut columns)?, columns.next()?))
        })
    }
}

impl Teams<'_, Tx<'_>> {
    /// Creates the team.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the slug is taken, if only by a team that was deleted.
    pub fn insert(&self, team: &Team) -> Result<(), StoreError> {
        self.conn.insert(team)
    }

    /// Creates the team unless its slug is taken.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn insert_if_absent(&self, team: &Team) -> Result<bool, StoreError> {
        let sql =
            "INSERT INTO teams (id, slug, name, settings, retention_days, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (slug) DO NOTHING";
        Ok(self.conn.execute(sql, &team.values())? == 1)
    }

    /// Sets slug, name, settings, retention and the time of the change of a team whose version is the one that the caller
    /// read, and gives its new version.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when there is no such team;
    /// [`StoreError::Conflict`] when the slug is taken.
    pub fn update(&self, team: &Team) -> Result<i64, StoreError> {
        let Team { id, slug, name, settings, retention_days, version, updated_at, .. } = team;
        let sql = "UPDATE teams SET slug = $1, name = $2, settings = $3, retention_days = $4, updated_at = $5,
             version = version + 1 WHERE id = $6 AND (version = $7 AND deleted_at IS NULL) IS TRUE RETURNING version";
        let values = params![*slug, *name, *settings, *retention_days, *updated_at, *id, *version];
        if let Some(version) = self.conn.find(sql, values, |row| row.get(0))? {
            return Ok(version);
        }
        let current = self.find(*id)?.ok_or_else(|| missing(*id))?.version;
        Err(StoreError::Stale { what: format!("team {id}"), expected: *version, current })
    }

    /// Deletes the team softly. Nobody finds a way to its rows any more: it is not found, it is nobody's team, and its keys
    /// open nothing.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such team.
    pub fn delete(&self, id: TeamId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE teams SET deleted_at = $1 WHERE id = $2 AND deleted_at IS NULL";
        one_of(id, self.conn.execute(sql, params![at, id])?)
    }
}

fn one_of(id: TeamId, rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(missing(id)) }
}

fn missing(id: TeamId) -> StoreError {
    StoreError::Missing { what: format!("team {id}") }
}
