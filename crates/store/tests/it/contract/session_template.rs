//! Session templates.

use std::time::Duration;

use domain::{
    id::SessionTemplateId,
    permission::PermissionMode,
    session::{Session, SessionOptions},
    session_template::SessionTemplate,
};
use provost_store::StoreError;
use serde_json::{Map, json};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_template_is_found_as_it_was_added,
    a_stale_template_does_not_overwrite,
    a_deleted_template_leaves_its_name,
    templates_are_listed_by_category,
    every_use_is_counted_whatever_else_changes,
    another_team_sees_and_uses_no_template,
    a_template_that_no_session_could_be_started_with_is_refused,
}

fn template(name: &str) -> SessionTemplate {
    SessionTemplate {
        id: SessionTemplateId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.parse().unwrap(),
        category: None,
        description: String::new(),
        options: SessionOptions::default(),
        tags: Vec::new(),
        usage_count: 0,
        version: 1,
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

async fn insert(fixture: &Fixture, template: &SessionTemplate) -> Result<(), StoreError> {
    let template = template.clone();
    fixture.write(move |team| team.session_templates().insert(&template)).await
}

async fn find(fixture: &Fixture, id: SessionTemplateId) -> Option<SessionTemplate> {
    fixture.read(move |team| team.session_templates().find(id)).await.unwrap()
}

async fn update(fixture: &Fixture, template: SessionTemplate) -> Result<i64, StoreError> {
    fixture.write(move |team| team.session_templates().update(&template)).await
}

async fn a_template_is_found_as_it_was_added(fixture: &Fixture) {
    let full = SessionTemplate {
        category: Some("review".into()),
        description: "reads, says, changes nothing".into(),
        options: SessionOptions {
            model: Some("model".into()),
            allowed_tools: vec!["Read".into(), "Bash(git log:*)".into()],
            permission_mode: PermissionMode::Plan,
            budget: Some(domain::money::MicroUsd::from_micros(2_500_000)),
            custom_policies: vec![json!({"kind": "rules"})],
            metadata: Map::from_iter([("k".to_owned(), json!([1]))]),
            ..SessionOptions::default()
        },
        tags: vec!["a".into(), "ü".into()],
        ..template("full")
    };
    for added in [template("plain"), full] {
        insert(fixture, &added).await.unwrap();
        assert_eq!(find(fixture, added.id).await, Some(added.clone()));
        let name = added.name.clone();
        let by_name = fixture.read(move |team| team.session_templates().find_by_name(&name)).await;
        assert_eq!(by_name, Ok(Some(added.clone())));
        let session = Session { template_id: Some(added.id), ..sample::session(fixture.team) };
        let id = session.id;
        fixture.write(move |team| team.sessions().insert(&session)).await.unwrap();
        assert_eq!(fixture.session(id).await.template_id, Some(added.id));
    }
}

async fn a_stale_template_does_not_overwrite(fixture: &Fixture) {
    let first = template("a");
    insert(fixture, &first).await.unwrap();
    let changed = SessionTemplate { description: "changed".into(), ..first.clone() };
    assert_eq!(update(fixture, changed.clone()).await, Ok(2));
    let what = format!("session template {}", first.id);
    let stale = update(fixture, first.clone()).await;
    assert_eq!(stale, Err(StoreError::Stale { what: what.clone(), expected: 1, current: 2 }));
    assert_eq!(find(fixture, first.id).await, Some(SessionTemplate { version: 2, ..changed }));
    insert(fixture, &template("b")).await.unwrap();
    let taken = SessionTemplate { name: "b".parse().unwrap(), version: 2, ..first };
    let taken = update(fixture, taken).await.unwrap_err();
    assert!(matches!(taken, StoreError::Conflict { .. }), "{taken}");
    let unknown = template("c");
    let what = format!("session template {}", unknown.id);
    assert_eq!(update(fixture, unknown).await, Err(StoreError::Missing { what }));
}

async fn a_deleted_template_leaves_its_name(fixture: &Fixture) {
    let first = template("a");
    insert(fixture, &first).await.unwrap();
    let taken = insert(fixture, &template("a")).await.unwrap_err();
    assert!(matches!(taken, StoreError::Conflict { .. }), "{taken}");
    let id = first.id;
    let delete =
        async || fixture.write(move |team| team.session_templates().delete(id, sample::time(2))).await;
    assert_eq!(delete().await, Ok(()));
    assert_eq!(find(fixture, id).await, None);
    assert_eq!(delete().await, Err(StoreError::Missing { what: format!("session template {id}") }));
    insert(fixture, &template("a")).await.unwrap();
}

async fn templates_are_listed_by_category(fixture: &Fixture) {
    let in_category = |name, category: Option<&str>, seconds| SessionTemplate {
        category: category.map(str::to_owned),
        created_at: sample::time(seconds),
        ..template(name)
    };
    let all =
        [in_category("a", Some("review"), 1), in_category("b", None, 2), in_category("c", Some("review"), 3)];
    for template in &all {
        insert(fixture, template).await.unwrap();
    }
    let list = async |category: Option<&'static str>, after, limit| {
        let page =
            fixture.read(move |team| team.session_templates().list(category, after, limit)).await.unwrap();
        (page.items.iter().map(|template| template.name.to_string()).collect::<Vec<_>>(), page.next)
    };
    assert_eq!(list(None, None, 10).await.0, ["c", "b", "a"]);
    assert_eq!(list(Some("none"), None, 10).await.0, [""; 0]);
    let (first, next) = list(Some("review"), None, 1).await;
    assert_eq!((first, list(Some("review"), next, 9).await.0), (vec!["c".to_owned()], vec!["a".to_owned()]));
}

async fn every_use_is_counted_whatever_else_changes(fixture: &Fixture) {
    let added = template("a");
    insert(fixture, &added).await.unwrap();
    let id = added.id;
    let uses: Vec<_> = (0..20)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                store.write(move |tx| tx.team(sample::TEAM).session_templates().count_use(id)).await.unwrap()
            })
        })
        .collect();
    for version in 1..=5 {
        assert_eq!(update(fixture, SessionTemplate { version, ..added.clone() }).await, Ok(version + 1));
    }
    let mut counts = Vec::new();
    for counted in uses {
        counts.push(counted.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=20).collect::<Vec<_>>());
    assert_eq!(find(fixture, id).await, Some(SessionTemplate { usage_count: 20, version: 6, ..added }));
}

