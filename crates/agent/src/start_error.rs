//! Why an agent program did not start.

use std::{io, path::PathBuf, time::Duration};

use domain::agent_event::Exit;

use crate::{Version, command_line::MIRROR, scripted::ScenarioError, session_hook::UnusableSettings};

/// Why an agent program did not start. No process is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No file of this name exists, or none on the `PATH` given.
    #[error("no agent program {} was found", .command.display())]
    NotFound {
        /// The command as given.
        command: PathBuf,
    },
    /// The file exists and the system refuses to run it: a missing permission, or no program for this machine.
    #[error("{} is there but cannot be executed", .command.display())]
    NotExecutable {
        /// The command as given.
        command: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not start it for another reason: too many processes, too long arguments.
    #[error("{} could not be started", .command.display())]
    Spawn {
        /// The command as given.
        command: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder to work in is missing, no folder, or closed to us.
    #[error("{} is not a folder an agent can work in", .path.display())]
    WorkingDirectory {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The socket at which it is to tell of its session's start and end cannot be made, for example because its path is too long.
    #[error("there can be no socket in {} to hear of the session's start and end at", .directory.display())]
    SessionHooks {
        /// The folder as given.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The further arguments name settings that cannot be joined with those that make its hooks ours.
    #[error("the settings {settings} that --settings gives the agent program cannot be used")]
    Settings {
        /// The file, or the beginning of the JSON.
        settings: String,
        /// What is wrong with them.
        source: UnusableSettings,
    },
    /// The program would not ask about every tool call.
    #[error("with {switch} the agent program runs tools without asking whether it may")]
    Ungated {
        /// The argument or the variable.
        switch: String,
    },
    /// The program is older than what this driver knows to speak to.
    #[error("the agent program is version {found}; {needed} or newer is needed")]
    TooOld {
        /// Its version.
        found: Version,
        /// The oldest one that works.
        needed: Version,
    },
    /// It ended before it was ready. What it wrote to standard error is in the exit.
    #[error("the agent program {0} before it was ready")]
    ExitedEarly(Exit),
    /// It ran and did not answer. It was ended.
    #[error("the agent program did not answer within {} s", .after.as_secs_f32())]
    HandshakeTimeout {
        /// How long we waited.
        after: Duration,
    },
    /// It does not have the session to resume, for example because its transcript was deleted.
    #[error("the agent program has no session {external_id} to resume")]
    ResumeUnknown {
        /// The id as given.
        external_id: String,
    },
    /// The session to resume is in use by another process.
    #[error("the agent program says that the session is already in use")]
    SessionIdInUse,
    /// It answered, and the answer was no.
    #[error("the agent program refused to start: {message}")]
    Refused {
        /// Its words.
        message: String,
    },
    /// The scenario file of the scripted runtime cannot be played.
    #[error("scenario {} cannot be played", .path.display())]
    BadScenario {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place in the file.
        source: ScenarioError,
    },
    /// `--version` answered something that is no version.
    #[error("the agent program answered {answer:?} to --version")]
    NoVersion {
        /// The beginning of its answer.
        answer: String,
    },
}

impl StartError {
    /// Whether the program does not know how to mirror its transcript.
    #[must_use]
    pub fn is_for_want_of_a_mirror(&self) -> bool {
        matches!(self, Self::ExitedEarly(exit) if exit.stderr_tail.contains(MIRROR))
    }
}
