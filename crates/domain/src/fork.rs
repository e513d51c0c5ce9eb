//! Where the history of a fork is cut.

use std::collections::BTreeMap;

use crate::message::{ContentBlock, Message, MessageType};

/// A place after a message where nothing is left open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The number of the last message that the fork begins with.
    pub sequence: i64,
    /// The agent program's own id of that message, when the model said it: there the program can cut, too.
    pub model_message: Option<String>,
}

/// Where a history of messages, in their order, is cut after at most so many of them, or after the last answer. Messages of
/// people and the model count, those of subagents do not; pieces of one answer count once, and a tool's use is not torn from
/// its result; one that never got a result is closed by the model's next answer. `None` is before the first.
#[must_use]
pub fn cut<'m>(messages: impl IntoIterator<Item = &'m Message>, most: Option<u32>) -> Option<Cut> {
    let said = |message: &&Message| {
        message.body.message_type.is_dialogue()
            && message.body.parent_tool_use_id.is_none()
            && !message.is_partial
    };
    let (mut count, mut last_answer, mut open) = (0, None, BTreeMap::new());
    let mut found: Option<Cut> = None;
    for message in messages.into_iter().filter(said) {
        let body = &message.body;
        let answer = answer_of(message);
        let is_further = answer.is_none() || answer != last_answer;
        if is_further && most.is_some_and(|most| count >= most) {
            return found;
        }
        count += u32::from(is_further);
        last_answer = answer;
        let is_answered = body.message_type == MessageType::Assistant;
        if is_answered {
            // The model does not speak while it waits for a result: the process that owed it is gone.
            open.retain(|_, asked_by| answer.is_some() && *asked_by == answer);
        }
        for block in &body.content.blocks {
            match block {
                ContentBlock::ToolUse { tool_use_id } => drop(open.insert(tool_use_id.as_str(), answer)),
                ContentBlock::ToolResult { tool_use_id, .. } => drop(open.remove(tool_use_id.as_str())),
                ContentBlock::Text { .. } | ContentBlock::Other { .. } => {}
            }
        }
        if open.is_empty() && (is_answered || most.is_some()) {
            let model_message = body.external_id.clone().filter(|_| is_answered);
            found = Some(Cut { sequence: message.sequence, model_message });
        }
    }
    found
}

/// What the pieces of one answer of the model have in common.
fn answer_of(message: &Message) -> Option<&str> {
    message.body.content.extra.get("message")?.get("id")?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::{
        id::{MessageId, SessionId},
        message::MessageBody,
        time::Timestamp,
    };

    fn message(sequence: i64, body: MessageBody) -> Message {
        let (id, session) = (MessageId::from_uuid(Uuid::nil()), SessionId::from_uuid(Uuid::nil()));
        Message { sequence, ..Message::new(id, session, body, Timestamp::from_micros(0)) }
    }

    fn person(sequence: i64) -> Message {
        message(sequence, MessageBody::text(MessageType::User, "do it"))
    }

    fn model(sequence: i64, answer: &str, block: ContentBlock) -> Message {
        let mut body = MessageBody::text(MessageType::Assistant, "");
        body.external_id = Some(format!("m{sequence}"));
        body.content.blocks = vec![block];
        body.content.extra.insert("message".into(), json!({ "id": answer }));
        message(sequence, body)
    }

    fn result(sequence: i64, tool_use_id: &str) -> Message {
        let mut body = MessageBody::text(MessageType::User, "");
        body.content.blocks = vec![ContentBlock::ToolResult { tool_use_id: tool_use_id.into() }];
        message(sequence, body)
    }

    fn text() -> ContentBlock {
        ContentBlock::Text { text: "done".into() }
    }

    fn tool(id: &str) -> ContentBlock {
        ContentBlock::ToolUse { tool_use_id: id.into() }
    }

    /// A prompt, an answer in two pieces with a tool, its result, the last words, and a prompt that is not answered yet.
    fn history() -> Vec<Message> {
        vec![
            person(1),
            model(2, "a", text()),
            model(3, "a", tool("t")),
            result(4, "t"),
            model(5, "b", text()),
            person(6),
        ]
    }

    #[test]
    fn all_is_up_to_the_last_answer() {
        let cut = cut(&history(), None).expect("a place");
        assert_eq!((cut.sequence, cut.model_message.as_deref()), (5, Some("m5")));
    }

    #[test]
    fn pieces_count_once_and_no_tool_is_torn_from_its_result() {
        let place = |most| cut(&history(), Some(most)).map(|cut| (cut.sequence, cut.model_message));
        assert_eq!(place(0), None);
        assert_eq!(place(1), Some((1, None)));
        // The second is an answer that uses a tool, so it is cut before that.
        assert_eq!(place(2), Some((2, Some("m2".into()))));
        assert_eq!(place(3), Some((4, None)));
        assert_eq!(place(4), Some((5, Some("m5".into()))));
        assert_eq!(place(9), Some((6, None)));
    }

    #[test]
    fn a_tool_whose_process_died_does_not_hide_what_came_after() {
        let history = [person(1), model(2, "a", tool("t")), person(3), model(4, "b", text())];
        let place = |most| cut(&history, most).map(|cut| cut.sequence);
        assert_eq!((place(None), place(Some(3)), place(Some(4))), (Some(4), Some(1), Some(4)));
    }

    #[test]
    fn subagents_do_not_count() {
        let mut history = history();
        history[1].body.parent_tool_use_id = Some("other".into());
        assert_eq!(cut(&history, Some(1)).map(|cut| cut.sequence), Some(1));
        assert_eq!(cut(&[], None), None);
    }
}
