//! `provost policy enable` and `disable`.

use std::process::ExitCode;

use clap::Args;
use domain::{dna::Text, policy::PolicyName};

use crate::{
    composition::{Context, Opened},
    failure::Failure,
};

#[derive(Debug, Args)]
pub(crate) struct Switch {
    /// The policy's name.
    policy: PolicyName,
    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<Text<2000>>,
}

impl Switch {
    pub(super) async fn run(self, context: Context, is_enabled: bool) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let policy = app.switch_policy(caller, self.policy, is_enabled, self.reason).await?;
        super::tell(context.terminal, &policy, &format!("is {}", super::state(&policy)))
    }
}
