//! `provost db check`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use store::Migrate;

use crate::{
    composition::Context,
    failure::{Code, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct DbCheck {}

impl DbCheck {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let store = context.open_store(Migrate::Expect)?;
        let findings = store.scan(store::check).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&json!({ "data": findings }))?;
        }
        if findings.is_empty() {
            terminal.say("everything stored is whole");
            return Ok(ExitCode::SUCCESS);
        }
        if !terminal.is_json {
            for finding in &findings {
                terminal.data(&format!("{:<12}  {}", finding.check, finding.what))?;
            }
        }
        terminal.say(&format!("{} findings", findings.len()));
        Ok(Code::Failed.into())
    }
}
