//! Sessions.

mod change;
mod purge;
mod queue;
pub(super) mod row;

use domain::{
    id::{AgentId, SessionId, TaskId, UserId},
    name::Name,
    session::{Lease, Session, SessionMode},
    session_status::SessionStatus,
    time::Timestamp,
};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

pub use self::{
    change::{Guard, SessionChange, SessionUpdate},
    queue::SessionQueue,
};
use super::{
    Reads, approval,
    page::{Cursor, Page},
    reference,
};
use crate::{
    conn::Tx,
    error::StoreError,
    scope::{Scope, missing},
    statement::{Order, Statement},
    value::{ToValue, Value, params},
};

/// Sessions.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which sessions a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionFilter {
    /// In this status.
    pub status: Option<SessionStatus>,
    /// Run like this.
    pub mode: Option<SessionMode>,
    /// For this person.
    pub user_id: Option<UserId>,
    /// As this agent, in any version of it.
    pub agent_id: Option<AgentId>,
    /// On this task.
    pub task_id: Option<TaskId>,
    /// Forked from this session.
    pub parent_session_id: Option<SessionId>,
    /// With or without a complete archive.
    pub has_archive: Option<bool>,
}

/// What people change about a session at any time. `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct SessionEdit {
    /// Its name.
    pub name: Option<Name>,
    /// What it is about; an empty text takes it away.
    pub description: Option<String>,
    /// All of its metadata.
    pub metadata: Option<Map<String, Json>>,
}