async fn another_team_sees_and_uses_no_template(fixture: &Fixture) {
    let (added, other) = (template("a"), fixture.other_team().await);
    insert(fixture, &added).await.unwrap();
    let id = added.id;
    let seen = fixture.store.read(move |conn| {
        let templates = conn.team(other).session_templates();
        let by_name = templates.find_by_name(&"a".parse().unwrap())?;
        Ok::<_, StoreError>((templates.find(id)?, by_name, templates.list(None, None, 9)?.items))
    });
    assert_eq!(seen.await, Ok((None, None, vec![])));
    let used = fixture.store.write(move |tx| tx.team(other).session_templates().count_use(id)).await;
    assert_eq!(used, Err(StoreError::Missing { what: format!("session template {id}") }));
    let foreign = Session { template_id: Some(id), ..sample::session(other) };
    let started = fixture.store.write(move |tx| tx.team(other).sessions().insert(&foreign)).await;
    assert_eq!(started, Err(StoreError::Missing { what: format!("session template {id}") }));
}

async fn a_template_that_no_session_could_be_started_with_is_refused(fixture: &Fixture) {
    let added = template("a");
    insert(fixture, &added).await.unwrap();
    let options = SessionOptions { timeout: Duration::from_millis(1500), ..SessionOptions::default() };
    let refused = insert(fixture, &SessionTemplate { options: options.clone(), ..template("b") }).await;
    assert!(matches!(refused, Err(StoreError::Invalid { field: "timeout_seconds", .. })), "{refused:?}");
    let refused = update(fixture, SessionTemplate { options, ..added }).await;
    assert!(matches!(refused, Err(StoreError::Invalid { field: "timeout_seconds", .. })), "{refused:?}");
}
