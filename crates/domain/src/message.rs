//! What was said.

use serde_json::{Map, Value};

use crate::{
    id::{MessageId, SessionId},
    time::Timestamp,
};

text_enum! {
    /// Who said it.
    pub enum MessageType: "message type" {
        /// A person, or a tool's result handed back to the model.
        User = "user",
        /// The model.
        Assistant = "assistant",
        /// The agent program.
        System = "system",
        /// The end of a turn.
        Result = "result",
    }
}

impl MessageType {
    /// A person or the model said it, so people look for its words.
    #[must_use]
    pub const fn is_dialogue(self) -> bool {
        matches!(self, Self::User | Self::Assistant)
    }
}

/// A message as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Message {
    /// Identity.
    pub id: MessageId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// What was said.
    #[serde(flatten)]
    pub body: MessageBody,
    /// It is the text so far of one that is still being said.
    pub is_partial: bool,
    /// The message it answers, where a person said which.
    pub parent_message_id: Option<MessageId>,
    /// What a person thinks of it.
    pub feedback: Option<Feedback>,
    /// When it was recorded.
    pub created_at: Timestamp,
}

impl Message {
    /// A whole message that has no number yet.
    #[must_use]
    pub const fn new(id: MessageId, session_id: SessionId, body: MessageBody, created_at: Timestamp) -> Self {
        Self {
            id,
            session_id,
            sequence: 0,
            body,
            is_partial: false,
            parent_message_id: None,
            feedback: None,
            created_at,
        }
    }
}

text_enum! {
    /// What a person thinks of a message.
    pub enum FeedbackRating: "feedback rating" {
        /// Good.
        Positive = "positive",
        /// Not good.
        Negative = "negative",
    }
}

/// What a person thinks of a message, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Feedback {
    /// Good or not.
    pub rating: FeedbackRating,
    /// In the person's words.
    pub comment: Option<String>,
}

/// A message before it has a place in a session. Nothing the agent program sent is lost: what has no field of its own
/// is in `content.extra`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MessageBody {
    /// Who said it.
    pub message_type: MessageType,
    /// The agent program's kind within the type, such as `init` or `api_retry`.
    pub subtype: Option<String>,
    /// What was said.
    pub content: MessageContent,
    /// The model that said it.
    pub model: Option<String>,
    /// The thinking before it.
    pub thinking_content: Option<String>,
    /// The tool use whose subagent said it; `None` is the main agent.
    pub parent_tool_use_id: Option<String>,
    /// The agent program's own id of the message.
    pub external_id: Option<String>,
    /// Token counts as the agent program reported them with this message; bills come from results.
    pub usage: Option<Value>,
}

impl MessageBody {
    /// A message of one text and nothing else.
    #[must_use]
    pub fn text(message_type: MessageType, text: impl Into<String>) -> Self {
        Self {
            message_type,
            subtype: None,
            content: MessageContent {
                blocks: vec![ContentBlock::Text { text: text.into() }],
                extra: Map::new(),
            },
            model: None,
            thinking_content: None,
            parent_tool_use_id: None,
            external_id: None,
            usage: None,
        }
    }
}

/// The blocks of a message and everything else that came with it.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct MessageContent {
    /// In the order they were said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<ContentBlock>,
    /// Fields of the agent program without a column of their own, as they came.
    #[serde(default, flatten)]
    pub extra: Map<String, Value>,
}

/// One piece of a message. A tool's input and output stand in its tool call, not here: nothing is stored twice.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    /// Words.
    Text {
        /// Markdown.
        text: String,
    },
    /// The model asks to use a tool.
    ToolUse {
        /// Names the tool call.
        tool_use_id: String,
    },
    /// A tool's result was handed to the model.
    ToolResult {
        /// Names the tool call.
        tool_use_id: String,
    },
    /// A kind this version does not know, as it came.
    Other {
        /// The whole block.
        block: Value,
    },
}

impl MessageContent {
    /// All text blocks, joined by newlines.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.blocks.iter().filter_map(|block| match block {
            ContentBlock::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn content_survives_its_json_with_unknown_fields() {
        let content = MessageContent {
            blocks: vec![
                ContentBlock::Text { text: "a".into() },
                ContentBlock::ToolUse { tool_use_id: "toolu_1".into() },
                ContentBlock::Other { block: json!({"type": "image", "source": {}}) },
                ContentBlock::Text { text: "b".into() },
            ],
            extra: Map::from_iter([("request_id".to_owned(), json!("req_1"))]),
        };
        let text = serde_json::to_string(&content).expect("serialises");
        assert_eq!(serde_json::from_str::<MessageContent>(&text).expect("parses"), content);
        assert_eq!(content.text(), "a\nb");
    }
}
