//! One use of a tool, from request to result.

use serde_json::Value;

use crate::{
    id::{MessageId, SessionId, ToolCallId},
    permission::Decision,
    time::Timestamp,
};

text_enum! {
    /// Where a tool call is in its life.
    pub enum ToolCallStatus: "tool call status" {
        /// The model asked; nothing ran.
        Pending = "pending",
        /// Allowed; its result is awaited.
        Running = "running",
        /// It ran and said so.
        Success = "success",
        /// It ran and failed, or its process ended first.
        Error = "error",
        /// It did not run: a rule, a person or the agent program refused it.
        Denied = "denied",
    }
}

impl ToolCallStatus {
    /// Whether a result is still to come.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// A tool call as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ToolCall {
    /// Identity.
    pub id: ToolCallId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// The message that asked for it.
    pub message_id: Option<MessageId>,
    /// Its number in the session's timeline when it was asked for.
    pub sequence: i64,
    /// The model's own id of this use; unique among the open ones of a session.
    pub tool_use_id: String,
    /// The tool.
    pub tool_name: String,
    /// What the tool was given: the model's input, or a person's edited one.
    pub tool_input: Value,
    /// What the tool gave: `content` as the model saw it, `detail` as the agent program structured it.
    pub tool_output: Option<Value>,
    /// Where it is in its life.
    pub status: ToolCallStatus,
    /// Why it failed or did not run.
    pub error_message: Option<String>,
    /// What was decided about it.
    pub permission_decision: Option<Decision>,
    /// Who decided and why.
    pub permission_reason: Option<String>,
    /// What hooks said before it ran.
    pub hook_pre_data: Option<Value>,
    /// What hooks said after it ran.
    pub hook_post_data: Option<Value>,
    /// How often it was tried again.
    pub retries: u32,
    /// When the model asked.
    pub created_at: Timestamp,
    /// When it was allowed.
    pub started_at: Option<Timestamp>,
    /// When its result came.
    pub completed_at: Option<Timestamp>,
    /// From allowed to result, in milliseconds.
    pub duration_ms: Option<i64>,
}

impl ToolCall {
    /// A call that the model just asked for and that has no number yet.
    #[must_use]
    pub const fn new(
        id: ToolCallId,
        session_id: SessionId,
        tool_use_id: String,
        tool_name: String,
        tool_input: Value,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            session_id,
            message_id: None,
            sequence: 0,
            tool_use_id,
            tool_name,
            tool_input,
            tool_output: None,
            status: ToolCallStatus::Pending,
            error_message: None,
            permission_decision: None,
            permission_reason: None,
            hook_pre_data: None,
            hook_post_data: None,
            retries: 0,
            created_at,
            started_at: None,
            completed_at: None,
            duration_ms: None,
        }
    }

    /// What people look for it by: its name and the words and numbers of its input, whatever their keys.
    #[must_use]
    pub fn searched_text(&self) -> String {
        searched_text(&self.tool_name, &self.tool_input)
    }
}

/// As [`ToolCall::searched_text`], from the parts.
#[must_use]
pub fn searched_text(tool_name: &str, tool_input: &Value) -> String {
    let mut text = tool_name.to_owned();
    add_leaves(tool_input, &mut text);
    text
}

/// Depth is bounded by whoever parsed the document.
fn add_leaves(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => {
            text.push(' ');
            text.push_str(&number.to_string());
        }
        Value::String(words) => {
            text.push(' ');
            text.push_str(words);
        }
        Value::Array(values) => values.iter().for_each(|value| add_leaves(value, text)),
        Value::Object(fields) => fields.values().for_each(|value| add_leaves(value, text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    #[test]
    fn a_tool_call_is_looked_for_by_its_name_and_the_leaves_of_its_input() {
        let input = json!({"command": "cargo\ntest", "nested": [{"limit": 7, "quiet": true, "none": null}]});
        let (id, session) = (ToolCallId::from_uuid(Uuid::nil()), SessionId::from_uuid(Uuid::nil()));
        let call =
            ToolCall::new(id, session, "toolu".into(), "Bash".into(), input, Timestamp::from_micros(0));
        assert_eq!(call.searched_text(), "Bash cargo\ntest 7");
    }
}
