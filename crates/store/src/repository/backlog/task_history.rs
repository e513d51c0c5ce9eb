//! What happened to tasks: one row per change of status, kept for good.

use domain::{
    id::{TaskHistoryId, TaskId},
    task::TaskHistoryEntry,
};

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
        id, team_id, task_id, task_key, old_status, new_status, actor, notes, rejection_reason, forced, at,
    }
    owned by TaskHistoryId as "change of a task" while "TRUE";
    dated by at;
}

/// What happened to a team's tasks. Written only by what changes a task.
#[derive(Debug, Clone, Copy)]
pub struct TaskHistory<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
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
        let mut statement = self.scope.select::<TaskHistoryEntry>();
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
