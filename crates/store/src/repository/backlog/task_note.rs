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
    TaskNote in "task_notes" { id, task_id, kind, content, author, version, created_at, updated_at }
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

    /// Replaces what a note says, and gives its new version. `version` is the one that the caller read.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it, or its task, is not there.
    pub fn update(
        &self,
        id: TaskNoteId,
        version: i64,
        content: &str,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let sql = format!(
            "UPDATE task_notes SET content = $1, version = version + 1, updated_at = $2
             WHERE id = $3 AND (version = $4) IS TRUE AND {} RETURNING version",
            live("$5")
        );
        match self.scope.change(&sql, params![content, at, id, version], |row| row.get(0))? {
            Some(version) => Ok(version),
            None => Err(self.why_not(id, version)),
        }
    }

    /// Deletes a note softly.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it, or its task, is not there.
    pub fn delete(&self, id: TaskNoteId, at: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE task_notes SET version = version + 1, updated_at = $1, deleted_at = $1 WHERE id = $2 AND {}",
            live("$3")
        );
        match self.scope.execute(&sql, params![at, id])? {
            0 => Err(missing(id)),
            _ => Ok(()),
        }
    }

    fn why_not(&self, id: TaskNoteId, expected: i64) -> StoreError {
        let sql = format!("SELECT version FROM task_notes WHERE {} AND id = $2", live("$1"));
        match self.scope.find(&sql, params![id], |row| row.get(0)) {
            Ok(Some(current)) => StoreError::Stale { what: format!("note {id}"), expected, current },
            Ok(None) => missing(id),
            Err(error) => error,
        }
    }
}

/// The condition that a note and its task are there.
fn live(team: &str) -> String {
    let task = below::<Task>("task_notes.task_id").replace("$1", team);
    format!("(task_notes.deleted_at IS NULL) IS TRUE AND {task}")
}

fn missing(id: TaskNoteId) -> StoreError {
    StoreError::Missing { what: format!("note {id}") }
}
