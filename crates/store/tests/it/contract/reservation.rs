//! Money held for work under way.

use domain::{
    budget::{Budget, BudgetReservation, BudgetStanding, BudgetTarget, ReservationState},
    budget_period::BudgetPeriod,
    cost::{CostEntry, CostTotal},
    id::{BudgetId, ReservationId, SessionId},
    money::MicroUsd,
};
use provost_store::{BudgetTargets, CostFilter, Guard, ReserveError, Store, StoreError, Tx};

use super::{
    budget::{budget, insert, standings, targets},
    cost,
};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    money_is_held_of_every_budget_that_applies,
    a_hard_budget_with_too_little_left_refuses,
    a_soft_budget_only_tells,
    settled_money_is_what_was_spent,
    what_a_session_held_twice_is_settled_once,
    released_money_is_free_again,
    held_money_lasts_into_the_next_window,
    costs_of_another_session_settle_nothing,
    another_team_holds_and_settles_nothing,
    what_a_deleted_budget_holds_is_settled_all_the_same,
    reservations_that_cannot_be_leave_nothing_behind,
    many_who_reserve_at_once_stay_below_a_hard_limit,
    reservers_of_several_budgets_do_not_wait_in_a_circle,
    a_purged_session_leaves_its_reservations,
    a_stale_owner_settles_nobodys_money,
}

const fn usd(micros: i64) -> MicroUsd {
    MicroUsd::from_micros(micros)
}

async fn reserve(
    store: &Store,
    targets: BudgetTargets,
    micros: i64,
) -> Result<Vec<BudgetStanding>, ReserveError> {
    let reserve = move |tx: &Tx<'_>| {
        let next_id = || ReservationId::from_uuid(sample::uuid());
        tx.team(sample::TEAM).reservations().reserve(
            &targets,
            Guard::Anyone,
            usd(micros),
            sample::time(10),
            next_id,
        )
    };
    store.write(reserve).await
}

async fn settle(
    store: &Store,
    session: SessionId,
    costs: Vec<CostEntry>,
) -> Result<Vec<BudgetReservation>, StoreError> {
    let settle = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).reservations().settle(session, Guard::Anyone, &costs, sample::time(20))
    };
    store.write(settle).await
}

async fn release(store: &Store, session: SessionId) -> Result<Vec<BudgetReservation>, StoreError> {
    let release = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).reservations().release(session, Guard::Anyone, sample::time(20))
    };
    store.write(release).await
}

async fn held(fixture: &Fixture, session: SessionId) -> Vec<BudgetReservation> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).reservations().list_held(session)).await.unwrap()
}

async fn list(fixture: &Fixture, budget: BudgetId, state: ReservationState) -> Vec<BudgetReservation> {
    let list = move |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).reservations().list(budget, state, None, 100)
    };
    fixture.store.read(list).await.unwrap().items
}

fn cost_of(targets: &BudgetTargets, micros: i64) -> CostEntry {
    CostEntry {
        session_id: Some(targets.session_id),
        user_id: targets.user_id,
        agent_id: targets.agent_id,
        ..cost::entry(micros, 15)
    }
}

async fn insert_team_budget(fixture: &Fixture, micros: i64) -> Budget {
    let limited = budget(BudgetTarget::Team(sample::TEAM), BudgetPeriod::Daily, micros);
    insert(fixture, &limited).await.unwrap();
    limited
}

/// What is spent and held of each budget that applies.
async fn used(fixture: &Fixture, targets: BudgetTargets) -> Vec<(i64, i64)> {
    let standings = standings(fixture, targets, 30).await;
    standings.iter().map(|standing| (standing.spent.as_micros(), standing.held.as_micros())).collect()
}

