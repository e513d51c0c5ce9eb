//! Epics and features: keys, lists, edits.

use domain::{
    epic::{Epic, EpicPriority, NewEpic, WorkStatus},
    feature::{Feature, NewFeature},
};
use provost_store::{EpicFilter, FeatureFilter, StoreError};

use super::{all_at_once, at, later, new_epic, new_feature};
use crate::{fixture::Fixture, governance::maintenance, sample};

on_both_databases! {
    epics_and_features_are_found_as_they_were_added,
    another_team_sees_no_epic,
    keys_of_epics_are_given_once_however_many_ask,
    epics_and_features_are_listed_by_each_filter,
    an_edit_leaves_progress_and_key_alone,
}

async fn epics_and_features_are_found_as_they_were_added(fixture: &Fixture) {
    for priority in EpicPriority::ALL {
        let new = NewEpic {
            priority: *priority,
            business_value: Some(7),
            slug: Some("checkout".into()),
            file_path: Some("epics/checkout.md".into()),
            description: "All of it".into(),
            ..new_epic("Checkout")
        };
        let epic = fixture.write_backlog(|team| team.epics().insert(new, later(1))).await.unwrap();
        let (id, key) = (epic.id, epic.key);
        let found =
            fixture.read_backlog(move |team| Ok([team.epics().find(id)?, team.epics().find_by_key(key)?]));
        assert_eq!(found.await, [Some(epic.clone()), Some(epic)]);
        let new = NewFeature {
            execution_order: Some(2),
            slug: Some("pay".into()),
            file_path: Some("features/pay.md".into()),
            description: "Some of it".into(),
            ..new_feature(id, "Pay")
        };
        let feature = fixture.write_backlog(|team| team.features().insert(new, later(1))).await.unwrap();
        let (id, key) = (feature.id, feature.key);
        let found = fixture
            .read_backlog(move |team| Ok([team.features().find(id)?, team.features().find_by_key(key)?]));
        assert_eq!(found.await, [Some(feature.clone()), Some(feature)]);
    }
}

async fn another_team_sees_no_epic(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let (id, epic) = (feature.id, feature.epic_id);
    let seen = fixture.store.read(move |conn| {
        let team = conn.team(other);
        Ok::<_, StoreError>((
            team.epics().find(epic)?,
            team.features().find(id)?,
            team.features().list(FeatureFilter { epic_id: Some(epic), status: None }, None, 9)?.items,
        ))
    });
    assert_eq!(seen.await, Ok((None, None, Vec::new())));
    let missing = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::Missing { .. })), "{result:?}");
    };
    let into = move |tx: &provost_store::Tx<'_>| {
        tx.team(other).features().insert(new_feature(epic, "Foreign"), later(2)).map(drop)
    };
    missing(fixture.store.write(into).await);
    missing(fixture.store.write(move |tx| tx.team(other).epics().delete(epic, &at(2))).await);
    missing(fixture.store.write(move |tx| tx.team(other).epics().purge(epic, &maintenance(2), &at(2))).await);
    missing(fixture.store.write(move |tx| tx.team(other).features().delete(id, &at(2))).await);
    // Each team counts for itself.
    let first = fixture.store.write(move |tx| tx.team(other).epics().insert(new_epic("Own"), later(2))).await;
    assert_eq!(first.unwrap().key.to_string(), "E01");
}

async fn keys_of_epics_are_given_once_however_many_ask(fixture: &Fixture) {
    let mut keys: Vec<_> = all_at_once((0..16).map(|_| fixture.add_epic()).collect())
        .await
        .into_iter()
        .map(|epic| epic.key.to_string())
        .collect();
    keys.sort();
    let expected: Vec<_> = (1..=16).map(|number| format!("E{number:02}")).collect();
    assert_eq!(keys, expected);
    let insert = async |key: &str| {
        let new = NewEpic { key: Some(key.parse().unwrap()), ..new_epic("Chosen") };
        fixture.write_backlog(|team| team.epics().insert(new, later(1))).await
    };
    assert_eq!(insert("e40").await.unwrap().key.to_string(), "E40");
    assert_eq!(fixture.add_epic().await.key.to_string(), "E41");
    assert!(matches!(insert("E40").await, Err(StoreError::Conflict { .. })));
    let epic = fixture.add_epic().await;
    let chosen = NewFeature { key: Some("E42-F09".parse().unwrap()), ..new_feature(epic.id, "Chosen") };
    fixture.write_backlog(|team| team.features().insert(chosen, later(1))).await.unwrap();
    assert_eq!(fixture.add_feature(epic.id).await.key.to_string(), "E42-F10");
    let foreign = NewFeature { key: Some("E01-F01".parse().unwrap()), ..new_feature(epic.id, "Foreign") };
    let refused = fixture.write_backlog(|team| team.features().insert(foreign, later(1))).await;
    assert!(matches!(refused, Err(StoreError::Invalid { field: "key", .. })), "{refused:?}");
}

