//! `provost agent-hook`: the program at the command hooks that a session's Provost gives its agent CLI; hidden. It reads no settings
//! and opens no database.

use std::{
    io::{self, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use agent::{command_hook::LONGEST_EVENT, session_hook::tell};
use clap::Args;

use super::hook_client::{not_too_long, say};
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
        let told = event().and_then(not_too_long).and_then(|event| {
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

/// What the agent CLI gave on standard input.
fn event() -> Result<Vec<u8>, Failure> {
    let mut event = Vec::new();
    let read = io::stdin().lock().take(LONGEST_EVENT + 1).read_to_end(&mut event);
    read.map_err(|error| Failure::new(Code::Failed, format!("standard input cannot be read: {error}")))?;
    Ok(event)
}
