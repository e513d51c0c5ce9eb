//! `provost config show`.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    composition::{Context, without_password},
    failure::Failure,
};

#[derive(Debug, Args)]
pub(crate) struct ConfigShow {
    /// Also say where each value came from.
    #[arg(long)]
    origin: bool,
}

impl ConfigShow {
    pub(crate) fn run(self, context: &Context) -> Result<ExitCode, Failure> {
        let terminal = context.terminal;
        let mut document = Map::new();
        for (key, value, origin) in context.layers.iter() {
            let value = shown(key, value);
            if terminal.is_json {
                let value: Value = serde_json::to_value(&value).map_err(anyhow::Error::from)?;
                let entry =
                    if self.origin { json!({ "value": value, "origin": origin.to_string() }) } else { value };
                document.insert(key.to_owned(), entry);
            } else if self.origin {
                let origin = terminal.out.dim(&format!("# {origin}"));
                terminal.data(&format!("{:<60} {origin}", format!("{key} = {value}")))?;
            } else {
                terminal.data(&format!("{key} = {value}"))?;
            }
        }
        if terminal.is_json {
            terminal.json(&document)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A setting's value without a password in it.
fn shown(key: &str, value: &toml::Value) -> toml::Value {
    match value.as_str() {
        Some(url) if key == "database.url" => toml::Value::String(without_password(url)),
        _ => value.clone(),
    }
}
