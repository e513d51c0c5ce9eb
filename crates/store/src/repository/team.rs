//! Teams and who belongs to them.

use domain::{
    id::{TeamId, UserId},
    slug::Slug,
    team::{Role, Team},
    time::Timestamp,
};

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    value::{Row, params, stored_words},
};

stored_words! { Role, Slug }

/// Teams and their members.
#[derive(Debug, Clone, Copy)]
pub struct Teams<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> Teams<'_, C> {
    /// The team of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_slug(&self, slug: &Slug) -> Result<Option<Team>, StoreError> {
        let sql = "SELECT id, slug, name, created_at, updated_at FROM teams WHERE slug = $1";
        self.conn.conn().find(sql, params![*slug], from_row)
    }
}

impl Teams<'_, Tx<'_>> {
    /// Creates the team unless its slug exists.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn insert_if_absent(&self, team: &Team) -> Result<bool, StoreError> {
        let sql = "INSERT INTO teams (id, slug, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (slug) DO NOTHING";
        let values = params![team.id, team.slug, team.name, team.created_at, team.updated_at];
        Ok(self.conn.execute(sql, values)? == 1)
    }

    /// Makes somebody a member; an existing membership keeps its role.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team or the user does not exist.
    pub fn add_member(
        &self,
        team: TeamId,
        user: UserId,
        role: Role,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO team_memberships (team_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (team_id, user_id) DO NOTHING";
        self.conn.execute(sql, params![team, user, role, at]).map(drop)
    }
}

fn from_row(row: &Row<'_>) -> Result<Team, StoreError> {
    let mut columns = row.columns();
    Ok(Team {
        id: columns.next()?,
        slug: columns.next()?,
        name: columns.next()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    })
}
