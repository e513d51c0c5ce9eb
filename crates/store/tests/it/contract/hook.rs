//! Hooks.

use domain::{
    hook::{Hook, HookKind},
    id::HookId,
};
use provost_store::{HookFilter, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_hook_is_found_as_it_was_added,
    another_team_sees_no_hook,
    a_stale_hook_does_not_overwrite,
    a_deleted_hook_leaves_its_name,
    hooks_run_by_priority,
    a_hook_without_time_is_refused,
}

fn hook(name: &str) -> Hook {
    Hook {
        id: HookId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.into(),
        event: "PreToolUse".parse().unwrap(),
        matcher: None,
        kind: HookKind::Script,
        config: json!({ "command": "true" }),
        priority: Hook::DEFAULT_PRIORITY,
        is_gate: false,
        timeout_ms: 5000,
        is_enabled: true,
        version: 1,
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

async fn insert(fixture: &Fixture, hooks: Vec<Hook>) -> Result<(), StoreError> {
    let insert = move |tx: &provost_store::Tx<'_>| {
        hooks.iter().try_for_each(|hook| tx.team(sample::TEAM).hooks().insert(hook))
    };
    fixture.store.write(insert).await
}

async fn a_hook_is_found_as_it_was_added(fixture: &Fixture) {
    for kind in HookKind::ALL {
        let added = Hook { kind: *kind, matcher: Some("Bash".into()), ..hook(kind.as_str()) };
        insert(fixture, vec![added.clone()]).await.unwrap();
        let (id, name) = (added.id, added.name.clone());
        let found = fixture.store.read(move |conn| {
            let hooks = conn.team(sample::TEAM).hooks();
            Ok::<_, StoreError>((hooks.find(id)?, hooks.find_by_name(&name)?))
        });
        assert_eq!(found.await, Ok((Some(added.clone()), Some(added))));
    }
}

async fn another_team_sees_no_hook(fixture: &Fixture) {
    let (own, other) = (hook("a"), fixture.other_team().await);
    insert(fixture, vec![own.clone()]).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let hooks = conn.team(other).hooks();
        Ok::<_, StoreError>((hooks.find(own.id)?, hooks.list(&HookFilter::default(), None, 10)?.items))
    });
    assert_eq!(seen.await, Ok((None, Vec::new())));
    let (id, foreign) = (own.id, own.clone());
    let deleted = fixture.store.write(move |tx| tx.team(other).hooks().delete(id, sample::time(2))).await;
    assert!(matches!(deleted, Err(StoreError::Missing { .. })), "{deleted:?}");
    let inserted = fixture.store.write(move |tx| tx.team(other).hooks().insert(&foreign)).await;
    assert!(matches!(inserted, Err(StoreError::Conflict { .. })), "{inserted:?}");
}

async fn a_stale_hook_does_not_overwrite(fixture: &Fixture) {
    let first = hook("a");
    insert(fixture, vec![first.clone()]).await.unwrap();
    let update =
        async |hook: Hook| fixture.store.write(move |tx| tx.team(sample::TEAM).hooks().update(&hook)).await;
    assert_eq!(update(Hook { priority: 1, ..first.clone() }).await, Ok(2));
    let stale = update(Hook { priority: 9, ..first.clone() }).await.unwrap_err();
    assert_eq!(stale, StoreError::Stale { what: format!("hook {}", first.id), expected: 1, current: 2 });
    assert_eq!(update(Hook { version: 2, ..first }).await, Ok(3));
}

async fn a_deleted_hook_leaves_its_name(fixture: &Fixture) {
    let first = hook("a");
    insert(fixture, vec![first.clone()]).await.unwrap();
    let taken = insert(fixture, vec![hook("a")]).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let delete =
        move |tx: &provost_store::Tx<'_>| tx.team(sample::TEAM).hooks().delete(first.id, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    let again = fixture.store.write(delete).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    insert(fixture, vec![hook("a")]).await.unwrap();
}

async fn hooks_run_by_priority(fixture: &Fixture) {
    let hooks = vec![
        Hook { priority: 200, ..hook("late") },
        Hook { priority: 1, ..hook("early") },
        Hook { is_enabled: false, ..hook("off") },
        Hook { event: "Stop".parse().unwrap(), ..hook("other") },
    ];
    insert(fixture, hooks).await.unwrap();
    let chain = fixture
        .store
        .read(|conn| conn.team(sample::TEAM).hooks().list_chain(&"PreToolUse".parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(chain.iter().map(|hook| hook.name.as_str()).collect::<Vec<_>>(), ["early", "late"]);
    let list = |filter: HookFilter| async move {
        let page =
            fixture.store.read(move |conn| conn.team(sample::TEAM).hooks().list(&filter, None, 10)).await;
        page.unwrap().items.len()
    };
    assert_eq!(list(HookFilter::default()).await, 4);
    assert_eq!(list(HookFilter { is_enabled: Some(false), ..HookFilter::default() }).await, 1);
    assert_eq!(
        list(HookFilter {
            event: Some("Stop".parse().unwrap()),
            kind: Some(HookKind::Script),
            ..HookFilter::default()
        })
        .await,
        1
    );
}

async fn a_hook_without_time_is_refused(fixture: &Fixture) {
    let added = hook("a");
    insert(fixture, vec![added.clone()]).await.unwrap();
    for timeout_ms in [0, -1] {
        let hasty = Hook { timeout_ms, ..hook("b") };
        let refused = insert(fixture, vec![hasty]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "timeout_ms", .. })), "{refused:?}");
        let hasty = Hook { timeout_ms, ..added.clone() };
        let refused = fixture.write(move |team| team.hooks().update(&hasty)).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "timeout_ms", .. })), "{refused:?}");
    }
}
