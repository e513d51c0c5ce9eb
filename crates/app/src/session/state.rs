//! What programs keep about a session: values under keys.

use domain::{
    audit_action::AuditAction,
    id::SessionId,
    session_state::{SessionStateEntry, StateKey},
};
use serde_json::Value;
use store::{Guard, NewState, StoreError, Tx};

use crate::{App, Caller};

impl App {
    /// Everything that is kept about a session, by key.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the team has no such session.
    pub async fn list_state(
        &self,
        caller: Caller,
        session: SessionId,
    ) -> Result<Vec<SessionStateEntry>, StoreError> {
        let list = move |conn: &store::Conn| {
            let team = conn.team(caller.team_id);
            let missing = || StoreError::Missing { what: format!("session {session}") };
            team.sessions().find(session)?.ok_or_else(missing)?;
            team.session_state().list(session)
        };
        self.store().read(list).await
    }

    /// Sets a key, and gives its new version. With `expected`, only one that has this version, 0 for a key that must be new.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it has another version; [`StoreError::Missing`] when the team has no such session.
    pub async fn set_state(
        &self,
        caller: Caller,
        session: SessionId,
        key: StateKey,
        value: Value,
        expected: Option<i64>,
    ) -> Result<i64, StoreError> {
        let (now, by) = (self.now(), caller.to_string());
        let deed = self.deed(caller, AuditAction::StateSet).on(key.as_str()).in_session(session);
        let set = move |tx: &Tx<'_>| {
            let team = tx.team(caller.team_id);
            // Nobody sets it between reading its version and writing the next.
            team.sessions().hold(session, Guard::Anyone)?;
            let expected = match expected {
                Some(expected) => expected,
                None => team.session_state().find(session, &key)?.map_or(0, |entry| entry.version),
            };
            let new = NewState { key: &key, value: &value, expected, by: &by, at: now };
            let version = team.session_state().set(session, Guard::Anyone, &new)?;
            deed.with("version", version).append(tx)?;
            Ok(version)
        };
        self.store().write(set).await
    }

    /// Removes a key.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such key or session.
    pub async fn delete_state(
        &self,
        caller: Caller,
        session: SessionId,
        key: StateKey,
    ) -> Result<(), StoreError> {
        let deed = self.deed(caller, AuditAction::StateDelete).on(key.as_str()).in_session(session);
        let delete = move |tx: &Tx<'_>| {
            tx.team(caller.team_id).session_state().delete(session, Guard::Anyone, &key)?;
            deed.append(tx)
        };
        self.store().write(delete).await
    }
}
