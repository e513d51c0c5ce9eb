//! Budgets, and how they stand.

use domain::{
    budget::{Budget, BudgetScope, BudgetStanding, BudgetTarget, Percent},
    budget_period::BudgetPeriod,
    cost::CostEntry,
    id::{AgentId, BudgetId, SessionId, TeamId, UserId},
    money::MicroUsd,
};
use provost_store::{BudgetFilter, BudgetTargets, StoreError};

use super::cost;
use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_budget_is_found_as_it_was_added,
    another_team_sees_no_budget,
    a_stale_budget_does_not_overwrite,
    a_target_has_one_budget_of_a_period,
    a_budget_needs_a_target_that_is_there,
    budgets_are_listed_by_scope_and_period,
    what_was_spent_counts_where_it_belongs,
    what_was_spent_before_the_window_does_not_count,
}

pub(super) fn budget(target: BudgetTarget, period: BudgetPeriod, micros: i64) -> Budget {
    Budget {
        id: BudgetId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        target,
        period,
        limit: MicroUsd::from_micros(micros),
        alert_percent: Percent::DEFAULT_ALERT,
        is_hard: true,
        version: 1,
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

pub(super) async fn insert(fixture: &Fixture, budget: &Budget) -> Result<(), StoreError> {
    let budget = budget.clone();
    fixture.store.write(move |tx| tx.team(sample::TEAM).budgets().insert(&budget)).await
}

/// An agent of this team.
pub(super) fn insert_agent(fixture: &Fixture, team: TeamId) -> AgentId {
    let id = AgentId::from_uuid(sample::uuid());
    let now = fixture.place().pick("1", "now()");
    let row = format!("'{id}', '{team}', '{id}', 'A', '', 'active', 1, 'system:test', {now}, {now}");
    let columns =
        "id, team_id, slug, name, tagline, status, current_version, created_by, created_at, updated_at";
    fixture.place().raw(&format!("INSERT INTO agents ({columns}) VALUES ({row})")).unwrap();
    id
}

/// A session, person and agent that all are there.
pub(super) async fn targets(fixture: &Fixture) -> BudgetTargets {
    BudgetTargets {
        session_id: fixture.insert_session().await,
        user_id: Some(fixture.user),
        agent_id: Some(insert_agent(fixture, sample::TEAM)),
    }
}

pub(super) async fn standings(
    fixture: &Fixture,
    targets: BudgetTargets,
    seconds: i64,
) -> Vec<BudgetStanding> {
    let standings = move |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).budgets().standings(&targets, sample::time(seconds))
    };
    fixture.store.read(standings).await.unwrap()
}

async fn find(fixture: &Fixture, id: BudgetId) -> Option<Budget> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).budgets().find(id)).await.unwrap()
}

async fn delete(fixture: &Fixture, id: BudgetId) -> Result<(), StoreError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).budgets().delete(id, sample::time(2))).await
}

async fn a_budget_is_found_as_it_was_added(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_each = [
        BudgetTarget::Team(sample::TEAM),
        BudgetTarget::User(fixture.user),
        BudgetTarget::Session(targets.session_id),
        BudgetTarget::Agent(targets.agent_id.unwrap()),
    ];
    for target in of_each {
        for &period in BudgetPeriod::ALL {
            let added = Budget {
                alert_percent: 55.try_into().unwrap(),
                is_hard: period == BudgetPeriod::Total,
                ..budget(target, period, 7)
            };
            insert(fixture, &added).await.unwrap();
            assert_eq!(find(fixture, added.id).await, Some(added));
        }
    }
    assert_eq!(standings(fixture, targets, 5).await.len(), 20, "all of them apply");
    let session_only = BudgetTargets { user_id: None, agent_id: None, ..targets };
    assert_eq!(standings(fixture, session_only, 5).await.len(), 10);
    let elsewhere = BudgetTargets { session_id: SessionId::from_uuid(sample::uuid()), ..session_only };
    assert_eq!(standings(fixture, elsewhere, 5).await.len(), 5);
}

