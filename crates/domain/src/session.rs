//! One conversation with an agent process.

mod options;

use serde_json::Value;

pub use self::options::SessionOptions;
use crate::{
    id::{AgentId, ArchiveId, SessionId, SessionTemplateId, TaskId, TeamId, UserId},
    money::MicroUsd,
    priority::Priority,
    runtime::RuntimeKind,
    session_status::SessionStatus,
    time::Timestamp,
    usage::TokenUsage,
};

text_enum! {
    /// How a session is run.
    pub enum SessionMode: "session mode" {
        /// Keeps its process, takes prompts, streams.
        Interactive = "interactive",
        /// Queued, run by a worker, ends by itself.
        Background = "background",
        /// Started from a parent's history.
        Forked = "forked",
    }
}

text_enum! {
    /// How a session came to be recorded.
    pub enum Origin: "origin" {
        /// Provost ran it.
        Run = "run",
        /// An agent CLI outside Provost reported it through hooks.
        Captured = "captured",
        /// Read from an existing transcript or bundle.
        Imported = "imported",
    }
}

/// A session as it stands in the store. Money, tokens and counters are totals over all its processes.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Session {
    /// Identity.
    pub id: SessionId,
    /// The tenant.
    pub team_id: TeamId,
    /// The person it runs for.
    pub user_id: Option<UserId>,
    /// The agent it runs as.
    pub agent_id: Option<AgentId>,
    /// Which version of the agent's definition; it stays as it is when the agent is changed.
    pub agent_version: Option<i64>,
    /// The task it works on.
    pub task_id: Option<TaskId>,
    /// The template its options came from.
    pub template_id: Option<SessionTemplateId>,
    /// The session whose history it began with.
    pub parent_session_id: Option<SessionId>,
    /// How many of the parent's messages it began with; `None` is all.
    pub fork_at_message: Option<u32>,
    /// For people: the beginning of the first prompt unless named.
    pub name: String,
    /// For people: what it is about.
    pub description: Option<String>,
    /// How it is run.
    pub mode: SessionMode,
    /// Where it is in its life.
    pub status: SessionStatus,
    /// The program that runs it.
    pub runtime: RuntimeKind,
    /// How it came to be recorded.
    pub origin: Origin,
    /// The agent program's own session id; it can change within a session.
    pub external_id: Option<String>,
    /// Absolute path the agent works in.
    pub working_directory: String,
    /// What it was asked to be.
    #[serde(flatten)]
    pub options: SessionOptions,
    /// What happened so far.
    #[serde(flatten)]
    pub totals: SessionTotals,
    /// The agent program's own cumulative cost as last reported; differences of it are what a turn cost.
    #[serde(skip)]
    pub reported_cost: MicroUsd,
    /// The last result's text.
    pub result: Option<Value>,
    /// Why it failed.
    pub error_message: Option<String>,
    /// The latest complete archive of its working directory.
    pub archive_id: Option<ArchiveId>,
    /// Which queued session is begun first.
    pub priority: Priority,
    /// Since when it waits for a worker; `None` when it does not.
    pub queued_at: Option<Timestamp>,
    /// How often a worker gave it back.
    pub attempts: u32,
    /// No worker takes it before.
    pub next_attempt_at: Option<Timestamp>,
    /// Grows with each edit by people; what happens in it is no edit.
    pub version: i64,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// First time it was ready for a prompt.
    pub started_at: Option<Timestamp>,
    /// When it entered a final status; cleared by resuming.
    pub completed_at: Option<Timestamp>,
    /// When its agent or a person last did something.
    pub last_activity_at: Timestamp,
    /// Who runs it now.
    #[serde(skip)]
    pub lease: Option<Lease>,
    /// Grows with each owner; a write with an older one is refused.
    #[serde(skip)]
    pub fence: i64,
    /// The number the next timeline entry gets.
    #[serde(skip)]
    pub next_sequence: i64,
}

