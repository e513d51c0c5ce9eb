//! Browsers that are logged in.

use domain::{
    digest::Sha256Digest,
    id::{LoginSessionId, UserId},
    login_session::{LoginSession, UserAgent},
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
    statement::{Order, Statement},
    value::{ToValue, params, stored_words},
};

stored_words! { UserAgent }

record! {
    LoginSession in "login_sessions" {
        id, user_id, token_sha256, user_agent, ip, created_at, last_seen_at, expires_at, revoked_at,
    }
    dated by created_at;
}

/// Logins of people, whatever their teams; revoked and expired ones included.
#[derive(Debug, Clone, Copy)]
pub struct LoginSessions<'c, C> {
    pub(super) conn: &'c C,
}

/// A login with who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The login.
    pub session: LoginSession,
    /// The person.
    pub user: User,
}

impl Login {
    /// The login is neither revoked nor expired, and its person is active.
    #[must_use]
    pub fn is_usable(&self, at: Timestamp) -> bool {
        self.user.is_active && self.session.is_usable(at)
    }
}

impl<C: Reads> LoginSessions<'_, C> {
    /// The login with this cookie. One that is revoked, expired or of an inactive person is found too: ask
    /// [`Login::is_usable`]. One of a person who was deleted is not found.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_digest(&self, token: &Sha256Digest) -> Result<Option<Login>, StoreError> {
        let sql = format!(
            "SELECT {}, {} FROM login_sessions s JOIN users u ON u.id = s.user_id AND (u.deleted_at IS NULL) IS TRUE
             WHERE s.token_sha256 = $1",
            LoginSession::columns_of("s"),
            User::columns_of("u")
        );
        self.conn.conn().find(&sql, params![*token], |row| {
            let mut columns = row.columns();
            let session = LoginSession::from_columns(&mut columns)?;
            Ok(Login { session, user: User::from_columns(&mut columns)? })
        })
    }

    /// Somebody's logins; newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_of(
        &self,
        user: UserId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<LoginSession>, StoreError> {
        let piece = format!("SELECT {} FROM login_sessions WHERE user_id = ?", LoginSession::COLUMNS);
        let statement = Statement::new(&piece, [user.to_value()]);
        statement.page(self.conn.conn(), Order::NewestFirst, after, limit)
    }
}

impl LoginSessions<'_, Tx<'_>> {
    /// Adds a login.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the cookie exists or the person does not.
    pub fn insert(&self, session: &LoginSession) -> Result<(), StoreError> {
        self.conn.insert(session)
    }

    /// Notes that a browser was seen; an earlier time than the noted one changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn touch(&self, id: LoginSessionId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE login_sessions SET last_seen_at = $1 WHERE id = $2 AND last_seen_at < $1";
        self.conn.execute(sql, params![at, id]).map(drop)
    }

    /// Ends a login. One that was ended before keeps its time.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the person has no such login.
    pub fn revoke(&self, user: UserId, id: LoginSessionId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE login_sessions SET revoked_at = coalesce(revoked_at, $1)
             WHERE id = $2 AND (user_id = $3) IS TRUE";
        match self.conn.execute(sql, params![at, id, user])? {
            0 => Err(StoreError::Missing { what: format!("login {id} of user {user}") }),
            _ => Ok(()),
        }
    }

    /// Ends all logins of somebody, and says how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn revoke_all(&self, user: UserId, at: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE login_sessions SET revoked_at = $1 WHERE user_id = $2 AND revoked_at IS NULL";
        self.conn.execute(sql, params![at, user])
    }

    /// Removes at most `limit` of the logins that expired before this time, and says how many.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn delete_expired(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sql = self.conn.pick(
            "DELETE FROM login_sessions WHERE id IN
             (SELECT id FROM login_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
            "DELETE FROM login_sessions WHERE id = ANY (ARRAY
             (SELECT id FROM login_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2))",
        );
        self.conn.execute(sql, params![before, i64::from(limit)])
    }
}
