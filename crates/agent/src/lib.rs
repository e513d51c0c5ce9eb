//! Drives one agent program as a child process and translates between its wire format and the domain's
//! [`AgentEvent`](domain::agent_event::AgentEvent) and [`AgentInput`](domain::agent_event::AgentInput).
//!
//! [`Program`] runs any other program with the same care.
//!
//! Stores nothing, prints nothing, and reads neither environment variables nor configuration: all of it comes as a
//! parameter of [`start`]. The protocol is written down in `docs/agent-protocol.md`.

mod claude;
mod command_line;
mod environment;
mod launch;
mod process;
mod program;
mod running_agent;
pub mod scripted;
pub mod session_hook;
mod start;
mod start_error;
mod starting_agent;
mod supervisor;
pub mod transcript;
mod version;

/// The other end of an agent program's command hooks.
pub mod command_hook {
    pub use crate::claude::command_hook::{
        CommandHook, HookMoment, LONGEST_EVENT, UnreadableCommandHook, answer_event, answer_gate,
    };
}
/// Ends agents whose Provost was killed.
pub mod guard {
    pub use crate::process::guard::{Guard, SUBCOMMAND, stand_guard};
}
pub use environment::{Environment, EnvironmentPolicy};
pub use launch::{Fork, Launch, LaunchOptions, Limits, Runtime, SessionHooks, SettingSources};
pub use process::MARK_VARIABLE;
pub use program::{Program, ProgramError, ProgramOutput};
pub use running_agent::{Account, AgentGone, InputSender, RunningAgent};
pub use start::start;
pub use start_error::StartError;
pub use starting_agent::StartingAgent;
pub use version::{InvalidVersion, MINIMUM_VERSION, Version, version};
