//! Metrics.

use std::collections::BTreeMap;

use domain::{
    id::{MetricId, SessionId, TeamId},
    metric::{Metric, MetricLabels, MetricSummary},
};
use provost_store::{MetricFilter, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    metrics_are_found_as_they_were_added,
    metrics_are_listed_in_stable_pages,
    metrics_are_summed_up,
    another_team_sees_no_metrics,
    metrics_that_cannot_be_leave_nothing_behind,
    a_purged_session_leaves_its_metrics,
}

fn metric(name: &str, value: f64, seconds: i64) -> Metric {
    Metric {
        id: MetricId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.parse().unwrap(),
        value: value.try_into().unwrap(),
        labels: MetricLabels::default(),
        session_id: None,
        at: sample::time(seconds),
    }
}

fn filter(name: &str) -> MetricFilter {
    MetricFilter { name: name.parse().unwrap(), from: None, to: None, session_id: None }
}

async fn insert(fixture: &Fixture, team: TeamId, metrics: &[Metric]) -> Result<(), StoreError> {
    let metrics = metrics.to_vec();
    fixture.store.write(move |tx| tx.team(team).metrics().insert_all(&metrics)).await
}

async fn list(fixture: &Fixture, filter: MetricFilter) -> Vec<Metric> {
    fixture
        .store
        .read(move |conn| conn.team(sample::TEAM).metrics().list(&filter, None, 1000))
        .await
        .unwrap()
        .items
}

async fn summary(fixture: &Fixture, filter: MetricFilter) -> Option<MetricSummary> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).metrics().summary(&filter)).await.unwrap()
}

async fn metrics_are_found_as_they_were_added(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let labels: BTreeMap<_, _> =
        [("tool", "Bash"), ("ä \"b\"", "")].map(|(k, v)| (k.into(), v.into())).into();
    let labeled = Metric {
        labels: labels.try_into().unwrap(),
        session_id: Some(session),
        ..metric("tool.duration_ms", 0.1 + 0.2, 3)
    };
    let added = vec![
        metric("tool.duration_ms", 0.0, 1),
        metric("tool.duration_ms", 1e100, 2),
        labeled.clone(),
        metric("tool", 1.0, 1),
    ];
    insert(fixture, sample::TEAM, &added).await.unwrap();
    let found = list(fixture, filter("tool.duration_ms")).await;
    assert_eq!(found, [labeled.clone(), added[1].clone(), added[0].clone()]);
    let of_session = MetricFilter { session_id: Some(session), ..filter("tool.duration_ms") };
    assert_eq!(list(fixture, of_session).await, [labeled]);
    assert_eq!(list(fixture, filter("unknown")).await, []);
}

async fn metrics_are_listed_in_stable_pages(fixture: &Fixture) {
    let mut added: Vec<_> = (0..250).map(|number| metric("a", 1.0, number / 3)).collect();
    insert(fixture, sample::TEAM, &added).await.unwrap();
    added.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let list = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).metrics().list(&filter("a"), after, 100)
        };
        let page = fixture.store.read(list).await.unwrap();
        seen.extend(page.items);
        insert(fixture, sample::TEAM, &[metric("a", 1.0, 1000)]).await.unwrap();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, added);
}

async fn metrics_are_summed_up(fixture: &Fixture) {
    assert_eq!(summary(fixture, filter("a")).await, None);
    let added = [metric("a", 1.0, 1), metric("a", 4.0, 2), metric("a", 2.5, 3), metric("b", 9.0, 2)];
    insert(fixture, sample::TEAM, &added).await.unwrap();
    let all = MetricSummary { count: 3, min: 1.0, max: 4.0, average: 2.5, sum: 7.5 };
    assert_eq!(summary(fixture, filter("a")).await, Some(all));
    let between = MetricFilter { from: Some(sample::time(2)), to: Some(sample::time(3)), ..filter("a") };
    let one = MetricSummary { count: 1, min: 4.0, max: 4.0, average: 4.0, sum: 4.0 };
    assert_eq!(summary(fixture, between.clone()).await, Some(one));
    assert_eq!(list(fixture, between).await, [added[1].clone()]);
    let largest: Vec<_> = (0..20).map(|_| metric("large", 1e100, 1)).collect();
    insert(fixture, sample::TEAM, &largest).await.unwrap();
    assert!(summary(fixture, filter("large")).await.unwrap().sum.is_finite());
}

async fn another_team_sees_no_metrics(fixture: &Fixture) {
    let other = fixture.other_team().await;
    insert(fixture, sample::TEAM, &[metric("a", 1.0, 1)]).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let metrics = conn.team(other).metrics();
        Ok::<_, StoreError>((metrics.list(&filter("a"), None, 10)?.items, metrics.summary(&filter("a"))?))
    });
    assert_eq!(seen.await, Ok((Vec::new(), None)));
}

async fn metrics_that_cannot_be_leave_nothing_behind(fixture: &Fixture) {
    let (other, session) = (fixture.other_team().await, fixture.insert_session().await);
    let good = metric("a", 1.0, 1);
    let foreign = insert(fixture, other, std::slice::from_ref(&good)).await;
    assert!(matches!(foreign, Err(StoreError::Conflict { .. })), "{foreign:?}");
    let of_other = Metric { team_id: other, session_id: Some(session), ..metric("a", 1.0, 1) };
    let foreign_session = insert(fixture, other, &[of_other]).await;
    assert!(matches!(foreign_session, Err(StoreError::Missing { .. })), "{foreign_session:?}");
    let nowhere = Metric { session_id: Some(SessionId::from_uuid(sample::uuid())), ..metric("a", 1.0, 1) };
    let missing = insert(fixture, sample::TEAM, &[good.clone(), nowhere]).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
    let twice = insert(fixture, sample::TEAM, &[good.clone(), good]).await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    assert_eq!(list(fixture, filter("a")).await, []);
}

async fn a_purged_session_leaves_its_metrics(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let measured = Metric { session_id: Some(session), ..metric("a", 1.0, 1) };
    insert(fixture, sample::TEAM, std::slice::from_ref(&measured)).await.unwrap();
    fixture.place().raw(&format!("DELETE FROM sessions WHERE id = '{session}'")).unwrap();
    assert_eq!(list(fixture, filter("a")).await, [Metric { session_id: None, ..measured }]);
}
