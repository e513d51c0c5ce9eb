//! What one line of the agent CLI means.

use domain::agent_event::{AgentEvent, AgentMessage};
use serde_json::{Map, Value};

use super::{
    lines::{GARBAGE_BYTES, Line},
    surrogates,
    wire::{self, Frame, Question, Reply},
};

/// What one line of the agent CLI means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    /// Something happened.
    Event(AgentEvent),
    /// It asks and waits.
    Question(Question),
    /// It answers a control request of ours.
    Reply(Reply),
    /// It no longer waits for the answer to this request.
    Cancelled(String),
    /// Blank, or noise that must not be recorded.
    Nothing,
}

/// Reads one line. Lenient: whatever is no message of the protocol is kept as garbage, and whatever message this
/// version does not know is kept whole.
pub(crate) fn hear(line: &Line) -> Heard {
    match line {
        Line::TooLong { beginning, size_bytes } => garbage(&String::from_utf8_lossy(beginning), *size_bytes),
        Line::Whole(bytes) => {
            let text = String::from_utf8_lossy(bytes);
            if text.trim().is_empty() {
                return Heard::Nothing;
            }
            match parse_object(text.trim()) {
                Some(fields) => meaning(Frame::new(fields)),
                None => garbage(&text, bytes.len() as u64),
            }
        }
    }
}

/// What a command hook printed, when that is what was said.
pub(crate) fn output_of_hook(heard: &Heard) -> Option<&str> {
    let Heard::Event(AgentEvent::Message(message)) = heard else { return None };
    let is_response = message.body.subtype.as_deref() == Some("hook_response");
    message.body.content.extra.get("stdout").filter(|_| is_response)?.as_str()
}

/// A message of a transcript, whose lines hold what the frames of the protocol do.
pub(crate) fn said(fields: Map<String, Value>, is_model: bool) -> AgentMessage {
    let frame = Frame::new(fields);
    if is_model { wire::assistant_message(frame) } else { wire::user_message(frame) }
}

pub(crate) fn parse_object(text: &str) -> Option<Map<String, Value>> {
    if !text.starts_with('{') {
        return None;
    }
    let parsed = serde_json::from_str(text).ok();
    parsed.or_else(|| serde_json::from_str(&surrogates::repair(text)?).ok())
}

fn meaning(mut frame: Frame) -> Heard {
    let kind = frame.text("type").unwrap_or_default().to_owned();
    let event = match kind.as_str() {
        "assistant" => Some(wire::assistant(frame)),
        "user" => Some(wire::user(frame)),
        "result" => Some(wire::turn_result(frame)),
        "system" => wire::system(frame),
        "stream_event" => wire::stream_event(frame),
        "conversation_reset" => Some(wire::conversation_reset(frame)),
        "command_lifecycle" => wire::command_lifecycle(&frame),
        "transcript_mirror" => wire::transcript_mirror(&frame),
        "keep_alive" => None,
        _ => return control(&kind, &mut frame).unwrap_or_else(|| Heard::Event(wire::unknown(frame))),
    };
    event.map_or(Heard::Nothing, Heard::Event)
}

/// Control frames; `None` for other kinds and for those that name no request, which are kept as unknown.
fn control(kind: &str, frame: &mut Frame) -> Option<Heard> {
    match kind {
        "control_request" => wire::question(frame).map(Heard::Question),
        "control_response" => wire::reply(frame).map(Heard::Reply),
        "control_cancel_request" => wire::cancelled_request(frame).map(Heard::Cancelled),
        _ => None,
    }
}

fn garbage(text: &str, size_bytes: u64) -> Heard {
    let end = text.floor_char_boundary(GARBAGE_BYTES);
    Heard::Event(AgentEvent::Garbage { line: text[..end].to_owned(), size_bytes })
}
