//! `provost audit verify`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use app::audit::read_export;
use clap::Args;
use domain::{
    audit_export::ExportVerification,
    audit_seal::{AuditBreak, AuditVerification},
};
use serde_json::{Value, json};

use super::db_import::open;
use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct AuditVerify {
    /// Verify what audit export wrote, without any database; - is standard input.
    #[arg(long, value_name = "EXPORT", conflicts_with = "against")]
    file: Option<PathBuf>,
    /// Verify the log, and that it is the one that was exported there, grown at most.
    #[arg(long, value_name = "EXPORT")]
    against: Option<PathBuf>,
    /// Let only signatures of this key count; may be given several times. Otherwise all that the log names.
    #[arg(long = "key", value_name = "ID")]
    keys: Vec<String>,
}

impl AuditVerify {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        if let Some(file) = &self.file {
            let export = read(file, self.keys, &context)?;
            return told(&context, &export.verification, None);
        }
        let earlier =
            self.against.as_deref().map(|file| read(file, self.keys.clone(), &context)).transpose()?;
        if let Some(broken) = earlier.as_ref().and_then(|earlier| earlier.verification.broken.as_ref()) {
            return Err(Failure::new(Code::Failed, format!("the export is broken itself: {broken}")));
        }
        let Opened { app, caller } = context.open().await?;
        if earlier.as_ref().is_some_and(|earlier| earlier.header.team_id != caller.team_id) {
            return Err(Failure::new(Code::Refused, "the export is of another team's log"));
        }
        let found = app.verify_audit(caller, self.keys).await?;
        let other = match &earlier {
            Some(earlier) if found.broken.is_none() => app.compare_audit(caller, earlier).await?,
            _ => None,
        };
        told(&context, &found, other)
    }
}

fn read(file: &Path, keys: Vec<String>, context: &Context) -> Result<ExportVerification, Failure> {
    Ok(read_export(open(Some(file), context)?, keys)?)
}

/// Says what was found; `other` is what an earlier export has otherwise.
fn told(
    context: &Context,
    found: &AuditVerification,
    other: Option<AuditBreak>,
) -> Result<ExitCode, Failure> {
    let terminal = context.terminal;
    let is_other = other.is_some();
    let broken = found.broken.clone().or(other);
    let AuditVerification { seals, lines, redacted, unsealed, keys, .. } = found;
    if terminal.is_json {
        let broken = broken.as_ref().map(|broken| {
            json!({
                "fault": broken.fault, "seal": broken.seal, "line": broken.line, "id": broken.id,
                "message": broken.to_string(),
            })
        });
        let is_well = broken.is_none();
        terminal.json(&json!({
            "is_well": is_well, "lines": lines, "seals": seals, "redacted": redacted, "unsealed": unsealed,
            "keys": keys, "broken": broken.unwrap_or(Value::Null),
        }))?;
        return Ok(if is_well { ExitCode::SUCCESS } else { Code::Failed.into() });
    }
    let several = |count: i64| if count == 1 { "" } else { "s" };
    let mut line = format!("{lines} line{} under {seals} seal{} fit", several(*lines), several(*seals));
    if *unsealed > 0 {
        line.push_str(&format!(", {unsealed} more to be sealed"));
    }
    if *redacted > 0 {
        line.push_str(&format!("; {redacted} of them are redacted"));
    }
    terminal.data(&line)?;
    if !keys.is_empty() {
        let keys: Vec<_> = keys.iter().map(String::as_str).collect();
        terminal.say(&format!("signed with: {}", keys.join(", ")));
    }
    match broken {
        None => Ok(ExitCode::SUCCESS),
        Some(broken) if is_other => {
            let message = format!("the log is not the one that was exported: {broken}");
            Err(Failure::new(Code::Failed, message).hint("the export is the proof; keep it"))
        }
        Some(broken) => {
            let message = format!("the audit log is broken: {broken}");
            Err(Failure::new(Code::Failed, message)
                .hint("what stands before it is as it was written; compare with an earlier export or backup"))
        }
    }
}
