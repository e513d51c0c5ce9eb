//! Checkpoints.

use domain::{
    checkpoint::Checkpoint,
    id::{CheckpointId, SessionId, TaskId},
};
use provost_store::{Cursor, Guard, Page, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, referenced, sample};

on_both_databases! {
    a_checkpoint_is_found_as_it_was_added,
    checkpoints_are_listed_by_session_and_by_task,
    pages_go_on_where_they_stopped,
    a_deleted_checkpoint_is_gone,
    checkpoints_of_a_deleted_session_are_gone,
    a_checkpoint_of_nothing_or_of_another_teams_session_is_refused,
    another_team_sees_no_checkpoint,
    an_earlier_owner_adds_no_checkpoint,
}

pub(super) fn checkpoint(session_id: Option<SessionId>, task_id: Option<TaskId>, seconds: i64) -> Checkpoint {
    Checkpoint {
        id: CheckpointId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        session_id,
        task_id,
        name: "before the rewrite".parse().unwrap(),
        iteration: 3,
        state: json!({"plan": ["a", "b"]}),
        message_sequence: None,
        file_snapshot: None,
        created_by: "system:test".into(),
        created_at: sample::time(seconds),
    }
}

async fn insert(fixture: &Fixture, checkpoints: Vec<Checkpoint>) -> Result<(), StoreError> {
    fixture
        .write(move |team| {
            checkpoints.iter().try_for_each(|checkpoint| team.checkpoints().insert(checkpoint, Guard::Anyone))
        })
        .await
}

async fn find(fixture: &Fixture, id: CheckpointId) -> Option<Checkpoint> {
    fixture.read(move |team| team.checkpoints().find(id)).await.unwrap()
}

async fn of_session(fixture: &Fixture, id: SessionId, after: Option<Cursor>, limit: u32) -> Page<Checkpoint> {
    fixture.read(move |team| team.checkpoints().list_of_session(id, after, limit)).await.unwrap()
}

async fn a_checkpoint_is_found_as_it_was_added(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let plain = checkpoint(Some(session), None, 1);
    let full = Checkpoint {
        message_sequence: Some(7),
        file_snapshot: Some("sha256:00".into()),
        task_id: Some(referenced::task(fixture, fixture.team, None)),
        ..checkpoint(Some(session), None, 1)
    };
    for added in [plain, full] {
        insert(fixture, vec![added.clone()]).await.unwrap();
        assert_eq!(find(fixture, added.id).await, Some(added));
    }
}

async fn checkpoints_are_listed_by_session_and_by_task(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let task = referenced::task(fixture, fixture.team, None);
    let (one, both, other) = (
        checkpoint(Some(session), None, 1),
        checkpoint(Some(session), Some(task), 2),
        checkpoint(None, Some(task), 3),
    );
    insert(fixture, vec![one.clone(), both.clone(), other.clone()]).await.unwrap();
    assert_eq!(of_session(fixture, session, None, 10).await.items, [both.clone(), one]);
    let of_task = fixture.read(move |team| team.checkpoints().list_of_task(task, None, 10)).await.unwrap();
    assert_eq!(of_task.items, [other, both]);
}

async fn pages_go_on_where_they_stopped(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let old: Vec<_> = (0..5).map(|seconds| checkpoint(Some(session), None, seconds)).collect();
    insert(fixture, old.clone()).await.unwrap();
    let first = of_session(fixture, session, None, 2).await;
    insert(fixture, vec![checkpoint(Some(session), None, 100)]).await.unwrap();
    let second = of_session(fixture, session, first.next, 3).await;
    let listed: Vec<_> = first.items.iter().chain(&second.items).collect();
    assert_eq!(listed, old.iter().rev().collect::<Vec<_>>());
    assert_eq!(second.next, None);
}

async fn a_deleted_checkpoint_is_gone(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let added = checkpoint(Some(session), None, 1);
    let id = added.id;
    insert(fixture, vec![added]).await.unwrap();
    let delete = async || fixture.write(move |team| team.checkpoints().delete(id, sample::time(2))).await;
    assert_eq!(delete().await, Ok(()));
    assert_eq!(find(fixture, id).await, None);
    assert_eq!(of_session(fixture, session, None, 10).await.items, []);
    assert_eq!(delete().await, Err(StoreError::Missing { what: format!("checkpoint {id}") }));
}

async fn checkpoints_of_a_deleted_session_are_gone(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let added = checkpoint(Some(session), None, 1);
    insert(fixture, vec![added.clone()]).await.unwrap();
    fixture.write(move |team| team.sessions().delete(session, "user:ada", sample::time(2))).await.unwrap();
    assert_eq!(find(fixture, added.id).await, None);
    assert_eq!(of_session(fixture, session, None, 10).await.items, []);
    let late = insert(fixture, vec![checkpoint(Some(session), None, 3)]).await;
    assert_eq!(late, Err(StoreError::Missing { what: format!("session {session}") }));
}

async fn a_checkpoint_of_nothing_or_of_another_teams_session_is_refused(fixture: &Fixture) {
    let nothing = insert(fixture, vec![checkpoint(None, None, 1)]).await.unwrap_err();
    assert!(matches!(nothing, StoreError::Conflict { .. }), "{nothing}");
    let other = fixture.other_team().await;
    let foreign = sample::session(other);
    let id = foreign.id;
    fixture.store.write(move |tx| tx.team(other).sessions().insert(&foreign)).await.unwrap();
    let task = referenced::task(fixture, other, None);
    for checkpoint in [checkpoint(Some(id), None, 1), checkpoint(None, Some(task), 1)] {
        let refused = insert(fixture, vec![checkpoint]).await.unwrap_err();
        assert!(matches!(refused, StoreError::Missing { .. }), "{refused}");
    }
}

async fn another_team_sees_no_checkpoint(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let added = checkpoint(Some(session), None, 1);
    insert(fixture, vec![added.clone()]).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let checkpoints = conn.team(other).checkpoints();
        Ok::<_, StoreError>((
            checkpoints.find(added.id)?,
            checkpoints.list_of_session(session, None, 9)?.items,
        ))
    });
    assert_eq!(seen.await, Ok((None, vec![])));
    let deleted =
        fixture.store.write(move |tx| tx.team(other).checkpoints().delete(added.id, sample::time(2))).await;
    assert!(matches!(deleted, Err(StoreError::Missing { .. })), "{deleted:?}");
    let forged = fixture
        .store
        .write(move |tx| {
            tx.team(other).checkpoints().insert(&checkpoint(Some(session), None, 1), Guard::Anyone)
        })
        .await;
    assert!(forged.is_err(), "{forged:?}");
}

async fn an_earlier_owner_adds_no_checkpoint(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (early, late) = (fixture.acquire(session, 1, 60).await, fixture.acquire(session, 2, 90).await);
    let add = async |fence| {
        let added = checkpoint(Some(session), None, 1);
        fixture.write(move |team| team.checkpoints().insert(&added, Guard::Fence(fence))).await
    };
    assert_eq!((add(early).await, add(late).await), (Err(StoreError::Fenced), Ok(())));
}
