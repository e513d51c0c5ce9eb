//! Idempotency keys.

use domain::{digest::Sha256Digest, idempotency::IdempotencyKey};
use provost_store::{BegunRequest, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_repeated_request_is_given_its_answer,
    actors_and_teams_have_keys_of_their_own,
    an_expired_key_is_used_anew,
    of_many_equal_requests_at_once_one_is_new,
    expired_keys_are_removed_a_few_at_a_time,
}

/// Begun at second 1, over at second 100.
fn key(name: &str, request: &str) -> IdempotencyKey {
    IdempotencyKey {
        team_id: sample::TEAM,
        actor: "user:ada".into(),
        key: name.parse().unwrap(),
        request_sha256: Sha256Digest::of(request.as_bytes()),
        answer: None,
        created_at: sample::time(1),
        expires_at: sample::time(100),
    }
}

async fn begin(fixture: &Fixture, key: IdempotencyKey) -> Result<BegunRequest, StoreError> {
    fixture.store.write(move |tx| tx.team(key.team_id).idempotency_keys().begin(&key)).await
}

async fn a_repeated_request_is_given_its_answer(fixture: &Fixture) {
    let (first, other) = (key("k", "a"), key("k", "b"));
    assert_eq!(begin(fixture, first.clone()).await, Ok(BegunRequest::New));
    assert_eq!(begin(fixture, first.clone()).await, Ok(BegunRequest::Same { answer: None }));
    assert_eq!(begin(fixture, other.clone()).await, Ok(BegunRequest::Different));
    let answer = |key: IdempotencyKey| async move {
        let answer = json!({ "status": 201 });
        let write =
            fixture.store.write(move |tx| tx.team(sample::TEAM).idempotency_keys().answer(&key, &answer));
        write.await
    };
    answer(first.clone()).await.unwrap();
    let same = BegunRequest::Same { answer: Some(json!({ "status": 201 })) };
    assert_eq!(begin(fixture, first.clone()).await, Ok(same));
    assert_eq!(begin(fixture, other).await, Ok(BegunRequest::Different));
    let again = answer(first.clone()).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let unknown = answer(key("unknown", "a")).await;
    assert!(matches!(unknown, Err(StoreError::Conflict { .. })), "{unknown:?}");
    let found = find(fixture, first.clone()).await;
    assert_eq!(found, Some(IdempotencyKey { answer: Some(json!({ "status": 201 })), ..first }));
}

async fn find(fixture: &Fixture, key: IdempotencyKey) -> Option<IdempotencyKey> {
    let find = move |conn: &provost_store::Conn| {
        conn.team(key.team_id).idempotency_keys().find(&key.actor, &key.key)
    };
    fixture.store.read(find).await.unwrap()
}

async fn actors_and_teams_have_keys_of_their_own(fixture: &Fixture) {
    let other = fixture.other_team().await;
    assert_eq!(begin(fixture, key("k", "a")).await, Ok(BegunRequest::New));
    let of_bob = IdempotencyKey { actor: "user:bob".into(), ..key("k", "a") };
    assert_eq!(begin(fixture, of_bob).await, Ok(BegunRequest::New));
    let of_other = IdempotencyKey { team_id: other, ..key("k", "a") };
    assert_eq!(find(fixture, of_other.clone()).await, None);
    assert_eq!(begin(fixture, of_other.clone()).await, Ok(BegunRequest::New));
    let foreign =
        fixture.store.write(move |tx| tx.team(sample::TEAM).idempotency_keys().begin(&of_other)).await;
    assert!(matches!(foreign, Err(StoreError::Conflict { .. })), "{foreign:?}");
}

async fn an_expired_key_is_used_anew(fixture: &Fixture) {
    begin(fixture, key("k", "a")).await.unwrap();
    let at = |seconds| IdempotencyKey {
        created_at: sample::time(seconds),
        expires_at: sample::time(seconds + 100),
        ..key("k", "b")
    };
    assert_eq!(begin(fixture, at(99)).await, Ok(BegunRequest::Different));
    assert_eq!(begin(fixture, at(100)).await, Ok(BegunRequest::New));
    assert_eq!(find(fixture, at(100)).await, Some(at(100)));
    let answer = async |begun: IdempotencyKey| {
        let answer = move |tx: &provost_store::Tx<'_>| {
            tx.team(sample::TEAM).idempotency_keys().answer(&begun, &json!("done"))
        };
        fixture.store.write(answer).await
    };
    for late in [key("k", "a"), IdempotencyKey { created_at: sample::time(1), ..at(100) }] {
        let refused = answer(late).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "another one's name: {refused:?}");
    }
    assert_eq!(answer(at(100)).await, Ok(()));
}

async fn of_many_equal_requests_at_once_one_is_new(fixture: &Fixture) {
    let tasks: Vec<_> = (0..12)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                store
                    .write(|tx| tx.team(sample::TEAM).idempotency_keys().begin(&key("k", "a")))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut new = 0;
    for task in tasks {
        match task.await.unwrap() {
            BegunRequest::New => new += 1,
            begun => assert_eq!(begun, BegunRequest::Same { answer: None }),
        }
    }
    assert_eq!(new, 1);
}

async fn expired_keys_are_removed_a_few_at_a_time(fixture: &Fixture) {
    let other = fixture.other_team().await;
    for name in ["a", "b", "c"] {
        begin(fixture, key(name, "a")).await.unwrap();
    }
    begin(fixture, IdempotencyKey { team_id: other, ..key("a", "a") }).await.unwrap();
    begin(fixture, IdempotencyKey { expires_at: sample::time(101), ..key("d", "a") }).await.unwrap();
    let delete = |at, limit| fixture.store.write(move |tx| tx.expired_keys().delete(sample::time(at), limit));
    assert_eq!(delete(99, 10).await, Ok(0));
    assert_eq!(delete(100, 3).await, Ok(3));
    assert_eq!(delete(100, 3).await, Ok(1));
    assert!(find(fixture, key("d", "a")).await.is_some());
}
