//! What a session is asked to be.

use std::time::Duration;

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};
use serde_json::{Map, Value};

use crate::{money::MicroUsd, permission::PermissionMode};

/// What a session was asked to be; fixed at creation. Templates keep the same, so a document that lacks a field has its
/// default.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct SessionOptions {
    /// Model to ask for; `None` leaves the choice to the agent program.
    pub model: Option<String>,
    /// Text appended to the agent's own system prompt; never an empty one.
    pub system_prompt: Option<String>,
    /// Tools that need no question, in the agent program's own syntax.
    pub allowed_tools: Vec<String>,
    /// Tools that are refused, in the agent program's own syntax.
    pub disallowed_tools: Vec<String>,
    /// Who decides tool calls no rule decides.
    pub permission_mode: PermissionMode,
    /// Policies of this session alone, as documents.
    pub custom_policies: Vec<Value>,
    /// Whether the team's hooks run.
    pub hooks_enabled: bool,
    /// Whether text is recorded while the model still speaks.
    pub include_partial_messages: bool,
    /// Most model round trips per prompt.
    pub max_turns: Option<u32>,
    /// Most money this session may spend.
    #[serde(rename = "budget_usd", serialize_with = "write_dollars", deserialize_with = "read_dollars")]
    pub budget: Option<MicroUsd>,
    /// Longest silence while the agent works.
    #[serde(rename = "timeout_seconds", serialize_with = "write_seconds", deserialize_with = "read_seconds")]
    pub timeout: Duration,
    /// How often a failed start or request is tried again.
    pub max_retries: u32,
    /// The pause before the first of them; each next is twice as long.
    #[serde(rename = "retry_delay_ms", serialize_with = "write_millis", deserialize_with = "read_millis")]
    pub retry_delay: Duration,
    /// Handed to the agent program as they are.
    pub sdk_options: Map<String, Value>,
    /// Whatever people want to keep with it; the one part that can change later.
    pub metadata: Map<String, Value>,
}

impl Default for SessionOptions {
    /// The agent program's own choices, mode `default`, 120 s of silence, 3 retries from 2 s on.
    fn default() -> Self {
        Self {
            model: None,
            system_prompt: None,
            allowed_tools: Vec::new(),
            disallowed_tools: Vec::new(),
            permission_mode: PermissionMode::Default,
            custom_policies: Vec::new(),
            hooks_enabled: true,
            include_partial_messages: false,
            max_turns: None,
            budget: None,
            timeout: Duration::from_secs(120),
            max_retries: 3,
            retry_delay: Duration::from_secs(2),
            sdk_options: Map::new(),
            metadata: Map::new(),
        }
    }
}

fn write_seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_secs())
}

fn read_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

fn write_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

fn read_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn write_dollars<S: Serializer>(amount: &Option<MicroUsd>, serializer: S) -> Result<S::Ok, S::Error> {
    match amount {
        Some(amount) => super::as_dollars(amount, serializer),
        None => serializer.serialize_none(),
    }
}

fn read_dollars<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MicroUsd>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_survive_their_document() {
        let options = SessionOptions {
            model: Some("model".into()),
            system_prompt: Some("prompt".into()),
            allowed_tools: vec!["Bash(git status)".into()],
            disallowed_tools: vec!["WebFetch".into()],
            permission_mode: PermissionMode::DontAsk,
            custom_policies: vec![json!({"kind": "rules"})],
            hooks_enabled: false,
            include_partial_messages: true,
            max_turns: Some(7),
            budget: Some(MicroUsd::from_micros(2_500_001)),
            timeout: Duration::from_secs(9),
            max_retries: 0,
            retry_delay: Duration::from_millis(1500),
            sdk_options: Map::from_iter([("a".to_owned(), json!([1]))]),
            metadata: Map::from_iter([("ticket".to_owned(), json!("T-1"))]),
        };
        let document = serde_json::to_string(&options).expect("serialises");
        assert_eq!(serde_json::from_str::<SessionOptions>(&document).expect("parses"), options);
    }

    #[test]
    fn what_a_document_does_not_say_is_the_default() {
        assert_eq!(serde_json::from_str::<SessionOptions>("{}").expect("parses"), SessionOptions::default());
    }
}
