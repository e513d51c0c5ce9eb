//! Texts and JSON come back as they were given, but for NUL, which PostgreSQL cannot store.

use domain::{message::MessageBody, message::MessageType, timeline::TimelineItem};
use serde_json::{Value, json};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    nul_is_stored_as_its_symbol,
    a_message_of_five_megabytes_comes_back_whole,
    odd_texts_and_numbers_come_back_as_they_were,
}

async fn nul_is_stored_as_its_symbol(fixture: &Fixture) {
    let input = json!({"command": "printf '\0'", "k\0": "a\\u0000b", "list": ["\0\0"]});
    let expected = json!({"command": "printf '␀'", "k␀": "a\\u0000b", "list": ["␀␀"]});
    let mut call = sample::tool_call(fixture.insert_session().await);
    call.tool_input = input;
    call.error_message = Some("bro\0ken".into());
    let session = call.session_id;
    fixture.change(session, vec![sample::created(TimelineItem::ToolCall(call))]).await.unwrap();
    let timeline = fixture.timeline(session).await;
    let TimelineItem::ToolCall(stored) = &timeline[0].item else { panic!("{timeline:?}") };
    assert_eq!(stored.tool_input, expected);
    assert_eq!(stored.error_message.as_deref(), Some("bro␀ken"));
}

async fn a_message_of_five_megabytes_comes_back_whole(fixture: &Fixture) {
    let text: String = "0123456789 \"ä🦀\\ \n".chars().cycle().take(5_000_000).collect();
    assert_comes_back(fixture, json!({"large": text})).await;
}

async fn odd_texts_and_numbers_come_back_as_they_were(fixture: &Fixture) {
    let odd = json!({
        "": {"": [[], {}, null, true, -1, 1.5, i64::MIN, u64::MAX, 1e15, 1e-7]},
        "separators": "\u{2028}\u{2029}\u{feff}\u{7f}\u{1}\u{10ffff}",
        "'quotes\"": "'';--$1 $$ \\ \\u0041",
        "z": 1, "a": 2,
    });
    assert_comes_back(fixture, odd).await;
}

async fn assert_comes_back(fixture: &Fixture, json: Value) {
    let session = fixture.insert_session().await;
    let mut message = sample::message(session, "");
    message.body = MessageBody::text(MessageType::User, json.to_string());
    message.body.content.extra.insert("extra".into(), json);
    message.sequence = 1;
    let item = TimelineItem::Message(message);
    fixture.change(session, vec![sample::created(item.clone())]).await.unwrap();
    let timeline = fixture.timeline(session).await;
    assert!(timeline[0].item == item, "it came back changed");
}
