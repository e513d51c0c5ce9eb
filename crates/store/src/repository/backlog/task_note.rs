//! Notes on tasks.

use domain::{
    id::{TaskId, TaskNoteId},
    task::{Task, TaskNote},
    time::Timestamp,
};

use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    repository::{
        Reads,
        page::{Cursor, Page},
    },
    scope::{Scope, below},
    statement::Order,
    value::params,
};

record! {
    TaskNote in "task_notes" { id, task_id, kind, content, author, created_at, updated_at }
    dated by created_at;
}

/// The notes on a team's tasks.
#[derive(Debug, Clone, Copy)]
pub struct TaskNotes<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

impl<C: Reads> TaskNotes<'_, C> {
    /// The notes on a task, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        task: TaskId,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<TaskNote>, StoreError> {
        let columns = TaskNote::columns_of("n");
        let below = below::<Task>("n.task_id").replace("$1", "?");
        let mut statement =
            self.scope.statement(&format!("SELECT {columns} FROM task_notes n WHERE {below}"));
        statement.and_equal("n.task_id", Some(&task));
        statement.and("n.deleted_at IS NULL", []);
        statement.page(self.scope.connection(), Order::OldestFirst, after, limit)
    }
}

impl TaskNotes<'_, Tx<'_>> {
    /// Notes something on a task.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the task is not there.
    pub fn insert(&self, note: &TaskNote) -> Result<(), StoreError> {
        self.scope.insert_below::<Task, _>(note.task_id, note)
    }

    /// Replaces what a note says.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it, or its task, is not there.
    pub fn update(&self, id: TaskNoteId, content: &str, at: Timestamp) -> Result<(), StoreError> {
        self.change("content = $1, updated_at = $2", id, params![content, at, id])
    }

    /// Deletes a note softly.
    ///
    /// # Errors
    /// As [`TaskNotes::update`].
    pub fn delete(&self, id: TaskNoteId, at: Timestamp) -> Result<(), StoreError> {
        self.change("updated_at = $1, deleted_at = $1", id, params![at, id])
    }

    fn change(
        &self,
        what: &str,
        id: TaskNoteId,
        values: &[crate::value::Value<'_>],
    ) -> Result<(), StoreError> {
        let (own, team) = (values.len(), values.len() + 1);
        let below = below::<Task>("task_notes.task_id").replace("$1", &format!("${team}"));
        let sql = format!(
            "UPDATE task_notes SET {what} WHERE id = ${own} AND (deleted_at IS NULL) IS TRUE AND {below}"
        );
        match self.scope.execute(&sql, values)? {
            0 => Err(StoreError::Missing { what: format!("note {id}") }),
            _ => Ok(()),
        }
    }
}