async fn epics_and_features_are_listed_by_each_filter(fixture: &Fixture) {
    let (first, second) = (fixture.add_epic().await, fixture.add_epic().await);
    let urgent = NewEpic { priority: EpicPriority::High, ..new_epic("Urgent") };
    let urgent = fixture.write_backlog(|team| team.epics().insert(urgent, later(2))).await.unwrap();
    let feature = fixture.add_feature(first.id).await;
    fixture.add_feature(second.id).await;
    let task = fixture.add_tasks(Some(feature.id), 1).await[0].id;
    fixture.move_task(task, "in_progress", 3).await.unwrap();
    let epics = async |filter| {
        let page = fixture.read_backlog(move |team| team.epics().list(filter, None, 9)).await;
        page.items.into_iter().map(|epic| epic.id).collect::<Vec<_>>()
    };
    assert_eq!(epics(EpicFilter::default()).await, [urgent.id, second.id, first.id]);
    assert_eq!(epics(EpicFilter { priority: Some(EpicPriority::High), status: None }).await, [urgent.id]);
    assert_eq!(epics(EpicFilter { status: Some(WorkStatus::Active), priority: None }).await, [first.id]);
    let features = async |filter| {
        let page = fixture.read_backlog(move |team| team.features().list(filter, None, 9)).await;
        page.items.into_iter().map(|feature| feature.id).collect::<Vec<_>>()
    };
    assert_eq!(features(FeatureFilter::default()).await.len(), 2);
    let active = FeatureFilter { epic_id: Some(first.id), status: Some(WorkStatus::Active) };
    assert_eq!(features(active).await, [feature.id]);
    let page = fixture.read_backlog(|team| team.epics().list(EpicFilter::default(), None, 2)).await;
    let rest = fixture.read_backlog(move |team| team.epics().list(EpicFilter::default(), page.next, 2)).await;
    assert_eq!(rest.items.iter().map(|epic| epic.id).collect::<Vec<_>>(), [first.id]);
}

async fn an_edit_leaves_progress_and_key_alone(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let epic = fixture.epic(feature.epic_id).await;
    let task = fixture.add_tasks(Some(feature.id), 1).await[0].id;
    fixture.move_task(task, "in_progress", 2).await.unwrap();
    let edit = async |epic: Epic| fixture.write_backlog(move |team| team.epics().update(&epic)).await;
    let edited = Epic {
        title: "Renamed".parse().unwrap(),
        key: "E99".parse().unwrap(),
        progress_pct: 99.0,
        status: WorkStatus::Archived,
        ..epic.clone()
    };
    // What the caller read before the task moved is no reason to refuse: progress is nobody's edit.
    assert_eq!(edit(edited.clone()).await, Ok(2));
    let now = fixture.epic(epic.id).await;
    assert_eq!(
        (now.title.as_str(), now.key, now.progress_pct, now.status),
        ("Renamed", epic.key, 50.0, WorkStatus::Active)
    );
    assert!(matches!(edit(edited.clone()).await, Err(StoreError::Stale { expected: 1, current: 2, .. })));
    let archived = Epic { is_status_overridden: true, version: 2, ..edited };
    assert_eq!(edit(archived.clone()).await, Ok(3));
    fixture.move_task(task, "blocked", 3).await.unwrap();
    let now = fixture.epic(epic.id).await;
    assert_eq!((now.progress_pct, now.status), (0.0, WorkStatus::Archived));
    let feature = fixture.feature(feature.id).await;
    let overridden = Feature { is_status_overridden: true, status: WorkStatus::Draft, ..feature.clone() };
    let edit =
        async |feature: Feature| fixture.write_backlog(move |team| team.features().update(&feature)).await;
    assert_eq!(edit(overridden.clone()).await, Ok(2));
    assert_eq!(fixture.feature(feature.id).await.status, WorkStatus::Draft);
    assert_eq!(edit(Feature { version: 2, is_status_overridden: false, ..overridden }).await, Ok(3));
    assert_eq!(fixture.feature(feature.id).await.status, WorkStatus::Active);
    let gone = Epic { id: domain::id::EpicId::from_uuid(sample::uuid()), ..archived };
    let update = fixture.write_backlog(move |team| team.epics().update(&gone)).await;
    assert!(matches!(update, Err(StoreError::Missing { .. })));
    fixture.assert_whole().await;
}
