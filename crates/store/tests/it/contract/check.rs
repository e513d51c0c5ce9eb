//! `check` is silent when all is well and names what is not.

use domain::id::SessionId;
use provost_store::{Finding, check};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_gap_in_the_numbers_is_found,
    a_missing_row_is_found,
    a_wrong_counter_is_found,
}

async fn a_gap_in_the_numbers_is_found(fixture: &Fixture) {
    let session = recorded(fixture).await;
    let unguard = fixture
        .place()
        .pick("DROP TRIGGER session_events_remain;", "DROP TRIGGER session_events_keep ON session_events;");
    fixture.place().raw(&format!("{unguard} DELETE FROM session_events WHERE sequence = 2")).unwrap();
    assert_found(fixture, "sequence", session).await;
}

async fn a_missing_row_is_found(fixture: &Fixture) {
    let session = recorded(fixture).await;
    let sql =
        "DELETE FROM messages WHERE sequence = 2; UPDATE sessions SET total_messages = total_messages - 1";
    fixture.place().raw(sql).unwrap();
    assert_found(fixture, "timeline", session).await;
}

async fn a_wrong_counter_is_found(fixture: &Fixture) {
    let session = recorded(fixture).await;
    fixture.place().raw("UPDATE sessions SET total_tool_calls = 5").unwrap();
    assert_found(fixture, "counters", session).await;
}

async fn recorded(fixture: &Fixture) -> SessionId {
    let session = fixture.insert_session().await;
    let items = (0..3).map(|_| sample::created_message(session, "a")).collect();
    fixture.change(session, items).await.unwrap();
    fixture.assert_whole().await;
    session
}

async fn assert_found(fixture: &Fixture, expected: &str, session: SessionId) {
    let findings = fixture.store.scan(check).await.unwrap();
    let [Finding { check, what, .. }] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!(*check, expected);
    assert!(what.contains(&session.to_string()), "{what}");
}
