//! Agents at work.

use domain::{
    agent_instance::{AgentInstance, AgentInstanceKind, AgentInstanceState, IllegalInstanceMove},
    id::{AgentInstanceId, SessionId, TaskId},
    time::Timestamp,
};
use serde_json::Value as Json;

use super::{
    Reads,
    page::{Cursor, Page},
    reference,
    session::Guard,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    scope::{Scope, missing},
    statement::Order,
    value::{params, stored_words},
};

stored_words! { AgentInstanceKind, AgentInstanceState }

record! {
    AgentInstance in "agent_instances" {
        id, team_id, session_id, task_id, agent_id, kind, name, specialization, external_id, parent_tool_use_id, state, model,
        resource_usage, spawned_at, terminated_at, created_at, updated_at,
    }
    owned by AgentInstanceId as "agent instance" while
        "(SELECT s.deleted_at FROM sessions s WHERE s.id = session_id) IS NULL";
    dated by created_at;
}

/// A team's agents at work. Those of a deleted session are gone with it.
#[derive(Debug, Clone, Copy)]
pub struct AgentInstances<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which agents at work a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgentInstanceFilter {
    /// In this session.
    pub session_id: Option<SessionId>,
    /// On this task.
    pub task_id: Option<TaskId>,
}

/// Why an agent instance did not change its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoveInstanceError {
    /// From its state there is no such move.
    #[error(transparent)]
    Illegal(#[from] IllegalInstanceMove),
    /// Anything else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<C: Reads> AgentInstances<'_, C> {
    /// The agent instance of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: AgentInstanceId) -> Result<Option<AgentInstance>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &AgentInstanceFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<AgentInstance>, StoreError> {
        let mut statement =
            self.scope.select_by::<AgentInstance>(filter.session_id.is_some() || filter.task_id.is_some());
        statement.and_equal("session_id", filter.session_id.as_ref());
        statement.and_equal("task_id", filter.task_id.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl AgentInstances<'_, Tx<'_>> {
    /// Adds an agent instance, in a session by whom the guard lets.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the team has no such session, task or agent; [`StoreError::Fenced`] when another process
    /// took the session over.
    pub fn insert(&self, instance: &AgentInstance, guard: Guard) -> Result<(), StoreError> {
        self.scope.sessions().hold_any(instance.session_id, guard)?;
        reference::require(&self.scope, "tasks", "task", instance.task_id)?;
        reference::require(&self.scope, "agents", "agent", instance.agent_id)?;
        self.scope.insert(instance)
    }

    /// Moves an agent instance to another state; `terminated` notes when.
    ///
    /// # Errors
    /// [`MoveInstanceError::Illegal`] when there is no such move; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Conflict`] when somebody moved it meanwhile; [`StoreError::Fenced`] when another process took its session
    /// over.
    pub fn change_state(
        &self,
        id: AgentInstanceId,
        guard: Guard,
        to: AgentInstanceState,
        at: Timestamp,
    ) -> Result<(), MoveInstanceError> {
        let from = self.hold(id, guard)?.state;
        from.move_to(to)?;
        let terminated = (to == AgentInstanceState::Terminated).then_some(at);
        let sql = "UPDATE agent_instances SET state = $1, terminated_at = $2, updated_at = $3
             WHERE id = $4 AND state = $5 AND team_id = $6";
        match self.scope.execute(sql, params![to, terminated, at, id, from])? {
            0 => {
                Err(StoreError::Conflict { what: format!("agent instance {id} is no longer {from}") }.into())
            }
            _ => Ok(()),
        }
    }

    /// Notes what an agent instance took so far.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Fenced`] when another process took its session over.
    pub fn set_resource_usage(
        &self,
        id: AgentInstanceId,
        guard: Guard,
        usage: &Json,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.hold(id, guard)?;
        let sql =
            "UPDATE agent_instances SET resource_usage = $1, updated_at = $2 WHERE id = $3 AND team_id = $4";
        match self.scope.execute(sql, params![*usage, at, id])? {
            0 => Err(missing::<AgentInstance>(id)),
            _ => Ok(()),
        }
    }

    /// The instance, while its session is held.
    fn hold(&self, id: AgentInstanceId, guard: Guard) -> Result<AgentInstance, StoreError> {
        let instance = self.find(id)?.ok_or_else(|| missing::<AgentInstance>(id))?;
        self.scope.sessions().hold_any(instance.session_id, guard)?;
        Ok(instance)
    }
}
