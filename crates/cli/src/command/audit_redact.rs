//! `provost audit redact`.

use std::process::ExitCode;

use clap::Args;
use domain::id::AuditEntryId;
use serde_json::json;

use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct AuditRedact {
    /// The line's id, as audit list shows it.
    id: AuditEntryId,
    /// Why; it is kept with the maintenance run and in the audit log.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl AuditRedact {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Self { id, reason } = self;
        if reason.trim().is_empty() {
            return Err(Failure::new(Code::Usage, "--reason is empty").hint("say why the details go"));
        }
        let Opened { app, caller } = context.open().await?;
        app.redact_audit(caller, id, reason).await?;
        if context.terminal.is_json {
            context.terminal.json(&json!({ "id": id, "is_redacted": true }))?;
        } else {
            context.terminal.say(&format!("the details of audit line {id} are blank"));
        }
        Ok(ExitCode::SUCCESS)
    }
}
