//! Everything needed to start an agent program.

use std::{path::PathBuf, time::Duration};

use domain::{money::MicroUsd, permission::PermissionMode};

use crate::Environment;

/// One agent program to start.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub runtime: Runtime,
    /// Where it works: an existing folder.
    pub working_directory: PathBuf,
    /// How it is asked to behave.
    pub options: LaunchOptions,
    /// The variables it sees, and no others.
    pub environment: Environment,
    /// How long and how much it may take.
    pub limits: Limits,
}

impl Launch {
    /// What would make the program run tools that nobody judged.
    pub(crate) fn ungating_switch(&self) -> Option<String> {
        let is_switch = |argument: &&String| *argument == BARE_FLAG;
        let argument = self.options.extra_arguments.iter().find(is_switch).cloned();
        // An empty variable is one that is not set.
        let variable =
            self.environment.iter().find(|(name, value)| *name == BARE_VARIABLE && !value.is_empty());
        argument.or_else(|| variable.map(|(name, value)| format!("{}={}", name.display(), value.display())))
    }
}

/// Turns off all hooks of the agent CLI, the callbacks by which it asks included.
const BARE_FLAG: &str = "--bare";
/// Says the same.
pub(crate) const BARE_VARIABLE: &str = "CLAUDE_CODE_SIMPLE";

/// The program that is driven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runtime {
    /// The Claude Code CLI.
    Claude {
        /// A path, or a bare name that is looked up in the `PATH` of the [`Environment`].
        command: PathBuf,
        /// How it tells of the start and the end of its session; `None` is not at all.
        session_hooks: Option<SessionHooks>,
    },
    /// The built-in agent that plays a scenario file; see [`scripted`](crate::scripted).
    Scripted {
        /// The `provost` binary.
        program: PathBuf,
        /// The scenario file, TOML or JSON by its extension.
        scenario: PathBuf,
        /// Where it keeps what a resumed session continues from; created when missing.
        state_directory: PathBuf,
    },
}

/// What the agent CLI tells of `SessionStart` and `SessionEnd` with, for which it calls no callbacks: a command hook that runs
/// [`session_hook`](crate::session_hook).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionHooks {
    /// The `provost` binary.
    pub program: PathBuf,
    /// An existing folder in which a private one with a Unix socket is made. A socket's path may have about 100 bytes, so give
    /// a short one.
    pub directory: PathBuf,
}

/// How the agent program is asked to behave.
#[derive(Debug, Clone)]
pub struct LaunchOptions {
    /// Model to ask for; `None` leaves the choice to the program.
    pub model: Option<String>,
    /// Model to ask when the first does not answer.
    pub fallback_model: Option<String>,
    /// Text appended to the program's own system prompt. An empty text counts as `None`.
    pub system_prompt: Option<String>,
    /// Provost decides every tool call itself, so the program only learns whether it is in `plan` mode.
    pub permission_mode: PermissionMode,
    /// Most model round trips per prompt.
    pub max_turns: Option<u32>,
    /// Most money this process may spend.
    pub budget: Option<MicroUsd>,
    /// The program's own id of the session to continue.
    pub resume: Option<String>,
    /// Continue it under a new id and leave it as it is.
    pub fork: Option<Fork>,
    /// Ask for [`Partial`](domain::agent_event::AgentEvent::Partial) events.
    pub include_partial_messages: bool,
    /// Ask for [`Transcript`](domain::agent_event::AgentEvent::Transcript) events.
    pub mirror_transcript: bool,
    /// Which settings files of the program apply.
    pub setting_sources: SettingSources,
    /// Put behind all other arguments, as they are.
    pub extra_arguments: Vec<String>,
}

/// How a session is continued under a new id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fork {
    /// The program's own id of the model's message after which the history is cut; `None` is all of it.
    pub at: Option<String>,
}

impl Default for LaunchOptions {
    fn default() -> Self {
        Self {
            model: None,
            fallback_model: None,
            system_prompt: None,
            permission_mode: PermissionMode::Default,
            max_turns: None,
            budget: None,
            resume: None,
            fork: None,
            include_partial_messages: false,
            mirror_transcript: false,
            setting_sources: SettingSources::User,
            extra_arguments: Vec::new(),
        }
    }
}

/// Which settings files of the agent program apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingSources {
    /// The program's own choice: user, project and local, `CLAUDE.md` included.
    User,
    /// None, because a repository's own hooks run commands.
    Isolated,
}

/// How long and how much an agent program may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From start to the answer to `initialize`.
    pub handshake: Duration,
    /// Longest protocol line that is read; a longer one is reported as garbage and skipped.
    pub line_bytes: usize,
    /// How much of the end of standard error is kept.
    pub stderr_bytes: usize,
    /// From closing the input to the gentle signal, and from there to the hard one.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(60),
            line_bytes: 16 * 1024 * 1024,
            stderr_bytes: 64 * 1024,
            shutdown_grace: Duration::from_secs(5),
        }
    }
}
