//! `provost db status`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use store::{Migrate, migration};

use crate::{composition::Context, failure::Failure};

#[derive(Debug, Args)]
pub(crate) struct DbStatus {}

impl DbStatus {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let store = context.open_store(Migrate::Leave)?;
        let statuses = store.read(migration::status).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            let rows: Vec<_> = statuses
                .iter()
                .map(|status| {
                    json!({
                        "version": status.version, "name": status.name,
                        "applied_at": status.applied_at, "matches": status.matches,
                    })
                })
                .collect();
            terminal.json(&json!({ "database": context.database_name()?, "data": rows }))?;
            return Ok(ExitCode::SUCCESS);
        }
        terminal.say(&context.database_name()?);
        for status in statuses {
            let state = match (status.applied_at, status.matches) {
                (None, _) => "pending".to_owned(),
                (Some(at), Some(true)) => format!("applied {at}"),
                (Some(at), Some(false)) => format!("applied {at}, but it is not this program's text"),
                (Some(at), None) => format!("applied {at}, unknown to this program"),
            };
            terminal.data(&format!("{:>4}  {:<24}  {state}", status.version, status.name))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
