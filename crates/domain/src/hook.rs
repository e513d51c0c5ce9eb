//! Hooks: code that runs at an agent event and may change or stop it.

use std::time::Duration;

use serde_json::Value;

use crate::{
    id::{HookId, TeamId},
    time::Timestamp,
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

parsed_text! {
    /// The name of an agent event, such as `PreToolUse`. Names that this version does not know are kept as they come.
    pub struct HookEvent: "hook event",
        "1 to 100 characters without spaces and control characters, such as PreToolUse",
        is_event;
}

fn is_event(text: &str) -> bool {
    (1..=100).contains(&text.chars().count())
        && !text.chars().any(|character| character.is_whitespace() || character.is_control())
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_a_later_agent_program_is_an_event() {
        for good in ["PreToolUse", "SomethingNew", "x:y-z", &"ä".repeat(100)] {
            assert!(good.parse::<HookEvent>().is_ok(), "{good}");
        }
        for bad in ["", "Pre Tool", "a\n", "\0", &"a".repeat(101)] {
            assert!(bad.parse::<HookEvent>().is_err(), "{bad}");
        }
    }
}
