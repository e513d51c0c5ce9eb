//! What client and server say to each other. Both are the same binary, so it never changes under them.
//!
//! A question, JSON behind its length; one byte that says whether it is taken; and an answer, JSON up to the end.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::place::program;
use crate::{
    command_line::Global,
    failure::{Code, Failure},
    surroundings::Surroundings,
};

/// The client's event is judged; what happens now happens once.
pub(super) const TAKEN: u8 = b'+';
/// The client is to judge by itself; nothing happened.
pub(super) const NOT_TAKEN: u8 = b'-';

/// An event, and all that a process of its own would have found around itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The binary that asks.
    pub(super) program: String,
    pub(super) database: Option<String>,
    pub(super) config: Option<PathBuf>,
    pub(super) fails_open: bool,
    /// How long hooks may work.
    pub(super) patience_ms: u64,
    pub(super) current_directory: PathBuf,
    pub(super) variables: Vec<(String, String)>,
    pub(super) event: String,
}

/// What there is to say to the agent CLI, or why the event was not judged.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) outcome: Result<Option<String>, Refusal>,
    /// What was logged meanwhile.
    pub(super) log: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    message: String,
    hints: Vec<String>,
}

impl Question {
    /// `None` when something of it is no text; such a client has to do without a server.
    pub(crate) fn new(
        (surroundings, global): (&Surroundings, &Global),
        event: &[u8],
        (fails_open, patience): (bool, Duration),
    ) -> Option<Self> {
        let text = |(name, value): &(OsString, OsString)| {
            Some((name.to_str()?.to_owned(), value.to_str()?.to_owned()))
        };
        Some(Self {
            program: program()?,
            database: global.database.clone(),
            config: global.config.as_ref().map(|file| surroundings.current_directory.join(file)),
            fails_open,
            patience_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
            current_directory: surroundings.current_directory.clone(),
            variables: surroundings.variables.iter().map(text).collect::<Option<_>>()?,
            event: str::from_utf8(event).ok()?.to_owned(),
        })
    }

    /// As it is sent: behind its length.
    pub(super) fn message(&self) -> serde_json::Result<Vec<u8>> {
        const LENGTH: usize = size_of::<u64>();
        let mut message = vec![0; LENGTH];
        serde_json::to_writer(&mut message, self)?;
        let length = (message.len() - LENGTH) as u64;
        message[..LENGTH].copy_from_slice(&length.to_le_bytes());
        Ok(message)
    }
}

impl From<Failure> for Refusal {
    fn from(Failure { message, hints, .. }: Failure) -> Self {
        Self { message, hints }
    }
}

impl From<Refusal> for Failure {
    fn from(Refusal { message, hints }: Refusal) -> Self {
        Self { code: Code::Failed, message, hints }
    }
}