async fn money_is_held_of_every_budget_that_applies(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_each = [
        BudgetTarget::Team(sample::TEAM),
        BudgetTarget::User(fixture.user),
        BudgetTarget::Session(targets.session_id),
        BudgetTarget::Agent(targets.agent_id.unwrap()),
    ];
    for target in of_each {
        insert(fixture, &budget(target, BudgetPeriod::Monthly, 100)).await.unwrap();
    }
    let elsewhere = BudgetTarget::Session(fixture.insert_session().await);
    insert(fixture, &budget(elsewhere, BudgetPeriod::Monthly, 1)).await.unwrap();
    let reserved = reserve(&fixture.store, targets, 60).await.unwrap();
    assert_eq!(reserved.iter().map(|standing| standing.budget.target).collect::<Vec<_>>(), of_each);
    assert!(reserved.iter().all(|standing| standing.left() == usd(40) && !standing.is_alerting()));
    assert_eq!(reserved, standings(fixture, targets, 10).await, "as it then stands");
    let held = held(fixture, targets.session_id).await;
    assert_eq!(held.len(), 4);
    let expected = BudgetReservation {
        id: held[0].id,
        budget_id: reserved[0].budget.id,
        session_id: Some(targets.session_id),
        amount_usd_micros: usd(60),
        settled_usd_micros: None,
        state: ReservationState::Held,
        created_at: sample::time(10),
        updated_at: sample::time(10),
    };
    assert_eq!(held[0], expected);
    let nobody = BudgetTargets { session_id: fixture.insert_session().await, user_id: None, agent_id: None };
    assert_eq!(reserve(&fixture.store, nobody, 40).await.unwrap().len(), 1, "the team's");
}

async fn a_hard_budget_with_too_little_left_refuses(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_team = insert_team_budget(fixture, 100).await;
    insert(fixture, &budget(BudgetTarget::User(fixture.user), BudgetPeriod::Daily, 101)).await.unwrap();
    cost::insert(fixture, &[cost_of(&targets, 30)]).await.unwrap();
    reserve(&fixture.store, targets, 60).await.unwrap();
    let refused = reserve(&fixture.store, targets, 12).await.unwrap_err();
    let text = format!(
        "$0.000012 does not fit the daily budget of team {}: of $0.0001 are $0.00003 spent and $0.00006 held, $0.00001 left",
        sample::TEAM
    );
    assert_eq!(refused.to_string(), text, "of both that refuse, the one with the least");
    let ReserveError::Exceeded { asked, standing } = refused else { panic!("{refused}") };
    assert_eq!((asked, standing.budget, standing.spent, standing.held), (usd(12), of_team, usd(30), usd(60)));
    assert_eq!(held(fixture, targets.session_id).await.len(), 2, "nothing more is held");
    let to_the_brim = reserve(&fixture.store, targets, 10).await.unwrap();
    assert_eq!(to_the_brim[0].left(), MicroUsd::ZERO);
}

async fn a_soft_budget_only_tells(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let soft =
        Budget { is_hard: false, ..budget(BudgetTarget::Team(sample::TEAM), BudgetPeriod::Daily, 100) };
    insert(fixture, &soft).await.unwrap();
    assert!(!reserve(&fixture.store, targets, 79).await.unwrap()[0].is_alerting());
    let full = reserve(&fixture.store, targets, 500).await.unwrap();
    assert!(full[0].is_alerting() && !full[0].is_overspent());
    settle(&fixture.store, targets.session_id, vec![cost_of(&targets, 400)]).await.unwrap();
    assert!(standings(fixture, targets, 30).await[0].is_overspent());
}

async fn settled_money_is_what_was_spent(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_team = insert_team_budget(fixture, 100).await;
    reserve(&fixture.store, targets, 60).await.unwrap();
    let unknown = CostEntry { cost: None, ..cost_of(&targets, 0) };
    let costs = vec![cost_of(&targets, 5), cost_of(&targets, 20), unknown];
    let settled = settle(&fixture.store, targets.session_id, costs.clone()).await.unwrap();
    assert_eq!(used(fixture, targets).await, [(25, 0)]);
    let expected = BudgetReservation {
        state: ReservationState::Settled,
        settled_usd_micros: Some(usd(25)),
        updated_at: sample::time(20),
        ..settled[0].clone()
    };
    assert_eq!(settled, std::slice::from_ref(&expected));
    assert_eq!(list(fixture, of_team.id, ReservationState::Settled).await, [expected]);
    assert_eq!(held(fixture, targets.session_id).await, []);
    assert_eq!(cost::total(fixture, CostFilter::default()).await, costs.iter().collect::<CostTotal>());
    let unreserved = settle(&fixture.store, targets.session_id, vec![cost_of(&targets, 200)]).await;
    assert_eq!(unreserved, Ok(Vec::new()), "what was spent is recorded in any case");
    let standing = &standings(fixture, targets, 30).await[0];
    assert!(standing.is_overspent());
    assert_eq!((standing.spent, standing.unknown_costs), (usd(225), 1));
}

