//! Sessions.

mod change;
mod hold;
mod ownership;
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
    Reads,
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

    /// The agent programs' own ids of the sessions that are recorded as they happen: not those that were only read from their
    /// transcripts. Looks at all of the team's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_external_ids(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT external_id FROM sessions
             WHERE team_id = $1 AND deleted_at IS NULL AND external_id IS NOT NULL
             AND (origin <> 'imported' OR fence > 0)";
        self.scope.query(sql, &[], |row| row.get(0))
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
        let is_few = filter.task_id.is_some() || filter.parent_session_id.is_some();
        let mut statement = self.scope.select_by::<Session>(is_few);
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
    /// such agent, version of it, task, template, parent or archive; [`StoreError::Invalid`] when an option cannot be stored
    /// as it is, or an agent is named without its version.
    pub fn insert(&self, session: &Session) -> Result<(), StoreError> {
        let scope = &self.scope;
        row::refuse_unstorable(&session.options)?;
        self.refuse_unpinned(session)?;
        reference::require(scope, "tasks", "task", session.task_id)?;
        reference::require(scope, "session_templates", "session template", session.template_id)?;
        reference::require(scope, "sessions", "session", session.parent_session_id)?;
        reference::require(scope, "working_directory_archives", "archive", session.archive_id)?;
        scope.insert(session)
    }

    /// A session runs as one version of an agent, whatever becomes of the agent later.
    fn refuse_unpinned(&self, session: &Session) -> Result<(), StoreError> {
        let (agent, version) = match (session.agent_id, session.agent_version) {
            (None, None) => return Ok(()),
            (Some(agent), Some(version)) => (agent, version),
            (agent, version) => {
                let accepted =
                    if agent.is_some() { "a version of the agent" } else { "none without agent_id" };
                return Err(StoreError::Invalid {
                    field: "agent_version",
                    value: version.map_or_else(|| "none".to_owned(), |version| version.to_string()),
                    accepted: accepted.to_owned(),
                });
            }
        };
        reference::require(&self.scope, "agents", "agent", Some(agent))?;
        let sql = "SELECT 1 FROM agent_versions v WHERE EXISTS
             (SELECT 1 FROM agents a WHERE (a.team_id = $1) IS TRUE AND a.id = v.agent_id) AND v.agent_id = $2 AND v.version = $3";
        match self.scope.query(sql, params![agent, version], |_| Ok(()))?.is_empty() {
            true => Err(StoreError::Missing { what: format!("version {version} of agent {agent}") }),
            false => Ok(()),
        }
    }

    /// Changes what people say about a session whose version is `expected`, and gives its new version. What happens in the
    /// session meanwhile changes neither.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody edited it meanwhile; [`StoreError::Missing`] when it is not there.
    pub fn edit(
        &self,
        id: SessionId,
        expected: i64,
        edit: &SessionEdit,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let SessionEdit { name, description, metadata } = edit;
        let mut statement =
            Statement::new("UPDATE sessions SET version = version + 1, updated_at = ?", [Value::Time(at)]);
        if let Some(name) = name {
            statement.push(", name = ?", [Value::text(name.as_str())]);
        }
        if let Some(description) = description {
            statement.push(", description = nullif(?, '')", [description.to_value()]);
        }
        if let Some(metadata) = metadata {
            statement.push(", metadata = ?", [Value::document(metadata)]);
        }
        self.scope.finish_update::<Session>(statement, id, expected)
    }

    /// Deletes a session softly, with all that belongs to it; it leaves the queue, what it asked is cancelled, and the money
    /// it held is free again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it runs.
    pub fn delete(&self, id: SessionId, actor: &str, at: Timestamp) -> Result<(), StoreError> {
        // Nobody asks or reserves anything between what is ended here and the end of the session.
        self.hold(id, Guard::Anyone)?;
        self.scope.approvals().cancel_pending(id, actor, at)?;
        self.scope.reservations().release(id, Guard::Anyone, at)?;
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
            Ok(Some(session)) => conflict(&session, done),
            Ok(None) => missing::<Session>(id),
            Err(error) => error,
        }
    }
}

/// What stands in the way of something that only a session at rest can have done, the most telling first.
fn conflict(session: &Session, done: &str) -> StoreError {
    let Session { id, status, lease, queued_at, .. } = session;
    let reason = match (lease, queued_at) {
        _ if status.is_running() => format!("is {status}"),
        (Some(Lease { owner, expires_at }), _) => format!("is held by {owner} until {expires_at}"),
        (None, Some(since)) => format!("waits for a worker since {since}"),
        (None, None) => format!("is {status}"),
    };
    StoreError::Conflict { what: format!("session {id} {reason}, so it cannot be {done}") }
}

/// The condition that the status is one of some.
fn status_in(is_meant: impl Fn(SessionStatus) -> bool) -> String {
    let meant = SessionStatus::ALL.iter().filter(|status| is_meant(**status));
    let words: Vec<_> = meant.map(|status| format!("'{status}'")).collect();
    format!("status IN ({})", words.join(", "))
}
