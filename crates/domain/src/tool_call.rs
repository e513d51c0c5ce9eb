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
    /// When the model asked.
    pub created_at: Timestamp,
    /// When it was allowed.
    pub started_at: Option<Timestamp>,
    /// When its result came.
    pub completed_at: Option<Timestamp>,
    /// From allowed to result, in milliseconds.
    pub duration_ms: Option<i64>,
}