async fn what_a_session_held_twice_is_settled_once(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_team = insert_team_budget(fixture, 100).await;
    insert(fixture, &budget(BudgetTarget::User(fixture.user), BudgetPeriod::Daily, 100)).await.unwrap();
    reserve(&fixture.store, targets, 30).await.unwrap();
    reserve(&fixture.store, targets, 40).await.unwrap();
    assert_eq!(used(fixture, targets).await, [(0, 70), (0, 70)]);
    let settled = settle(&fixture.store, targets.session_id, vec![cost_of(&targets, 50)]).await.unwrap();
    assert_eq!(settled.len(), 4);
    let of_team = settled.iter().filter(|reservation| reservation.budget_id == of_team.id);
    let amounts: Vec<_> = of_team.map(|reservation| reservation.settled_usd_micros).collect();
    assert_eq!(amounts, [Some(usd(50)), Some(MicroUsd::ZERO)]);
    assert_eq!(used(fixture, targets).await, [(50, 0), (50, 0)]);
}

async fn released_money_is_free_again(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_team = insert_team_budget(fixture, 100).await;
    reserve(&fixture.store, targets, 100).await.unwrap();
    reserve(&fixture.store, targets, 1).await.unwrap_err();
    let released = release(&fixture.store, targets.session_id).await.unwrap();
    assert_eq!(released[0].state, ReservationState::Released);
    assert_eq!(list(fixture, of_team.id, ReservationState::Released).await, released);
    assert_eq!(release(&fixture.store, targets.session_id).await, Ok(Vec::new()), "only once");
    reserve(&fixture.store, targets, 100).await.unwrap();
}

async fn held_money_lasts_into_the_next_window(fixture: &Fixture) {
    let targets = targets(fixture).await;
    insert_team_budget(fixture, 100).await;
    cost::insert(fixture, &[cost_of(&targets, 40)]).await.unwrap();
    reserve(&fixture.store, targets, 60).await.unwrap();
    let tomorrow = &standings(fixture, targets, 86_400).await[0];
    assert_eq!((tomorrow.spent, tomorrow.held), (MicroUsd::ZERO, usd(60)));
}

async fn costs_of_another_session_settle_nothing(fixture: &Fixture) {
    let targets = targets(fixture).await;
    insert_team_budget(fixture, 100).await;
    reserve(&fixture.store, targets, 60).await.unwrap();
    let costs = vec![cost_of(&targets, 5), cost::entry(5, 1)];
    let refused = settle(&fixture.store, targets.session_id, costs).await;
    assert!(matches!(refused, Err(StoreError::Invalid { field: "session_id", .. })), "{refused:?}");
    assert_eq!(used(fixture, targets).await, [(0, 60)]);
}

async fn another_team_holds_and_settles_nothing(fixture: &Fixture) {
    let (targets, other) = (targets(fixture).await, fixture.other_team().await);
    let of_team = insert_team_budget(fixture, 100).await;
    reserve(&fixture.store, targets, 60).await.unwrap();
    let reserve = move |tx: &Tx<'_>| {
        let next_id = || ReservationId::from_uuid(sample::uuid());
        tx.team(other).reservations().reserve(&targets, Guard::Anyone, usd(1), sample::time(10), next_id)
    };
    let reserved = fixture.store.write(reserve).await;
    assert!(matches!(reserved, Err(ReserveError::Store(StoreError::Missing { .. }))), "{reserved:?}");
    let seen = fixture.store.read(move |conn| {
        let reservations = conn.team(other).reservations();
        let listed = reservations.list(of_team.id, ReservationState::Held, None, 10)?.items;
        Ok::<_, StoreError>([reservations.list_held(targets.session_id)?, listed].concat())
    });
    assert_eq!(seen.await, Ok(Vec::new()));
    for is_settled in [true, false] {
        let ended = fixture.store.write(move |tx| {
            let (reservations, id) = (tx.team(other).reservations(), targets.session_id);
            match is_settled {
                true => reservations.settle(id, Guard::Anyone, &[], sample::time(20)),
                false => reservations.release(id, Guard::Anyone, sample::time(20)),
            }
        });
        assert!(matches!(ended.await, Err(StoreError::Missing { .. })));
    }
    assert_eq!(used(fixture, targets).await, [(0, 60)]);
}

