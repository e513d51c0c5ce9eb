//! What is wrong with policies, found without any call: rules that can never match, that others make superfluous, or that
//! permit more than they seem to.

mod cover;
mod entry;
mod kinds;
mod known;
mod path;
mod rules;
mod shadow;

use domain::policy::PolicyKind;
use serde_json::Value;

pub use self::known::TOOLS;
use crate::{
    kind::{ConfigError, Kind},
    set::PolicyText,
    surroundings::Surroundings,
};

domain::text_enum! {
    /// What a finding is about.
    pub enum LintCode: "lint code" {
        /// The policy, or a rule of it, is none.
        Unreadable = "unreadable",
        /// No tool that is known has this name.
        UnknownTool = "unknown_tool",
        /// No call can be covered by it.
        NeverMatches = "never_matches",
        /// Provost keeps to it, the agent CLI would not.
        IgnoredByAgent = "ignored_by_agent",
        /// A stricter rule covers everything that it covers.
        Shadowed = "shadowed",
        /// The same rule stands there before.
        Repeated = "repeated",
        /// A wider rule of the same decision covers everything that it covers.
        Redundant = "redundant",
        /// There are too many rules to compare them.
        NotCompared = "not_compared",
        /// It allows everything of its sort.
        AllowsAll = "allows_all",
        /// It allows a program that runs whatever it is given.
        RunsAnything = "runs_anything",
        /// It changes nothing.
        NoEffect = "no_effect",
    }
}

domain::text_enum! {
    /// How bad a finding is.
    pub enum Severity: "severity" {
        /// It does not do what it says.
        Error = "error",
        /// It probably is not what was meant.
        Warning = "warning",
        /// It can be left out.
        Note = "note",
    }
}

/// Something that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LintFinding {
    /// The policy.
    pub policy: String,
    /// The rule or value in it; `None` when it is about the policy as a whole.
    pub rule: Option<String>,
    /// Where in the details that stands, such as `allow[3]`.
    pub field: Option<String>,
    /// What it is about.
    pub code: LintCode,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence.
    pub message: String,
    /// What to write instead, where that is known.
    pub suggestion: Option<String>,
}

/// What is wrong with these policies, each by itself and all together: by policy in the order given, then by place.
///
/// What is called shadowed, repeated or redundant can be removed, all of it at once, and every call is decided as before.
#[must_use]
pub fn lint(policies: &[PolicyText], surroundings: &Surroundings) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for policy in policies {
        findings.extend(unreadable(policy, surroundings));
        match policy.kind {
            PolicyKind::Rules => rules::check(policy, surroundings, &mut findings),
            PolicyKind::ToolList => rules::check_tool_list(policy, &mut findings),
            PolicyKind::Mcp => kinds::check_mcp(policy, &mut findings),
            PolicyKind::FileAccess => kinds::check_file_access(policy, &mut findings),
            PolicyKind::Command => kinds::check_command(policy, surroundings, &mut findings),
            PolicyKind::Network => kinds::check_network(policy, &mut findings),
            PolicyKind::Schedule => kinds::check_schedule(policy, &mut findings),
        }
    }
    findings.extend(shadow::check(policies, surroundings));
    let place = |finding: &LintFinding| policies.iter().position(|policy| policy.name == finding.policy);
    findings.sort_by_key(place);
    findings
}

/// Rules that are none are found one by one, so here is only what is wrong besides.
fn unreadable(policy: &PolicyText, surroundings: &Surroundings) -> Option<LintFinding> {
    match Kind::read(policy.kind, &policy.config, surroundings) {
        Ok(_) | Err(ConfigError::Rule { .. }) => None,
        Err(error) => {
            let found = LintFinding::new(policy, LintCode::Unreadable, Severity::Error, error.to_string());
            let class = match &error {
                ConfigError::Value { field, value, .. } if field == "classes" => Some(value.as_str()),
                _ => None,
            };
            let names = crate::effect::Class::ALL.iter().map(|class| class.as_str());
            let meant = class.and_then(|class| crate::nearest(class, names));
            Some(LintFinding { suggestion: meant.map(str::to_owned), ..found })
        }
    }
}

impl LintFinding {
    fn new(policy: &PolicyText, code: LintCode, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            policy: policy.name.clone(),
            rule: None,
            field: None,
            code,
            severity,
            message: message.into(),
            suggestion: None,
        }
    }

    fn at(self, field: &str, index: usize, rule: &str) -> Self {
        Self { rule: Some(rule.to_owned()), field: Some(format!("{field}[{index}]")), ..self }
    }

    fn in_field(self, field: &str, value: impl Into<String>) -> Self {
        Self { rule: Some(value.into()), field: Some(field.to_owned()), ..self }
    }

    fn suggest(self, suggestion: impl Into<String>) -> Self {
        Self { suggestion: Some(suggestion.into()), ..self }
    }
}

/// The texts of a list in the details of a policy, with their places; what is no text is left to the reader of the kind.
fn texts<'p>(config: &'p Value, field: &str) -> impl Iterator<Item = (usize, &'p str)> {
    let list = config.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().enumerate().filter_map(|(index, text)| Some((index, text.as_str()?)))
}

#[cfg(test)]
mod tests;
