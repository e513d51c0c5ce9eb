//! Agents: definitions that sessions run with.

use domain::{
    agent::{Agent, AgentVersion},
    agent_status::AgentStatus,
    audit_action::AuditAction,
    dna::{AgentDefinition, Text},
    id::{AgentId, TeamId},
    slug::Slug,
};
use store::{AgentFilter, AgentRef, AgentStatusError, Cursor, NewAgentVersion, Page, StoreError, Tx};

use crate::{App, Caller, session::AgentName};

/// Why nothing was done about an agent.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The team has none of this slug.
    #[error("there is no agent {0}")]
    NotFound(Slug),
    /// It has no such version.
    #[error("agent {slug} has no version {version}")]
    NoVersion {
        /// The agent.
        slug: Slug,
        /// As asked for.
        version: i64,
    },
    /// A slug names one agent for ever.
    #[error("the file describes agent {described}, not {slug}; a slug does not change")]
    OtherSlug {
        /// The agent.
        slug: Slug,
        /// The slug in the file.
        described: Slug,
    },
    /// The state machine has no such move, or the database.
    #[error(transparent)]
    Status(#[from] AgentStatusError),
    /// The team has one of this slug already.
    #[error("there is an agent {0} already")]
    Taken(Slug),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Creates an agent that sessions may start with; a draft they may not.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn create_agent(
        &self,
        caller: Caller,
        definition: AgentDefinition,
        is_draft: bool,
        reason: Option<Text<2000>>,
    ) -> Result<Agent, AgentError> {
        let AgentDefinition { slug, name, tagline, dna } = definition;
        let now = self.now();
        let agent = Agent {
            id: AgentId::from_uuid(self.next_id()),
            team_id: caller.team_id,
            slug,
            name,
            tagline,
            status: if is_draft { AgentStatus::Draft } else { AgentStatus::Active },
            current_version: 1,
            version: 1,
            created_by: caller.to_string(),
            created_at: now,
            updated_at: now,
        };
        let deed = self.deed(caller, AuditAction::AgentCreate).on(agent.id);
        let create = move |tx: &Tx<'_>| {
            let agents = tx.team(agent.team_id).agents();
            if agents.find_by_slug(&agent.slug)?.is_some() {
                return Err(AgentError::Taken(agent.slug));
            }
            agents.insert(&agent, dna, reason)?;
            deed.with("slug", agent.slug.as_str()).append(tx)?;
            Ok(agent)
        };
        self.store().write(create).await
    }

    /// A page of the team's agents, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_agents(
        &self,
        caller: Caller,
        status: Option<AgentStatus>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Agent>, StoreError> {
        let list = move |conn: &store::Conn| {
            conn.team(caller.team_id).agents().list(AgentFilter { status }, after, limit)
        };
        self.store().read(list).await
    }

    /// An agent with one of its versions, or the current one.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn get_agent(
        &self,
        caller: Caller,
        name: AgentName,
    ) -> Result<(Agent, AgentVersion), AgentError> {
        let read = move |conn: &store::Conn| find_version(conn, caller.team_id, name);
        self.store().read(read).await
    }

    /// The versions of an agent, newest first, at most `limit`.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn list_agent_versions(
        &self,
        caller: Caller,
        slug: Slug,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Agent, Vec<AgentVersion>), AgentError> {
        let read = move |conn: &store::Conn| {
            let agents = conn.team(caller.team_id).agents();
            let agent = agents.find_by_slug(&slug)?.ok_or(AgentError::NotFound(slug))?;
            let versions = agents.list_versions(agent.id, before, limit)?;
            Ok((agent, versions))
        };
        self.store().read(read).await
    }

    /// Gives an agent the name, the tagline and, as its next version, the DNA of a definition. Sessions keep the version they
    /// began with. A definition that says what is current already makes no version.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn edit_agent(
        &self,
        caller: Caller,
        slug: Slug,
        definition: AgentDefinition,
        reason: Option<Text<2000>>,
    ) -> Result<Agent, AgentError> {
        if definition.slug != slug {
            return Err(AgentError::OtherSlug { slug, described: definition.slug });
        }
        let (now, deed) = (self.now(), self.deed(caller, AuditAction::AgentUpdate));
        let edit = move |tx: &Tx<'_>| {
            let agents = tx.team(caller.team_id).agents();
            let current = agents.find_version(&AgentRef::Slug(slug.clone()), None)?;
            let (mut agent, current) = current.ok_or(AgentError::NotFound(slug))?;
            let AgentDefinition { name, tagline, dna, .. } = definition;
            if (&agent.name, &agent.tagline) != (&name, &tagline) {
                agent = Agent { name, tagline, updated_at: now, ..agent };
                agent.version = agents.update(&agent)?;
            }
            if dna != current.dna {
                let new = NewAgentVersion { dna, reason, created_by: caller.to_string(), created_at: now };
                agent = agents.add_version(agent.id, agent.version, new)?;
            }
            let (slug, version) = (agent.slug.as_str(), agent.current_version);
            deed.on(agent.id).with("slug", slug).with("version", version).append(tx)?;
            Ok(agent)
        };
        self.store().write(edit).await
    }

    /// Lets sessions start with an agent; those that do take the version that is named, or go on taking the current one.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn activate_agent(&self, caller: Caller, name: AgentName) -> Result<Agent, AgentError> {
        let AgentName { slug, version } = name;
        let (now, deed) = (self.now(), self.deed(caller, AuditAction::AgentActivate));
        let activate = move |tx: &Tx<'_>| {
            let agents = tx.team(caller.team_id).agents();
            let mut agent = agents.find_by_slug(&slug)?.ok_or_else(|| AgentError::NotFound(slug.clone()))?;
            if let Some(number) = version {
                if agents.find_version(&AgentRef::Id(agent.id), version)?.is_none() {
                    return Err(AgentError::NoVersion { slug, version: number });
                }
                agent = agents.activate_version(agent.id, agent.version, number, now)?;
            }
            if agent.status == AgentStatus::Archived {
                agent = agents.change_status(agent.id, AgentStatus::Archived, AgentStatus::Draft, now)?;
            }
            if agent.status != AgentStatus::Active {
                agent = agents.change_status(agent.id, agent.status, AgentStatus::Active, now)?;
            }
            let (slug, version) = (agent.slug.as_str(), agent.current_version);
            deed.on(agent.id).with("slug", slug).with("version", version).append(tx)?;
            Ok(agent)
        };
        self.store().write(activate).await
    }

    /// Lets no session start with an agent any more; those that run go on.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn archive_agent(&self, caller: Caller, slug: Slug) -> Result<Agent, AgentError> {
        let (now, deed) = (self.now(), self.deed(caller, AuditAction::AgentArchive));
        let deed = deed.with("slug", slug.as_str());
        let refused = deed.clone();
        let archive = move |tx: &Tx<'_>| {
            let agents = tx.team(caller.team_id).agents();
            let agent = agents.find_by_slug(&slug)?.ok_or(AgentError::NotFound(slug))?;
            let archived = agents.change_status(agent.id, agent.status, AgentStatus::Archived, now)?;
            deed.on(agent.id).append(tx)?;
            Ok(archived)
        };
        let outcome = self.store().write(archive).await;
        if let Err(error @ AgentError::Status(AgentStatusError::Illegal(_))) = &outcome {
            self.note(refused.denied(error)).await;
        }
        outcome
    }
}

/// An agent of a team with one of its versions, or the current one.
pub(crate) fn find_version(
    conn: &store::Conn,
    team: TeamId,
    AgentName { slug, version }: AgentName,
) -> Result<(Agent, AgentVersion), AgentError> {
    let agents = conn.team(team).agents();
    match (agents.find_version(&AgentRef::Slug(slug.clone()), version)?, version) {
        (Some(found), _) => Ok(found),
        (None, Some(version)) if agents.find_by_slug(&slug)?.is_some() => {
            Err(AgentError::NoVersion { slug, version })
        }
        (None, _) => Err(AgentError::NotFound(slug)),
    }
}
