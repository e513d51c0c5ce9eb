//! Physical removal of a session.

use domain::{id::SessionId, session::Session};

use super::{Sessions, conflict};
use crate::{
    conn::Tx, error::StoreError, maintenance::Maintenance, record::Record as _, scope::missing, value::params,
};

impl Sessions<'_, Tx<'_>> {
    /// Removes a session, deleted softly or not, and what belongs to it for good. Decisions stay without what was decided on,
    /// costs stay without saying whose they were, logs stay as they are; tasks, memories and forks refer to it no more.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it runs.
    pub fn purge(&self, id: SessionId, maintenance: &Maintenance) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT {} FROM sessions WHERE team_id = $1 AND id = $2{}",
            Session::COLUMNS,
            self.scope.pick("", " FOR UPDATE")
        );
        let found = self.scope.find(&sql, params![id], |row| Session::from_columns(&mut row.columns()))?;
        let session = found.ok_or_else(|| missing::<Session>(id))?;
        if session.status.is_running() || session.lease.is_some() {
            return Err(conflict(&session, "purged"));
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
            let instances = "DELETE FROM agent_instances WHERE session_id = $1 AND team_id = $2";
            self.scope.execute(instances, id)?;
            // The rest hangs on the session by references, which the database follows.
            self.scope.execute("DELETE FROM sessions WHERE id = $1 AND team_id = $2", id).map(drop)
        })
    }
}
