//! Physical removal of a session.

use domain::{id::SessionId, session::Session, session_status::SessionStatus};

use super::Sessions;
use crate::{conn::Tx, error::StoreError, maintenance::Maintenance, scope::missing, value::params};

impl Sessions<'_, Tx<'_>> {
    /// Removes a session, deleted softly or not, and what belongs to it for good. Decisions stay without what was decided on,
    /// costs stay without saying whose they were, logs stay as they are; tasks, memories, forks and agent instances refer to
    /// it no more.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it runs.
    pub fn purge(&self, id: SessionId, maintenance: &Maintenance) -> Result<(), StoreError> {
        let lock = self.scope.pick(
            "SELECT status, lease_owner IS NOT NULL FROM sessions WHERE team_id = $1 AND id = $2",
            "SELECT status, lease_owner IS NOT NULL FROM sessions WHERE team_id = $1 AND id = $2 FOR UPDATE",
        );
        let found: Option<(SessionStatus, bool)> =
            self.scope.find(lock, params![id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (status, is_owned) = found.ok_or_else(|| missing::<Session>(id))?;
        if status.is_running() || is_owned {
            return Err(StoreError::Conflict {
                what: format!("session {id} is {status}, so it cannot be purged"),
            });
        }
        self.scope.tx().maintain(maintenance, |open| {
            let id = params![id];
            open.delete("DELETE FROM session_events WHERE session_id = $1", id)?;
            open.delete("DELETE FROM hook_executions WHERE session_id = $1", id)?;
            open.blank(
                "UPDATE permission_decisions SET input_data = NULL, context = NULL, reason = NULL WHERE session_id = $1",
                id,
            )?;
            open.blank("UPDATE cost_entries SET session_id = NULL WHERE session_id = $1", id)?;
            // The rest hangs on the session by references, which the database follows.
            self.scope.execute("DELETE FROM sessions WHERE id = $1 AND team_id = $2", id).map(drop)
        })
    }
}
