//! Messages: partial ones, feedback, many at once.

use domain::{
    id::{MessageId, SessionId},
    message::{ContentBlock, Feedback, FeedbackRating, Message, MessageType},
    timeline::{Change, TimelineItem},
};
use provost_store::StoreError;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    the_text_so_far_is_replaced_until_the_message_is_whole,
    a_message_that_is_whole_is_not_replaced,
    feedback_is_kept_and_taken_back,
    another_team_sees_no_message,
    many_messages_of_one_change_keep_their_order,
    a_reply_may_be_recorded_with_what_it_answers,
    messages_of_every_type_are_read_as_written,
    a_failing_row_undoes_the_whole_change,
}

async fn find(fixture: &Fixture, id: MessageId) -> Option<Message> {
    fixture.read(move |team| team.messages().find(id)).await.unwrap()
}

fn said(message: &Message, text: &str, is_partial: bool) -> Message {
    let mut message = Message { is_partial, ..message.clone() };
    message.body.content.blocks = vec![ContentBlock::Text { text: text.into() }];
    message
}

async fn replace(fixture: &Fixture, message: Message) -> Result<i64, StoreError> {
    let items = vec![(Change::Replaced, TimelineItem::Message(message.clone()))];
    Ok(fixture.change(message.session_id, items).await?[0].sequence)
}

async fn recorded(fixture: &Fixture, message: Message) -> Message {
    let items = vec![sample::created(TimelineItem::Message(message.clone()))];
    let entries = fixture.change(message.session_id, items).await.unwrap();
    Message { sequence: entries[0].sequence, ..message }
}

async fn the_text_so_far_is_replaced_until_the_message_is_whole(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let partial = async || fixture.read(move |team| team.messages().find_partial(session)).await.unwrap();
    assert_eq!(partial().await, None);
    let begun = recorded(fixture, said(&sample::message(session, ""), "I", true)).await;
    assert_eq!(partial().await, Some(begun.clone()));
    let longer = said(&begun, "I looked", true);
    assert_eq!(replace(fixture, longer.clone()).await, Ok(2));
    assert_eq!(partial().await, Some(longer.clone()));
    let mut whole = said(&begun, "I looked at it.", false);
    whole.body.external_id = Some("msg_1".into());
    assert_eq!(replace(fixture, whole.clone()).await, Ok(3));
    assert_eq!((partial().await, find(fixture, begun.id).await), (None, Some(whole.clone())));
    let timeline = fixture.timeline(session).await;
    let changes: Vec<_> = timeline.iter().map(|entry| (entry.sequence, entry.change)).collect();
    assert_eq!(changes, [(1, Change::Created), (2, Change::Replaced), (3, Change::Replaced)]);
    assert!(timeline.iter().all(|entry| entry.item == TimelineItem::Message(whole.clone())));
    fixture.assert_whole().await;
}