async fn another_team_sees_no_budget(fixture: &Fixture) {
    let (other, targets) = (fixture.other_team().await, targets(fixture).await);
    let own = budget(BudgetTarget::User(fixture.user), BudgetPeriod::Daily, 7);
    insert(fixture, &own).await.unwrap();
    let id = own.id;
    let seen = fixture.store.read(move |conn| {
        let budgets = conn.team(other).budgets();
        let list = budgets.list(BudgetFilter::default(), None, 10)?.items;
        Ok::<_, StoreError>((budgets.find(id)?, list, budgets.standings(&targets, sample::time(1))?))
    });
    assert_eq!(seen.await, Ok((None, Vec::new(), Vec::new())));
    let foreign = own.clone();
    let inserted = fixture.store.write(move |tx| tx.team(other).budgets().insert(&foreign)).await;
    assert!(matches!(inserted, Err(StoreError::Conflict { .. })), "{inserted:?}");
    let foreign = Budget { team_id: other, ..own.clone() };
    let updated = fixture.store.write(move |tx| tx.team(other).budgets().update(&foreign)).await;
    assert!(matches!(updated, Err(StoreError::Missing { .. })), "{updated:?}");
    let deleted = fixture.store.write(move |tx| tx.team(other).budgets().delete(id, sample::time(2))).await;
    assert!(matches!(deleted, Err(StoreError::Missing { .. })), "{deleted:?}");
    assert_eq!(find(fixture, id).await, Some(own));
}

async fn a_stale_budget_does_not_overwrite(fixture: &Fixture) {
    let first = budget(BudgetTarget::Team(sample::TEAM), BudgetPeriod::Daily, 7);
    insert(fixture, &first).await.unwrap();
    let update = async |budget: Budget| {
        fixture.store.write(move |tx| tx.team(sample::TEAM).budgets().update(&budget)).await
    };
    let higher = Budget { limit: MicroUsd::from_micros(9), updated_at: sample::time(2), ..first.clone() };
    assert_eq!(update(higher.clone()).await, Ok(2));
    let stale = update(first.clone()).await;
    let what = format!("budget {}", first.id);
    assert_eq!(stale, Err(StoreError::Stale { what, expected: 1, current: 2 }));
    assert_eq!(find(fixture, first.id).await, Some(Budget { version: 2, ..higher }));
}

async fn a_target_has_one_budget_of_a_period(fixture: &Fixture) {
    let target = BudgetTarget::Team(sample::TEAM);
    let first = budget(target, BudgetPeriod::Daily, 7);
    insert(fixture, &first).await.unwrap();
    insert(fixture, &budget(target, BudgetPeriod::Weekly, 7)).await.unwrap();
    let second = budget(target, BudgetPeriod::Daily, 8);
    let taken = insert(fixture, &second).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    delete(fixture, first.id).await.unwrap();
    let again = delete(fixture, first.id).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    insert(fixture, &second).await.unwrap();
    assert_eq!((find(fixture, first.id).await, find(fixture, second.id).await), (None, Some(second)));
}

async fn a_budget_needs_a_target_that_is_there(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let foreign_agent = insert_agent(fixture, other);
    let absent = [
        BudgetTarget::Team(other),
        BudgetTarget::User(UserId::from_uuid(sample::uuid())),
        BudgetTarget::Session(SessionId::from_uuid(sample::uuid())),
        BudgetTarget::Agent(foreign_agent),
    ];
    for target in absent {
        let refused = insert(fixture, &budget(target, BudgetPeriod::Daily, 7)).await;
        assert_eq!(refused, Err(StoreError::Missing { what: target.to_string() }));
    }
    let negative = insert(fixture, &budget(BudgetTarget::Team(sample::TEAM), BudgetPeriod::Daily, -1)).await;
    assert!(matches!(negative, Err(StoreError::Invalid { field: "limit_usd_micros", .. })), "{negative:?}");
}

