//! `provost agent-hook`: the program at the command hooks that a session's Provost gives its agent CLI; hidden. It reads no settings
//! and opens no database.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use agent::session_hook::tell;
use clap::Args;

use super::hook_client::{event, say};
use crate::{
    failure::{Code, Failure},
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct AgentHook {
    /// Where the session's Provost listens.
    #[arg(long)]
    socket: PathBuf,
}

impl AgentHook {
    /// The agent CLI takes every failure but exit code 2 for a hook that has nothing to say.
    pub(crate) fn run(self) -> ExitCode {
        let told = event().and_then(|event| {
            let told = tell(&self.socket, &event).map_err(anyhow::Error::from);
            told.map_err(|error| Failure::new(Code::Failed, format!("{error:#}")))
        });
        match told.and_then(|output| output.map_or(Ok(()), |output| say(&output))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                let message = text::printable(&failure.message);
                drop(io::stderr().write_fmt(format_args!("provost: the session was not told: {message}\n")));
                ExitCode::FAILURE
            }
        }
    }
}