async fn a_message_that_is_whole_is_not_replaced(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let whole = recorded(fixture, sample::message(session, "a")).await;
    let refused = replace(fixture, said(&whole, "b", false)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    assert_eq!(find(fixture, whole.id).await, Some(whole));
}

async fn feedback_is_kept_and_taken_back(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let message = recorded(fixture, sample::message(session, "a")).await;
    let id = message.id;
    let comment = Some("'quite'\0 right".to_owned());
    let given = FeedbackRating::ALL.iter().map(|&rating| Some(Feedback { rating, comment: comment.clone() }));
    let bare = Some(Feedback { rating: FeedbackRating::Negative, comment: None });
    for (feedback, sequence) in given.chain([bare, None]).zip(2..) {
        let said = feedback.clone();
        let entry = fixture.write(move |team| team.messages().set_feedback(id, said, sample::time(5))).await;
        let entry = entry.unwrap();
        assert_eq!((entry.sequence, entry.change), (sequence, Change::Updated));
        let visible = feedback.map(|feedback| Feedback {
            comment: feedback.comment.map(|comment| comment.replace('\0', "␀")),
            ..feedback
        });
        assert_eq!(find(fixture, id).await, Some(Message { feedback: visible, ..message.clone() }));
    }
    let long = Feedback { rating: FeedbackRating::Positive, comment: Some("ü".repeat(10_001)) };
    let refused = fixture.write(move |team| team.messages().set_feedback(id, Some(long), sample::time(5)));
    assert!(matches!(refused.await, Err(StoreError::Invalid { field: "feedback.comment", .. })));
    assert_eq!(find(fixture, id).await, Some(message));
    let unknown = MessageId::from_uuid(sample::uuid());
    let missing =
        fixture.write(move |team| team.messages().set_feedback(unknown, None, sample::time(5))).await;
    assert_eq!(missing, Err(StoreError::Missing { what: format!("message {unknown}") }));
    fixture.assert_whole().await;
}

async fn another_team_sees_no_message(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let message = recorded(fixture, said(&sample::message(session, ""), "a", true)).await;
    let id = message.id;
    let seen = fixture.store.read(move |conn| {
        let messages = conn.team(other).messages();
        Ok::<_, StoreError>((
            messages.find(id)?,
            messages.list(session, 0, 9)?,
            messages.find_partial(session)?,
        ))
    });
    assert_eq!(seen.await, Ok((None, vec![], None)));
    let feedback =
        fixture.store.write(move |tx| tx.team(other).messages().set_feedback(id, None, sample::time(5)));
    assert_eq!(feedback.await, Err(StoreError::Missing { what: format!("message {id}") }));
}

async fn many_messages_of_one_change_keep_their_order(fixture: &Fixture) {
    const COUNT: i64 = 237;
    let session = fixture.insert_session().await;
    let mut items: Vec<_> =
        (0..COUNT).map(|number| sample::created_message(session, &format!("number {number}"))).collect();
    items.insert(100, sample::created(TimelineItem::ToolCall(sample::tool_call(session))));
    let entries = fixture.change(session, items).await.unwrap();
    assert_eq!(fixture.timeline(session).await, entries);
    assert!(entries.iter().map(|entry| entry.sequence).eq(1..=COUNT + 1));
    let list = async |after, limit| -> Vec<String> {
        let messages = fixture.read(move |team| team.messages().list(session, after, limit)).await.unwrap();
        messages.iter().map(|message| message.body.content.text()).collect()
    };
    let expected: Vec<_> = (0..COUNT).map(|number| format!("number {number}")).collect();
    assert_eq!(list(0, 1000).await, expected);
    assert_eq!(list(99, 3).await, expected[99..102], "number 101 is the tool call's");
    fixture.assert_whole().await;
}

async fn a_reply_may_be_recorded_with_what_it_answers(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let question = sample::message(session, "why?");
    let answer = Message { parent_message_id: Some(question.id), ..sample::message(session, "because") };
    let id = answer.id;
    let items = [question.clone(), answer].map(TimelineItem::Message).map(sample::created).to_vec();
    fixture.change(session, items).await.unwrap();
    assert_eq!(find(fixture, id).await.unwrap().parent_message_id, Some(question.id));
}

async fn messages_of_every_type_are_read_as_written(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for &message_type in MessageType::ALL {
        let mut message = sample::message(session, "a");
        message.body.message_type = message_type;
        let written = recorded(fixture, message).await;
        assert_eq!(find(fixture, written.id).await, Some(written));
    }
}

async fn a_failing_row_undoes_the_whole_change(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let before = fixture.session(session).await;
    let mut call = sample::tool_call(session);
    call.message_id = Some(MessageId::from_uuid(sample::uuid()));
    let items = vec![sample::created_message(session, "a"), sample::created(TimelineItem::ToolCall(call))];
    let refused = fixture.change(session, items).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    assert_eq!(fixture.session(session).await, before);
    let left: Vec<SessionId> = fixture
        .read(move |team| Ok(team.messages().list(session, 0, 9)?.iter().map(|m| m.session_id).collect()))
        .await
        .unwrap();
    assert_eq!(left, []);
}