async fn what_a_deleted_budget_holds_is_settled_all_the_same(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let id = insert_team_budget(fixture, 100).await.id;
    reserve(&fixture.store, targets, 60).await.unwrap();
    fixture
        .store
        .write(move |tx| tx.team(sample::TEAM).budgets().delete(id, sample::time(11)))
        .await
        .unwrap();
    assert_eq!(reserve(&fixture.store, targets, 1000).await, Ok(Vec::new()), "nothing limits any more");
    let settled = settle(&fixture.store, targets.session_id, vec![cost_of(&targets, 5)]).await.unwrap();
    assert_eq!(settled.len(), 1);
}

async fn reservations_that_cannot_be_leave_nothing_behind(fixture: &Fixture) {
    let targets = targets(fixture).await;
    insert_team_budget(fixture, 100).await;
    for amount in [0, -1, 1_000_000_000_001, i64::MAX] {
        let refused = reserve(&fixture.store, targets, amount).await;
        assert!(matches!(refused, Err(ReserveError::Store(StoreError::Invalid { .. }))), "{refused:?}");
    }
    let nowhere = BudgetTargets { session_id: SessionId::from_uuid(sample::uuid()), ..targets };
    let refused = reserve(&fixture.store, nowhere, 1).await;
    assert!(matches!(refused, Err(ReserveError::Store(StoreError::Missing { .. }))), "{refused:?}");
    insert(fixture, &budget(BudgetTarget::User(fixture.user), BudgetPeriod::Total, 100)).await.unwrap();
    let id = ReservationId::from_uuid(sample::uuid());
    let same_id = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).reservations().reserve(&targets, Guard::Anyone, usd(1), sample::time(10), || id)
    };
    let refused = fixture.store.write(same_id).await;
    assert!(matches!(refused, Err(ReserveError::Store(StoreError::Conflict { .. }))), "{refused:?}");
    assert_eq!(used(fixture, targets).await, [(0, 0), (0, 0)]);
}

async fn many_who_reserve_at_once_stay_below_a_hard_limit(fixture: &Fixture) {
    const LIMIT: i64 = 1000;
    let base = targets(fixture).await;
    insert_team_budget(fixture, LIMIT).await;
    let mut tasks = Vec::new();
    for task in 0..8_i64 {
        let targets = BudgetTargets { session_id: fixture.insert_session().await, ..base };
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move {
            let mut refused = 0;
            for turn in 0..10_i64 {
                let amount = 40 + (task * 7 + turn * 13) % 60;
                match reserve(&store, targets, amount).await {
                    Ok(standings) => {
                        assert!(standings[0].used() <= usd(LIMIT), "{:?}", standings[0]);
                        if turn % 4 == 3 {
                            release(&store, targets.session_id).await.unwrap();
                        } else {
                            let cost = cost_of(&targets, amount / (1 + turn % 3));
                            settle(&store, targets.session_id, vec![cost]).await.unwrap();
                        }
                    }
                    Err(ReserveError::Exceeded { standing, .. }) => {
                        assert!(standing.used() <= usd(LIMIT) && standing.left() < usd(amount));
                        refused += 1;
                    }
                    Err(ReserveError::Store(error)) => panic!("{error}"),
                }
            }
            refused
        }));
    }
    let mut refused = 0;
    for task in tasks {
        refused += task.await.unwrap();
    }
    assert!(refused > 0, "the limit was reached");
    let standing = &standings(fixture, base, 30).await[0];
    assert_eq!(standing.held, MicroUsd::ZERO);
    assert!(standing.spent > usd(LIMIT / 2) && standing.spent <= usd(LIMIT), "{standing:?}");
    assert_eq!(standing.spent, cost::total(fixture, CostFilter::default()).await.cost);
}

