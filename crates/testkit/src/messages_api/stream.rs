//! A message as the server-sent events in which the API streams it.

use serde_json::{Value, json};

use super::answer::{Message, SIGNATURE};
use super::turn::Block;

/// The events of a whole message in order, each as the text of one SSE record.
pub(super) fn events(message: &Message) -> Vec<String> {
    let mut events = vec![event("message_start", json!({"message": message.to_json_at_start()}))];
    for (index, block) in message.blocks.iter().enumerate() {
        events.push(event("content_block_start", json!({"index": index, "content_block": empty(block)})));
        for delta in deltas(block) {
            events.push(event("content_block_delta", json!({"index": index, "delta": delta})));
        }
        events.push(event("content_block_stop", json!({"index": index})));
    }
    let delta = json!({"stop_reason": message.stop_reason.as_str(), "stop_sequence": null});
    let usage = json!({"output_tokens": message.usage.output_tokens});
    events.push(event("message_delta", json!({"delta": delta, "usage": usage})));
    events.push(event("message_stop", json!({})));
    events
}

fn event(name: &str, mut data: Value) -> String {
    data["type"] = name.into();
    format!("event: {name}\ndata: {data}\n\n")
}

/// The block before its first delta.
fn empty(block: &Block) -> Value {
    match block {
        Block::Text(_) => json!({"type": "text", "text": ""}),
        Block::Thinking(_) => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Block::ToolUse { id, name, .. } => json!({"type": "tool_use", "id": id, "name": name, "input": {}}),
    }
}

fn deltas(block: &Block) -> Vec<Value> {
    match block {
        Block::Text(text) => {
            text.split_inclusive(' ').map(|word| json!({"type": "text_delta", "text": word})).collect()
        }
        Block::Thinking(thinking) => vec![
            json!({"type": "thinking_delta", "thinking": thinking}),
            json!({"type": "signature_delta", "signature": SIGNATURE}),
        ],
        Block::ToolUse { input, .. } => {
            vec![json!({"type": "input_json_delta", "partial_json": input.to_string()})]
        }
    }
}
