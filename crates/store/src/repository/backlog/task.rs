//! Tasks: finding, listing, editing and deleting them. Their status has a door of its own.

use domain::{
    backlog_key::TaskKey,
    id::{EpicId, FeatureId, TaskId},
    priority::Priority,
    task::{Task, TaskSource},
    workflow::TaskStatus,
};

use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    repository::{
        Reads,
        page::{Cursor, Page},
    },
    scope::Scope,
    statement::Order,
    value::{ToValue, params},
};

record! {
    Task in "tasks" {
        id, team_id, epic_id, feature_id, key, title, description, prompt, input, status, agent_type, priority,
        assigned_agent_id, blocked_reason, source, parent_task_id, session_id, claim_owner, claim_expires_at, fence, deadline,
        estimated_seconds, retry_count, max_retries, result, error_message, idempotency_key, started_at, completed_at,
        blocked_at, execution_order, file_path, open_dependencies, dependents, version, created_at, updated_at,
    }
    owned by TaskId as "task" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

/// A team's tasks.
#[derive(Debug, Clone, Copy)]
pub struct Tasks<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

/// Which tasks a list holds; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct TaskFilter {
    /// In this status.
    pub status: Option<TaskStatus>,
    /// For agents of this type.
    pub agent_type: Option<String>,
    /// Of this priority.
    pub priority: Option<Priority>,
    /// Of this epic.
    pub epic_id: Option<EpicId>,
    /// Of this feature.
    pub feature_id: Option<FeatureId>,
    /// From here.
    pub source: Option<TaskSource>,
    /// Parts of this task.
    pub parent_task_id: Option<TaskId>,
}

/// What an update leaves alone: it belongs to the workflow, to claims, to dependencies, or to what a task is.
const NOT_EDITED: &[&str] = &[
    "epic_id",
    "feature_id",
    "key",
    "status",
    "blocked_reason",
    "source",
    "claim_owner",
    "claim_expires_at",
    "fence",
    "idempotency_key",
    "started_at",
    "completed_at",
    "blocked_at",
    "open_dependencies",
    "dependents",
];

impl<C: Reads> Tasks<'_, C> {
    /// The task of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: TaskId) -> Result<Option<Task>, StoreError> {
        self.scope.find_row(id)
    }

    /// The task of this key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_key(&self, key: TaskKey) -> Result<Option<Task>, StoreError> {
        self.scope.find_row_by("key", &key)
    }

    /// The task that a request of this name made.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_idempotency_key(&self, key: &str) -> Result<Option<Task>, StoreError> {
        self.scope.find_row_by("idempotency_key", &key)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &TaskFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Task>, StoreError> {
        let mut statement = self.scope.select::<Task>();
        statement.and_equal("status", filter.status.as_ref());
        statement.and_equal("agent_type", filter.agent_type.as_ref());
        statement.and_equal("priority", filter.priority.as_ref());
        statement.and_equal("epic_id", filter.epic_id.as_ref());
        statement.and_equal("feature_id", filter.feature_id.as_ref());
        statement.and_equal("source", filter.source.as_ref());
        statement.and_equal("parent_task_id", filter.parent_task_id.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl Tasks<'_, Tx<'_>> {
    /// Replaces what people and agents write on a task by what stands here, and gives its new version. Its version is the one
    /// that the caller read. Status, claim, counters, key and origin stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it, or what it refers to, is not
    /// there.
    pub fn update(&self, task: &Task) -> Result<i64, StoreError> {
        self.refuse_foreign_reference("agent", "agents", task.assigned_agent_id.as_ref())?;
        self.refuse_foreign_reference("task", "tasks", task.parent_task_id.as_ref())?;
        self.refuse_foreign_reference("session", "sessions", task.session_id.as_ref())?;
        self.scope.update_except(NOT_EDITED, task)
    }

    /// What a task refers to belongs to the same team.
    pub(super) fn refuse_foreign_reference(
        &self,
        noun: &str,
        table: &str,
        id: Option<&(impl ToValue + std::fmt::Display + Copy)>,
    ) -> Result<(), StoreError> {
        let Some(id) = id.copied() else { return Ok(()) };
        let sql =
            format!("SELECT 1 FROM {table} WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id = $2");
        match self.scope.find(&sql, params![id], |_| Ok(()))? {
            Some(()) => Ok(()),
            None => Err(StoreError::Missing { what: format!("{noun} {id}") }),
        }
    }
}
