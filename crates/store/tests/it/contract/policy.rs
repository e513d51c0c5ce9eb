//! Policies and the revisions of their set.

use domain::{
    id::PolicyId,
    policy::{Policy, PolicyKind, PolicyRevision},
};
use provost_store::{PolicyChange, StoreError, Tx};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_policy_is_found_as_it_was_added,
    every_change_writes_the_whole_set_as_its_next_version,
    a_refused_change_writes_no_revision,
    another_team_sees_and_changes_no_policy,
    changes_at_once_give_versions_without_gaps,
}

fn policy(name: &str) -> Policy {
    Policy {
        id: PolicyId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.parse().unwrap(),
        kind: PolicyKind::Rules,
        config: json!({ "deny": ["Bash(git push:*)"] }),
        priority: 100,
        is_enabled: true,
        version: 1,
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

fn change(reason: &str) -> PolicyChange {
    PolicyChange {
        changed_by: "user:ada".into(),
        reason: (!reason.is_empty()).then(|| reason.into()),
        at: sample::time(2),
    }
}

async fn write<F>(fixture: &Fixture, work: F) -> Result<PolicyRevision, StoreError>
where
    F: FnOnce(&Tx<'_>) -> Result<PolicyRevision, StoreError> + Send + 'static,
{
    fixture.store.write(work).await
}

async fn insert(fixture: &Fixture, policy: Policy) -> Result<PolicyRevision, StoreError> {
    write(fixture, move |tx| tx.team(sample::TEAM).policies().insert(&policy, &change(""))).await
}

async fn a_policy_is_found_as_it_was_added(fixture: &Fixture) {
    for (priority, &kind) in (1..).zip(PolicyKind::ALL) {
        let added = Policy { kind, priority, ..policy(kind.as_str()) };
        insert(fixture, added.clone()).await.unwrap();
        let (id, name) = (added.id, added.name.clone());
        let found = fixture.store.read(move |conn| {
            let policies = conn.team(sample::TEAM).policies();
            Ok::<_, StoreError>((policies.find(id)?, policies.find_by_name(&name)?))
        });
        assert_eq!(found.await, Ok((Some(added.clone()), Some(added))));
    }
    let set = fixture.store.read(|conn| conn.team(sample::TEAM).policies().list()).await.unwrap();
    let kinds: Vec<_> = set.iter().map(|policy| policy.kind).collect();
    assert_eq!(kinds, PolicyKind::ALL, "in the order of priority");
}

async fn every_change_writes_the_whole_set_as_its_next_version(fixture: &Fixture) {
    let (a, b) = (policy("a"), Policy { priority: 1, ..policy("b") });
    let version = fixture.store.read(|conn| conn.team(sample::TEAM).policies().current_version()).await;
    assert_eq!(version, Ok(0));
    let mut revisions =
        vec![insert(fixture, a.clone()).await.unwrap(), insert(fixture, b.clone()).await.unwrap()];
    assert_eq!(revisions[1].policies, [b.clone(), a.clone()]);
    let moved = Policy { priority: 200, updated_at: sample::time(2), ..b.clone() };
    let updated =
        write(fixture, move |tx| tx.team(sample::TEAM).policies().update(&moved, &change("too early")));
    revisions.push(updated.await.unwrap());
    assert_eq!(revisions[2].reason.as_deref(), Some("too early"));
    let moved = Policy { priority: 200, updated_at: sample::time(2), version: 2, ..b.clone() };
    assert_eq!(revisions[2].policies, [a.clone(), moved.clone()]);
    let off =
        write(fixture, move |tx| tx.team(sample::TEAM).policies().set_enabled(a.id, false, &change("")));
    revisions.push(off.await.unwrap());
    let off = Policy { is_enabled: false, version: 2, updated_at: sample::time(2), ..a.clone() };
    assert_eq!(revisions[3].policies, [off, moved]);
    let gone = write(fixture, move |tx| tx.team(sample::TEAM).policies().delete(b.id, &change("")));
    revisions.push(gone.await.unwrap());
    assert_eq!(revisions[4].policies.iter().map(|policy| policy.id).collect::<Vec<_>>(), [a.id]);
    for (version, revision) in (1..).zip(&revisions) {
        assert_eq!((revision.version, revision.changed_by.as_str()), (version, "user:ada"));
        let found =
            fixture.store.read(move |conn| conn.team(sample::TEAM).policies().find_revision(version)).await;
        assert_eq!(found.unwrap().as_ref(), Some(revision), "as it was then");
    }
    let list = |before, limit| async move {
        let list = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).policies().list_revisions(before, limit)
        };
        fixture.store.read(list).await.unwrap().iter().map(|revision| revision.version).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 2).await, [5, 4]);
    assert_eq!(list(Some(4), 10).await, [3, 2, 1]);
    let missing = fixture.store.read(|conn| conn.team(sample::TEAM).policies().find_revision(6)).await;
    assert_eq!(missing, Ok(None));
    insert(fixture, policy("b")).await.expect("a deleted policy leaves its name");
}

async fn a_refused_change_writes_no_revision(fixture: &Fixture) {
    let first = policy("a");
    insert(fixture, first.clone()).await.unwrap();
    let taken = insert(fixture, policy("a")).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let stale = Policy { version: 7, ..first.clone() };
    let refused =
        write(fixture, move |tx| tx.team(sample::TEAM).policies().update(&stale, &change(""))).await;
    assert_eq!(
        refused,
        Err(StoreError::Stale { what: format!("policy {}", first.id), expected: 7, current: 1 })
    );
    let absent = PolicyId::from_uuid(sample::uuid());
    let refused =
        write(fixture, move |tx| tx.team(sample::TEAM).policies().delete(absent, &change(""))).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    let refused =
        write(fixture, move |tx| tx.team(sample::TEAM).policies().set_enabled(absent, true, &change("")))
            .await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    let version = fixture.store.read(|conn| conn.team(sample::TEAM).policies().current_version()).await;
    assert_eq!(version, Ok(1));
}

async fn another_team_sees_and_changes_no_policy(fixture: &Fixture) {
    let (own, other) = (policy("a"), fixture.other_team().await);
    let id = own.id;
    insert(fixture, own.clone()).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let policies = conn.team(other).policies();
        let version = policies.current_version()?;
        Ok::<_, StoreError>((policies.find(id)?, policies.list()?, version, policies.find_revision(1)?))
    });
    assert_eq!(seen.await, Ok((None, Vec::new(), 0, None)));
    let refused =
        write(fixture, move |tx| tx.team(other).policies().set_enabled(id, false, &change(""))).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    let refused = write(fixture, move |tx| tx.team(other).policies().delete(id, &change(""))).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    let refused = write(fixture, move |tx| tx.team(other).policies().insert(&own, &change(""))).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

async fn changes_at_once_give_versions_without_gaps(fixture: &Fixture) {
    const TASKS: i64 = 12;
    let tasks: Vec<_> = (0..TASKS)
        .map(|number| {
            let (store, policy) = (fixture.store.clone(), policy(&format!("p{number}")));
            tokio::spawn(async move {
                store.write(move |tx| tx.team(sample::TEAM).policies().insert(&policy, &change(""))).await
            })
        })
        .collect();
    let mut revisions = Vec::new();
    for task in tasks {
        revisions.push(task.await.unwrap().unwrap());
    }
    revisions.sort_unstable_by_key(|revision| revision.version);
    for (version, revision) in (1..=TASKS).zip(&revisions) {
        assert_eq!(revision.version, version);
        let seen = i64::try_from(revision.policies.len()).unwrap();
        assert_eq!(seen, version, "each sees what the one before left");
    }
}
