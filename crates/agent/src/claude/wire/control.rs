//! Control frames of the agent CLI: its questions, and its answers to ours.

use domain::agent_event::ToolRequest;
use serde_json::Value;

use super::Frame;

/// Something the agent CLI asks and waits for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Question {
    /// A `PreToolUse` hook callback.
    Gate(ToolRequest),
    /// A `can_use_tool` request.
    Permission(ToolRequest),
    /// A hook callback we did not register for; it is answered without an opinion.
    OtherHook { request_id: String },
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
    }))
}

fn hook(request_id: String, mut request: Frame) -> Question {
    let Some(mut input) = request.take_object("input") else {
        return Question::UnreadableGate { request_id };
    };
    if input.text("hook_event_name").is_some_and(|name| name != "PreToolUse") {
        return Question::OtherHook { request_id };
    }
    let tool_use_id = input.take_text("tool_use_id").or_else(|| request.take_text("tool_use_id"));
    let (Some(tool_use_id), Some(tool_name), Some(tool_input)) =
        (tool_use_id, input.take_text("tool_name"), input.take("tool_input"))
    else {
        return Question::UnreadableGate { request_id };
    };
    let requires_person = QUESTIONS_TO_A_PERSON.contains(&tool_name.as_str());
    let description = tool_input["description"].as_str().map(str::to_owned);
    Question::Gate(ToolRequest {
        request_id,
        tool_use_id,
        tool_name,
        input: tool_input,
        description,
        requires_person,
    })
}
