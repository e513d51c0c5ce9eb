//! Tasks: finding, listing, editing and deleting them. Their status has a door of its own.

use domain::{
    backlog_key::TaskKey,
    id::{AgentId, EpicId, FeatureId, SessionId, TaskId},
    priority::Priority,
    task::{AgentType, Task, TaskChange, TaskSource},
    workflow::TaskStatus,
};

use super::{Occasion, task_history::Event};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record as _, record},
    repository::{
        Reads,
        page::{Cursor, Page},
        reference,
    },
    scope::{Scope, missing},
    statement::Order,
    value::{Row, Value, params},
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
    /// For agents of this type, and of no other.
    pub agent_type: Option<AgentType>,
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

/// How many tasks one statement knows by their ids: more values than this no statement takes on either database.
pub(super) const READ_AT_ONCE: usize = 1000;

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
        let mut statement = self.scope.select_by::<Task>(false);
        statement.and("idempotency_key = ?", [Value::text(key)]);
        Ok(statement.rows(self.scope.connection())?.into_iter().next())
    }

    /// Key and status of each of these tasks that is there, in no order.
    pub(super) fn list_places(
        &self,
        ids: &[TaskId],
    ) -> Result<Vec<(TaskId, TaskKey, TaskStatus)>, StoreError> {
        let mut places = Vec::with_capacity(ids.len());
        for some in ids.chunks(READ_AT_ONCE) {
            let mut statement = self.scope.statement(
                "SELECT id, key, status FROM tasks WHERE (team_id = ? AND deleted_at IS NULL) IS TRUE AND id IN ",
            );
            statement.push_list(some);
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            places.extend(statement.query(self.scope.connection(), read)?);
        }
        Ok(places)
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
        let is_few =
            filter.epic_id.is_some() || filter.feature_id.is_some() || filter.parent_task_id.is_some();
        let mut statement = self.scope.select_by::<Task>(is_few);
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
    /// that the caller read. Status, claim, counters, key and origin stay as they are. When nothing differs nothing is written.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it, or what it newly refers to,
    /// is not there; [`StoreError::Invalid`] when it would be a part of itself, or a number is out of range.
    pub fn update(&self, task: &Task, occasion: &Occasion<'_>) -> Result<i64, StoreError> {
        let stored = self.find(task.id)?.ok_or_else(|| missing::<Task>(task.id))?;
        if stored.version != task.version {
            let what = format!("task {}", task.id);
            return Err(StoreError::Stale { what, expected: task.version, current: stored.version });
        }
        refuse_immeasurable(task.estimated_seconds, task.max_retries)?;
        if task.assigned_agent_id != stored.assigned_agent_id {
            self.require_agent(task.assigned_agent_id)?;
        }
        if task.session_id != stored.session_id {
            self.require_session(task.session_id)?;
        }
        if let Some(parent) = task.parent_task_id.filter(|parent| stored.parent_task_id != Some(*parent)) {
            self.require_task(Some(parent))?;
            self.refuse_part_of_itself(task.id, parent)?;
        }
        let edited = edited(&stored, task);
        if edited.is_empty() {
            return Ok(stored.version);
        }
        let version = self.scope.update_except(NOT_EDITED, task)?;
        let event = Event {
            task_id: stored.id,
            task_key: stored.key,
            status: &stored.status,
            change: TaskChange::Edited,
            notes: Some(edited.join(", ")),
        };
        self.scope.insert(&event.entry(self.scope.team(), occasion))?;
        Ok(version)
    }

    pub(super) fn require_agent(&self, id: Option<AgentId>) -> Result<(), StoreError> {
        reference::require(&self.scope, "agents", "agent", id)
    }

    pub(super) fn require_task(&self, id: Option<TaskId>) -> Result<(), StoreError> {
        reference::require(&self.scope, "tasks", "task", id)
    }

    fn require_session(&self, id: Option<SessionId>) -> Result<(), StoreError> {
        reference::require(&self.scope, "sessions", "session", id)
    }

    /// Two who each added one half of a circle would not see each other's, so they do it one after the other.
    fn refuse_part_of_itself(&self, id: TaskId, parent: TaskId) -> Result<(), StoreError> {
        self.scope.hold()?;
        let sql = "WITH RECURSIVE reached (id) AS (
                 SELECT id FROM tasks WHERE (team_id = $1) IS TRUE AND id = $2
                 UNION
                 SELECT (SELECT t.parent_task_id FROM tasks t WHERE t.id = reached.id) FROM reached WHERE id IS NOT NULL)
             SELECT 1 FROM reached WHERE id = $3";
        match self.scope.find(sql, params![parent, id], |_| Ok(()))? {
            None => Ok(()),
            Some(()) => Err(StoreError::Invalid {
                field: "parent_task_id",
                value: parent.to_string(),
                accepted: "a task that is not this one and not a part of it".to_owned(),
            }),
        }
    }
}

/// The names of the columns in which an edited task differs from the one that is stored.
fn edited(stored: &Task, task: &Task) -> Vec<&'static str> {
    const KEPT: [&str; 5] = ["id", "team_id", "created_at", "updated_at", "version"];
    let values = Task::COLUMNS.split(", ").zip(stored.values().into_iter().zip(task.values()));
    values
        .filter(|(column, (was, is))| was != is && !KEPT.contains(column) && !NOT_EDITED.contains(column))
        .map(|(column, _)| column)
        .collect()
}

/// Refuses numbers that no plan needs.
pub(super) fn refuse_immeasurable(
    estimated_seconds: Option<i64>,
    max_retries: i64,
) -> Result<(), StoreError> {
    let refuse = |field, value: i64, accepted: String| {
        Err(StoreError::Invalid { field, value: value.to_string(), accepted })
    };
    match estimated_seconds {
        Some(seconds) if !(1..=Task::LONGEST).contains(&seconds) => {
            refuse("estimated_seconds", seconds, format!("1 to {}", Task::LONGEST))
        }
        _ if !(0..=Task::MOST_RETRIES).contains(&max_retries) => {
            refuse("max_retries", max_retries, format!("0 to {}", Task::MOST_RETRIES))
        }
        _ => Ok(()),
    }
}
