//! One run of a hook. Append-only: what happened stays.

use serde_json::Value;

use crate::{
    hook::HookEvent,
    id::{HookExecutionId, SessionId, ToolCallId},
    time::Timestamp,
};

/// A run of a hook in a session. Redaction can blank input, output, context and error.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct HookExecution {
    /// Identity.
    pub id: HookExecutionId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// The hook's name as it was then.
    pub hook_name: String,
    /// The agent event it ran at.
    pub hook_type: HookEvent,
    /// The tool call it was about, once that is recorded.
    pub tool_call_id: Option<ToolCallId>,
    /// The agent program's id of the tool call.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub tool_name: Option<String>,
    /// What it was given.
    pub input_data: Option<Value>,
    /// What it answered.
    pub output_data: Option<Value>,
    /// What it was told besides.
    pub context_data: Option<Value>,
    /// Whether the event went on.
    pub continue_execution: bool,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// How it failed.
    pub error_message: Option<String>,
    /// When it ran.
    pub executed_at: Timestamp,
}

impl HookExecution {
    /// What it said against the event, in one of the ways in which hooks say it.
    #[must_use]
    pub fn objection(&self) -> Option<&str> {
        let output = self.output_data.as_ref()?;
        let said = [
            &output["reason"],
            &output["stopReason"],
            &output["hookSpecificOutput"]["permissionDecisionReason"],
        ];
        said.into_iter().find_map(Value::as_str)
    }
}
