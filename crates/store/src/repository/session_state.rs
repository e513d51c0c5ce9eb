//! What programs keep about sessions, under keys.

use domain::{
    id::SessionId,
    session::Session,
    session_state::{SessionStateEntry, StateKey},
    time::Timestamp,
};
use serde_json::Value as Json;

use super::{Reads, session::Guard};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Owned as _, Record as _, record},
    scope::{Scope, below},
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

/// What is to stand under a key.
#[derive(Debug, Clone, Copy)]
pub struct NewState<'a> {
    /// The key.
    pub key: &'a StateKey,
    /// What is to stand there.
    pub value: &'a Json,
    /// The version that the caller read; 0 for a key that must be new.
    pub expected: i64,
    /// Who sets it.
    pub by: &'a str,
    /// When.
    pub at: Timestamp,
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
    /// Sets a key that has the expected version, and gives its new one.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has another version; else as [`Sessions::hold`](crate::Sessions::hold).
    pub fn set(&self, session: SessionId, guard: Guard, state: &NewState<'_>) -> Result<i64, StoreError> {
        self.scope.sessions().hold(session, guard)?;
        let version =
            if state.expected == 0 { self.add(session, state)? } else { self.replace(session, state)? };
        version.map_or_else(|| Err(self.why_not_set(session, state)), Ok)
    }

    /// Removes a key; it may be new again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such key; else as [`Sessions::hold`](crate::Sessions::hold).
    pub fn delete(&self, session: SessionId, guard: Guard, key: &StateKey) -> Result<(), StoreError> {
        self.scope.sessions().hold(session, guard)?;
        let sql = format!(
            "DELETE FROM session_state WHERE session_id = $1 AND key = $2 AND {}",
            live_session("$3")
        );
        match self.scope.execute(&sql, params![session, *key])? {
            0 => Err(StoreError::Missing { what: format!("state {key} of session {session}") }),
            _ => Ok(()),
        }
    }

    fn add(&self, session: SessionId, state: &NewState<'_>) -> Result<Option<i64>, StoreError> {
        let NewState { key, value, by, at, .. } = *state;
        let sql = format!(
            "INSERT INTO session_state ({}) SELECT id, $1, $2, 1, $3, $4, $4 FROM sessions
             WHERE id = $5 AND (team_id = $6 AND deleted_at IS NULL) IS TRUE
             ON CONFLICT (session_id, key) DO NOTHING RETURNING version",
            SessionStateEntry::COLUMNS
        );
        self.scope.change(&sql, params![*key, *value, by, at, session], |row| row.get(0))
    }

    fn replace(&self, session: SessionId, state: &NewState<'_>) -> Result<Option<i64>, StoreError> {
        let NewState { key, value, expected, by, at } = *state;
        let sql = format!(
            "UPDATE session_state SET value = $1, version = version + 1, updated_by = $2, updated_at = $3
             WHERE session_id = $4 AND key = $5 AND version = $6 AND {} RETURNING version",
            live_session("$7")
        );
        self.scope.change(&sql, params![*value, by, at, session, *key, expected], |row| row.get(0))
    }

    fn why_not_set(&self, session: SessionId, state: &NewState<'_>) -> StoreError {
        let NewState { key, expected, .. } = *state;
        match self.find(session, key) {
            Err(error) => error,
            Ok(found) => StoreError::Stale {
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
