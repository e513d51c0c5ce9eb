//! `provost completion SHELL`.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{command_line::CommandLine, failure::Failure};

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell; `provost completion bash > ~/.local/share/bash-completion/completions/provost` installs it.
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        clap_complete::generate(self.shell, &mut CommandLine::command(), "provost", &mut std::io::stdout());
        Ok(ExitCode::SUCCESS)
    }
}
