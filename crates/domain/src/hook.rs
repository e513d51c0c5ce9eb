//! Hooks: code that runs at an agent event and may change or stop it.

mod action;
mod answer;
mod event;
mod matcher;
mod validation;

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    id::{HookId, TeamId},
    time::Timestamp,
};

pub use self::{
    action::{Builtin, HookAction, InvalidHookAction, Notification, Script, Webhook},
    answer::HookAnswer,
    event::HookEvent,
    matcher::{HookMatcher, InvalidHookMatcher},
    validation::Validation,
};

text_enum! {
    /// What a hook is made of.
    pub enum HookKind: "hook kind" {
        /// Part of Provost: audit, metrics, persistence, notification, validation.
        Builtin = "builtin",
        /// A child process with JSON on its input and output.
        Script = "script",
        /// A signed request to a server.
        Webhook = "webhook",
    }
}

/// A hook as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Hook {
    /// Identity.
    pub id: HookId,
    /// The tenant.
    pub team_id: TeamId,
    /// Unique among the team's hooks.
    pub name: String,
    /// The agent event it runs at.
    pub event: HookEvent,
    /// A pattern of tool names; `None` is every tool.
    pub matcher: Option<String>,
    /// What it is made of.
    pub kind: HookKind,
    /// Details by kind.
    pub config: Value,
    /// Lower runs first.
    pub priority: i64,
    /// An error or a timeout of it blocks the event.
    pub is_gate: bool,
    /// How long it may take, in milliseconds.
    pub timeout_ms: i64,
    /// Whether it runs at all.
    pub is_enabled: bool,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Hook {
    /// The priority of a hook that says nothing about it.
    pub const DEFAULT_PRIORITY: i64 = 100;
    /// The timeout of a hook that says nothing about it.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
    /// The longest timeout of a hook.
    pub const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

    /// What it does.
    ///
    /// # Errors
    /// When its details are not those of its kind.
    pub fn action(&self) -> Result<HookAction, InvalidHookAction> {
        HookAction::parse(self.kind, &self.config)
    }

    /// The hook fit to be shown: what may be a secret in its details is only said to be `set`.
    #[must_use]
    pub fn shown(mut self) -> Self {
        hide_secrets(&mut self.config);
        self
    }
}

fn hide_secrets(config: &mut Value) {
    const SET: &str = "set";
    let Some(fields) = config.as_object_mut() else { return };
    if let Some(secret) = fields.get_mut("secret") {
        *secret = json!(SET);
    }
    if let Some(Value::Object(variables)) = fields.get_mut("environment") {
        variables.values_mut().for_each(|value| *value = json!(SET));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        let mut config =
            json!({ "url": "https://a", "secret": "s3cret", "environment": { "TOKEN": "s3cret" } });
        hide_secrets(&mut config);
        assert_eq!(config, json!({ "url": "https://a", "secret": "set", "environment": { "TOKEN": "set" } }));
    }
}
