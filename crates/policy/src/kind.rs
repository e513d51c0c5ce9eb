//! The kinds of policies: what each looks at, and what it says.

mod command;
mod file_access;
mod mcp;
mod network;
mod rules;
mod schedule;
mod tool_list;

use std::{borrow::Cow, cell::OnceCell};

use domain::{permission::Decision, policy::PolicyKind};
use serde_json::{Map, Value};

pub(crate) use self::rules::Rules;
use self::{
    command::CommandPolicy, file_access::FileAccess, mcp::McpPolicy, network::NetworkPolicy,
    schedule::Schedule, tool_list::ToolList,
};
use crate::{
    effect::{Effect, Place, Run},
    path::Candidate,
    rule::RuleError,
    surroundings::{Links, Surroundings},
    text::Text,
};

/// A policy of one kind, ready to judge.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Rules(Rules),
    FileAccess(FileAccess),
    Command(CommandPolicy),
    Network(NetworkPolicy),
    ToolList(ToolList),
    Mcp(McpPolicy),
    Schedule(Schedule),
}

/// What a policy may look at besides an effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'c> {
    pub(crate) surroundings: &'c Surroundings,
    pub(crate) links: &'c Links,
    /// The tool that is called.
    pub(crate) tool_name: &'c str,
    pub(crate) input: &'c Value,
    /// The place that the effect is about, and the forms of its path once somebody asked for them.
    pub(crate) place: Option<&'c Place>,
    pub(crate) forms: &'c OnceCell<Vec<Candidate>>,
    /// The command that the effect is about, as a line, once somebody asked for it.
    pub(crate) line: &'c OnceCell<String>,
    pub(crate) now: jiff::Timestamp,
}

impl Context<'_> {
    /// The forms in which a path is judged: found once for the place that the effect is about, for there are many rules.
    pub(crate) fn forms(&self, place: &Place) -> Cow<'_, [Candidate]> {
        let found = || place.candidates(self.surroundings, self.links);
        if self.place.is_some_and(|own| std::ptr::eq(own, place)) {
            Cow::Borrowed(self.forms.get_or_init(found))
        } else {
            Cow::Owned(found())
        }
    }

    /// The command that is judged as a line, what is unknown in it masked.
    pub(crate) fn line(&self, run: &Run) -> &str {
        self.line.get_or_init(|| run.words.iter().map(Text::masked).collect::<Vec<_>>().join(" "))
    }
}

/// What a policy says about one effect, and by which of its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) decision: Decision,
    pub(crate) rule: String,
    pub(crate) reason: String,
    /// It only holds where nothing allows the effect.
    pub(crate) is_default: bool,
}

/// Why the details of a policy are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// They do not have the form of their kind.
    #[error("{0}")]
    Form(String),
    /// A rule in them is none.
    #[error("{field}: {error}")]
    Rule {
        /// The list it stands in.
        field: &'static str,
        /// What is wrong.
        #[source]
        error: RuleError,
    },
    /// A value in them is not accepted.
    #[error("{field}: {value:?} is not accepted; accepted: {accepted}")]
    Value {
        /// The field.
        field: String,
        /// The value.
        value: String,
        /// What is.
        accepted: String,
    },
}

impl Kind {
    /// Reads the details of a policy.
    pub(crate) fn read(
        kind: PolicyKind,
        config: &Value,
        surroundings: &Surroundings,
    ) -> Result<Self, ConfigError> {
        Ok(match kind {
            PolicyKind::Rules => Self::Rules(Rules::read(config, surroundings)?),
            PolicyKind::FileAccess => Self::FileAccess(FileAccess::read(config, surroundings)?),
            PolicyKind::Command => Self::Command(CommandPolicy::read(config, surroundings)?),
            PolicyKind::Network => Self::Network(NetworkPolicy::read(config)?),
            PolicyKind::ToolList => Self::ToolList(ToolList::read(config)?),
            PolicyKind::Mcp => Self::Mcp(McpPolicy::read(config)?),
            PolicyKind::Schedule => Self::Schedule(Schedule::read(config)?),
        })
    }

    /// What it says about an effect; nothing when it is not about that.
    pub(crate) fn judge(&self, effect: &Effect, context: &Context<'_>) -> Option<Finding> {
        match self {
            Self::Rules(rules) => rules.judge(effect, context),
            Self::FileAccess(policy) => policy.judge(effect, context),
            Self::Command(policy) => policy.judge(effect, context),
            Self::Network(policy) => policy.judge(effect),
            Self::ToolList(policy) => policy.judge(effect),
            Self::Mcp(policy) => policy.judge(effect),
            Self::Schedule(policy) => policy.judge(effect, context),
        }
    }
}

impl Finding {
    pub(crate) fn new(decision: Decision, rule: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { decision, rule: rule.into(), reason: reason.into(), is_default: false }
    }

    pub(crate) fn by_default(self) -> Self {
        Self { is_default: true, ..self }
    }
}

/// Reads a kind's own form; the message names the field.
pub(crate) fn form<T: serde::de::DeserializeOwned>(config: &Value) -> Result<T, ConfigError> {
    let Some(fields) = config.as_object() else {
        return Err(ConfigError::Form("its config is something else than a JSON object".to_owned()));
    };
    T::deserialize(config).map_err(|error| {
        let problem = error.to_string();
        ConfigError::Form(match wrong_field::<T>(fields, &problem) {
            Some(field) if !problem.contains(field) => format!("{field}: {problem}"),
            _ => problem,
        })
    })
}

/// The field without which something else, or nothing, is wrong.
fn wrong_field<'f, T: serde::de::DeserializeOwned>(
    fields: &'f Map<String, Value>,
    problem: &str,
) -> Option<&'f str> {
    /// No kind has so many.
    const MOST: usize = 20;
    let is_wrong = |field: &&String| {
        let mut others = fields.clone();
        others.remove(*field);
        T::deserialize(Value::Object(others)).err().is_none_or(|error| error.to_string() != problem)
    };
    fields.keys().take(MOST).find(is_wrong).map(String::as_str)
}

/// Deny is strictest, allow least.
pub(crate) const fn strictness(decision: Decision) -> u8 {
    match decision {
        Decision::Allow => 0,
        Decision::Ask => 1,
        Decision::Deny => 2,
    }
}
