//! `provost policy remove`.

use std::process::ExitCode;

use clap::Args;
use domain::{dna::Text, policy::PolicyName};
use serde_json::json;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The policy's name.
    policy: PolicyName,
    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<Text<2000>>,
}

impl Remove {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        app.remove_policy(caller, self.policy.clone(), self.reason).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&json!({ "removed": self.policy }))?;
        } else {
            terminal.say(&format!("policy {} is removed", text::one_line(self.policy.as_str(), 200)));
        }
        Ok(ExitCode::SUCCESS)
    }
}
