//! The command line of the scripted agent: exactly what [`CommandLine`](crate::command_line::CommandLine) can write.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
};

use domain::money::MicroUsd;

use crate::command_line::PROTOCOL;

/// What the scripted agent was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildArguments {
    pub(super) scenario: PathBuf,
    pub(super) state_directory: PathBuf,
    pub(super) working_directory: PathBuf,
    pub(super) model: Option<String>,
    pub(super) permission_mode: String,
    pub(super) max_turns: Option<u32>,
    pub(super) budget: Option<MicroUsd>,
    pub(super) resume: Option<String>,
    pub(super) fork: bool,
    pub(super) resume_at: Option<String>,
    pub(super) include_partial_messages: bool,
}

/// A command line the scripted agent does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// A flag it does not have.
    #[error("unknown option '{0}'")]
    Unknown(String),
    /// A value it cannot read.
    #[error("{value:?} is not a value of {flag}")]
    Value {
        /// The flag.
        flag: String,
        /// The value as given.
        value: String,
    },
    /// A flag it cannot do without.
    #[error("{0} is missing")]
    Missing(&'static str),
}

impl ChildArguments {
    /// Reads what follows [`SUBCOMMAND`](super::SUBCOMMAND). Tools work in `working_directory`.
    ///
    /// # Errors
    /// When an argument is unknown, unreadable or missing.
    pub fn parse(
        arguments: impl IntoIterator<Item = OsString>,
        working_directory: PathBuf,
    ) -> Result<Self, ArgumentError> {
        let mut parsed = Self {
            scenario: PathBuf::new(),
            state_directory: PathBuf::new(),
            working_directory,
            model: None,
            permission_mode: "default".to_owned(),
            max_turns: None,
            budget: None,
            resume: None,
            fork: false,
            resume_at: None,
            include_partial_messages: false,
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            parsed.take(&argument, &mut arguments)?;
        }
        if parsed.scenario.as_os_str().is_empty() {
            return Err(ArgumentError::Missing("--scenario"));
        }
        if parsed.state_directory.as_os_str().is_empty() {
            return Err(ArgumentError::Missing("--state-directory"));
        }
        Ok(parsed)
    }

    fn take(
        &mut self,
        argument: &OsStr,
        rest: &mut impl Iterator<Item = OsString>,
    ) -> Result<(), ArgumentError> {
        let (flag, value) = split(argument);
        let text = || value.to_string_lossy().into_owned();
        match flag.as_str() {
            "--scenario" => self.scenario = value.into(),
            "--state-directory" => self.state_directory = value.into(),
            "--model" => self.model = Some(text()),
            "--permission-mode" => self.permission_mode = text(),
            "--max-turns" => self.max_turns = Some(number(&flag, &value)?),
            "--max-budget-usd" => self.budget = Some(number(&flag, &value)?),
            "--resume" => self.resume = Some(text()),
            "--fork-session" => self.fork = true,
            "--resume-session-at" => self.resume_at = Some(text()),
            "--include-partial-messages" => self.include_partial_messages = true,
            "--fallback-model"
            | "--session-mirror"
            | "--append-system-prompt"
            | "--setting-sources"
            | "--verbose" => {}
            _ => return protocol_pair(flag, rest.next()),
        }
        Ok(())
    }
}

fn split(argument: &OsStr) -> (String, OsString) {
    let bytes = argument.as_bytes();
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (lossy(&bytes[..at]), OsString::from_vec(bytes[at + 1..].to_vec())),
        None => (lossy(bytes), OsString::new()),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number<T: std::str::FromStr>(flag: &str, value: &OsStr) -> Result<T, ArgumentError> {
    let value = value.to_string_lossy().into_owned();
    value.parse().map_err(|_| ArgumentError::Value { flag: flag.to_owned(), value })
}

/// `--input-format stream-json` and its like.
fn protocol_pair(flag: String, value: Option<OsString>) -> Result<(), ArgumentError> {
    let value = value.unwrap_or_default();
    let is_known = PROTOCOL.windows(2).any(|pair| pair[0] == flag && OsStr::new(pair[1]) == value);
    if is_known { Ok(()) } else { Err(ArgumentError::Unknown(flag)) }
}

#[cfg(test)]
mod tests {
    use domain::permission::PermissionMode;

    use super::*;
    use crate::{
        Environment, Fork, Launch, LaunchOptions, Limits, Runtime, SettingSources, command_line::CommandLine,
    };

    fn parse(options: LaunchOptions) -> Result<ChildArguments, ArgumentError> {
        let launch = Launch {
            runtime: Runtime::Scripted {
                program: "provost".into(),
                scenario: "a=b.toml".into(),
                state_directory: "/state".into(),
            },
            working_directory: "/work".into(),
            options,
            environment: Environment::default(),
            limits: Limits::default(),
        };
        ChildArguments::parse(CommandLine::of(&launch).arguments.into_iter().skip(1), "/work".into())
    }

    #[test]
    fn everything_the_driver_can_write_is_read() {
        let options = LaunchOptions {
            model: Some("m=1".into()),
            fallback_model: Some("n".into()),
            system_prompt: Some("--be-kind".into()),
            permission_mode: PermissionMode::Plan,
            max_turns: Some(3),
            budget: Some(MicroUsd::from_micros(500_000)),
            resume: Some("id".into()),
            fork: Some(Fork { at: Some("message".into()) }),
            include_partial_messages: true,
            mirror_transcript: true,
            setting_sources: SettingSources::Isolated,
            extra_arguments: Vec::new(),
        };
        let expected = ChildArguments {
            scenario: "a=b.toml".into(),
            state_directory: "/state".into(),
            working_directory: "/work".into(),
            model: Some("m=1".into()),
            permission_mode: "plan".into(),
            max_turns: Some(3),
            budget: Some(MicroUsd::from_micros(500_000)),
            resume: Some("id".into()),
            fork: true,
            resume_at: Some("message".into()),
            include_partial_messages: true,
        };
        assert_eq!(parse(options), Ok(expected));
    }

    #[test]
    fn what_the_driver_cannot_write_is_refused() {
        let options =
            LaunchOptions { extra_arguments: vec!["--effort".into(), "low".into()], ..Default::default() };
        assert_eq!(parse(options), Err(ArgumentError::Unknown("--effort".into())));
        assert_eq!(ChildArguments::parse([], "/".into()), Err(ArgumentError::Missing("--scenario")));
        let flag = OsString::from("--max-turns=many");
        assert!(matches!(ChildArguments::parse([flag], "/".into()), Err(ArgumentError::Value { .. })));
    }
}
