//! Agents and their versions.

use domain::{
    agent::{Agent, AgentVersion, Tagline},
    agent_status::{AgentStatus, IllegalAgentTransition},
    dna::{Dna, Text},
    id::AgentId,
    slug::Slug,
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::{Scope, below, missing},
    statement::{Order, Statement},
    value::{FromValue, ToValue, Value, params, stored_documents, stored_words},
};

stored_words! { AgentStatus, Tagline }
stored_documents! { Dna }

impl<const MAX: usize> ToValue for Text<MAX> {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.as_str().into())
    }
}

impl<const MAX: usize> FromValue for Text<MAX> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { text.parse().ok() } else { None }
    }
}

record! {
    Agent in "agents" {
        id, team_id, slug, name, tagline, status, current_version, version, created_by, created_at, updated_at,
    }
    owned by AgentId as "agent" while "deleted_at IS NULL";
    dated by created_at;
}

record! {
    AgentVersion in "agent_versions" { agent_id, version, dna, reason, created_by, created_at }
}

/// A team's agents.
#[derive(Debug, Clone, Copy)]
pub struct Agents<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which agents a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct AgentFilter {
    /// In this status.
    pub status: Option<AgentStatus>,
}

/// How a caller names an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentRef {
    /// By its id.
    Id(AgentId),
    /// By its short name.
    Slug(Slug),
}

/// A version that is to be: what the agent will be made of, why and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAgentVersion {
    /// What the agent will be made of.
    pub dna: Dna,
    /// Why.
    pub reason: Option<Text<2000>>,
    /// Who makes it, as `user:ID` or `system:PART`.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// Why an agent's status was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentStatusError {
    /// The state machine has no such move.
    #[error(transparent)]
    Illegal(#[from] IllegalAgentTransition),
    /// The database, or [`StoreError::Conflict`] when the agent is no longer in the status that the caller saw.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<C: Reads> Agents<'_, C> {
    /// The agent of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: AgentId) -> Result<Option<Agent>, StoreError> {
        self.scope.find_row(id)
    }

    /// The agent of this short name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_slug(&self, slug: &Slug) -> Result<Option<Agent>, StoreError> {
        self.scope.find_row_by("slug", slug)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: AgentFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Agent>, StoreError> {
        let mut statement = self.scope.select::<Agent>();
        statement.and_equal("status", filter.status.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// An agent with the version of this number, or with its current one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_version(
        &self,
        agent: &AgentRef,
        number: Option<i64>,
    ) -> Result<Option<(Agent, AgentVersion)>, StoreError> {
        let team = self.scope.team();
        let mut statement = self.joined_with(number);
        match agent {
            AgentRef::Id(id) => statement.push(
                " WHERE (a.team_id = ? AND a.deleted_at IS NULL) IS TRUE AND a.id = ?",
                [team.to_value(), id.to_value()],
            ),
            AgentRef::Slug(slug) => statement.push(
                " WHERE a.team_id = ? AND a.slug = ? AND a.deleted_at IS NULL",
                [team.to_value(), slug.to_value()],
            ),
        }
        let found = statement.query(self.scope.connection(), |row| {
            let mut columns = row.columns();
            Ok((Agent::from_columns(&mut columns)?, AgentVersion::from_columns(&mut columns)?))
        })?;
        Ok(found.into_iter().next())
    }

    /// The version that a session pinned. It is found after its agent was deleted, too: the session goes on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_pinned(&self, agent: AgentId, number: i64) -> Result<Option<AgentVersion>, StoreError> {
        let sql = format!(
            "SELECT {} FROM agent_versions v
             WHERE EXISTS (SELECT 1 FROM agents a WHERE (a.team_id = $1) IS TRUE AND a.id = v.agent_id)
             AND v.agent_id = $2 AND v.version = $3",
            AgentVersion::COLUMNS
        );
        self.scope.find(&sql, params![agent, number], |row| AgentVersion::from_columns(&mut row.columns()))
    }

    /// The versions of an agent below a number, or all; the newest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_versions(
        &self,
        agent: AgentId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AgentVersion>, StoreError> {
        let sql = format!(
            "SELECT {} FROM agent_versions v WHERE {} AND v.agent_id = $2 AND v.version < $3
             ORDER BY v.version DESC LIMIT $4",
            AgentVersion::COLUMNS,
            below::<Agent>("v.agent_id")
        );
        let (before, limit) = (before.unwrap_or(i64::MAX), i64::from(limit));
        self.scope
            .query(&sql, params![agent, before, limit], |row| AgentVersion::from_columns(&mut row.columns()))
    }

    /// An agent joined with one of its versions; a condition follows.
    fn joined_with<'v>(&self, number: Option<i64>) -> Statement<'v> {
        let piece = format!(
            "SELECT {}, {} FROM agents a JOIN agent_versions v ON v.agent_id = a.id AND v.version = ",
            Agent::columns_of("a"),
            AgentVersion::columns_of("v")
        );
        let mut statement = Statement::new(&piece, []);
        match number {
            Some(number) => statement.push("?", [Value::Int(number)]),
            None => statement.push("a.current_version", []),
        }
        statement
    }
}

