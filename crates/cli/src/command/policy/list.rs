//! `provost policy list`.

use std::process::ExitCode;

use clap::Args;
use domain::policy::Policy;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let set = app.list_policies(caller).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&set)?;
            return Ok(ExitCode::SUCCESS);
        }
        if set.policies.is_empty() {
            terminal.say("no policies; provost policy add adds one");
            return Ok(ExitCode::SUCCESS);
        }
        terminal.data(&terminal.out.dim(&line("policy", "kind", "priority", "version", "state")))?;
        set.policies.iter().try_for_each(|policy| terminal.data(&listed(policy)))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn listed(policy: &Policy) -> String {
    let name = text::one_line(policy.name.as_str(), 32);
    let (priority, version) = (policy.priority.to_string(), policy.version.to_string());
    line(&name, policy.kind.as_str(), &priority, &version, super::state(policy))
}

fn line(name: &str, kind: &str, priority: &str, version: &str, state: &str) -> String {
    format!("{name:<32}  {kind:<11}  {priority:>8}  {version:>7}  {state}")
}