impl<C: Reads> Sessions<'_, C> {
    /// The session of this id, unless it was deleted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.scope.find_row(id)
    }

    /// The newest session, for people who say `last`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_last(&self) -> Result<Option<Session>, StoreError> {
        Ok(self.list(SessionFilter::default(), None, 1)?.items.into_iter().next())
    }

    /// Ids between two bounds, both included, at most `limit`: how a prefix is looked up.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ids_between(
        &self,
        first: Uuid,
        last: Uuid,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        let sql = "SELECT id FROM sessions
             WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id >= $2 AND id <= $3 ORDER BY id LIMIT $4";
        self.scope.query(sql, params![first, last, i64::from(limit)], |row| row.get(0))
    }

    /// Ids whose hyphenated text ends like this, at most `limit`. Looks at every id of the team: for people who type.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ids_ending(&self, suffix: &str, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let sql = self.scope.pick(
            "SELECT id FROM sessions WHERE team_id = $1 AND deleted_at IS NULL AND substr(id, -length($2)) = $2 LIMIT $3",
            "SELECT id FROM sessions WHERE team_id = $1 AND deleted_at IS NULL AND right(id::text, length($2)) = $2 LIMIT $3",
        );
        self.scope.query(sql, params![suffix, i64::from(limit)], |row| row.get(0))
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: SessionFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Session>, StoreError> {
        let mut statement = self.scope.select::<Session>();
        statement.and_equal("status", filter.status.as_ref());
        statement.and_equal("mode", filter.mode.as_ref());
        statement.and_equal("user_id", filter.user_id.as_ref());
        statement.and_equal("agent_id", filter.agent_id.as_ref());
        statement.and_equal("task_id", filter.task_id.as_ref());
        statement.and_equal("parent_session_id", filter.parent_session_id.as_ref());
        match filter.has_archive {
            Some(true) => statement.and("archive_id IS NOT NULL", []),
            Some(false) => statement.and("archive_id IS NULL", []),
            None => {}
        }
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The sessions in a status in which nothing happened since `before`, the quietest first, at most `limit`: what is to be
    /// paused or archived.
    ///
    /// Made for statuses that few sessions have at a time, such as *active*: it looks at all of that status. An index on the
    /// time of the last activity would be written with each event of every session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_idle(
        &self,
        status: SessionStatus,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let mut statement = self.scope.select::<Session>();
        statement.and_equal("status", Some(&status));
        statement.and("last_activity_at < ?", [Value::Time(before)]);
        statement.push(" ORDER BY last_activity_at, id LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }
}

impl Sessions<'_, Tx<'_>> {
    /// Records a new session. Its first transition is a change of its own.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id exists or its team or user does not; [`StoreError::Missing`] when the team has no
    /// such agent, task, template, parent or archive.
    pub fn insert(&self, session: &Session) -> Result<(), StoreError> {
        let scope = &self.scope;
        reference::require(scope, "agents", "agent", session.agent_id)?;
        reference::require(scope, "tasks", "task", session.task_id)?;
        reference::require(scope, "session_templates", "session template", session.template_id)?;
        reference::require(scope, "sessions", "session", session.parent_session_id)?;
        reference::require(scope, "working_directory_archives", "archive", session.archive_id)?;
        scope.insert(session)
    }

    /// Changes what people say about a session.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn edit(&self, id: SessionId, edit: &SessionEdit, at: Timestamp) -> Result<(), StoreError> {
        let SessionEdit { name, description, metadata } = edit;
        let mut statement = Statement::new("UPDATE sessions SET updated_at = ?", [Value::Time(at)]);
        if let Some(name) = name {
            statement.push(", name = ?", [Value::text(name.as_str())]);
        }
        if let Some(description) = description {
            statement.push(", description = nullif(?, '')", [description.to_value()]);
        }
        if let Some(metadata) = metadata {
            statement.push(", metadata = ?", [Value::document(metadata)]);
        }
        statement.push(" WHERE id = ?", [id.to_value()]);
        let team = Value::Id(*self.scope.team().as_uuid());
        statement.and("(team_id = ? AND deleted_at IS NULL) IS TRUE", [team]);
        match self.scope.tx().execute(statement.text(), statement.values())? {
            0 => Err(missing::<Session>(id)),
            _ => Ok(()),
        }
    }

    /// Deletes a session softly, with all that belongs to it; it leaves the queue, and what it asked is cancelled.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it runs.
    pub fn delete(&self, id: SessionId, actor: &str, at: Timestamp) -> Result<(), StoreError> {
        approval::cancel_pending(self.scope, id, actor, at)?;
        let sql = format!(
            "UPDATE sessions SET deleted_at = $1, updated_at = $1, queued_at = NULL, next_attempt_at = NULL
             WHERE id = $2 AND lease_owner IS NULL AND {} AND (team_id = $3 AND deleted_at IS NULL) IS TRUE",
            status_in(|status| !status.is_running())
        );
        match self.scope.execute(&sql, params![at, id])? {
            0 => Err(self.refusal(id, "deleted")),
            _ => Ok(()),
        }
    }

    /// Why something could not be done to a session that only those at rest can have done.
    fn refusal(&self, id: SessionId, done: &str) -> StoreError {
        match self.find(id) {
            Ok(Some(Session { status, .. })) => {
                StoreError::Conflict { what: format!("session {id} is {status}, so it cannot be {done}") }
            }
            Ok(None) => missing::<Session>(id),
            Err(error) => error,
        }
    }

    /// Makes `lease.owner` the owner of a session nobody owns, or that only `fence`'s dead owner owns, and gives the new
    /// fence. Of several who try, one wins. A session that waits for a worker waits no more.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when somebody else was faster.
    pub fn acquire(&self, id: SessionId, fence: i64, lease: &Lease) -> Result<i64, StoreError> {
        let sql = "UPDATE sessions SET lease_owner = $1, lease_expires_at = $2, fence = fence + 1, queued_at = NULL,
             next_attempt_at = NULL WHERE id = $3 AND fence = $4 AND (team_id = $5 AND deleted_at IS NULL) IS TRUE RETURNING fence";
        let owner = lease.owner.to_string();
        let values = params![owner, lease.expires_at, id, fence];
        self.scope.change(sql, values, |row| row.get(0))?.ok_or(StoreError::Fenced)
    }

    /// Keeps a session for longer.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process took it over.
    pub fn renew(&self, id: SessionId, fence: i64, expires_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET lease_expires_at = $1 WHERE id = $2 AND fence = $3 AND team_id = $4
             AND lease_owner IS NOT NULL";
        match self.scope.execute(sql, params![expires_at, id, fence])? {
            0 => Err(StoreError::Fenced),
            _ => Ok(()),
        }
    }
}

/// The condition that the status is one of some.
fn status_in(is_meant: impl Fn(SessionStatus) -> bool) -> String {
    let meant = SessionStatus::ALL.iter().filter(|status| is_meant(**status));
    let words: Vec<_> = meant.map(|status| format!("'{status}'")).collect();
    format!("status IN ({})", words.join(", "))
}
