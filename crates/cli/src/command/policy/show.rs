//! `provost policy show`.

use std::process::ExitCode;

use app::policies::PolicyHistoryEntry;
use clap::Args;
use domain::policy::{Policy, PolicyName};
use serde_json::json;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::{Terminal, text},
};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The policy's name.
    policy: PolicyName,
    /// What became of it, newest first: in which version of the set, who, when and why.
    #[arg(long, conflicts_with = "at")]
    history: bool,
    /// How many changes --history shows.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000), requires = "history")]
    limit: u32,
    /// As it was in this version of the set; --history names them.
    #[arg(long, value_name = "VERSION")]
    at: Option<i64>,
}

impl Show {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        if self.history {
            let history = app.list_policy_history(caller, self.policy, self.limit as usize).await?;
            return show_history(context.terminal, &history);
        }
        let policy = match self.at {
            Some(version) => app.get_policy_at(caller, self.policy, version).await?,
            None => app.get_policy(caller, self.policy).await?,
        };
        show(context.terminal, &policy)
    }
}

fn show(terminal: Terminal, policy: &Policy) -> Result<ExitCode, Failure> {
    if terminal.is_json {
        terminal.json(policy)?;
        return Ok(ExitCode::SUCCESS);
    }
    let facts = [
        ("name", policy.name.to_string()),
        ("id", policy.id.to_string()),
        ("kind", policy.kind.to_string()),
        ("priority", policy.priority.to_string()),
        ("state", super::state(policy).to_owned()),
        ("version", policy.version.to_string()),
        ("created", policy.created_at.to_string()),
        ("updated", policy.updated_at.to_string()),
    ];
    for (name, value) in facts {
        let name = terminal.out.dim(&format!("{name:<10}"));
        terminal.data(&format!("{name} {}", text::printable(&value)))?;
    }
    let config = serde_json::to_string_pretty(&policy.config).map_err(anyhow::Error::from)?;
    terminal.data(&format!("\n{}", text::printable(&config)))?;
    Ok(ExitCode::SUCCESS)
}

fn show_history(terminal: Terminal, history: &[PolicyHistoryEntry]) -> Result<ExitCode, Failure> {
    if terminal.is_json {
        terminal.json(&json!({ "data": history }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for entry in history {
        let at: String = entry.at.to_string().chars().take(19).collect();
        let version = entry.version.map(|version| format!("version {version}")).unwrap_or_default();
        let reason = text::one_line(entry.reason.as_deref().unwrap_or_default(), 200);
        let line = format!(
            "{:>6}  {at}  {:<8}  {version:<12}  {}  {reason}",
            entry.set_version, entry.change, entry.changed_by
        );
        terminal.data(line.trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}
