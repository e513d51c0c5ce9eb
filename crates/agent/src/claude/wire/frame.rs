//! The fields of a frame that nobody took yet.

use domain::message::{ContentBlock, MessageBody, MessageContent, MessageType};
use serde_json::{Map, Value};

/// One JSON object of the agent CLI. Fields with a column of their own are taken out one by one; the rest becomes the
/// message's `extra`, so that nothing is lost and nothing stands twice.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::claude) struct Frame {
    fields: Map<String, Value>,
}

/// A field of this name would be taken for the blocks of the message it is stored in.
const RESERVED: &str = "blocks";

impl Frame {
    pub(in crate::claude) const fn new(fields: Map<String, Value>) -> Self {
        Self { fields }
    }

    pub(in crate::claude) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    pub(in crate::claude) fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    /// Takes a field out; `null` counts as absent everywhere in the protocol.
    pub(in crate::claude) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|value| !value.is_null())
    }

    /// Takes a text out. A field that is no text stays.
    pub(in crate::claude) fn take_text(&mut self, field: &str) -> Option<String> {
        match self.fields.remove(field) {
            Some(Value::String(text)) => Some(text),
            Some(other) => {
                self.fields.insert(field.to_owned(), other);
                None
            }
            None => None,
        }
    }

    /// Takes an object out. A field that is no object stays.
    pub(in crate::claude) fn take_object(&mut self, field: &str) -> Option<Self> {
        match self.fields.remove(field) {
            Some(Value::Object(fields)) => Some(Self { fields }),
            Some(other) => {
                self.fields.insert(field.to_owned(), other);
                None
            }
            None => None,
        }
    }

    /// Puts something back for `extra`, unless there is nothing in it.
    pub(in crate::claude) fn keep(&mut self, field: &str, value: Value) {
        let is_empty = match &value {
            Value::Null => true,
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if !is_empty {
            self.fields.insert(field.to_owned(), value);
        }
    }

    /// What nobody took, without the fields that are `null`.
    pub(in crate::claude) fn rest(self) -> Map<String, Value> {
        self.fields.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }

    /// The frame as a message with these blocks. Its session id is not repeated: it is the session's external id.
    pub(in crate::claude) fn into_body(
        mut self,
        message_type: MessageType,
        blocks: Vec<ContentBlock>,
    ) -> MessageBody {
        self.fields.remove("type");
        self.fields.remove("session_id");
        let external_id = self.take_text("uuid");
        let parent_tool_use_id = self.take_text("parent_tool_use_id");
        let mut extra = self.rest();
        if let Some(value) = extra.remove(RESERVED) {
            extra.insert(format!("_{RESERVED}"), value);
        }
        let content = MessageContent { blocks, extra };
        MessageBody {
            message_type,
            subtype: None,
            content,
            model: None,
            thinking_content: None,
            parent_tool_use_id,
            external_id,
            usage: None,
        }
    }
}
