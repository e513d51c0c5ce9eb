//! The built-in agent: a child process of this same binary that plays a scenario file over the agent CLI's protocol.
//!
//! It exists for the demo and for tests, so that both take the true path: a process, its streams, its death. The
//! scenario's tools really run, after permission, in the session's folder.

mod arguments;
mod cast;
mod child;
mod command;
mod frames;
mod hook;
mod inbox;
mod permission;
mod result;
mod scenario;
mod state;
mod step;
mod tool;
mod turn;

use std::io::{BufRead, Write};

pub use self::{
    arguments::{ArgumentError, ChildArguments},
    scenario::{Scenario, ScenarioError},
};
use self::{cast::Cast, child::Child, frames::Frames, inbox::Inbox};

/// The hidden subcommand of the binary that calls [`run_child`].
pub const SUBCOMMAND: &str = "agent-scripted";

/// Plays a scenario until the input ends, the host ends the session or the scenario crashes. Gives the exit code: 0,
/// 1 after a line it cannot read or a session it does not have, or the code of a crash.
///
/// A thread that reads `stdin` may outlive the call; leaving the process ends it.
pub fn run_child(arguments: ChildArguments, stdin: impl BufRead + Send + 'static, stdout: impl Write) -> i32 {
    let mut frames = Frames::new(stdout);
    match Cast::prepare(arguments) {
        Ok(cast) => Child::new(cast, frames, Inbox::read(stdin)).run(),
        Err(reason) => {
            let _nobody_listens = frames.send(result::refusal(&reason));
            1
        }
    }
}
