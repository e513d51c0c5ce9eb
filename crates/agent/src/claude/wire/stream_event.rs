//! `stream_event` frames: a message while it is written.

use super::Frame;
use domain::agent_event::{AgentEvent, PartialText};

/// A piece of text or thinking; every other part of the stream comes again in whole frames.
pub(in crate::claude) fn stream_event(mut frame: Frame) -> Option<AgentEvent> {
    let mut event = frame.take_object("event")?;
    if event.text("type") != Some("content_block_delta") {
        return None;
    }
    let delta = event.take("delta")?;
    let (is_thinking, text) = match delta["type"].as_str()? {
        "text_delta" => (false, &delta["text"]),
        "thinking_delta" => (true, &delta["thinking"]),
        _ => return None,
    };
    let text = text.as_str()?.to_owned();
    Some(AgentEvent::Partial(PartialText {
        is_thinking,
        parent_tool_use_id: frame.take_text("parent_tool_use_id"),
        text,
    }))
}
