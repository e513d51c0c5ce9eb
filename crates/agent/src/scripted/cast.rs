//! Everything the scripted agent reads before it says its first word.

use super::{ChildArguments, Scenario, frames::turn_of, state::State};

/// A scenario, the session that plays it and how it was asked to.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) arguments: ChildArguments,
    pub(super) scenario: Scenario,
    pub(super) state: State,
}

impl Cast {
    /// Reads the scenario, and starts or finds the session; or says why not, in the agent CLI's own words.
    pub(super) fn prepare(arguments: ChildArguments) -> Result<Self, String> {
        let scenario = Scenario::read(&arguments.scenario).map_err(|error| {
            format!("scenario {} cannot be played: {error}", arguments.scenario.display())
        })?;
        let directory = &arguments.state_directory;
        let in_directory = |error: std::io::Error| format!("{}: {error}", directory.display());
        let state = match &arguments.resume {
            Some(id) => {
                let found = State::load(directory, id);
                let mut state =
                    found.ok_or_else(|| format!("No conversation found with session ID: {id}"))?;
                if let Some(message) = &arguments.resume_at {
                    let turn = turn_of(message).filter(|turn| *turn <= state.next_turn);
                    state.next_turn = turn.ok_or_else(|| format!("No message found with ID: {message}"))?;
                }
                if arguments.fork { state.fork(directory).map_err(in_directory)? } else { state }
            }
            None => State::create(directory).map_err(in_directory)?,
        };
        Ok(Self { arguments, scenario, state })
    }
}
