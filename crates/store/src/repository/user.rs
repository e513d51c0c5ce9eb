//! People.

use domain::{
    email::Email,
    id::{TeamId, UserId},
    name::Name,
    password::PasswordHash,
    time::Timestamp,
    user::User,
};

use super::{
    Reads,
    member::{self, MemberError},
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    statement::{Order, Statement},
    value::{params, stored_words},
};

stored_words! { Email, Name, PasswordHash }

record! {
    User in "users" { id, email, display_name, password_hash, is_active, version, created_at, updated_at }
    dated by created_at;
}

/// People. Those that were deleted are not found; their addresses stay taken until they are purged.
#[derive(Debug, Clone, Copy)]
pub struct Users<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> Users<'_, C> {
    /// The person of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {} FROM users WHERE id = $1 AND deleted_at IS NULL", User::COLUMNS);
        self.conn.conn().find(&sql, params![id], |row| User::from_columns(&mut row.columns()))
    }

    /// The person of this address.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let sql = format!("SELECT {} FROM users WHERE email = $1 AND deleted_at IS NULL", User::COLUMNS);
        self.conn.conn().find(&sql, params![*email], |row| User::from_columns(&mut row.columns()))
    }

    /// Everybody, whatever their teams; newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, after: Option<Cursor>, limit: u32) -> Result<Page<User>, StoreError> {
        let piece = format!("SELECT {} FROM users WHERE deleted_at IS NULL", User::COLUMNS);
        // From the end of time on, so that the first page searches the index as the others do.
        let after = after.unwrap_or_else(Cursor::after_all);
        Statement::new(&piece, []).page(self.conn.conn(), Order::NewestFirst, Some(after), limit)
    }
}

impl Users<'_, Tx<'_>> {
    /// Creates the person.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the address is taken, if only by somebody who was deleted.
    pub fn insert(&self, user: &User) -> Result<(), StoreError> {
        self.conn.insert(user)
    }

    /// Creates the person unless the address is taken.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn insert_if_absent(&self, user: &User) -> Result<bool, StoreError> {
        let sql =
            "INSERT INTO users (id, email, display_name, password_hash, is_active, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email) DO NOTHING";
        Ok(self.conn.execute(sql, &user.values())? == 1)
    }

    /// Sets address, name and the time of the change of a person whose version is the one that the caller read, and gives the
    /// new version. The rest has verbs of its own, which do not count.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed them meanwhile; [`StoreError::Missing`] when there is no such person;
    /// [`StoreError::Conflict`] when the address is taken.
    pub fn update(&self, user: &User) -> Result<i64, StoreError> {
        let User { id, email, display_name, version, updated_at, .. } = user;
        let sql = "UPDATE users SET email = $1, display_name = $2, updated_at = $3, version = version + 1
             WHERE id = $4 AND (version = $5 AND deleted_at IS NULL) IS TRUE RETURNING version";
        let values = params![*email, *display_name, *updated_at, *id, *version];
        if let Some(version) = self.conn.find(sql, values, |row| row.get(0))? {
            return Ok(version);
        }
        let current = self.find(*id)?.ok_or_else(|| missing(*id))?.version;
        Err(StoreError::Stale { what: format!("user {id}"), expected: *version, current })
    }

    /// Sets the password, or takes it away; logins go on unless [`LoginSessions::revoke_all`] is called too.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such person.
    ///
    /// [`LoginSessions::revoke_all`]: crate::LoginSessions::revoke_all
    pub fn set_password(
        &self,
        id: UserId,
        hash: Option<&PasswordHash>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE users SET password_hash = $1, updated_at = $2 WHERE id = $3 AND deleted_at IS NULL";
        one_of(id, self.conn.execute(sql, params![hash.cloned(), at, id])?)
    }

    /// Lets the person act again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such person.
    pub fn activate(&self, id: UserId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE users SET is_active = $1, updated_at = $2 WHERE id = $3 AND deleted_at IS NULL";
        one_of(id, self.conn.execute(sql, params![true, at, id])?)
    }

    /// The person may no longer act. Their logins end; their keys open nothing until they are active again.
    ///
    /// # Errors
    /// [`MemberError::LastOwner`] when a team would be left without an active owner; [`StoreError::Missing`] when there is
    /// no such person.
    pub fn deactivate(&self, id: UserId, at: Timestamp) -> Result<(), MemberError> {
        // First the person, then their teams: whoever makes them an owner meanwhile waits for the one or is seen in the
        // other.
        let sql = "UPDATE users SET is_active = $1, updated_at = $2 WHERE id = $3 AND deleted_at IS NULL";
        one_of(id, self.conn.execute(sql, params![false, at, id])?)?;
        self.leave_owners(id)?;
        self.conn.login_sessions().revoke_all(id, at)?;
        Ok(())
    }

    /// Deletes the person softly. Their logins end and their keys are revoked; what they did stays theirs.
    ///
    /// # Errors
    /// As [`Users::deactivate`].
    pub fn delete(&self, id: UserId, at: Timestamp) -> Result<(), MemberError> {
        let sql = "UPDATE users SET deleted_at = $1 WHERE id = $2 AND deleted_at IS NULL";
        one_of(id, self.conn.execute(sql, params![at, id])?)?;
        self.leave_owners(id)?;
        self.conn.login_sessions().revoke_all(id, at)?;
        let sql = "UPDATE api_keys SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL";
        self.conn.execute(sql, params![at, id])?;
        Ok(())
    }

    /// Every team of which they are an owner must have another.
    fn leave_owners(&self, id: UserId) -> Result<(), MemberError> {
        let sql = format!(
            "SELECT t.id FROM team_memberships m JOIN teams t ON t.id = m.team_id
             WHERE m.user_id = $1 AND m.role = 'owner' AND (t.deleted_at IS NULL) IS TRUE ORDER BY t.id{}",
            self.conn.pick("", " FOR NO KEY UPDATE OF t")
        );
        let owned: Vec<TeamId> = self.conn.query(&sql, params![id], |row| row.get(0))?;
        owned.into_iter().try_for_each(|team| member::refuse_last_owner(self.conn, team, id))
    }
}

fn one_of(id: UserId, rows: u64) -> Result<(), StoreError> {
    if rows == 1 { Ok(()) } else { Err(missing(id)) }
}

fn missing(id: UserId) -> StoreError {
    StoreError::Missing { what: format!("user {id}") }
}
