//! The message that the agent is writing: what there is of it is stored now and then, and replaced when it is whole.

use std::time::Duration;

use domain::{
    agent_event::PartialText,
    id::MessageId,
    message::{ContentBlock, Message, MessageBody, MessageType},
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
};
use store::StoreError;

use super::{Draft, Recorder};

/// How often what there is so far is stored.
const STORE_EVERY: Duration = Duration::from_secs(1);

/// The message in flight. There is one at most: what subagents write is stored when it is whole.
#[derive(Debug)]
pub(super) struct InFlight {
    id: MessageId,
    /// Its number, once it is stored.
    sequence: i64,
    text: String,
    began_at: Timestamp,
    stored_at: Timestamp,
    is_stored: bool,
}

impl Recorder {
    /// A piece of the message in flight.
    pub(in crate::session) async fn partial(
        &mut self,
        piece: &PartialText,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        if piece.is_thinking || piece.parent_tool_use_id.is_some() {
            return Ok(Vec::new());
        }
        let now = self.app.now();
        let app = &self.app;
        let in_flight = self.in_flight.get_or_insert_with(|| InFlight {
            id: MessageId::from_uuid(app.next_id()),
            sequence: 0,
            text: String::new(),
            began_at: now,
            stored_at: now,
            is_stored: false,
        });
        in_flight.text.push_str(&piece.text);
        if now.since(in_flight.stored_at) < STORE_EVERY {
            return Ok(Vec::new());
        }
        in_flight.stored_at = now;
        let body = MessageBody::text(MessageType::Assistant, in_flight.text.clone());
        let message = Message {
            is_partial: true,
            sequence: in_flight.sequence,
            ..Message::new(in_flight.id, self.session_id, body, in_flight.began_at)
        };
        let mut draft = Draft::default();
        let change = if std::mem::replace(&mut in_flight.is_stored, true) {
            Change::Replaced
        } else {
            draft.update.added.total_messages = 1;
            Change::Created
        };
        draft.items.push((change, TimelineItem::Message(message)));
        let entries = self.commit(draft).await?;
        if let (Change::Created, Some(in_flight), Some(entry)) =
            (change, &mut self.in_flight, entries.first())
        {
            in_flight.sequence = entry.sequence;
        }
        Ok(entries)
    }

    /// The agent program begins the message again: what it wrote so far does not count.
    pub(super) fn write_again(&mut self) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.text.clear();
        }
    }

    /// A whole message: in the place of what was stored of it, or new.
    pub(super) fn draft_whole(&mut self, draft: &mut Draft, body: MessageBody) -> MessageId {
        let is_text = |block: &ContentBlock| matches!(block, ContentBlock::Text { .. });
        let is_in_flight = body.message_type == MessageType::Assistant
            && body.parent_tool_use_id.is_none()
            && body.content.blocks.iter().any(is_text);
        let in_flight = self.in_flight.take_if(|_| is_in_flight).filter(|in_flight| in_flight.is_stored);
        let Some(InFlight { id, sequence, began_at, .. }) = in_flight else {
            return self.draft_message(draft, body);
        };
        let message = Message { sequence, ..Message::new(id, self.session_id, body, began_at) };
        draft.items.push((Change::Replaced, TimelineItem::Message(message)));
        id
    }
}
