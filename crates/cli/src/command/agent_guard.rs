//! `provost agent-guard`: ends the agents of a Provost that was killed; hidden.

use std::{io, process::ExitCode};

use agent::guard::stand_guard;
use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct AgentGuard {
    /// Whose agents, as that process calls itself.
    owner: String,
}

impl AgentGuard {
    pub(crate) fn run(self) -> ExitCode {
        stand_guard(self.owner, io::stdin().lock());
        ExitCode::SUCCESS
    }
}
