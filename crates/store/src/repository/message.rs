//! Rows of `messages`; written only through the timeline.

use domain::message::{Message, MessageBody, MessageContent, MessageType};

use crate::{
    conn::Tx,
    error::StoreError,
    value::{Columns, params, stored_words},
};

stored_words! { MessageType }

pub(super) const COLUMNS: &str =
    "t.id, t.session_id, t.sequence, t.message_type, t.subtype, t.content, t.model,
    t.thinking_content, t.parent_tool_use_id, t.external_id, t.usage, t.created_at";

pub(super) fn insert(tx: &Tx<'_>, message: &Message) -> Result<(), StoreError> {
    let sql = "INSERT INTO messages
         (id, session_id, sequence, message_type, subtype, content, model, thinking_content, parent_tool_use_id,
          external_id, usage, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let body = &message.body;
    let content = serde_json::to_value(&body.content).map_err(|error| StoreError::Other {
        what: format!("a message cannot be written as JSON: {error}"),
    })?;
    let values = params![
        message.id,
        message.session_id,
        message.sequence,
        body.message_type,
        body.subtype,
        content,
        body.model,
        body.thinking_content,
        body.parent_tool_use_id,
        body.external_id,
        body.usage,
        message.created_at,
    ];
    tx.execute(sql, values).map(drop)
}

pub(super) fn from_columns(columns: &mut Columns<'_>) -> Result<Message, StoreError> {
    Ok(Message {
        id: columns.next()?,
        session_id: columns.next()?,
        sequence: columns.next()?,
        body: MessageBody {
            message_type: columns.next()?,
            subtype: columns.next()?,
            content: content(columns.next()?)?,
            model: columns.next()?,
            thinking_content: columns.next()?,
            parent_tool_use_id: columns.next()?,
            external_id: columns.next()?,
            usage: columns.next()?,
        },
        created_at: columns.next()?,
    })
}

fn content(json: serde_json::Value) -> Result<MessageContent, StoreError> {
    serde_json::from_value(json).map_err(|error| StoreError::corrupt(format!("a message's content: {error}")))
}