impl Session {
    /// A session that nothing has happened in yet: interactive, run by Provost, owned by nobody.
    #[must_use]
    pub fn new(
        id: SessionId,
        team_id: TeamId,
        runtime: RuntimeKind,
        options: SessionOptions,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            team_id,
            user_id: None,
            agent_id: None,
            agent_version: None,
            task_id: None,
            template_id: None,
            parent_session_id: None,
            fork_at_message: None,
            name: "untitled".to_owned(),
            description: None,
            mode: SessionMode::Interactive,
            status: SessionStatus::Created,
            runtime,
            origin: Origin::Run,
            external_id: None,
            working_directory: "/".to_owned(),
            options,
            totals: SessionTotals::default(),
            reported_cost: MicroUsd::ZERO,
            result: None,
            error_message: None,
            archive_id: None,
            priority: Priority::DEFAULT,
            queued_at: None,
            attempts: 0,
            next_attempt_at: None,
            version: 1,
            created_at: at,
            updated_at: at,
            started_at: None,
            completed_at: None,
            last_activity_at: at,
            lease: None,
            fence: 0,
            next_sequence: 1,
        }
    }

    /// Where it goes when its owner is gone; `None` when it is well where it is, owned by nobody: at rest, or waiting for a
    /// worker that takes it up where the one before it did not begin.
    #[must_use]
    pub fn when_orphaned(&self) -> Option<SessionStatus> {
        if self.queued_at.is_some() { None } else { self.status.when_orphaned() }
    }
}

/// Counters of a session, over all its processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct SessionTotals {
    /// Messages recorded.
    pub total_messages: i64,
    /// Tool calls recorded.
    pub total_tool_calls: i64,
    /// Runs of hooks recorded.
    pub total_hook_executions: i64,
    /// Tool calls that were judged.
    pub total_permission_checks: i64,
    /// Failed turns, failed tool calls and broken lines.
    pub total_errors: i64,
    /// Times the agent program repeated a model request.
    pub total_retries: i64,
    /// Tokens.
    #[serde(flatten)]
    pub usage: TokenUsage,
    /// Money.
    #[serde(rename = "total_cost_usd", serialize_with = "as_dollars")]
    pub cost: MicroUsd,
    /// Time spent in turns, in milliseconds.
    pub duration_ms: i64,
}

/// A running session's owner and the time until which it is trusted to be alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The owning process.
    pub owner: LeaseOwner,
    /// After this another process on another machine may take over.
    pub expires_at: Timestamp,
}

/// A process that cannot be mistaken for another one with a reused number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseOwner {
    /// Host name.
    pub host: String,
    /// The host's boot.
    pub boot_id: String,
    /// Process number.
    pub pid: u32,
    /// When the process started, in the host's own units.
    pub started: u64,
}

/// A text that is no lease owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a lease owner; accepted: host/boot/pid/start")]
pub struct InvalidLeaseOwner(String);

impl std::fmt::Display for LeaseOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{}", self.host, self.boot_id, self.pid, self.started)
    }
}

impl std::str::FromStr for LeaseOwner {
    type Err = InvalidLeaseOwner;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidLeaseOwner(text.to_owned());
        let mut parts = text.rsplitn(4, '/');
        let started = parts.next().and_then(|part| part.parse().ok()).ok_or_else(invalid)?;
        let pid = parts.next().and_then(|part| part.parse().ok()).ok_or_else(invalid)?;
        let boot_id = parts.next().ok_or_else(invalid)?.to_owned();
        let host = parts.next().ok_or_else(invalid)?.to_owned();
        Ok(Self { host, boot_id, pid, started })
    }
}

/// The name a session gets from its first prompt: the first non-empty line, at most 80 characters.
#[must_use]
pub fn name_from_prompt(prompt: &str) -> String {
    const LONGEST: usize = 80;
    let line = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("untitled");
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let mut name: String = line.chars().take(LONGEST - 1).collect();
    name.truncate(name.trim_end().len());
    name.push('…');
    name
}

fn as_dollars<S: serde::Serializer>(amount: &MicroUsd, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&amount.to_decimal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_owner_survives_its_text_even_with_slashes_in_the_host() {
        let owner = LeaseOwner { host: "a/b".into(), boot_id: "c0ffee".into(), pid: 7, started: 99 };
        assert_eq!(owner.to_string().parse(), Ok(owner));
        assert!("nobody".parse::<LeaseOwner>().is_err());
    }

    #[test]
    fn a_session_is_named_after_the_first_line_that_says_something() {
        assert_eq!(name_from_prompt("\n  fix the test \nplease"), "fix the test");
        assert_eq!(name_from_prompt("  \n"), "untitled");
        let long = name_from_prompt(&"ü".repeat(200));
        assert_eq!(long.chars().count(), 80);
        assert!(long.ends_with('…'));
    }
}
