//! Asking a person about a tool call.

use std::{fmt::Debug, future::Future, pin::Pin};

use domain::{
    id::{ApprovalId, SessionId},
    time::Timestamp,
};
use serde_json::Value;

/// A future that can be sent and stored.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Somebody who answers for a person: a terminal, a rule such as `--yes`, later an inbox.
pub trait Asker: Debug + Send + Sync {
    /// Asks. Dropping the future withdraws the question.
    fn ask(&self, question: Question) -> BoxFuture<Answer>;
}

/// What a person is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The approval that keeps the question; it can be answered there as well.
    pub approval_id: ApprovalId,
    /// From when on nobody can answer.
    pub expires_at: Timestamp,
    /// The session that asks.
    pub session_id: SessionId,
    /// The tool.
    pub tool_name: String,
    /// What it would be given.
    pub input: Value,
    /// The agent's one line about it.
    pub description: Option<String>,
    /// Why it is asked.
    pub reason: String,
    /// It is itself a question to a person; no rule may answer it.
    pub requires_person: bool,
    /// What an answer *for this session* would allow from then on, in words; `None` when it cannot be given.
    pub session_grant: Option<String>,
}

/// What the person said.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Run it, with this input if it was edited.
    Once {
        /// The edited input.
        input: Option<Value>,
        /// Who or what said so.
        by: String,
    },
    /// Run it, and what the question's `session_grant` says without asking again.
    ForSession {
        /// Who or what said so.
        by: String,
    },
    /// Do not run it.
    No {
        /// For the agent.
        reason: String,
    },
    /// Nobody is there to be asked, which is nobody's no.
    Nobody {
        /// Why, for the agent.
        reason: String,
    },
}
