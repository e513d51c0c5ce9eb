//! What programs keep about sessions, under keys.

use domain::{
    id::SessionId,
    session::Session,
    session_state::{SessionStateEntry, StateKey},
    time::Timestamp,
};
use serde_json::Value as Json;

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Owned as _, Record as _, record},
    scope::{Scope, below, missing},
    value::{params, stored_words},
};

stored_words! { StateKey }

record! {
    SessionStateEntry in "session_state" { session_id, key, value, version, updated_by, created_at, updated_at }
}

/// What is kept about a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct SessionState<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> SessionState<'_, C> {
    /// What stands under a key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, session: SessionId, key: &StateKey) -> Result<Option<SessionStateEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM session_state t WHERE {} AND t.session_id = $2 AND t.key = $3",
            SessionStateEntry::columns_of("t"),
            below::<Session>("t.session_id")
        );
        self.scope
            .find(&sql, params![session, *key], |row| SessionStateEntry::from_columns(&mut row.columns()))
    }

    /// Everything that is kept about a session, by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, session: SessionId) -> Result<Vec<SessionStateEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM session_state t WHERE {} AND t.session_id = $2 ORDER BY t.key",
            SessionStateEntry::columns_of("t"),
            below::<Session>("t.session_id")
        );
        self.scope.query(&sql, params![session], |row| SessionStateEntry::from_columns(&mut row.columns()))
    }
}

impl SessionState<'_, Tx<'_>> {
    /// Sets a key whose version is `expected`, 0 for one that must be new, and gives its new version.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has another version; [`StoreError::Missing`] when the session is not there.
    pub fn set(
        &self,
        session: SessionId,
        key: &StateKey,
        value: &Json,
        expected: i64,
        by: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let version = if expected == 0 {
            self.add(session, key, value, by, at)?
        } else {
            self.replace(session, key, value, expected, by, at)?
        };
        version.map_or_else(|| Err(self.why_not_set(session, key, expected)), Ok)
    }

    /// Removes a key; it may be new again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such key.
    pub fn delete(&self, session: SessionId, key: &StateKey) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM session_state WHERE session_id = $1 AND key = $2 AND {}",
            live_session("$3")
        );
        match self.scope.execute(&sql, params![session, *key])? {
            0 => Err(StoreError::Missing { what: format!("state {key} of session {session}") }),
            _ => Ok(()),
        }
    }

    fn add(
        &self,
        session: SessionId,
        key: &StateKey,
        value: &Json,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let sql = format!(
            "INSERT INTO session_state ({}) SELECT id, $1, $2, 1, $3, $4, $4 FROM sessions
             WHERE id = $5 AND (team_id = $6 AND deleted_at IS NULL) IS TRUE
             ON CONFLICT (session_id, key) DO NOTHING RETURNING version",
            SessionStateEntry::COLUMNS
        );
        self.scope.change(&sql, params![*key, *value, by, at, session], |row| row.get(0))
    }

    fn replace(
        &self,
        session: SessionId,
        key: &StateKey,
        value: &Json,
        expected: i64,
        by: &str,
        at: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let sql = format!(
            "UPDATE session_state SET value = $1, version = version + 1, updated_by = $2, updated_at = $3
             WHERE session_id = $4 AND key = $5 AND version = $6 AND {} RETURNING version",
            live_session("$7")
        );
        self.scope.change(&sql, params![*value, by, at, session, *key, expected], |row| row.get(0))
    }

    fn why_not_set(&self, session: SessionId, key: &StateKey, expected: i64) -> StoreError {
        let found = self.find(session, key);
        let owner = self.scope.find_row::<Session>(session);
        match (found, owner) {
            (Err(error), _) | (_, Err(error)) => error,
            (_, Ok(None)) => missing::<Session>(session),
            (Ok(found), Ok(Some(_))) => StoreError::Stale {
                what: format!("state {key} of {} {session}", Session::NOUN),
                expected,
                current: found.map_or(0, |entry| entry.version),
            },
        }
    }
}

/// The condition that the session of a row is a live one of the team's, whose place in the values this is.
fn live_session(team: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM sessions p WHERE (p.team_id = {team} AND p.deleted_at IS NULL) IS TRUE
         AND p.id = session_state.session_id)"
    )
}
