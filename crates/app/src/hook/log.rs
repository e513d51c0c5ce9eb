//! What hooks did in a session.

use domain::{hook_execution::HookExecution, id::SessionId};
use store::{HookExecutionFilter, StoreError};

use crate::{App, Caller};

impl App {
    /// The runs of hooks in a session after a number of its timeline, at most `limit`, in order. None for a session of
    /// another team.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_hook_executions(
        &self,
        caller: Caller,
        session: SessionId,
        filter: HookExecutionFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<HookExecution>, StoreError> {
        let list = move |conn: &store::Conn| {
            conn.team(caller.team_id).hook_executions().list(session, &filter, after, limit)
        };
        self.store().read(list).await
    }
}
