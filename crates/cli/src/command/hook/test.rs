//! `provost hook test`.

use std::{io::Read as _, process::ExitCode};

use agent::{Environment, EnvironmentPolicy};
use app::hook::{TriedHook, TryHook};
use clap::Args;
use domain::name::Name;
use serde_json::Value;

use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The hook's name; it need not be enabled.
    hook: Name,
    /// The event it is given: a JSON object, or - to read one from standard input. Otherwise an example.
    #[arg(long, value_name = "JSON|-")]
    input: Option<String>,
}

impl Test {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let input = self.input.as_deref().map(event).transpose()?;
        let policy = EnvironmentPolicy::OwnLogin;
        let request = TryHook {
            name: self.hook,
            input,
            working_directory: context.surroundings.current_directory.clone(),
            environment: Environment::select(context.surroundings.variables.clone(), policy),
        };
        let Opened { app, caller } = context.open().await?;
        let tried = app.try_hook(caller, request).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&tried)?;
        } else {
            for (name, value) in facts(&tried) {
                let name = terminal.out.dim(&format!("{name:<16}"));
                terminal.data(&format!("{name} {}", text::printable(&value)))?;
            }
        }
        Ok(tried.error.map_or(ExitCode::SUCCESS, |_| Code::Failed.into()))
    }
}

fn event(given: &str) -> Result<Value, Failure> {
    let wrong = |problem: String| Failure::new(Code::Usage, format!("--input {problem}"));
    let mut text = given.to_owned();
    if given == "-" {
        text.clear();
        std::io::stdin().read_to_string(&mut text)?;
    }
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(format!("is not JSON: {error}")))?;
    if value.is_object() { Ok(value) } else { Err(wrong(format!("is {value}; accepted: a JSON object"))) }
}

fn facts(tried: &TriedHook) -> Vec<(&'static str, String)> {
    let reason = tried.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let mut facts = vec![
        ("event", tried.event.to_string()),
        ("input", tried.input.to_string()),
        ("outcome", format!("{}{reason}", tried.outcome)),
    ];
    if !tried.matches {
        facts.insert(0, ("matcher", "is not for this event; in a session the hook would not run".to_owned()));
    }
    let optional = [
        ("rewritten input", tried.updated_input.as_ref().map(Value::to_string)),
        ("context", tried.additional_context.clone()),
        ("output", tried.output.as_ref().map(Value::to_string)),
        ("error", tried.error.clone()),
    ];
    facts.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    facts.push(("took", format!("{:.1} ms", tried.duration.as_secs_f64() * 1000.0)));
    facts
}
