//! `system` frames and the small kinds beside them.

use domain::{
    agent_event::{Activity, AgentEvent, AgentMessage, TurnStarted},
    message::{MessageBody, MessageType},
};
use serde_json::Value;

use super::Frame;

/// The agent program itself spoke; `None` for what must not be recorded.
pub(in crate::claude) fn system(mut frame: Frame) -> Option<AgentEvent> {
    match frame.text("subtype") {
        Some("init") if frame.text("session_id").is_some() => Some(turn_started(frame)),
        Some("session_state_changed") => activity(&frame).or_else(|| Some(message(system_body(frame)))),
        Some("api_retry") => Some(AgentEvent::Retry(system_body(frame))),
        // What a command hook of the program's own settings did is said by its `hook_response`.
        Some("thinking_tokens" | "hook_started" | "hook_progress") => None,
        Some("status") if is_only_status(&frame) => None,
        _ => {
            frame.take("sdk_host_only");
            Some(message(system_body(frame)))
        }
    }
}

/// A frame of a kind this version does not know, kept whole.
pub(in crate::claude) fn unknown(mut frame: Frame) -> AgentEvent {
    let kind = frame.take_text("type");
    let mut body = frame.into_body(MessageType::System, Vec::new());
    body.subtype = kind;
    message(body)
}

/// The conversation was emptied.
pub(in crate::claude) fn conversation_reset(mut frame: Frame) -> AgentEvent {
    let kind = frame.take_text("type");
    let mut body = frame.into_body(MessageType::System, Vec::new());
    body.subtype = kind;
    AgentEvent::ConversationReset(body)
}

/// A prompt went from the program's queue to the model; its other stages say nothing that a result does not say.
pub(in crate::claude) fn command_lifecycle(frame: &Frame) -> Option<AgentEvent> {
    let has_started = frame.text("state") == Some("started");
    let id = frame.text("command_uuid")?.parse().ok()?;
    has_started.then_some(AgentEvent::PromptStarted(id))
}

fn turn_started(mut frame: Frame) -> AgentEvent {
    let external_id = frame.take_text("session_id").unwrap_or_default();
    let model = frame.take_text("model");
    let mut message = system_body(frame);
    message.model.clone_from(&model);
    AgentEvent::TurnStarted(TurnStarted { external_id, model, message })
}

fn activity(frame: &Frame) -> Option<AgentEvent> {
    let state: Activity = frame.text("state")?.parse().ok()?;
    Some(AgentEvent::Activity(state))
}

/// A status says what the model request is doing; only a failed compaction is news that no other frame brings.
fn is_only_status(frame: &Frame) -> bool {
    frame.get("compact_result").and_then(Value::as_str).is_none_or(|result| result == "success")
}

fn system_body(mut frame: Frame) -> MessageBody {
    let subtype = frame.take_text("subtype");
    let mut body = frame.into_body(MessageType::System, Vec::new());
    body.subtype = subtype;
    body
}

const fn message(body: MessageBody) -> AgentEvent {
    AgentEvent::Message(AgentMessage { body, tool_uses: Vec::new(), tool_results: Vec::new() })
}
