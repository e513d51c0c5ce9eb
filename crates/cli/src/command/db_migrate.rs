//! `provost db migrate`.

use std::process::ExitCode;

use app::clock::{Clock, SystemClock};
use clap::Args;
use serde_json::json;
use store::{Migrate, Migrated};

use crate::{composition::Context, failure::Failure};

#[derive(Debug, Args)]
pub(crate) struct DbMigrate {}

impl DbMigrate {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let store = context.open_store(Migrate::Leave)?;
        let Migrated { applied, backup } = store.migrate(SystemClock.now()).await?;
        store.close().await;
        if let Some(backup) = &backup {
            context.terminal.say(&format!("the database as it was: {}", backup.display()));
        }
        if context.terminal.is_json {
            context.terminal.json(&json!({ "applied": applied, "backup": backup }))?;
        } else if applied.is_empty() {
            context.terminal.say("the schema is current");
        } else {
            let versions = applied.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            context.terminal.say(&format!("applied: {versions}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
