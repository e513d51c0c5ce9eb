//! The command line of an agent program.
//!
//! Values that a person writes go in the `--flag=value` form, so that one beginning with a dash stays a value.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use domain::permission::PermissionMode;

use crate::{Launch, LaunchOptions, Runtime, SettingSources, scripted::SUBCOMMAND};

/// A program and its arguments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
}

impl CommandLine {
    pub(crate) fn of(launch: &Launch) -> Self {
        let options = option_arguments(&launch.options);
        match &launch.runtime {
            Runtime::Claude { command, .. } => Self { program: command.clone(), arguments: options },
            Runtime::Scripted { program, scenario, state_directory } => {
                let mut arguments = vec![
                    SUBCOMMAND.into(),
                    with_path("--scenario", scenario),
                    with_path("--state-directory", state_directory),
                ];
                arguments.extend(options);
                Self { program: program.clone(), arguments }
            }
        }
    }
}

fn option_arguments(options: &LaunchOptions) -> Vec<OsString> {
    let mut arguments = PROTOCOL.map(str::to_owned).to_vec();
    arguments.push(format!("--permission-mode={}", permission_mode(options.permission_mode)));
    if let Some(model) = &options.model {
        arguments.push(format!("--model={model}"));
    }
    if let Some(model) = &options.fallback_model {
        arguments.push(format!("--fallback-model={model}"));
    }
    if let Some(text) = options.system_prompt.as_deref().filter(|text| !text.is_empty()) {
        arguments.push(format!("--append-system-prompt={text}"));
    }
    if let Some(turns) = options.max_turns {
        arguments.push(format!("--max-turns={turns}"));
    }
    if let Some(budget) = options.budget {
        arguments.push(format!("--max-budget-usd={}", budget.to_decimal()));
    }
    if let Some(id) = &options.resume {
        arguments.push(format!("--resume={id}"));
    }
    if let Some(fork) = &options.fork {
        arguments.push("--fork-session".to_owned());
        arguments.extend(fork.at.as_ref().map(|id| format!("--resume-session-at={id}")));
    }
    if options.include_partial_messages {
        arguments.push("--include-partial-messages".to_owned());
    }
    if options.mirror_transcript {
        arguments.push(MIRROR.to_owned());
    }
    if options.setting_sources == SettingSources::Isolated {
        arguments.push("--setting-sources=".to_owned());
    }
    arguments.extend(options.extra_arguments.iter().cloned());
    arguments.into_iter().map(OsString::from).collect()
}

/// Asks for a mirror of the transcript; programs that are not the newest do not know it.
pub(crate) const MIRROR: &str = "--session-mirror";

/// What makes the program speak the protocol of `docs/agent-protocol.md`.
pub(crate) const PROTOCOL: [&str; 7] = [
    "--output-format",
    "stream-json",
    "--verbose",
    "--input-format",
    "stream-json",
    "--permission-prompt-tool",
    "stdio",
];

/// The agent program's word for a mode. Provost answers every tool call itself, so only `plan` makes a difference to
/// how the program behaves.
pub(crate) const fn permission_mode(mode: PermissionMode) -> &'static str {
    match mode {
        PermissionMode::Plan => "plan",
        _ => "default",
    }
}

fn with_path(flag: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(flag);
    argument.push("=");
    argument.push(path);
    argument
}

#[cfg(test)]
mod tests {
    use domain::money::MicroUsd;

    use super::*;
    use crate::{Environment, Fork, Limits};

    fn command_line(runtime: Runtime, options: LaunchOptions) -> CommandLine {
        let working_directory = "/work".into();
        let (environment, limits) = (Environment::default(), Limits::default());
        CommandLine::of(&Launch { runtime, working_directory, options, environment, limits })
    }

    fn claude() -> Runtime {
        Runtime::Claude { command: "claude".into(), session_hooks: None }
    }

    #[test]
    fn options_not_given_leave_the_choice_to_the_program() {
        let line = command_line(claude(), LaunchOptions::default());
        let mut expected = PROTOCOL.map(OsString::from).to_vec();
        expected.push("--permission-mode=default".into());
        assert_eq!(line, CommandLine { program: "claude".into(), arguments: expected });
    }

    #[test]
    fn a_value_that_looks_like_a_flag_stays_a_value() {
        let options = LaunchOptions {
            model: Some("--help".into()),
            fallback_model: Some("other".into()),
            system_prompt: Some("-x".into()),
            resume: Some("--continue".into()),
            fork: Some(Fork { at: Some("-a".into()) }),
            budget: Some(MicroUsd::from_micros(2_500_000)),
            max_turns: Some(7),
            permission_mode: PermissionMode::Plan,
            setting_sources: SettingSources::Isolated,
            include_partial_messages: true,
            mirror_transcript: true,
            extra_arguments: vec!["--effort".into(), "low".into()],
        };
        let line = command_line(claude(), options);
        let expected = [
            "--permission-mode=plan",
            "--model=--help",
            "--fallback-model=other",
            "--append-system-prompt=-x",
            "--max-turns=7",
            "--max-budget-usd=2.5",
            "--resume=--continue",
            "--fork-session",
            "--resume-session-at=-a",
            "--include-partial-messages",
            "--session-mirror",
            "--setting-sources=",
            "--effort",
            "low",
        ];
        assert_eq!(line.arguments[PROTOCOL.len()..], expected.map(OsString::from));
    }

    #[test]
    fn modes_that_only_provost_knows_are_not_told_to_the_program() {
        for mode in [PermissionMode::BypassPermissions, PermissionMode::AcceptEdits, PermissionMode::DontAsk]
        {
            assert_eq!(permission_mode(mode), "default");
        }
    }

    #[test]
    fn an_empty_system_prompt_is_never_sent() {
        let options = LaunchOptions { system_prompt: Some(String::new()), ..LaunchOptions::default() };
        let line = command_line(claude(), options);
        assert_eq!(line.arguments.len(), PROTOCOL.len() + 1);
    }
}
