//! From what somebody names, such as an agent and a template, to what a session is asked to be.

use std::time::Duration;

use domain::{
    agent::Agent,
    agent_status::AgentStatus,
    dna::Dna,
    id::{AgentId, SessionTemplateId},
    money::MicroUsd,
    name::Name,
    permission::PermissionMode,
    session::SessionOptions,
    slug::Slug,
};
use store::StoreError;

use super::start::{FALLBACK_MODEL, FORK_AT, FORK_OF, FORK_TOLD, MAX_OUTPUT_TOKENS};
use crate::{
    App, Caller,
    agents::{AgentError, find_version},
};

/// How somebody names an agent for a session: `reviewer`, or `reviewer@3` for its third version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentName {
    /// Its short name.
    pub slug: Slug,
    /// Its version; `None` is the current one.
    pub version: Option<i64>,
}

/// A text that names no agent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no agent; accepted: its slug, or slug@version such as reviewer@3")]
pub struct InvalidAgentName(String);

/// What somebody says about a session beyond its agent and template; `None` says nothing.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// See [`SessionOptions::model`].
    pub model: Option<String>,
    /// Appended to what the agent is told anyway.
    pub system_prompt: Option<String>,
    /// See [`SessionOptions::permission_mode`].
    pub permission_mode: Option<PermissionMode>,
    /// See [`SessionOptions::max_turns`].
    pub max_turns: Option<u32>,
    /// See [`SessionOptions::budget`].
    pub budget: Option<MicroUsd>,
    /// See [`SessionOptions::timeout`].
    pub timeout: Option<Duration>,
}

/// What a session is asked to be, and where that came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// All of it.
    pub options: SessionOptions,
    /// The agent, in which version.
    pub agent: Option<(AgentId, i64)>,
    /// The template.
    pub template_id: Option<SessionTemplateId>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The team has no such agent, or the agent no such version.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// No session may start with it.
    #[error("agent {slug} is {status}; sessions start with active ones only")]
    NotActive {
        /// The agent.
        slug: Slug,
        /// Where it is in its life.
        status: AgentStatus,
    },
    /// The team has no such template.
    #[error("there is no template {}", .0.as_str())]
    NoTemplate(Name),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl std::str::FromStr for AgentName {
    type Err = InvalidAgentName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAgentName(text.to_owned());
        let (slug, version) = match text.split_once('@') {
            Some((slug, version)) => {
                let number = version.parse().ok().filter(|number| *number >= 1);
                (slug, Some(number.ok_or_else(invalid)?))
            }
            None => (text, None),
        };
        Ok(Self { slug: slug.parse().map_err(|_| invalid())?, version })
    }
}

impl App {
    /// What a session is asked to be: what is said about it counts first, then its template, then its agent, then `defaults`.
    ///
    /// # Errors
    /// See [`PlanError`].
    pub async fn plan_session(
        &self,
        caller: Caller,
        agent: Option<AgentName>,
        template: Option<Name>,
        defaults: SessionOptions,
        overrides: Overrides,
    ) -> Result<Plan, PlanError> {
        let read = move |conn: &store::Conn| {
            let team = conn.team(caller.team_id);
            let template = match template {
                Some(name) => {
                    let found = team.session_templates().find_by_name(&name)?;
                    Some(found.ok_or(PlanError::NoTemplate(name))?)
                }
                None => None,
            };
            let agent = agent.map(|name| find_version(conn, caller.team_id, name)).transpose()?;
            Ok::<_, PlanError>((template, agent))
        };
        let (template, agent) = self.store().read(read).await?;
        let template_id = template.as_ref().map(|template| template.id);
        let (model, max_turns, budget) = (defaults.model.clone(), defaults.max_turns, defaults.budget);
        let unset = SessionOptions { model: None, max_turns: None, budget: None, ..defaults };
        let mut options = template.map_or(unset, |template| template.options);
        // A template may be made from what a fork was asked to be; what begins here is none.
        options.sdk_options.retain(|key, _| ![FORK_OF, FORK_AT, FORK_TOLD].contains(&key.as_str()));
        if let Some((agent, version)) = &agent {
            if !agent.status.is_startable() {
                return Err(PlanError::NotActive { slug: agent.slug.clone(), status: agent.status });
            }
            be(&mut options, agent, &version.dna);
        }
        options.model = options.model.or(model);
        options.max_turns = options.max_turns.or(max_turns);
        options.budget = options.budget.or(budget);
        say(&mut options, overrides);
        let agent = agent.map(|(agent, version)| (agent.id, version.version));
        Ok(Plan { options, agent, template_id })
    }
}

/// Asks a session to be an agent, as far as it is not asked to be something else.
fn be(options: &mut SessionOptions, agent: &Agent, dna: &Dna) {
    let model = &dna.model;
    options.model = options.model.take().or_else(|| model.name.as_ref().map(|name| name.as_str().to_owned()));
    options.system_prompt = Some(joined(Some(dna.system_prompt(agent)), options.system_prompt.take()));
    if let Some(fallback) = &model.fallback {
        options.sdk_options.entry(FALLBACK_MODEL).or_insert_with(|| fallback.as_str().into());
    }
    options.sdk_options.entry(MAX_OUTPUT_TOKENS).or_insert_with(|| model.max_output_tokens.get().into());
    // Each tool call is one round trip, and the answer is one more.
    options.max_turns = options.max_turns.or(Some(dna.boundaries.max_tool_calls_per_turn.get() + 1));
}

fn say(options: &mut SessionOptions, overrides: Overrides) {
    let Overrides { model, system_prompt, permission_mode, max_turns, budget, timeout } = overrides;
    options.model = model.or(options.model.take());
    if system_prompt.is_some() {
        options.system_prompt = Some(joined(options.system_prompt.take(), system_prompt));
    }
    options.permission_mode = permission_mode.unwrap_or(options.permission_mode);
    options.max_turns = max_turns.or(options.max_turns);
    options.budget = budget.or(options.budget);
    options.timeout = timeout.unwrap_or(options.timeout);
}

fn joined(first: Option<String>, second: Option<String>) -> String {
    [first, second].into_iter().flatten().collect::<Vec<_>>().join("\n")
}
