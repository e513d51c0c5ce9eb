//! Sessions' counters over time.

use domain::{
    id::{MetricsSnapshotId, SessionId},
    metrics_snapshot::{MetricsSnapshot, SnapshotType},
    money::MicroUsd,
    session::SessionTotals,
    usage::TokenUsage,
};
use provost_store::{Guard, SnapshotFilter, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_snapshot_is_listed_as_it_was_taken,
    snapshots_are_listed_by_time_and_type,
    another_team_sees_and_adds_no_snapshot,
    an_earlier_owner_adds_no_snapshot,
}

fn snapshot(session_id: SessionId, seconds: i64) -> MetricsSnapshot {
    MetricsSnapshot {
        id: MetricsSnapshotId::from_uuid(sample::uuid()),
        session_id,
        snapshot_type: SnapshotType::Periodic,
        totals: SessionTotals::default(),
        avg_tool_duration_ms: None,
        metrics: json!({}),
        snapshot_at: sample::time(seconds),
    }
}

async fn insert(fixture: &Fixture, snapshots: Vec<MetricsSnapshot>) -> Result<(), StoreError> {
    fixture
        .write(move |team| {
            snapshots.iter().try_for_each(|snapshot| team.metrics_snapshots().insert(snapshot, Guard::Anyone))
        })
        .await
}

async fn list(
    fixture: &Fixture,
    session: SessionId,
    snapshot_type: Option<SnapshotType>,
    (from, until): (i64, i64),
    limit: u32,
) -> Vec<MetricsSnapshot> {
    let filter = SnapshotFilter { snapshot_type, from: sample::time(from), until: sample::time(until) };
    fixture.read(move |team| team.metrics_snapshots().list(session, &filter, limit)).await.unwrap()
}

async fn a_snapshot_is_listed_as_it_was_taken(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for (&snapshot_type, seconds) in SnapshotType::ALL.iter().zip(0..) {
        let taken = MetricsSnapshot {
            snapshot_type,
            totals: SessionTotals {
                total_messages: 1,
                total_tool_calls: 2,
                total_hook_executions: 3,
                total_permission_checks: 4,
                total_errors: 5,
                total_retries: 6,
                usage: TokenUsage {
                    input_tokens: 7,
                    output_tokens: 8,
                    cache_creation_tokens: 9,
                    cache_read_tokens: i64::MAX,
                },
                cost: MicroUsd::from_micros(11),
                duration_ms: 12,
            },
            avg_tool_duration_ms: Some(12.625),
            metrics: json!({"queue": [1, {"depth": 2}]}),
            ..snapshot(session, seconds)
        };
        insert(fixture, vec![taken.clone()]).await.unwrap();
        assert_eq!(list(fixture, session, Some(snapshot_type), (0, 100), 9).await, [taken]);
    }
    let negative = MetricsSnapshot { avg_tool_duration_ms: Some(-1.0), ..snapshot(session, 9) };
    let refused = insert(fixture, vec![negative]).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
}

async fn snapshots_are_listed_by_time_and_type(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.insert_session().await);
    let mut taken: Vec<_> = (0..5).map(|seconds| snapshot(session, seconds)).collect();
    taken[3].snapshot_type = SnapshotType::Final;
    insert(fixture, taken.clone()).await.unwrap();
    insert(fixture, vec![snapshot(other, 2)]).await.unwrap();
    assert_eq!(list(fixture, session, None, (1, 4), 9).await, taken[1..4], "until is not included");
    assert_eq!(list(fixture, session, None, (1, 4), 2).await, taken[1..3]);
    assert_eq!(list(fixture, session, Some(SnapshotType::Final), (0, 9), 9).await, taken[3..4]);
    assert_eq!(list(fixture, session, Some(SnapshotType::Checkpoint), (0, 9), 9).await, []);
}

async fn another_team_sees_and_adds_no_snapshot(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    insert(fixture, vec![snapshot(session, 1)]).await.unwrap();
    let filter = SnapshotFilter { snapshot_type: None, from: sample::time(0), until: sample::time(9) };
    let seen =
        fixture.store.read(move |conn| conn.team(other).metrics_snapshots().list(session, &filter, 9)).await;
    assert_eq!(seen, Ok(vec![]));
    let added = fixture
        .store
        .write(move |tx| tx.team(other).metrics_snapshots().insert(&snapshot(session, 1), Guard::Anyone))
        .await;
    assert_eq!(added, Err(StoreError::Missing { what: format!("session {session}") }));
}

async fn an_earlier_owner_adds_no_snapshot(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (early, late) = (fixture.acquire(session, 1, 60).await, fixture.acquire(session, 2, 90).await);
    let add = async |fence| {
        let guard = Guard::Fence(fence);
        fixture.write(move |team| team.metrics_snapshots().insert(&snapshot(session, 1), guard)).await
    };
    assert_eq!((add(early).await, add(late).await), (Err(StoreError::Fenced), Ok(())));
}
