//! Keys to the API.

use domain::{
    api_key::{ApiKey, ApiKeyPrefix},
    api_scope::ApiScopes,
    digest::Sha256Digest,
    id::{ApiKeyId, UserId},
    team::{Role, Team},
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
    scope::{Scope, missing},
    statement::Order,
    value::{params, stored_documents, stored_words},
};

stored_words! { ApiKeyPrefix }
stored_documents! { ApiScopes }

record! {
    ApiKey in "api_keys" {
        id, team_id, user_id, name, prefix, secret_sha256, scopes, created_at, expires_at, last_used_at, revoked_at,
    }
    owned by ApiKeyId as "API key" while "TRUE";
    dated by created_at;
}

/// A team's keys, revoked and expired ones included.
#[derive(Debug, Clone, Copy)]
pub struct ApiKeys<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which keys a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApiKeyFilter {
    /// Of this person.
    pub user_id: Option<UserId>,
}

impl<C: Reads> ApiKeys<'_, C> {
    /// The key of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: ApiKeyFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<ApiKey>, StoreError> {
        let mut statement = self.scope.select::<ApiKey>();
        statement.and_equal("user_id", filter.user_id.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl ApiKeys<'_, Tx<'_>> {
    /// Adds a key of a member.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when its person is no member of the team; [`StoreError::Conflict`] when the secret exists.
    pub fn insert(&self, key: &ApiKey) -> Result<(), StoreError> {
        // The membership is held, so that whoever ends it revokes this key too.
        let sql = format!(
            "SELECT user_id FROM team_memberships WHERE team_id = $1 AND user_id = $2{}",
            self.scope.pick("", " FOR SHARE")
        );
        if self.scope.find(&sql, params![key.user_id], |row| row.get::<UserId>(0))?.is_none() {
            let what = format!("member {} of team {}", key.user_id, self.scope.team());
            return Err(StoreError::Missing { what });
        }
        self.scope.insert(key)
    }

    /// Notes that a key was used; an earlier time than the noted one changes nothing.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn touch(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE api_keys SET last_used_at = $1
             WHERE id = $2 AND (team_id = $3 AND coalesce(last_used_at < $1, TRUE)) IS TRUE";
        self.scope.execute(sql, params![at, id]).map(drop)
    }

    /// Takes a key back. One that was taken back before keeps its time.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the team has no such key.
    pub fn revoke(&self, id: ApiKeyId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1)
             WHERE id = $2 AND (team_id = $3) IS TRUE";
        match self.scope.execute(sql, params![at, id])? {
            0 => Err(missing::<ApiKey>(id)),
            _ => Ok(()),
        }
    }
}

/// Secrets that callers show, looked up before anybody knows whose they are.
#[derive(Debug, Clone, Copy)]
pub struct Credentials<'c, C> {
    pub(super) conn: &'c C,
}

/// A key with everything it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyGrant {
    /// The key.
    pub key: ApiKey,
    /// The team it opens.
    pub team: Team,
    /// The person it acts for.
    pub user: User,
    /// What that person may do in the team.
    pub role: Role,
}

impl ApiKeyGrant {
    /// The key is neither revoked nor expired, and its person is active.
    #[must_use]
    pub fn is_usable(&self, at: Timestamp) -> bool {
        self.user.is_active && self.key.is_usable(at)
    }
}

impl<C: Reads> Credentials<'_, C> {
    /// The key with this secret, whatever its team, and what it opens. A key that is revoked, expired or of an inactive
    /// person is found too, so that a refusal can say why: ask [`ApiKeyGrant::is_usable`]. One whose team or person was
    /// deleted, or whose person left the team, is not found.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_api_key(&self, secret: &Sha256Digest) -> Result<Option<ApiKeyGrant>, StoreError> {
        let sql = format!(
            "SELECT {}, {}, {}, m.role FROM api_keys k
             JOIN teams t ON t.id = k.team_id AND (t.deleted_at IS NULL) IS TRUE
             JOIN users u ON u.id = k.user_id AND (u.deleted_at IS NULL) IS TRUE
             JOIN team_memberships m ON m.team_id = k.team_id AND m.user_id = k.user_id
             WHERE k.secret_sha256 = $1",
            ApiKey::columns_of("k"),
            Team::columns_of("t"),
            User::columns_of("u")
        );
        self.conn.conn().find(&sql, params![*secret], |row| {
            let mut columns = row.columns();
            Ok(ApiKeyGrant {
                key: ApiKey::from_columns(&mut columns)?,
                team: Team::from_columns(&mut columns)?,
                user: User::from_columns(&mut columns)?,
                role: columns.next()?,
            })
        })
    }
}
