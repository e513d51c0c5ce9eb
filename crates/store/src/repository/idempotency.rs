//! Idempotency keys.

use domain::{
    idempotency::{IdempotencyKey, RequestKey},
    time::Timestamp,
};
use serde_json::Value as Json;

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::Scope,
    value::{params, stored_words},
};

stored_words! { RequestKey }

record! {
    IdempotencyKey in "idempotency_keys" {
        team_id, actor, key, request_sha256, answer, created_at, expires_at,
    }
}

/// A team's idempotency keys.
#[derive(Debug, Clone, Copy)]
pub struct IdempotencyKeys<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// What a request with a key is.
#[derive(Debug, Clone, PartialEq)]
pub enum BegunRequest {
    /// The first of its name: it is to be done.
    New,
    /// The same was begun before.
    Same {
        /// What was answered; `None` while it is worked on.
        answer: Option<Json>,
    },
    /// Another request has the same name.
    Different,
}

impl<C: Reads> IdempotencyKeys<'_, C> {
    /// The request of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, actor: &str, key: &RequestKey) -> Result<Option<IdempotencyKey>, StoreError> {
        let sql = format!(
            "SELECT {} FROM idempotency_keys WHERE team_id = $1 AND actor = $2 AND key = $3",
            IdempotencyKey::COLUMNS
        );
        self.scope.find(&sql, params![actor, *key], |row| IdempotencyKey::from_columns(&mut row.columns()))
    }
}

impl IdempotencyKeys<'_, Tx<'_>> {
    /// Writes a request down, unless one of its name that has not expired is there. Of several at once, one is the first.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it says another team.
    pub fn begin(&self, key: &IdempotencyKey) -> Result<BegunRequest, StoreError> {
        if key.team_id != self.scope.team() {
            let what = format!("an idempotency key is of team {}, not of {}", key.team_id, self.scope.team());
            return Err(StoreError::Conflict { what });
        }
        let sql = "INSERT INTO idempotency_keys (team_id, actor, key, request_sha256, answer, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (team_id, actor, key) DO UPDATE SET request_sha256 = excluded.request_sha256,
             answer = excluded.answer, created_at = excluded.created_at, expires_at = excluded.expires_at
             WHERE idempotency_keys.expires_at <= excluded.created_at";
        if self.scope.tx().execute(sql, &key.values())? > 0 {
            return Ok(BegunRequest::New);
        }
        match self.find(&key.actor, &key.key)? {
            Some(earlier) if earlier.request_sha256 == key.request_sha256 => {
                Ok(BegunRequest::Same { answer: earlier.answer })
            }
            Some(_) => Ok(BegunRequest::Different),
            None => Err(StoreError::Unavailable { what: "an idempotency key was just removed".to_owned() }),
        }
    }

    /// Keeps what was answered to a request, as it was begun.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it has its answer, or another request has its name since it expired.
    pub fn answer(&self, begun: &IdempotencyKey, answer: &Json) -> Result<(), StoreError> {
        let IdempotencyKey { actor, key, request_sha256, created_at, .. } = begun;
        let sql =
            "UPDATE idempotency_keys SET answer = $1 WHERE actor = $2 AND key = $3 AND request_sha256 = $4
             AND created_at = $5 AND answer IS NULL AND team_id = $6";
        match self.scope.execute(sql, params![*answer, *actor, *key, *request_sha256, *created_at])? {
            0 => Err(StoreError::Conflict { what: format!("request {key} is not open") }),
            _ => Ok(()),
        }
    }
}

/// Idempotency keys of all teams that may be used anew, for the process that removes them.
#[derive(Debug, Clone, Copy)]
pub struct ExpiredKeys<'c, C> {
    pub(super) conn: &'c C,
}

impl ExpiredKeys<'_, Tx<'_>> {
    /// Removes keys that expired by `at`, at most `limit`, and counts them.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn delete(&self, at: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM idempotency_keys WHERE (team_id, actor, key) IN
             (SELECT team_id, actor, key FROM idempotency_keys WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)
             AND expires_at <= $1";
        self.conn.execute(sql, params![at, limit])
    }
}
