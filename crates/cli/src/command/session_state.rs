//! `provost session state`: values that programs keep about a session.

use std::process::ExitCode;

use app::session::SessionReference;
use clap::Args;
use domain::{
    id::SessionId,
    session_state::{SessionStateEntry, StateKey},
};
use serde_json::{Value, json};

use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    terminal::Terminal,
};

#[derive(Debug, Args)]
pub(crate) struct SessionState {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// Only this key.
    key: Option<StateKey>,
    /// Set the key to this JSON value.
    #[arg(long, value_name = "JSON", requires = "key", conflicts_with = "delete", value_parser = json_value)]
    set: Option<Value>,
    /// Only if it has this version; 0 is a key that must be new.
    #[arg(long, value_name = "N", requires = "set", value_parser = clap::value_parser!(i64).range(0..))]
    expect: Option<i64>,
    /// Remove the key.
    #[arg(long, requires = "key")]
    delete: bool,
}

impl SessionState {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let id = app.resolve_session(caller, self.session).await?;
        let terminal = context.terminal;
        match (self.key, self.set, self.delete) {
            (Some(key), Some(value), _) => {
                let version = app.set_state(caller, id, key, value, self.expect).await?;
                if terminal.is_json {
                    terminal.json(&json!({ "version": version }))?;
                } else {
                    terminal.say(&format!("version {version}"));
                }
            }
            (Some(key), None, true) => app.delete_state(caller, id, key).await?,
            (key, ..) => show(terminal, id, &app.list_state(caller, id).await?, key.as_ref())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows what stands under a key, or everything.
fn show(
    terminal: Terminal,
    session: SessionId,
    entries: &[SessionStateEntry],
    key: Option<&StateKey>,
) -> Result<(), Failure> {
    let Some(key) = key else {
        if terminal.is_json {
            return terminal.json(&json!({ "data": entries }));
        }
        return entries
            .iter()
            .try_for_each(|entry| terminal.data(&format!("{}  {}", entry.key, entry.value)));
    };
    let nothing = || Failure::new(Code::NotFound, format!("session {session} keeps nothing under {key}"));
    let entry = entries.iter().find(|entry| entry.key == *key).ok_or_else(nothing)?;
    if terminal.is_json { terminal.json(entry) } else { terminal.data(&entry.value.to_string()) }
}

fn json_value(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}
