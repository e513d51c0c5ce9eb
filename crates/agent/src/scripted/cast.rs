//! Everything the scripted agent reads before it says its first word.

use super::{ChildArguments, Scenario, state::State};

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
        let state = match &arguments.resume {
            Some(id) => State::load(directory, id)
                .ok_or_else(|| format!("No conversation found with session ID: {id}"))?,
            None => State::create(directory).map_err(|error| format!("{}: {error}", directory.display()))?,
        };
        Ok(Self { arguments, scenario, state })
    }
}
