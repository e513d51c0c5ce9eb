//! Hooks: code of a team that runs at an event of an agent program, and may stop it, rewrite its input, or tell the model
//! something.
//!
//! Which ones there are is managed by the use cases here; the chain of an event is run by the session's actor.

mod add;
mod answer;
mod builtin;
mod chain;
mod event;
mod list;
mod log;
mod notify;
mod ready;
mod script;
mod shorten;
mod source;
mod switch;
mod try_out;
mod webhook;

use std::path::PathBuf;

use agent::Environment;
use domain::{
    hook::{InvalidHookAction, InvalidHookMatcher},
    id::{SessionId, TeamId},
};
use store::StoreError;

pub use self::{
    add::NewHook,
    source::DefaultHooks,
    try_out::{TriedHook, TryHook},
};
pub(crate) use self::{
    answer::Verdict,
    chain::{Conclusion, run_chain},
    event::HookedEvent,
    ready::{ReadyHook, Run},
    source::Source,
};
use crate::App;

/// Why nothing was done about a hook.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The team has none of this name.
    #[error("there is no hook {0}")]
    NotFound(String),
    /// The team has one of this name already.
    #[error("there is a hook {0} already")]
    Taken(String),
    /// The name of a known event, but for its capitals.
    #[error("{given} is no event; accepted: {known}")]
    Event {
        /// As it was written.
        given: String,
        /// As the agent program writes it.
        known: &'static str,
    },
    /// The name of a known tool in its matcher, but for its capitals.
    #[error("{given} in the matcher is no tool; accepted: {known}")]
    Tool {
        /// As it was written.
        given: String,
        /// As the agent program writes it.
        known: &'static str,
    },
    /// Its matcher.
    #[error(transparent)]
    Matcher(#[from] InvalidHookMatcher),
    /// The details of its kind.
    #[error(transparent)]
    Action(#[from] InvalidHookAction),
    /// It may take no time, or too much.
    #[error("the timeout is {seconds} s; accepted: more than 0 and at most {longest} s")]
    Timeout {
        /// What was asked for.
        seconds: f64,
        /// The most.
        longest: u64,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where hooks run.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) app: App,
    pub(crate) team_id: TeamId,
    /// `None` when a hook is only tried out.
    pub(crate) session_id: Option<SessionId>,
    pub(crate) working_directory: PathBuf,
    /// What scripts see.
    pub(crate) environment: Environment,
}
