//! Tool calls by themselves.

use domain::{
    id::{SessionId, ToolCallId},
    time::Timestamp,
    timeline::{Change, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};
use provost_store::{AskedFilter, StoreError, ToolCallFilter};
use serde_json::json;
use uuid::Uuid;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_tool_call_is_found_as_it_was_written,
    tool_calls_are_listed_by_status_and_tool,
    another_team_sees_no_tool_call,
    what_was_asked_for_is_read_newest_first,
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

async fn what_was_asked_for_is_read_newest_first(fixture: &Fixture) {
    let (one, other) = (fixture.insert_session().await, fixture.insert_session().await);
    let mut written = Vec::new();
    for (minute, session) in [(1_i64, one), (2, other), (3, one), (4, one)] {
        let at = Timestamp::from_micros(1_767_225_600_000_000 + minute * 60_000_000);
        let id = Uuid::from_u128(u128::from(at.as_micros().unsigned_abs() / 1000) << 80 | 7);
        let call = ToolCall { id: ToolCallId::from_uuid(id), created_at: at, ..sample::tool_call(session) };
        written.push(recorded(fixture, call).await);
    }
    // Read in later than it was asked for.
    let imported = ToolCall {
        id: ToolCallId::from_uuid(Uuid::from_u128(u128::from(1_767_226_000_000_u64) << 80)),
        created_at: Timestamp::from_micros(0),
        ..sample::tool_call(one)
    };
    let imported = recorded(fixture, imported).await;
    let list = async |filter: AskedFilter, limit| {
        let asked = fixture.read(move |team| team.tool_calls().list_asked(filter, limit)).await.unwrap();
        asked.into_iter().map(|call| call.id).collect::<Vec<_>>()
    };
    let newest: Vec<_> = [&imported].into_iter().chain(written.iter().rev()).map(|call| call.id).collect();
    assert_eq!(list(AskedFilter::default(), 100).await, newest);
    assert_eq!(list(AskedFilter::default(), 2).await, newest[..2]);
    let before = AskedFilter { before: Some(newest[1]), ..AskedFilter::default() };
    assert_eq!(list(before, 100).await, newest[2..]);
    let since = AskedFilter { since: Some(written[2].created_at), ..AskedFilter::default() };
    assert_eq!(list(since, 100).await, [written[3].id, written[2].id]);
    let of_other = AskedFilter { session_id: Some(other), ..AskedFilter::default() };
    assert_eq!(list(of_other, 100).await, [written[1].id]);
    let team = fixture.other_team().await;
    let foreign =
        fixture.store.read(move |conn| conn.team(team).tool_calls().list_asked(AskedFilter::default(), 9));
    assert_eq!(foreign.await, Ok(vec![]));
}
