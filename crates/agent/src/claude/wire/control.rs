//! Control frames of the agent CLI: its questions, and its answers to ours.

use domain::{
    agent_event::{HookCall, ToolRequest},
    hook::HookEvent,
};
use serde_json::Value;

use super::Frame;

/// Something the agent CLI asks and waits for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Question {
    /// A `PreToolUse` hook callback.
    Gate(ToolRequest),
    /// A `can_use_tool` request.
    Permission(ToolRequest),
    /// A hook callback at another event, registered or not.
    Hook(HookCall),
    /// A hook callback at something that is no event; it is answered without an opinion.
    UnreadableHook { request_id: String },
    /// A tool request that names no tool; the tool must not run.
    UnreadableGate { request_id: String },
    /// Anything else; it is answered by an error.
    Unsupported { request_id: String, subtype: String },
}

/// The answer to a control request of ours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) request_id: String,
    pub(crate) result: Result<Value, String>,
}

/// Tools that are questions to a person, for gates: only the later `can_use_tool` request says so itself.
const QUESTIONS_TO_A_PERSON: [&str; 2] = ["AskUserQuestion", "ExitPlanMode"];

/// Reads a `control_request`; `None` when it has no id to answer to.
pub(in crate::claude) fn question(frame: &mut Frame) -> Option<Question> {
    let request_id = frame.text("request_id")?.to_owned();
    let mut request = frame.take_object("request").unwrap_or_else(|| Frame::new(serde_json::Map::new()));
    let subtype = request.take_text("subtype").unwrap_or_default();
    Some(match subtype.as_str() {
        "can_use_tool" => {
            permission(&request_id, request).unwrap_or(Question::Unsupported { request_id, subtype })
        }
        "hook_callback" => hook(request_id, request),
        _ => Question::Unsupported { request_id, subtype },
    })
}

/// Reads a `control_response`.
pub(in crate::claude) fn reply(frame: &mut Frame) -> Option<Reply> {
    let request_id = frame.get("response")?.get("request_id")?.as_str()?.to_owned();
    let mut response = frame.take_object("response")?;
    let result = match response.text("subtype") {
        Some("error") => Err(response.take_text("error").unwrap_or_else(|| "it gave no reason".to_owned())),
        _ => Ok(response.take("response").unwrap_or_default()),
    };
    Some(Reply { request_id, result })
}

/// Reads a `control_cancel_request`.
pub(in crate::claude) fn cancelled_request(frame: &Frame) -> Option<String> {
    frame.text("request_id").map(str::to_owned)
}

fn permission(request_id: &str, mut request: Frame) -> Option<Question> {
    Some(Question::Permission(ToolRequest {
        request_id: request_id.to_owned(),
        tool_use_id: request.take_text("tool_use_id")?,
        tool_name: request.take_text("tool_name")?,
        input: request.take("input")?,
        description: request.take_text("description"),
        requires_person: request.get("requires_user_interaction").is_some_and(|value| value == true),
        extra: request.rest(),
    }))
}

fn hook(request_id: String, mut request: Frame) -> Question {
    let Some(input) = request.take_object("input") else {
        return Question::UnreadableGate { request_id };
    };
    let event: Option<HookEvent> = match input.text("hook_event_name") {
        // What does not say what it is must not run.
        None => Some(HookEvent::pre_tool_use()),
        Some(name) => name.parse().ok(),
    };
    match event {
        None => Question::UnreadableHook { request_id },
        Some(event) if event == HookEvent::pre_tool_use() => {
            gate(&request_id, request, input).unwrap_or(Question::UnreadableGate { request_id })
        }
        Some(event) => {
            let tool_use_id = input.text("tool_use_id").map(str::to_owned);
            Question::Hook(HookCall { request_id, event, tool_use_id, input: Value::Object(input.rest()) })
        }
    }
}

/// A tool that is about to run; `None` when it is not said which.
pub(in crate::claude) fn gate(request_id: &str, mut request: Frame, mut input: Frame) -> Option<Question> {
    let tool_use_id = input.take_text("tool_use_id").or_else(|| request.take_text("tool_use_id"))?;
    let tool_name = input.take_text("tool_name")?;
    let tool_input = input.take("tool_input")?;
    Some(Question::Gate(ToolRequest {
        request_id: request_id.to_owned(),
        tool_use_id,
        requires_person: QUESTIONS_TO_A_PERSON.contains(&tool_name.as_str()),
        tool_name,
        description: tool_input["description"].as_str().map(str::to_owned),
        input: tool_input,
        extra: input.rest(),
    }))
}