impl Agents<'_, Tx<'_>> {
    /// Adds an agent, and what it is made of as its version 1. Author and time are the agent's.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has an agent of this slug, if only a deleted one: a slug that stands in
    /// records names one agent for ever. [`StoreError::Invalid`] when the agent says another current version than 1.
    pub fn insert(&self, agent: &Agent, dna: Dna, reason: Option<Text<2000>>) -> Result<(), StoreError> {
        if agent.current_version != 1 {
            return Err(StoreError::Invalid {
                field: "current_version",
                value: agent.current_version.to_string(),
                accepted: "1, for an agent that is new".into(),
            });
        }
        self.scope.insert(agent)?;
        let (created_by, created_at) = (agent.created_by.clone(), agent.created_at);
        let version = AgentVersion { agent_id: agent.id, version: 1, dna, reason, created_by, created_at };
        self.scope.insert_below::<Agent, _>(agent.id, &version)
    }

    /// Sets name, tagline and the time of the change on the version of the row that the caller read, and gives its new one.
    /// Status and current version have verbs of their own; the slug stays.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there.
    pub fn update(&self, agent: &Agent) -> Result<i64, StoreError> {
        self.scope.refuse_foreign(agent)?;
        let set = [("name", agent.name.to_value()), ("tagline", agent.tagline.to_value())];
        let changed = self.change(agent.id, agent.version, agent.updated_at, set)?;
        Ok(changed.version)
    }

    /// Moves an agent from the status that the caller saw to another.
    ///
    /// # Errors
    /// [`AgentStatusError::Illegal`] when the state machine has no such move; [`StoreError::Conflict`] when it is no longer
    /// in that status; [`StoreError::Missing`] when it is not there.
    pub fn change_status(
        &self,
        id: AgentId,
        from: AgentStatus,
        to: AgentStatus,
        at: Timestamp,
    ) -> Result<Agent, AgentStatusError> {
        let to = from.transition_to(to)?;
        let sql = format!(
            "UPDATE agents SET status = $1, updated_at = $2, version = version + 1
             WHERE id = $3 AND (status = $4 AND deleted_at IS NULL AND team_id = $5) IS TRUE RETURNING {}",
            Agent::COLUMNS
        );
        let read = |row: &crate::value::Row<'_>| Agent::from_columns(&mut row.columns());
        if let Some(agent) = self.scope.change(&sql, params![to, at, id, from], read)? {
            return Ok(agent);
        }
        let agent = self.find(id)?.ok_or_else(|| missing::<Agent>(id))?;
        let what = format!("agent {id} is {}, no longer {from}", agent.status);
        Err(StoreError::Conflict { what }.into())
    }

    /// Gives an agent its next version and makes it the current one. `expected` is the version of the row that the caller
    /// read; the numbers of versions have no gaps.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed the agent meanwhile; [`StoreError::Missing`] when it is not there.
    pub fn add_version(&self, id: AgentId, expected: i64, new: NewAgentVersion) -> Result<Agent, StoreError> {
        let NewAgentVersion { dna, reason, created_by, created_at } = new;
        let sql = format!(
            "SELECT max(v.version) FROM agent_versions v WHERE {} AND v.agent_id = $2",
            below::<Agent>("v.agent_id")
        );
        let last: Option<i64> = self.scope.scalar(&sql, params![id])?;
        let number = last.unwrap_or(0) + 1;
        // Whoever added a version since changed the row's version too, so this number is still the next.
        let agent = self.change(id, expected, created_at, [("current_version", Value::Int(number))])?;
        let version = AgentVersion { agent_id: id, version: number, dna, reason, created_by, created_at };
        self.scope.insert_below::<Agent, _>(id, &version)?;
        Ok(agent)
    }

    /// Makes an earlier, or later, version the current one again. `expected` is the version of the row that the caller read.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed the agent meanwhile; [`StoreError::Missing`] when it is not there or has
    /// no such version.
    pub fn activate_version(
        &self,
        id: AgentId,
        expected: i64,
        number: i64,
        at: Timestamp,
    ) -> Result<Agent, StoreError> {
        if self.find_version(&AgentRef::Id(id), Some(number))?.is_none() {
            return Err(StoreError::Missing { what: format!("version {number} of agent {id}") });
        }
        self.change(id, expected, at, [("current_version", Value::Int(number))])
    }

    /// Deletes an agent softly. Its slug stays taken, and its versions stay for the sessions that pinned them.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: AgentId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<Agent>(id, at)
    }

    /// Sets columns on a row of this version, and gives it as it then is.
    fn change<'v, const N: usize>(
        &self,
        id: AgentId,
        expected: i64,
        at: Timestamp,
        set: [(&str, Value<'v>); N],
    ) -> Result<Agent, StoreError> {
        let team = self.scope.team();
        let mut statement =
            Statement::new("UPDATE agents SET version = version + 1, updated_at = ?", [Value::Time(at)]);
        for (column, value) in set {
            statement.push(&format!(", {column} = ?"), [value]);
        }
        statement.push(
            &format!(
                " WHERE (version = ? AND deleted_at IS NULL AND team_id = ?) IS TRUE AND id = ? RETURNING {}",
                Agent::COLUMNS
            ),
            [Value::Int(expected), team.to_value(), id.to_value()],
        );
        let changed = statement.rows(self.scope.connection())?.into_iter().next();
        changed.map_or_else(|| Err(self.why_not_changed(id, expected)), Ok)
    }

    fn why_not_changed(&self, id: AgentId, expected: i64) -> StoreError {
        match self.find(id) {
            Ok(Some(agent)) => {
                StoreError::Stale { what: format!("agent {id}"), expected, current: agent.version }
            }
            Ok(None) => missing::<Agent>(id),
            Err(error) => error,
        }
    }
}
