//! Who belongs to a team. A team that has an active owner keeps one.

use domain::{
    id::{TeamId, UserId},
    team::{Role, TeamMembership},
    time::Timestamp,
    user::User,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::Scope,
    statement::Statement,
    value::{Columns, Value, params, stored_words},
};

stored_words! { Role }

record! {
    TeamMembership in "team_memberships" { team_id, user_id, role, created_at }
}

/// The members of a team. People who were deleted are none.
#[derive(Debug, Clone, Copy)]
pub struct Members<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Somebody who belongs to a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: User,
    /// As what, and since when.
    pub membership: TeamMembership,
}

/// Why a member stays what they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemberError {
    /// The team would be left without an active owner; make somebody else an owner first.
    #[error("user {user} is the last active owner of team {team}")]
    LastOwner {
        /// The team.
        team: TeamId,
        /// Its owner.
        user: UserId,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<C: Reads> Members<'_, C> {
    /// Somebody's membership in the team.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, user: UserId) -> Result<Option<Member>, StoreError> {
        let mut statement = self.statement();
        statement.and("m.user_id = ?", [Value::Id(*user.as_uuid())]);
        let members = statement.query(self.scope.connection(), |row| read(&mut row.columns()))?;
        Ok(members.into_iter().next())
    }

    /// The members with who they are, in the order in which they came.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, after: Option<Cursor>, limit: u32) -> Result<Page<Member>, StoreError> {
        let mut statement = self.statement();
        if let Some(Cursor { created_at, id }) = after {
            statement.and("(m.created_at, m.user_id) > (?, ?)", [Value::Time(created_at), Value::Id(id)]);
        }
        let limit_and_one = Value::Int(i64::from(limit) + 1);
        statement.push(" ORDER BY m.created_at, m.user_id LIMIT ?", [limit_and_one]);
        let members = statement.query(self.scope.connection(), |row| read(&mut row.columns()))?;
        let cursor = |member: &Member| Cursor {
            created_at: member.membership.created_at,
            id: *member.user.id.as_uuid(),
        };
        Ok(Page::cut(members, limit as usize, cursor))
    }

    fn statement<'v>(&self) -> Statement<'v> {
        self.scope.statement(&format!(
            "SELECT {}, {} FROM team_memberships m JOIN users u ON u.id = m.user_id
             WHERE m.team_id = ? AND (u.deleted_at IS NULL) IS TRUE",
            User::columns_of("u"),
            TeamMembership::columns_of("m")
        ))
    }
}

impl Members<'_, Tx<'_>> {
    /// Makes somebody a member, and says whether they were none: an existing membership keeps its role.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the team or the person does not exist.
    pub fn add(&self, user: UserId, role: Role, at: Timestamp) -> Result<bool, StoreError> {
        self.hold_user(user)?;
        let team = self.scope.team();
        if self.scope.tx().teams().find(team)?.is_none() {
            return Err(StoreError::Missing { what: format!("team {team}") });
        }
        let sql = "INSERT INTO team_memberships (user_id, role, created_at, team_id) VALUES ($1, $2, $3, $4)
             ON CONFLICT (team_id, user_id) DO NOTHING";
        Ok(self.scope.execute(sql, params![user, role, at])? == 1)
    }

    /// Gives a member this role.
    ///
    /// # Errors
    /// [`MemberError::LastOwner`] when they are the team's last active owner and would no longer be;
    /// [`StoreError::Missing`] when they are no member.
    pub fn set_role(&self, user: UserId, role: Role) -> Result<(), MemberError> {
        if role == Role::Owner {
            self.hold_user(user)?;
        } else {
            self.refuse_last_owner(user)?;
        }
        let sql = "UPDATE team_memberships SET role = $1 WHERE user_id = $2 AND team_id = $3";
        self.one_of(user, self.scope.execute(sql, params![role, user])?)
    }

    /// Ends a membership; the keys that it had in the team are revoked.
    ///
    /// # Errors
    /// [`MemberError::LastOwner`] when they are the team's last active owner; [`StoreError::Missing`] when they are no
    /// member.
    pub fn remove(&self, user: UserId, at: Timestamp) -> Result<(), MemberError> {
        self.refuse_last_owner(user)?;
        let sql = "DELETE FROM team_memberships WHERE user_id = $1 AND team_id = $2";
        self.one_of(user, self.scope.execute(sql, params![user])?)?;
        // After the membership: a key that is being made holds it.
        let sql =
            "UPDATE api_keys SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL AND team_id = $3";
        self.scope.execute(sql, params![at, user])?;
        Ok(())
    }

    /// Holds the person as they are until the end of the transaction, so that nobody deactivates or deletes them while they
    /// become an owner.
    fn hold_user(&self, user: UserId) -> Result<(), StoreError> {
        let tx = self.scope.tx();
        let sql =
            format!("SELECT id FROM users WHERE id = $1 AND deleted_at IS NULL{}", tx.pick("", " FOR SHARE"));
        match tx.find(&sql, params![user], |row| row.get::<UserId>(0))? {
            Some(_) => Ok(()),
            None => Err(StoreError::Missing { what: format!("user {user}") }),
        }
    }

    /// An owner who is the last active one stays it. Changes that could make one less wait for one another.
    fn refuse_last_owner(&self, user: UserId) -> Result<(), MemberError> {
        let (tx, team) = (self.scope.tx(), self.scope.team());
        let sql = format!("SELECT id FROM teams WHERE id = $1{}", tx.pick("", " FOR NO KEY UPDATE"));
        tx.find(&sql, params![team], |row| row.get::<TeamId>(0))?;
        match self.find(user)? {
            Some(member) if member.membership.role == Role::Owner => refuse_last_owner(tx, team, user),
            _ => Ok(()),
        }
    }

    fn one_of(&self, user: UserId, rows: u64) -> Result<(), MemberError> {
        if rows == 1 {
            return Ok(());
        }
        let what = format!("member {user} of team {}", self.scope.team());
        Err(StoreError::Missing { what }.into())
    }
}

/// Refuses unless the team has an active owner besides this one. The caller holds the team's row.
pub(super) fn refuse_last_owner(tx: &Tx<'_>, team: TeamId, user: UserId) -> Result<(), MemberError> {
    let sql = "SELECT m.user_id FROM team_memberships m JOIN users u ON u.id = m.user_id
         WHERE m.team_id = $1 AND m.user_id <> $2 AND m.role = 'owner' AND u.is_active = $3 AND (u.deleted_at IS NULL) IS TRUE
         LIMIT 1";
    match tx.find(sql, params![team, user, true], |row| row.get::<UserId>(0))? {
        Some(_) => Ok(()),
        None => Err(MemberError::LastOwner { team, user }),
    }
}

fn read(columns: &mut Columns<'_>) -> Result<Member, StoreError> {
    Ok(Member { user: User::from_columns(columns)?, membership: TeamMembership::from_columns(columns)? })
}
