//! Tool calls by themselves.

use domain::{
    id::SessionId,
    timeline::{Change, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};
use provost_store::{StoreError, ToolCallFilter};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_tool_call_is_found_as_it_was_written,
    tool_calls_are_listed_by_status_and_tool,
    another_team_sees_no_tool_call,
}

async fn recorded(fixture: &Fixture, call: ToolCall) -> ToolCall {
    let items = vec![sample::created(TimelineItem::ToolCall(call.clone()))];
    let entries = fixture.change(call.session_id, items).await.unwrap();
    ToolCall { sequence: entries[0].sequence, ..call }
}

async fn a_tool_call_is_found_as_it_was_written(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let written = recorded(fixture, sample::tool_call(session)).await;
    let id = written.id;
    let find = async || fixture.read(move |team| team.tool_calls().find(id)).await.unwrap();
    assert_eq!(find().await, Some(written.clone()));
    let changed = ToolCall {
        hook_pre_data: Some(json!({"audit": "ok"})),
        hook_post_data: Some(json!([1, null])),
        retries: 2,
        status: ToolCallStatus::Running,
        ..written
    };
    let update = vec![(Change::Updated, TimelineItem::ToolCall(changed.clone()))];
    fixture.change(session, update).await.unwrap();
    assert_eq!(find().await, Some(changed));
}

async fn tool_calls_are_listed_by_status_and_tool(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let mut written = Vec::new();
    for tool_name in ["Bash", "Read"] {
        for &status in ToolCallStatus::ALL {
            let call = ToolCall { status, tool_name: tool_name.into(), ..sample::tool_call(session) };
            written.push(recorded(fixture, call).await);
        }
    }
    let list = async |filter: ToolCallFilter, after, limit| {
        fixture.read(move |team| team.tool_calls().list(session, &filter, after, limit)).await.unwrap()
    };
    assert_eq!(list(ToolCallFilter::default(), 0, 100).await, written);
    assert_eq!(list(ToolCallFilter::default(), 2, 3).await, written[2..5]);
    let read = ToolCallFilter { tool_name: Some("Read".into()), ..ToolCallFilter::default() };
    assert_eq!(list(read.clone(), 0, 100).await, written[5..]);
    for (&status, expected) in ToolCallStatus::ALL.iter().zip(&written[5..]) {
        let filter = ToolCallFilter { status: Some(status), ..read.clone() };
        assert_eq!(list(filter, 0, 100).await, std::slice::from_ref(expected));
    }
}

async fn another_team_sees_no_tool_call(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let call = recorded(fixture, sample::tool_call(session)).await;
    let seen = fixture.store.read(move |conn| {
        let calls = conn.team(other).tool_calls();
        Ok::<_, StoreError>((calls.find(call.id)?, calls.list(session, &ToolCallFilter::default(), 0, 9)?))
    });
    assert_eq!(seen.await, Ok((None, vec![])));
    let nowhere = SessionId::from_uuid(sample::uuid());
    let none = fixture.read(move |team| team.tool_calls().list(nowhere, &ToolCallFilter::default(), 0, 9));
    assert_eq!(none.await, Ok(vec![]));
}