async fn reservers_of_several_budgets_do_not_wait_in_a_circle(fixture: &Fixture) {
    let base = targets(fixture).await;
    for target in [
        BudgetTarget::User(fixture.user),
        BudgetTarget::Agent(base.agent_id.unwrap()),
        BudgetTarget::Team(sample::TEAM),
    ] {
        for period in [BudgetPeriod::Monthly, BudgetPeriod::Daily, BudgetPeriod::Total] {
            insert(fixture, &budget(target, period, 12)).await.unwrap();
        }
    }
    let mut tasks = Vec::new();
    for number in 0..16 {
        let session_id = fixture.insert_session().await;
        let targets = if number % 2 == 0 {
            BudgetTargets { session_id, agent_id: None, ..base }
        } else {
            BudgetTargets { session_id, user_id: None, ..base }
        };
        let store = fixture.store.clone();
        tasks.push(tokio::spawn(async move { reserve(&store, targets, 1).await }));
    }
    let mut reserved = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(standings) => {
                assert_eq!(standings.len(), 6);
                reserved += 1;
            }
            Err(error) => assert!(matches!(error, ReserveError::Exceeded { .. }), "{error}"),
        }
    }
    assert_eq!(reserved, 12, "as many as the team's budgets hold");
}

async fn a_purged_session_leaves_its_reservations(fixture: &Fixture) {
    let targets = targets(fixture).await;
    let of_team = insert_team_budget(fixture, 100).await;
    reserve(&fixture.store, targets, 60).await.unwrap();
    settle(&fixture.store, targets.session_id, Vec::new()).await.unwrap();
    fixture.place().raw(&format!("DELETE FROM sessions WHERE id = '{}'", targets.session_id)).unwrap();
    let holding = BudgetTargets { session_id: fixture.insert_session().await, ..targets };
    reserve(&fixture.store, holding, 60).await.unwrap();
    fixture.place().raw(&format!("DELETE FROM sessions WHERE id = '{}'", holding.session_id)).unwrap();
    assert_eq!(used(fixture, targets).await, [(0, 0)], "nobody could settle it");
    let left = list(fixture, of_team.id, ReservationState::Settled).await;
    assert_eq!((left[0].session_id, left[0].settled_usd_micros), (None, Some(MicroUsd::ZERO)));
    fixture.place().raw(&format!("DELETE FROM budgets WHERE id = '{}'", of_team.id)).unwrap();
    let rows = fixture.place().raw("SELECT count(*) FROM budget_reservations").unwrap();
    assert_eq!(rows[0][0].as_deref(), Some("0"), "a budget takes them along");
}

async fn a_stale_owner_settles_nobodys_money(fixture: &Fixture) {
    let targets = targets(fixture).await;
    insert_team_budget(fixture, 100).await;
    let session = targets.session_id;
    let early = Guard::Fence(fixture.acquire(session, 1, 60).await);
    let late = Guard::Fence(fixture.acquire(session, 2, 90).await);
    let reserve = async |guard| {
        let next_id = || ReservationId::from_uuid(sample::uuid());
        let reserve = move |tx: &Tx<'_>| {
            tx.team(sample::TEAM).reservations().reserve(&targets, guard, usd(60), sample::time(10), next_id)
        };
        fixture.store.write(reserve).await
    };
    assert_eq!(reserve(early).await, Err(StoreError::Fenced.into()));
    reserve(late).await.unwrap();
    let release = async |guard| {
        fixture.write(move |team| team.reservations().release(session, guard, sample::time(20))).await
    };
    let settle = async |guard| {
        let costs = [cost_of(&targets, 5)];
        fixture.write(move |team| team.reservations().settle(session, guard, &costs, sample::time(20))).await
    };
    assert_eq!(release(early).await, Err(StoreError::Fenced));
    assert_eq!(settle(early).await, Err(StoreError::Fenced));
    assert_eq!(used(fixture, targets).await, [(0, 60)], "nothing of it happened");
    assert_eq!(settle(late).await.unwrap().len(), 1);
    assert_eq!(used(fixture, targets).await, [(5, 0)]);
}
