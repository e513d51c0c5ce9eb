//! `provost agent-guard`: ends the agents of a Provost that was killed; hidden.

use std::{io, process::ExitCode};

use agent::guard::stand_guard;
use clap::Args;
use tokio::runtime::Builder;

use crate::signals::Signals;

#[derive(Debug, Args)]
pub(crate) struct AgentGuard {
    /// Whose agents, as that process calls itself.
    owner: String,
}

impl AgentGuard {
    pub(crate) fn run(self) -> ExitCode {
        // Signals that end a program are heard and nothing more: this one ends after what it guards.
        let runtime = Builder::new_current_thread().enable_all().build();
        let _heard = runtime.as_ref().map(|runtime| runtime.block_on(async { Signals::listen() }));
        stand_guard(self.owner, io::stdin().lock());
        ExitCode::SUCCESS
    }
}
