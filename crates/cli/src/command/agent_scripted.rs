//! `provost agent-scripted`: the child process of the scripted runtime; hidden.

use std::{ffi::OsString, io, process::ExitCode};

use agent::scripted::{ChildArguments, run_child};
use clap::Args;

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct AgentScripted {
    /// What the driver passes; read by the runtime itself.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl AgentScripted {
    pub(crate) fn run(self) -> ExitCode {
        let parsed = std::env::current_dir()
            .map_err(|error| error.to_string())
            .and_then(|here| ChildArguments::parse(self.arguments, here).map_err(|error| error.to_string()));
        let arguments = match parsed {
            Ok(arguments) => arguments,
            Err(error) => {
                // The driver keeps the end of standard error and tells it.
                drop(io::Write::write_fmt(&mut io::stderr(), format_args!("error: {error}\n")));
                return ExitCode::FAILURE;
            }
        };
        let code = run_child(arguments, io::BufReader::new(io::stdin()), io::stdout().lock());
        ExitCode::from(u8::try_from(code).unwrap_or(1))
    }
}
