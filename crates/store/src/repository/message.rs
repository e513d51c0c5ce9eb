//! Messages; written only through changes of their session.

use domain::{
    id::{MessageId, SessionId},
    message::{Feedback, FeedbackRating, Message, MessageBody, MessageContent, MessageType},
    session::Session,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
};

use super::{
    Reads, message_search,
    session::{Guard, SessionChange, SessionUpdate, Sessions},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, columns},
    scope::{Scope, below},
    value::{Columns, Value, params, stored_documents, stored_words},
};

stored_words! { FeedbackRating, MessageType }
stored_documents! { MessageContent }

columns! {
    id, session_id, sequence, message_type, subtype, content, model, thinking_content, parent_tool_use_id, external_id, usage,
    is_partial, parent_message_id, feedback_rating, feedback_comment, created_at,
}

/// What was said in a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct Messages<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> Messages<'_, C> {
    /// The message of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: MessageId) -> Result<Option<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages t WHERE {} AND t.id = $2",
            below::<Session>("t.session_id")
        );
        self.scope.find(&sql, params![id], |row| from_columns(&mut row.columns()))
    }

    /// The ids of all messages of a session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ids(&self, session: SessionId) -> Result<Vec<MessageId>, StoreError> {
        let sql = format!(
            "SELECT t.id FROM messages t WHERE {} AND t.session_id = $2",
            below::<Session>("t.session_id")
        );
        self.scope.query(&sql, params![session], |row| row.get(0))
    }

    /// The messages of a session whose numbers are above `after`, at most `limit`, in order.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, session: SessionId, after: i64, limit: u32) -> Result<Vec<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages t WHERE {} AND t.session_id = $2 AND t.sequence > $3
             ORDER BY t.sequence LIMIT $4",
            below::<Session>("t.session_id")
        );
        self.scope.query(&sql, params![session, after, limit], |row| from_columns(&mut row.columns()))
    }

    /// The message that is still being said, the newest if an ended process left several.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_partial(&self, session: SessionId) -> Result<Option<Message>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM messages t WHERE {} AND t.session_id = $2 AND t.is_partial
             ORDER BY t.sequence DESC LIMIT 1",
            below::<Session>("t.session_id")
        );
        self.scope.find(&sql, params![session], |row| from_columns(&mut row.columns()))
    }
}

impl Messages<'_, Tx<'_>> {
    /// Keeps what a person thinks of a message, `None` to take it back; shows in the timeline as an update.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the message is not there; [`StoreError::Invalid`] when the comment is too long.
    pub fn set_feedback(
        &self,
        id: MessageId,
        feedback: Option<Feedback>,
        at: Timestamp,
    ) -> Result<TimelineEntry, StoreError> {
        refuse_long_comment(feedback.as_ref())?;
        let found = self.find(id)?.ok_or_else(|| StoreError::Missing { what: format!("message {id}") })?;
        let message = Message { feedback, ..found };
        let change = SessionChange {
            session_id: message.session_id,
            guard: Guard::Anyone,
            at,
            update: SessionUpdate::default(),
            items: vec![(Change::Updated, TimelineItem::Message(message))],
        };
        let entry = Sessions { scope: self.scope }.change(change)?.pop();
        entry.ok_or_else(|| StoreError::corrupt("a change of one row gave no entry"))
    }
}

fn refuse_long_comment(feedback: Option<&Feedback>) -> Result<(), StoreError> {
    const LONGEST: usize = 10_000;
    let comment = feedback.and_then(|feedback| feedback.comment.as_deref()).unwrap_or_default();
    if comment.chars().count() <= LONGEST {
        return Ok(());
    }
    let value = comment.chars().take(40).chain(['…']).collect();
    Err(StoreError::Invalid {
        field: "feedback.comment",
        value,
        accepted: format!("at most {LONGEST} characters"),
    })
}

/// Writes what a person thinks; nothing else of a whole message ever changes.
pub(super) fn update_feedback(tx: &Tx<'_>, message: &Message) -> Result<(), StoreError> {
    let sql =
        "UPDATE messages SET feedback_rating = $1, feedback_comment = $2 WHERE id = $3 AND session_id = $4";
    let (rating, comment) = feedback_columns(message);
    tx.execute_one("message", sql, &[rating, comment, Value::Id(*message.id.as_uuid()), session(message)])
}

/// Writes a message over the text so far of itself, whole or longer.
pub(super) fn replace(tx: &Tx<'_>, message: &Message) -> Result<(), StoreError> {
    let sql = "UPDATE messages SET message_type = $1, subtype = $2, content = $3, model = $4, thinking_content = $5,
         parent_tool_use_id = $6, external_id = $7, usage = $8, is_partial = $9
         WHERE id = $10 AND session_id = $11 AND is_partial";
    let body = &message.body;
    let values = params![
        body.message_type,
        body.subtype,
        body.content,
        body.model,
        body.thinking_content,
        body.parent_tool_use_id,
        body.external_id,
        body.usage,
        message.is_partial,
        message.id,
        message.session_id,
    ];
    tx.execute_one("partial message", sql, values)?;
    if body.message_type.is_dialogue() {
        message_search::reindex(tx, *message.id.as_uuid(), &body.content.text())?;
    }
    Ok(())
}

impl Record for Message {
    const TABLE: &'static str = "messages";
    const COLUMNS: &'static str = NAMES;

    fn values(&self) -> Vec<Value<'_>> {
        let body = &self.body;
        let mut values = params![
            self.id,
            self.session_id,
            self.sequence,
            body.message_type,
            body.subtype,
            body.content,
            body.model,
            body.thinking_content,
            body.parent_tool_use_id,
            body.external_id,
            body.usage,
            self.is_partial,
            self.parent_message_id,
        ]
        .to_vec();
        let (rating, comment) = feedback_columns(self);
        values.extend([rating, comment, Value::Time(self.created_at)]);
        values
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        from_columns(columns)
    }
}

pub(super) fn from_columns(columns: &mut Columns<'_>) -> Result<Message, StoreError> {
    Ok(Message {
        id: columns.next()?,
        session_id: columns.next()?,
        sequence: columns.next()?,
        body: MessageBody {
            message_type: columns.next()?,
            subtype: columns.next()?,
            content: columns.next()?,
            model: columns.next()?,
            thinking_content: columns.next()?,
            parent_tool_use_id: columns.next()?,
            external_id: columns.next()?,
            usage: columns.next()?,
        },
        is_partial: columns.next()?,
        parent_message_id: columns.next()?,
        feedback: feedback(columns.next()?, columns.next()?),
        created_at: columns.next()?,
    })
}

fn feedback(rating: Option<FeedbackRating>, comment: Option<String>) -> Option<Feedback> {
    rating.map(|rating| Feedback { rating, comment })
}

fn feedback_columns(message: &Message) -> (Value<'_>, Value<'_>) {
    let Some(Feedback { rating, comment }) = &message.feedback else { return (Value::Null, Value::Null) };
    (Value::Text(rating.as_str().into()), comment.as_deref().map_or(Value::Null, Value::text))
}

const fn session(message: &Message) -> Value<'static> {
    Value::Id(*message.session_id.as_uuid())
}
