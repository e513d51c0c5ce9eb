//! Decisions on tool calls, as they were taken. Append-only; an ask is recorded twice: as asked, then as answered.

use serde_json::Value;

use crate::{
    id::{ApprovalId, DecisionId, SessionId, ToolCallId},
    permission::Decision,
    time::Timestamp,
};

text_enum! {
    /// What took a decision.
    pub enum DecidedBy: "decider" {
        /// A policy of the team.
        Policy = "policy",
        /// The session's permission mode.
        Mode = "mode",
        /// A person.
        Person = "person",
        /// An earlier decision on the same call.
        Cache = "cache",
        /// Nobody answered in time.
        Timeout = "timeout",
        /// The policy set's default.
        Default = "default",
    }
}

/// A decision on one tool call. Redaction can blank input, context and reason.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PermissionDecision {
    /// Identity.
    pub id: DecisionId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// The tool call, once that is recorded.
    pub tool_call_id: Option<ToolCallId>,
    /// The agent program's id of the tool call.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub tool_name: String,
    /// What the tool was to do.
    pub input_data: Option<Value>,
    /// What was looked at besides: paths, the policy set's version.
    pub context: Option<Value>,
    /// What was decided.
    pub decision: Decision,
    /// What decided.
    pub decided_by: DecidedBy,
    /// The policy's name as it was then.
    pub policy_name: Option<String>,
    /// The question to a person that it asks or answers.
    pub approval_id: Option<ApprovalId>,
    /// One sentence for the person and the agent.
    pub reason: Option<String>,
    /// The agent was stopped as well.
    pub interrupted: bool,
    /// When.
    pub decided_at: Timestamp,
}
