//! The lines we send. A line the agent CLI cannot read kills it, so all of them are made here.

use domain::{
    agent_event::PermissionAnswer,
    id::CommandId,
    permission::{Decision, PermissionMode},
};
use serde_json::{Value, json};

use crate::command_line::permission_mode;

/// How long the agent CLI waits for the answer to a gate. An approval may take a day.
const GATE_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;
const GATE: &str = "gate";

/// The first request: every tool call is asked about before it runs.
pub(crate) fn initialize(request_id: &str) -> String {
    let gate = json!({ "matcher": "*", "hookCallbackIds": [GATE], "timeout": GATE_TIMEOUT_SECONDS, "onFailure": "block" });
    let request = json!({ "subtype": "initialize", "hooks": { "PreToolUse": [gate] } });
    control_request(request_id, &request)
}

pub(super) fn prompt(id: CommandId, text: &str) -> String {
    let message = json!({ "role": "user", "content": text });
    let line = json!({
        "type": "user", "message": message, "parent_tool_use_id": null, "session_id": "", "uuid": id,
    });
    line.to_string()
}

pub(super) fn interrupt(request_id: &str) -> String {
    control_request(request_id, &json!({ "subtype": "interrupt" }))
}

pub(super) fn set_mode(request_id: &str, mode: PermissionMode) -> String {
    control_request(request_id, &json!({ "subtype": "set_permission_mode", "mode": permission_mode(mode) }))
}

pub(super) fn set_model(request_id: &str, model: Option<&str>) -> String {
    control_request(request_id, &json!({ "subtype": "set_model", "model": model }))
}

pub(super) fn gate_answer(request_id: &str, decision: Decision, reason: &str) -> String {
    let output = json!({
        "hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason,
    });
    success(request_id, &json!({ "hookSpecificOutput": output }))
}

pub(super) fn permission_answer(request_id: &str, answer: &PermissionAnswer) -> String {
    match answer {
        PermissionAnswer::Allow { input } => {
            success(request_id, &json!({ "behavior": "allow", "updatedInput": input }))
        }
        PermissionAnswer::Deny { reason, interrupt } => {
            success(request_id, &json!({ "behavior": "deny", "message": reason, "interrupt": interrupt }))
        }
    }
}

/// A hook's answer that changes nothing.
pub(super) fn no_opinion(request_id: &str) -> String {
    success(request_id, &json!({}))
}

pub(super) fn error(request_id: &str, message: &str) -> String {
    let response = json!({ "subtype": "error", "request_id": request_id, "error": message });
    json!({ "type": "control_response", "response": response }).to_string()
}

fn success(request_id: &str, response: &Value) -> String {
    let response = json!({ "subtype": "success", "request_id": request_id, "response": response });
    json!({ "type": "control_response", "response": response }).to_string()
}

fn control_request(request_id: &str, request: &Value) -> String {
    json!({ "type": "control_request", "request_id": request_id, "request": request }).to_string()
}
