//! What happened stays.

use crate::{fixture::Fixture, sample};

on_both_databases! {
    the_timeline_refuses_to_be_changed,
    a_failed_change_leaves_the_number_for_the_next,
}

async fn the_timeline_refuses_to_be_changed(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    fixture.change(session, vec![sample::created_message(session, "a")]).await.unwrap();
    let mut statements = vec![
        "UPDATE session_events SET sequence = 7",
        "DELETE FROM session_events",
        "DELETE FROM session_events WHERE sequence = 1",
    ];
    statements.extend(fixture.place().pick("", "TRUNCATE session_events").split_terminator(';'));
    for statement in statements {
        let error = fixture.place().raw(statement).unwrap_err();
        assert!(error.contains("session_events is append-only"), "{error}");
    }
    assert_eq!(fixture.timeline(session).await.len(), 1);
}

async fn a_failed_change_leaves_the_number_for_the_next(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let message = sample::created_message(session, "a");
    fixture.change(session, vec![message.clone()]).await.unwrap();
    fixture.change(session, vec![message]).await.unwrap_err();
    let next = fixture.change(session, vec![sample::created_message(session, "b")]).await.unwrap();
    assert_eq!(next[0].sequence, 2);
    fixture.assert_whole().await;
}
