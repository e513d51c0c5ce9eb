//! What programs keep about sessions.

use domain::{
    id::SessionId,
    session_state::{SessionStateEntry, StateKey},
};
use provost_store::{Guard, NewState, StoreError};
use serde_json::{Value, json};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_value_is_found_as_it_was_set,
    a_key_that_must_be_new_is_new,
    a_stale_version_sets_nothing,
    of_several_who_set_a_version_one_wins,
    a_removed_key_may_be_new_again,
    another_team_sees_and_sets_nothing,
    an_earlier_owner_sets_and_removes_nothing,
}

fn key(text: &str) -> StateKey {
    text.parse().unwrap()
}

async fn set(
    fixture: &Fixture,
    id: SessionId,
    key: &StateKey,
    value: Value,
    expected: i64,
) -> Result<i64, StoreError> {
    let key = key.clone();
    fixture
        .write(move |team| {
            let at = sample::time(expected + 1);
            let state = NewState { key: &key, value: &value, expected, by: "system:test", at };
            team.session_state().set(id, Guard::Anyone, &state)
        })
        .await
}

async fn find(fixture: &Fixture, id: SessionId, key: &StateKey) -> Option<SessionStateEntry> {
    let key = key.clone();
    fixture.read(move |team| team.session_state().find(id, &key)).await.unwrap()
}

async fn a_value_is_found_as_it_was_set(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (round, empty) = (key("review/round"), key("a"));
    assert_eq!(set(fixture, session, &round, json!({"n": [1, 2.5, null]}), 0).await, Ok(1));
    let mut expected = SessionStateEntry {
        session_id: session,
        key: round.clone(),
        value: json!({"n": [1, 2.5, null]}),
        version: 1,
        updated_by: "system:test".into(),
        created_at: sample::time(1),
        updated_at: sample::time(1),
    };
    assert_eq!(find(fixture, session, &round).await, Some(expected.clone()));
    assert_eq!(set(fixture, session, &round, Value::Null, 1).await, Ok(2));
    expected = SessionStateEntry { value: Value::Null, version: 2, updated_at: sample::time(2), ..expected };
    assert_eq!(find(fixture, session, &round).await, Some(expected));
    set(fixture, session, &empty, json!(0), 0).await.unwrap();
    let list = fixture.read(move |team| team.session_state().list(session)).await.unwrap();
    assert_eq!(list.into_iter().map(|entry| entry.key).collect::<Vec<_>>(), [empty, round]);
}

async fn a_key_that_must_be_new_is_new(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    set(fixture, session, &key("k"), json!(1), 0).await.unwrap();
    let what = format!("state k of session {session}");
    let taken = set(fixture, session, &key("k"), json!(2), 0).await;
    assert_eq!(taken, Err(StoreError::Stale { what: what.clone(), expected: 0, current: 1 }));
    let absent = set(fixture, session, &key("other"), json!(2), 3).await.unwrap_err();
    assert!(matches!(absent, StoreError::Stale { expected: 3, current: 0, .. }), "{absent}");
}

async fn a_stale_version_sets_nothing(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for version in 0..3 {
        set(fixture, session, &key("k"), json!(version), version).await.unwrap();
    }
    for stale in [1, 2, 4] {
        let refused = set(fixture, session, &key("k"), json!("late"), stale).await.unwrap_err();
        assert!(matches!(refused, StoreError::Stale { current: 3, .. }), "{refused}");
    }
    assert_eq!(find(fixture, session, &key("k")).await.unwrap().value, json!(2));
}

async fn of_several_who_set_a_version_one_wins(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for expected in 0..3 {
        let tries: Vec<_> = (0..8)
            .map(|number| {
                let store = fixture.store.clone();
                tokio::spawn(async move {
                    let set = move |tx: &provost_store::Tx<'_>| {
                        let (key, value, by) = (key("k"), json!(number), "system:test");
                        let state = NewState { key: &key, value: &value, expected, by, at: sample::time(1) };
                        tx.team(sample::TEAM).session_state().set(session, Guard::Anyone, &state)
                    };
                    store.write(set).await
                })
            })
            .collect();
        let mut winners = 0;
        for attempt in tries {
            match attempt.await.unwrap() {
                Ok(version) => {
                    assert_eq!(version, expected + 1);
                    winners += 1;
                }
                Err(error) => assert!(matches!(error, StoreError::Stale { .. }), "{error}"),
            }
        }
        assert_eq!(winners, 1);
    }
}

async fn a_removed_key_may_be_new_again(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let delete = async || {
        fixture.write(move |team| team.session_state().delete(session, Guard::Anyone, &key("k"))).await
    };
    set(fixture, session, &key("k"), json!(1), 0).await.unwrap();
    assert_eq!(delete().await, Ok(()));
    assert_eq!(find(fixture, session, &key("k")).await, None);
    assert_eq!(delete().await, Err(StoreError::Missing { what: format!("state k of session {session}") }));
    assert_eq!(set(fixture, session, &key("k"), json!(2), 0).await, Ok(1));
}

async fn another_team_sees_and_sets_nothing(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    set(fixture, session, &key("k"), json!(1), 0).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let state = conn.team(other).session_state();
        Ok::<_, StoreError>((state.find(session, &key("k"))?, state.list(session)?))
    });
    assert_eq!(seen.await, Ok((None, vec![])));
    for expected in [0, 1] {
        let set = fixture.store.write(move |tx| {
            let (key, by) = (key("k"), "system:test");
            let state = NewState { key: &key, value: &json!(2), expected, by, at: sample::time(1) };
            tx.team(other).session_state().set(session, Guard::Anyone, &state)
        });
        assert_eq!(set.await, Err(StoreError::Missing { what: format!("session {session}") }));
    }
    let deleted = fixture
        .store
        .write(move |tx| tx.team(other).session_state().delete(session, Guard::Anyone, &key("k")));
    assert!(matches!(deleted.await, Err(StoreError::Missing { .. })));
    assert_eq!(find(fixture, session, &key("k")).await.unwrap().value, json!(1));
}

async fn an_earlier_owner_sets_and_removes_nothing(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (early, late) = (fixture.acquire(session, 1, 60).await, fixture.acquire(session, 2, 90).await);
    let set = async |fence| {
        let (key, by) = (key("k"), "system:test");
        let set = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
            let state = NewState { key: &key, value: &json!(1), expected: 0, by, at: sample::time(1) };
            team.session_state().set(session, Guard::Fence(fence), &state)
        };
        fixture.write(set).await
    };
    assert_eq!(set(early).await, Err(StoreError::Fenced));
    assert_eq!(set(late).await, Ok(1));
    let delete = async |fence| {
        fixture.write(move |team| team.session_state().delete(session, Guard::Fence(fence), &key("k"))).await
    };
    assert_eq!(delete(early).await, Err(StoreError::Fenced));
    assert_eq!(delete(late).await, Ok(()));
}
