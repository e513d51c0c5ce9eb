//! `provost policy update`.

use std::process::ExitCode;

use app::policies::PolicyEdit;
use clap::{ArgGroup, Args};
use domain::{dna::Text, policy::PolicyName};

use super::{lint, source};
use crate::{
    composition::{Context, Opened},
    failure::Failure,
};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["details", "priority"]))]
pub(crate) struct Update {
    /// The policy's name.
    policy: PolicyName,
    /// Other details in the place of all it has: JSON, or a TOML or JSON file.
    #[arg(long, value_name = "FILE|JSON")]
    details: Option<String>,
    /// Policies of lower numbers are evaluated and explained first.
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i64>,
    /// Only when the policy has this version, which provost policy show tells.
    #[arg(long, value_name = "VERSION")]
    expect_version: Option<i64>,
    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<Text<2000>>,
}

impl Update {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let config =
            self.details.as_deref().map(|given| source::read_details(given, &context)).transpose()?;
        let edit = PolicyEdit { config, priority: self.priority, expected_version: self.expect_version };
        let Opened { app, caller } = context.open().await?;
        let updated = app.update_policy(caller, self.policy, edit, self.reason).await?;
        let set = app.list_enabled_policies(caller).await?;
        let findings = policy::lint(&set, &source::surroundings(&context));
        lint::warn(context.terminal, &findings, |name| name == updated.name.as_str());
        super::tell(context.terminal, &updated, &format!("has version {}", updated.version))
    }
}
