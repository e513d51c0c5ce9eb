//! Checkpoints of sessions and tasks.

use domain::{
    checkpoint::Checkpoint,
    id::{CheckpointId, SessionId, TaskId},
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
    reference,
    session::Guard,
};
use crate::{conn::Tx, error::StoreError, record::record, scope::Scope, statement::Order};

record! {
    Checkpoint in "checkpoints" {
        id, team_id, session_id, task_id, name, iteration, state, message_sequence, file_snapshot, created_by, created_at,
    }
    owned by CheckpointId as "checkpoint" while
        "deleted_at IS NULL AND (SELECT s.deleted_at FROM sessions s WHERE s.id = session_id) IS NULL";
    dated by created_at;
}

/// A team's checkpoints. Those of a deleted session are gone with it.
#[derive(Debug, Clone, Copy)]
pub struct Checkpoints<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> Checkpoints<'_, C> {
    /// The checkpoint of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: CheckpointId) -> Result<Option<Checkpoint>, StoreError> {
        self.scope.find_row(id)
    }

    /// The checkpoints of a session, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_of_session(
        &self,
        session: SessionId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Checkpoint>, StoreError> {
        let mut statement = self.scope.select_by::<Checkpoint>(true);
        statement.and_equal("session_id", Some(&session));
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The checkpoints of a task, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_of_task(
        &self,
        task: TaskId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Checkpoint>, StoreError> {
        let mut statement = self.scope.select_by::<Checkpoint>(true);
        statement.and_equal("task_id", Some(&task));
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl Checkpoints<'_, Tx<'_>> {
    /// Adds a checkpoint, of a session by whom the guard lets.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the team has no such session or task; [`StoreError::Fenced`] when another process took the
    /// session over; [`StoreError::Conflict`] when it names neither.
    pub fn insert(&self, checkpoint: &Checkpoint, guard: Guard) -> Result<(), StoreError> {
        self.scope.sessions().hold_any(checkpoint.session_id, guard)?;
        reference::require(&self.scope, "tasks", "task", checkpoint.task_id)?;
        self.scope.insert(checkpoint)
    }

    /// Deletes a checkpoint softly.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: CheckpointId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<Checkpoint>(id, at)
    }
}