async fn budgets_are_listed_by_scope_and_period(fixture: &Fixture) {
    let mut ids = Vec::new();
    for target in [BudgetTarget::Team(sample::TEAM), BudgetTarget::User(fixture.user)] {
        for period in [BudgetPeriod::Daily, BudgetPeriod::Total] {
            let added = budget(target, period, 7);
            insert(fixture, &added).await.unwrap();
            ids.insert(0, added.id);
        }
    }
    let list = async |filter: BudgetFilter, after, limit| {
        let list =
            move |conn: &provost_store::Conn| conn.team(sample::TEAM).budgets().list(filter, after, limit);
        let page = fixture.store.read(list).await.unwrap();
        (page.items.iter().map(|budget| budget.id).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = list(BudgetFilter::default(), None, 3).await;
    insert(fixture, &budget(BudgetTarget::User(fixture.user), BudgetPeriod::Hourly, 1)).await.unwrap();
    let (second, next) = list(BudgetFilter::default(), next, 3).await;
    assert_eq!(([first, second].concat(), next), (ids.clone(), None));
    let of_team = BudgetFilter { scope: Some(BudgetScope::Team), period: None };
    assert_eq!(list(of_team, None, 10).await.0, ids[2..]);
    let total = BudgetFilter { scope: Some(BudgetScope::User), period: Some(BudgetPeriod::Total) };
    assert_eq!(list(total, None, 10).await.0, ids[..1]);
}

async fn what_was_spent_counts_where_it_belongs(fixture: &Fixture) {
    let (targets, other) = (targets(fixture).await, fixture.other_team().await);
    let (user, agent) = (targets.user_id.unwrap(), targets.agent_id.unwrap());
    let of_each = [
        BudgetTarget::Team(sample::TEAM),
        BudgetTarget::User(user),
        BudgetTarget::Session(targets.session_id),
        BudgetTarget::Agent(agent),
    ];
    for target in of_each {
        insert(fixture, &budget(target, BudgetPeriod::Total, 1000)).await.unwrap();
    }
    let entries = [
        CostEntry { user_id: Some(user), ..cost::entry(1, 1) },
        CostEntry { session_id: Some(targets.session_id), user_id: Some(user), ..cost::entry(10, 1) },
        CostEntry { agent_id: Some(agent), ..cost::entry(100, -1_000_000_000) },
        CostEntry { cost: None, agent_id: Some(agent), ..cost::entry(0, 1) },
    ];
    cost::insert(fixture, &entries).await.unwrap();
    let elsewhere = CostEntry { team_id: other, user_id: Some(user), ..cost::entry(1, 1) };
    fixture.store.write(move |tx| tx.team(other).costs().insert_all(&[elsewhere])).await.unwrap();
    let spent: Vec<_> = standings(fixture, targets, 5)
        .await
        .iter()
        .map(|standing| (standing.budget.target, standing.spent.as_micros(), standing.unknown_costs))
        .collect();
    let [team, user, session, agent] = of_each;
    assert_eq!(spent, [(team, 111, 1), (user, 11, 0), (session, 10, 0), (agent, 100, 1)]);
}

async fn what_was_spent_before_the_window_does_not_count(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let limited = budget(BudgetTarget::Team(sample::TEAM), BudgetPeriod::Hourly, 1000);
    insert(fixture, &limited).await.unwrap();
    let entries = [(1, -1), (10, 0), (100, 3599), (1000, 3600)];
    let entries = entries.map(|(micros, seconds)| cost::entry(micros, seconds));
    cost::insert(fixture, &entries).await.unwrap();
    for (seconds, spent) in [(-1, 1), (0, 110), (3599, 110), (3600, 1000), (7200, 0)] {
        let standings = standings(fixture, targets, seconds).await;
        let expected = BudgetStanding {
            budget: limited.clone(),
            window: BudgetPeriod::Hourly.window(sample::time(seconds)),
            spent: MicroUsd::from_micros(spent),
            held: MicroUsd::ZERO,
            unknown_costs: 0,
        };
        assert_eq!(standings, [expected]);
    }
}
