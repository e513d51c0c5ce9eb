//! `provost completion SHELL`.

use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use crate::{
    command_line::{CommandLine, Global},
    failure::Failure,
    terminal::Terminal,
};

#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell; `provost completion bash > ~/.local/share/bash-completion/completions/provost` installs it.
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self, terminal: Terminal) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut shown_commands(), "provost", &mut script);
        terminal.stream(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The command line without its hidden commands, which the scripts would offer.
fn shown_commands() -> Command {
    let all = CommandLine::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    Global::augment_args(Command::new("provost").version(env!("CARGO_PKG_VERSION")).propagate_version(true))
        .subcommands(shown)
}
