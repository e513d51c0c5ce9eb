//! What the scripted agent says and does, prompt by prompt. The file format is described in `docs/agent-protocol.md`.

mod fields;
mod parse;

use std::{fs, io, path::Path, time::Duration};

use domain::{money::MicroUsd, usage::TokenUsage};
use rustix::process::Signal;
use serde_json::Value;

/// A scenario: one turn for each prompt.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub(super) model: String,
    /// Between two pieces of a streamed text.
    pub(super) delta_delay: Duration,
    pub(super) turns: Vec<Turn>,
}

/// Why a file is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// Its name does not say what it is.
    #[error("its name must end in .toml or .json")]
    Extension,
    /// It is no TOML or no JSON.
    #[error("{0}")]
    Syntax(String),
    /// A field is wrong.
    #[error("{place}: {problem}")]
    Field {
        /// Such as `turn 2, step 3`.
        place: String,
        /// What is wrong and what is accepted.
        problem: String,
    },
}

/// What the agent does with one prompt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turn {
    pub(super) steps: Vec<Step>,
}

/// One thing the agent does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    /// What must have become of the last tool call; otherwise the step is left out.
    pub(super) when: Option<Outcome>,
    pub(super) action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Action {
    Say(String),
    Think(String),
    Tool { name: String, input: Value, expect: Option<Outcome> },
    Wait(Duration),
    Crash(Crash),
    Garble(String),
    Spend { cost: MicroUsd, usage: TokenUsage },
    Hang,
    Hook { event: String, input: Value },
    Fail { status: u16, message: String, retries: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crash {
    Exit(i32),
    Signal(Signal),
}

/// What became of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ran, whatever it gave.
    Allowed,
    Denied,
    Succeeded,
    Failed,
}

impl Outcome {
    pub(super) const ALL: [Self; 4] = [Self::Allowed, Self::Denied, Self::Succeeded, Self::Failed];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// Whether a call that ended like `actual` is one of these.
    pub(super) fn covers(self, actual: Self) -> bool {
        self == actual || (self == Self::Allowed && actual != Self::Denied)
    }
}

impl Scenario {
    /// Reads a scenario file, TOML or JSON by its extension.
    ///
    /// # Errors
    /// When it cannot be read, or a field is wrong: the error names the turn, the step and what is accepted.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let text = || fs::read_to_string(path).map_err(ScenarioError::Unreadable);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Self::from_toml(&text()?),
            Some("json") => Self::from_json(&text()?),
            _ => Err(ScenarioError::Extension),
        }
    }

    /// Reads a scenario from TOML.
    ///
    /// # Errors
    /// When the text is no TOML or a field is wrong.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        let value: Value = toml::from_str(text).map_err(|error| ScenarioError::Syntax(error.to_string()))?;
        parse::scenario(value)
    }

    /// Reads a scenario from JSON.
    ///
    /// # Errors
    /// When the text is no JSON or a field is wrong.
    pub fn from_json(text: &str) -> Result<Self, ScenarioError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| ScenarioError::Syntax(error.to_string()))?;
        parse::scenario(value)
    }
}
