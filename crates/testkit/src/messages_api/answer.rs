//! The JSON bodies of the API's answers.

use serde_json::{Value, json};

use super::turn::{ApiError, Block, StopReason, Usage};

/// A whole message, as a request without `stream` gets it.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) blocks: Vec<Block>,
    pub(super) stop_reason: StopReason,
    pub(super) usage: Usage,
}

impl Message {
    pub(super) fn to_json(&self) -> Value {
        let content: Vec<Value> = self.blocks.iter().map(block_json).collect();
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": content,
            "stop_reason": self.stop_reason.as_str(), "stop_sequence": null, "usage": usage_json(self.usage),
        })
    }

    /// The message as `message_start` carries it: empty, not ended, one token written.
    pub(super) fn to_json_at_start(&self) -> Value {
        let usage = Usage { output_tokens: 1, ..self.usage };
        json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage_json(usage),
        })
    }
}

/// Stands in for the signature that the API puts under a thinking block.
pub(super) const SIGNATURE: &str = "c2lnbmF0dXJl";

fn block_json(block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::Thinking(thinking) => {
            json!({"type": "thinking", "thinking": thinking, "signature": SIGNATURE})
        }
        Block::ToolUse { id, name, input } => {
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
    }
}

fn usage_json(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_creation_input_tokens,
        "cache_read_input_tokens": usage.cache_read_input_tokens,
        "output_tokens": usage.output_tokens,
    })
}

pub(super) fn error_json(error: ApiError) -> Value {
    json!({"type": "error", "error": {"type": error.kind(), "message": error.message()}})
}

pub(super) fn not_found_json() -> Value {
    json!({"type": "error", "error": {"type": "not_found_error", "message": "the imitation does not have this"}})
}
