//! What becomes of agents whose Provost is killed: without it they would go on asking their model, and spend money, until they
//! end by themselves.
//!
//! A small process beside it waits until its standard input ends, as it does however the other one ends, and then ends what
//! the other one left behind. It knows it by the variable that every agent and whatever it starts inherits, so where there
//! is no `/proc` (macOS) it finds nothing.

use std::{
    ffi::OsString,
    io::{self, Read},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::{Mark, mark::this_process, tree::Tree};

/// The hidden subcommand of `provost` that is the guard.
pub const SUBCOMMAND: &str = "agent-guard";

/// Ends the agents of this process should it be killed; stands until this is dropped.
#[derive(Debug)]
pub struct Guard {
    /// Holds the other end of its standard input.
    child: Child,
}

impl Guard {
    /// Starts it; `program` is the `provost` binary.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(program: &Path) -> io::Result<Self> {
        // A signal to the group of this process is not for it, and no agent's mark is on it.
        let child = Command::new(program)
            .args([SUBCOMMAND.into(), OsString::from(this_process())])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { child })
    }

    /// Whether it still stands: somebody may have ended it.
    pub fn stands(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

/// Is the guard of the process that calls itself `owner`, as [`Guard::start`] passes it: waits for the end of `lifeline`, then ends
/// every agent of that process.
pub fn stand_guard(owner: String, mut lifeline: impl Read) {
    // However it ends, nobody holds the other end any more.
    let _ended = io::copy(&mut lifeline, &mut io::sink());
    Tree::of_all(Mark::all_of(owner)).kill();
}
