//! What happened to tasks: one row per change, kept for good.

use domain::{
    backlog_key::TaskKey,
    id::{TaskHistoryId, TaskId, TeamId},
    task::{TaskChange, TaskHistoryEntry},
    workflow::TaskStatus,
};

use super::Occasion;
use crate::{
    error::StoreError,
    record::record,
    repository::{
        Reads,
        page::{Cursor, Page},
    },
    scope::Scope,
    statement::Order,
};

record! {
    TaskHistoryEntry in "task_history" {
        id, team_id, task_id, task_key, change, old_status, new_status, actor, notes, rejection_reason, forced, at,
    }
    owned by TaskHistoryId as "change of a task" while "TRUE";
    dated by at;
}

/// What happened to a team's tasks. Written only by what changes a task.
#[derive(Debug, Clone, Copy)]
pub struct TaskHistory<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

/// What a line of history tells that is not a change of status: of which task, and what happened.
pub(super) struct Event<'e> {
    pub(super) task_id: TaskId,
    pub(super) task_key: TaskKey,
    /// Where the task is, before and after.
    pub(super) status: &'e TaskStatus,
    pub(super) change: TaskChange,
    pub(super) notes: Option<String>,
}

impl Event<'_> {
    pub(super) fn entry(self, team_id: TeamId, occasion: &Occasion<'_>) -> TaskHistoryEntry {
        TaskHistoryEntry {
            id: TaskHistoryId::from_uuid((occasion.next_id)()),
            team_id,
            task_id: self.task_id,
            task_key: self.task_key,
            change: self.change,
            old_status: Some(self.status.clone()),
            new_status: self.status.clone(),
            actor: occasion.actor.to_owned(),
            notes: self.notes,
            rejection_reason: None,
            forced: false,
            at: occasion.at,
        }
    }
}

impl<C: Reads> TaskHistory<'_, C> {
    /// What happened to a task, oldest first; also to one that is gone.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_of_task(
        &self,
        task: TaskId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<TaskHistoryEntry>, StoreError> {
        let mut statement = self.scope.select_by::<TaskHistoryEntry>(true);
        statement.and_equal("task_id", Some(&task));
        statement.page(self.scope.connection(), Order::OldestFirst, after, limit)
    }

    /// What happened last in the team, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_recent(
        &self,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<TaskHistoryEntry>, StoreError> {
        let statement = self.scope.select::<TaskHistoryEntry>();
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}
