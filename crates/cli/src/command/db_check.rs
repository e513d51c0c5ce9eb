//! `provost db check`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;
use store::{Finding, Migrate, Repaired};

use crate::{
    composition::Context,
    failure::{Code, Failure},
    terminal::Terminal,
};

#[derive(Debug, Args)]
pub(crate) struct DbCheck {
    /// Compute anew what is derived: counters and the search index. What was recorded is never changed.
    #[arg(long)]
    repair: bool,
}

impl DbCheck {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let store = context.open_store(Migrate::Expect)?;
        let repaired = if self.repair { Some(store.write(store::repair).await?) } else { None };
        if repaired.is_some() {
            store.index_waiting().await?;
        }
        let findings = store.scan(store::check).await?;
        store.close().await;
        let terminal = context.terminal;
        if terminal.is_json {
            match &repaired {
                Some(repaired) => terminal.json(&json!({ "data": findings, "repaired": repaired }))?,
                None => terminal.json(&json!({ "data": findings }))?,
            }
        }
        for Repaired { check, rows } in repaired.iter().flatten() {
            terminal.say(&format!("{check}: {rows} rows repaired"));
        }
        if findings.is_empty() {
            terminal.say("everything stored is whole");
            return Ok(ExitCode::SUCCESS);
        }
        report(terminal, &findings)?;
        Ok(Code::Failed.into())
    }
}

fn report(terminal: Terminal, findings: &[Finding]) -> Result<(), Failure> {
    if !terminal.is_json {
        for finding in findings {
            terminal.data(&format!("{:<12}  {}", finding.check, finding.what))?;
        }
    }
    let repairable = findings.iter().filter(|finding| finding.is_repairable).count();
    terminal.say(&match repairable {
        0 => format!("{} findings", findings.len()),
        _ => format!("{} findings; provost db check --repair mends {repairable} of them", findings.len()),
    });
    Ok(())
}
