//! How the agent CLI tells of `SessionStart` and `SessionEnd`, for which it calls no callbacks in time: settings of ours give it a
//! command hook, whose program passes the event on over a Unix socket and prints what is answered.
//!
//! The socket stands in a private folder and takes these two events alone, from processes of the same user.

mod client;
mod connection;
mod settings;
mod socket;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::socket::{HookSocket, Told, next_of};
pub use self::{
    client::{TellError, tell},
    settings::UnusableSettings,
};
use crate::{Launch, Runtime, StartError};

/// The hidden subcommand of the binary that calls [`tell`].
pub const SUBCOMMAND: &str = "agent-hook";

/// The events that are told of.
const EVENTS: [&str; 2] = ["SessionStart", "SessionEnd"];
/// How long the agent CLI waits for an answer. Each hook has a limit of its own, which is shorter.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// How long each side may take to write what is at hand.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the socket that a launch asks for, and has the agent program told of it by its further arguments.
///
/// # Errors
/// [`StartError::SessionHooks`] and [`StartError::Settings`].
pub(crate) fn prepare(launch: &mut Launch) -> Result<Option<HookSocket>, StartError> {
    let Runtime::Claude { session_hooks: Some(hooks), .. } = &launch.runtime else { return Ok(None) };
    let joined = settings::take_out(&launch.options.extra_arguments, &launch.working_directory);
    let mut others = joined.map_err(|(settings, source)| StartError::Settings { settings, source })?;
    let unusable = |source| StartError::SessionHooks { directory: hooks.directory.clone(), source };
    let socket = HookSocket::open(hooks).map_err(unusable)?;
    let argument = socket.write_settings(others.settings).map_err(unusable)?;
    others.arguments.insert(others.place, argument);
    launch.options.extra_arguments = others.arguments;
    Ok(Some(socket))
}

/// What the program at the hook is answered: one JSON document, and the end of the stream.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// What it prints; nothing when there is nothing to say.
    Output(Option<String>),
    /// Why the event was not taken.
    Refusal(String),
}
