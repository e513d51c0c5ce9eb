//! `assistant` and `user` frames: what the model and the tools said.

use domain::{
    agent_event::{AgentEvent, AgentMessage, ToolResult, ToolUse},
    message::{ContentBlock, MessageType},
};
use serde_json::{Map, Value, json};

use super::Frame;

/// The model spoke. The agent CLI sends each content block in a frame of its own; several share one `message.id`.
pub(in crate::claude) fn assistant(frame: Frame) -> AgentEvent {
    AgentEvent::Message(assistant_message(frame))
}

pub(in crate::claude) fn assistant_message(mut frame: Frame) -> AgentMessage {
    let mut message = frame.take_object("message").unwrap_or_else(|| Frame::new(Map::new()));
    let model = message.take_text("model");
    let usage = message.take("usage");
    let pieces = Pieces::take(&mut message);
    keep_message(&mut frame, message);
    let (mut event, thinking) = pieces.into_message(frame, MessageType::Assistant);
    event.body.model = model;
    event.body.usage = usage;
    event.body.thinking_content = thinking;
    event
}

/// A tool's result, a summary or a note went to the model.
pub(in crate::claude) fn user(frame: Frame) -> AgentEvent {
    AgentEvent::Message(user_message(frame))
}

pub(in crate::claude) fn user_message(mut frame: Frame) -> AgentMessage {
    let mut message = frame.take_object("message").unwrap_or_else(|| Frame::new(Map::new()));
    let mut pieces = Pieces::take(&mut message);
    keep_message(&mut frame, message);
    pieces.mark_results_that_did_not_run(&frame);
    pieces.add_detail(&mut frame);
    let (mut event, thinking) = pieces.into_message(frame, MessageType::User);
    event.body.thinking_content = thinking;
    event
}

/// `role` and `type` say what the message type says; the rest, such as `id` and `stop_reason`, is kept.
fn keep_message(frame: &mut Frame, mut message: Frame) {
    message.take("role");
    message.take("type");
    if frame.get("message").is_none() {
        frame.keep("message", Value::Object(message.rest()));
    }
}

/// The content of a message, sorted.
#[derive(Default)]
struct Pieces {
    blocks: Vec<ContentBlock>,
    tool_uses: Vec<ToolUse>,
    tool_results: Vec<ToolResult>,
    thinking: Vec<String>,
    /// Fields of blocks that have no place of their own, by the position of the block in the frame.
    block_fields: Map<String, Value>,
}

impl Pieces {
    fn take(message: &mut Frame) -> Self {
        let mut pieces = Self::default();
        match message.take("content") {
            Some(Value::String(text)) => pieces.blocks.push(ContentBlock::Text { text }),
            Some(Value::Array(blocks)) => {
                for (position, block) in blocks.into_iter().enumerate() {
                    pieces.add(position, block);
                }
            }
            Some(other) => message.keep("content", other),
            None => {}
        }
        pieces
    }

    fn add(&mut self, position: usize, block: Value) {
        let rest = match self.sort(&block) {
            Some(rest) => rest.rest(),
            None => {
                self.blocks.push(ContentBlock::Other { block });
                return;
            }
        };
        if !rest.is_empty() {
            self.block_fields.insert(position.to_string(), Value::Object(rest));
        }
    }

    /// Puts a block where it belongs and gives back the fields that have no place; `None` for a block this version
    /// does not know.
    fn sort(&mut self, block: &Value) -> Option<Frame> {
        let mut fields = Frame::new(block.as_object()?.clone());
        match fields.take_text("type")?.as_str() {
            "text" => self.blocks.push(ContentBlock::Text { text: fields.take_text("text")? }),
            "thinking" => self.thinking.push(fields.take_text("thinking")?),
            "tool_use" => {
                let tool_use_id = fields.take_text("id")?;
                let tool_name = fields.take_text("name")?;
                let input = fields.take("input").unwrap_or_else(|| json!({}));
                self.blocks.push(ContentBlock::ToolUse { tool_use_id: tool_use_id.clone() });
                self.tool_uses.push(ToolUse { tool_use_id, tool_name, input });
            }
            "tool_result" => {
                let tool_use_id = fields.take_text("tool_use_id")?;
                let output = json!({ "content": fields.take("content").unwrap_or_default() });
                let is_error = fields.take("is_error").is_some_and(|value| value == true);
                self.blocks.push(ContentBlock::ToolResult { tool_use_id: tool_use_id.clone() });
                self.tool_results.push(ToolResult { tool_use_id, output, is_error, did_not_run: false });
            }
            _ => return None,
        }
        Some(fields)
    }

    /// The frame says why a call did not run in `tool_result_meta`; when a hook missed its timeout, only by its words.
    fn mark_results_that_did_not_run(&mut self, frame: &Frame) {
        let meta = frame.get("tool_result_meta").and_then(Value::as_array);
        for result in self.tool_results.iter_mut().filter(|result| result.is_error) {
            let own = meta.into_iter().flatten().find(|meta| meta["id"] == result.tool_use_id);
            let is_said = own.is_some_and(|meta| !meta["non_execution_kind"].is_null());
            result.did_not_run =
                is_said || result.output["content"].as_str().is_some_and(says_it_did_not_run);
        }
    }

    /// The agent CLI's own structure of a result stands once per frame, so it belongs to a result only if there is one.
    fn add_detail(&mut self, frame: &mut Frame) {
        if let [result] = self.tool_results.as_mut_slice()
            && let Some(detail) = frame.take("tool_use_result")
        {
            result.output["detail"] = detail;
        }
    }

    fn into_message(self, mut frame: Frame, message_type: MessageType) -> (AgentMessage, Option<String>) {
        frame.keep("block_fields", Value::Object(self.block_fields));
        let thinking = (!self.thinking.is_empty()).then(|| self.thinking.join("\n\n"));
        let body = frame.into_body(message_type, self.blocks);
        (AgentMessage { body, tool_uses: self.tool_uses, tool_results: self.tool_results }, thinking)
    }
}

fn says_it_did_not_run(content: &str) -> bool {
    const WORDS: [&str; 3] = [
        "PreToolUse hook did not respond",
        "Tool permission request failed",
        "The user doesn't want to proceed",
    ];
    WORDS.iter().any(|words| content.starts_with(words))
        || content.strip_prefix("PreToolUse:").is_some_and(|rest| rest.contains(" hook error: "))
}
