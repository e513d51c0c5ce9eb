//! The lines we send. A line the agent CLI cannot read kills it, so all of them are made here.

use domain::{
    agent_event::PermissionAnswer,
    hook::{HookAnswer, HookEvent},
    id::CommandId,
    permission::{Decision, PermissionMode},
};
use serde_json::{Map, Value, json};

use crate::command_line::permission_mode;

/// How long the agent CLI waits for the answer to a hook. An approval may take a day.
const HOOK_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;
/// The events at which we are asked, besides the gate. The agent CLI also names others, which it calls no callbacks for.
const EVENTS: [&str; 8] = [
    "PostToolUse",
    "PostToolUseFailure",
    "UserPromptSubmit",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "PreCompact",
    "Notification",
];

/// The first request: every tool call is asked about before it runs, and the hooks of other events are called.
pub(crate) fn initialize(request_id: &str) -> String {
    let callback = |name: &str, on_failure: &str| {
        json!([{
            "matcher": "*", "hookCallbackIds": [name], "timeout": HOOK_TIMEOUT_SECONDS, "onFailure": on_failure,
        }])
    };
    let mut hooks = Map::new();
    hooks.insert("PreToolUse".to_owned(), callback("gate", "block"));
    hooks.extend(EVENTS.map(|event| (event.to_owned(), callback(event, "continue"))));
    control_request(request_id, &json!({ "subtype": "initialize", "hooks": hooks }))
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

pub(super) fn gate_answer(
    request_id: &str,
    decision: Decision,
    reason: &str,
    input: Option<Value>,
    context: Option<String>,
) -> String {
    success(request_id, &gate_output(Some((decision, reason)), input, context))
}

/// What a hook of `PreToolUse` says; without a decision it leaves that to the agent program.
pub(super) fn gate_output(
    decision: Option<(Decision, &str)>,
    input: Option<Value>,
    context: Option<String>,
) -> Value {
    let mut output = json!({ "hookEventName": "PreToolUse" });
    if let Some((decision, reason)) = decision {
        output["permissionDecision"] = json!(decision);
        output["permissionDecisionReason"] = reason.into();
    }
    if let Some(input) = input {
        output["updatedInput"] = input;
    }
    if let Some(context) = context {
        output["additionalContext"] = context.into();
    }
    json!({ "hookSpecificOutput": output })
}

/// A gate's answer of ours alone: the tool does not run.
pub(super) fn gate_denial(request_id: &str, reason: &str) -> String {
    gate_answer(request_id, Decision::Deny, reason, None, None)
}

/// What hooks say to an event. One that we did not register for has its own rules, so it hears no opinion.
pub(super) fn hook_answer(request_id: &str, event: &HookEvent, answer: HookAnswer) -> String {
    let is_registered = EVENTS.contains(&event.as_str());
    let output = if is_registered { event_output(event, answer) } else { json!({}) };
    success(request_id, &output)
}

/// What hooks say to an event, as far as it takes it.
pub(super) fn event_output(event: &HookEvent, answer: HookAnswer) -> Value {
    let mut output = json!({});
    if let Some(reason) = answer.block.filter(|_| EVENTS.contains(&event.as_str())) {
        output["decision"] = "block".into();
        output["reason"] = reason.into();
    }
    if let Some(context) = answer.context.filter(|_| event.takes_context()) {
        output["hookSpecificOutput"] = json!({ "hookEventName": event, "additionalContext": context });
    }
    output
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
