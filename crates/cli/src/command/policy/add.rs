//! `provost policy add`.

use std::{path::PathBuf, process::ExitCode};

use app::policies::NewPolicies;
use clap::{ArgGroup, Args};
use domain::{
    dna::Text,
    policy::{PolicyKind, PolicyName},
};
use policy::{PolicySource, PolicyText};
use serde_json::json;

use super::{lint, source};
use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
};

/// Evaluated and explained in the middle.
const DEFAULT_PRIORITY: i64 = 100;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["details", "from"]))]
pub(crate) struct Add {
    /// A name for it; the policies of a policy file have their own.
    #[arg(required_unless_present = "from")]
    name: Option<PolicyName>,
    /// What it is about: rules, file_access, command, network, tool_list, mcp or schedule.
    #[arg(long, requires = "details")]
    kind: Option<PolicyKind>,
    /// Details of its kind: JSON, or a TOML or JSON file. docs/policies.md describes them.
    #[arg(long, value_name = "FILE|JSON", requires = "kind")]
    details: Option<String>,
    /// A policy file, all of whose policies are added at once, or an agent CLI's settings.json.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Policies of lower numbers are evaluated and explained first; 100 unless said otherwise.
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i64>,
    /// Let it rest until it is enabled.
    #[arg(long)]
    disabled: bool,
    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT")]
    reason: Option<Text<2000>>,
}

impl Add {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let policies = self.policies(&context)?;
        let Opened { app, caller } = context.open().await?;
        let new = NewPolicies { policies, is_enabled: !self.disabled, reason: self.reason };
        let added = app.add_policies(caller, new).await?;
        let terminal = context.terminal;
        // What is wrong with them hinders nobody from adding them.
        let mut set = app.list_enabled_policies(caller).await?;
        set.extend(added.iter().filter(|policy| !policy.is_enabled).map(PolicyText::from));
        let findings = policy::lint(&set, &source::surroundings(&context));
        let is_new = |name: &str| added.iter().any(|policy| policy.name.as_str() == name);
        lint::warn(terminal, &findings, is_new);
        if self.from.is_some() && terminal.is_json {
            terminal.json(&json!({ "data": added }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for policy in &added {
            super::tell(terminal, policy, "is added")?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn policies(&self, context: &Context) -> Result<Vec<PolicyText>, Failure> {
        if let Some(path) = &self.from {
            return self.of_file(path, context);
        }
        let (Some(name), Some(kind), Some(details)) = (&self.name, self.kind, &self.details) else {
            return Err(Failure::new(Code::Usage, "a policy needs a name, --kind and --details"));
        };
        let config = source::read_details(details, context)?;
        let priority = self.priority.unwrap_or(DEFAULT_PRIORITY);
        Ok(vec![PolicyText { name: name.to_string(), kind, priority, config }])
    }

    fn of_file(&self, path: &std::path::Path, context: &Context) -> Result<Vec<PolicyText>, Failure> {
        let shown = path.display();
        match source::read_source(path, context)? {
            PolicySource::Policies(_) if self.name.is_some() || self.priority.is_some() => {
                let message = format!(
                    "{shown} is a policy file, whose policies have names and priorities of their own"
                );
                Err(Failure::new(Code::Usage, message).hint("leave out NAME and --priority"))
            }
            PolicySource::Policies(file) if file.policies.is_empty() => {
                Err(Failure::new(Code::Usage, format!("{shown} holds no policy; nothing is added")))
            }
            PolicySource::Policies(file) => Ok(file.policies),
            PolicySource::Settings(mut settings) => {
                if let Some(name) = &self.name {
                    settings.policy.name = name.to_string();
                }
                settings.policy.priority = self.priority.unwrap_or(DEFAULT_PRIORITY);
                Ok(vec![settings.policy])
            }
        }
    }
}
