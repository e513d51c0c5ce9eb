//! What work cost, and its sums.

use domain::{
    cost::{CostEntry, CostSource, CostTotal},
    id::{AgentId, CostEntryId, SessionId, TaskId, UserId},
    money::MicroUsd,
    time::Timestamp,
    usage::TokenUsage,
};
use proptest::{
    strategy::{Strategy, ValueTree as _},
    test_runner::TestRunner,
};
use provost_store::{CostFilter, CostGroup, CostKey, CostSum, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_cost_is_found_as_it_was_added,
    costs_that_cannot_be_leave_nothing_behind,
    costs_are_filtered_by_everything_they_carry,
    another_team_sees_no_costs,
    costs_are_listed_in_stable_pages,
    sums_of_children_are_their_parents,
    unknown_costs_are_counted_and_not_summed,
    days_are_those_of_utc_also_before_the_epoch,
    the_dearest_come_first,
    costs_are_only_ever_added,
    no_maintenance_changes_an_amount,
}

pub(super) fn entry(micros: i64, seconds: i64) -> CostEntry {
    CostEntry {
        id: CostEntryId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        session_id: None,
        user_id: None,
        agent_id: None,
        task_id: None,
        model: None,
        usage: TokenUsage::default(),
        cost: Some(MicroUsd::from_micros(micros)),
        source: CostSource::Reported,
        at: sample::time(seconds),
    }
}

pub(super) async fn insert(fixture: &Fixture, entries: &[CostEntry]) -> Result<(), StoreError> {
    let entries = entries.to_vec();
    fixture.store.write(move |tx| tx.team(sample::TEAM).costs().insert_all(&entries)).await
}

async fn list(fixture: &Fixture, filter: CostFilter) -> Vec<CostEntry> {
    fixture
        .store
        .read(move |conn| conn.team(sample::TEAM).costs().list(&filter, None, 1000))
        .await
        .unwrap()
        .items
}

pub(super) async fn total(fixture: &Fixture, filter: CostFilter) -> CostTotal {
    fixture.store.read(move |conn| conn.team(sample::TEAM).costs().total(&filter)).await.unwrap()
}

async fn sums(fixture: &Fixture, group: CostGroup, limit: u32) -> Vec<CostSum> {
    let sums = move |conn: &provost_store::Conn| {
        conn.team(sample::TEAM).costs().sums(group, &CostFilter::default(), limit)
    };
    fixture.store.read(sums).await.unwrap()
}

fn full(source: CostSource) -> CostEntry {
    CostEntry {
        session_id: Some(SessionId::from_uuid(sample::uuid())),
        user_id: Some(UserId::from_uuid(sample::uuid())),
        agent_id: Some(AgentId::from_uuid(sample::uuid())),
        task_id: Some(TaskId::from_uuid(sample::uuid())),
        model: Some(format!("model-{source}")),
        usage: TokenUsage {
            input_tokens: 1,
            output_tokens: 2,
            cache_creation_tokens: 3,
            cache_read_tokens: 4,
        },
        source,
        ..entry(5, 10)
    }
}

async fn a_cost_is_found_as_it_was_added(fixture: &Fixture) {
    let mut added = vec![CostEntry { cost: None, ..entry(0, 1) }];
    added.extend(CostSource::ALL.iter().map(|source| full(*source)));
    insert(fixture, &added).await.unwrap();
    added.reverse();
    assert_eq!(list(fixture, CostFilter::default()).await, added);
}

async fn costs_that_cannot_be_leave_nothing_behind(fixture: &Fixture) {
    let good = entry(1, 1);
    let too_many = TokenUsage { cache_read_tokens: 1_000_000_000_001, ..TokenUsage::default() };
    let bad = [
        (entry(-1, 1), "cost_usd_micros"),
        (CostEntry { usage: too_many, ..entry(1, 1) }, "cache_read_tokens"),
    ];
    for (bad, named) in bad {
        let refused = insert(fixture, &[good.clone(), bad]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field, .. }) if field == named), "{refused:?}");
    }
    let other = fixture.other_team().await;
    let foreign = insert(fixture, &[good.clone(), CostEntry { team_id: other, ..entry(1, 1) }]).await;
    assert!(matches!(foreign, Err(StoreError::Conflict { .. })), "{foreign:?}");
    let twice = insert(fixture, &[good.clone(), good]).await;
    assert!(matches!(twice, Err(StoreError::Conflict { .. })), "{twice:?}");
    assert_eq!(total(fixture, CostFilter::default()).await, CostTotal::default());
}

async fn costs_are_filtered_by_everything_they_carry(fixture: &Fixture) {
    let [wanted, other] =
        [full(CostSource::Reported), CostEntry { at: sample::time(20), ..full(CostSource::Imported) }];
    insert(fixture, &[wanted.clone(), other, entry(1, 30)]).await.unwrap();
    let none = CostFilter::default;
    let filters = [
        CostFilter { to: Some(sample::time(20)), ..none() },
        CostFilter { session_id: wanted.session_id, ..none() },
        CostFilter { user_id: wanted.user_id, ..none() },
        CostFilter { agent_id: wanted.agent_id, ..none() },
        CostFilter { task_id: wanted.task_id, ..none() },
        CostFilter { model: wanted.model.clone(), ..none() },
        CostFilter { source: Some(CostSource::Reported), to: Some(sample::time(30)), ..none() },
        CostFilter { from: Some(sample::time(10)), session_id: wanted.session_id, ..none() },
    ];
    for filter in filters {
        assert_eq!(list(fixture, filter.clone()).await, std::slice::from_ref(&wanted), "{filter:?}");
        assert_eq!(total(fixture, filter).await, [&wanted].into_iter().collect());
    }
    let from_the_end = CostFilter { from: Some(sample::time(20)), ..none() };
    assert_eq!(total(fixture, from_the_end).await.entries, 2, "from is included, to is not");
}

async fn another_team_sees_no_costs(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let own = full(CostSource::Reported);
    insert(fixture, std::slice::from_ref(&own)).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let costs = conn.team(other).costs();
        let filter = CostFilter { session_id: own.session_id, ..CostFilter::default() };
        let sums = costs.sums(CostGroup::Session, &filter, 10)?;
        Ok::<_, StoreError>((costs.list(&filter, None, 10)?.items, costs.total(&filter)?, sums))
    });
    assert_eq!(seen.await, Ok((Vec::new(), CostTotal::default(), Vec::new())));
}

async fn costs_are_listed_in_stable_pages(fixture: &Fixture) {
    let mut added: Vec<_> = (0..5).map(|number| entry(number, number / 2)).collect();
    insert(fixture, &added).await.unwrap();
    added.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let list = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).costs().list(&CostFilter::default(), after, 2)
        };
        let page = fixture.store.read(list).await.unwrap();
        seen.extend(page.items);
        insert(fixture, &[entry(9, 100)]).await.unwrap();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, added);
}

/// Some entries with few different models, sessions, days and so on, so that they fall into groups.
fn entries() -> impl Strategy<Value = Vec<CostEntry>> {
    fn few<T: Clone + std::fmt::Debug + 'static>(
        id: fn(uuid::Uuid) -> T,
    ) -> impl Strategy<Value = Option<T>> {
        proptest::option::of((1..4_u128).prop_map(move |n| id(uuid::Uuid::from_u128(n))))
    }
    let tokens = || 0..1_000_000_i64;
    let one = (
        (few(SessionId::from_uuid), few(UserId::from_uuid), few(AgentId::from_uuid), few(TaskId::from_uuid)),
        proptest::option::of("[aB-]{1,2}"),
        (tokens(), tokens(), tokens(), tokens()),
        proptest::option::of(0..1_000_000_000_i64),
        proptest::sample::select(CostSource::ALL),
        -200_000_000_000..200_000_000_000_i64,
    );
    let one = one.prop_map(|(ids, model, tokens, cost, source, micros)| CostEntry {
        session_id: ids.0,
        user_id: ids.1,
        agent_id: ids.2,
        task_id: ids.3,
        model,
        usage: TokenUsage {
            input_tokens: tokens.0,
            output_tokens: tokens.1,
            cache_creation_tokens: tokens.2,
            cache_read_tokens: tokens.3,
        },
        cost: cost.map(MicroUsd::from_micros),
        source,
        at: Timestamp::from_micros(micros),
        ..entry(0, 0)
    });
    proptest::collection::vec(one, 150..250)
}

fn key(group: CostGroup, entry: &CostEntry) -> Option<CostKey> {
    const DAY: i64 = 86_400_000_000;
    match group {
        CostGroup::Day => {
            let day = entry.at.as_micros().div_euclid(DAY);
            Some(CostKey::Day(Timestamp::from_micros(day * DAY)))
        }
        CostGroup::Model => entry.model.clone().map(CostKey::Model),
        CostGroup::Session => entry.session_id.map(CostKey::Session),
        CostGroup::User => entry.user_id.map(CostKey::User),
        CostGroup::Agent => entry.agent_id.map(CostKey::Agent),
        CostGroup::Task => entry.task_id.map(CostKey::Task),
        CostGroup::Source => Some(CostKey::Source(entry.source)),
    }
}

const GROUPS: [CostGroup; 7] = [
    CostGroup::Day,
    CostGroup::Model,
    CostGroup::Session,
    CostGroup::User,
    CostGroup::Agent,
    CostGroup::Task,
    CostGroup::Source,
];

async fn sums_of_children_are_their_parents(fixture: &Fixture) {
    let mut runner = TestRunner::default();
    let mut added = Vec::new();
    for _ in 0..3 {
        let more = entries().new_tree(&mut runner).unwrap().current();
        insert(fixture, &more).await.unwrap();
        added.extend(more);
        let whole = total(fixture, CostFilter::default()).await;
        assert_eq!(whole, added.iter().collect());
        for group in GROUPS {
            let sums = sums(fixture, group, 100).await;
            let together = sums.iter().fold(CostTotal::default(), |all, sum| all.saturating_add(sum.total));
            assert_eq!(together, whole, "{group:?}");
            for sum in sums {
                let own = added.iter().filter(|entry| key(group, entry) == sum.key);
                assert_eq!(sum.total, own.collect(), "{group:?} {:?}", sum.key);
            }
        }
    }
}

async fn unknown_costs_are_counted_and_not_summed(fixture: &Fixture) {
    let usage = TokenUsage { input_tokens: 7, ..TokenUsage::default() };
    let unknown = CostEntry { cost: None, usage, ..entry(0, 1) };
    insert(fixture, &[unknown]).await.unwrap();
    let nothing_known = CostTotal { entries: 1, unknown_costs: 1, usage, ..CostTotal::default() };
    assert_eq!(total(fixture, CostFilter::default()).await, nothing_known);
    insert(fixture, &[entry(0, 1), entry(5, 1)]).await.unwrap();
    let sums = sums(fixture, CostGroup::Model, 10).await;
    let known = CostTotal { entries: 3, cost: MicroUsd::from_micros(5), ..nothing_known };
    assert_eq!(sums, [CostSum { key: None, total: known }]);
}

async fn days_are_those_of_utc_also_before_the_epoch(fixture: &Fixture) {
    let times = [
        "1969-12-30T23:59:59.999999Z",
        "1969-12-31T00:00:00Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "2024-02-29T23:59:59.999999Z",
        "2024-03-01T00:00:00Z",
    ];
    let added: Vec<_> = times.iter().map(|at| CostEntry { at: at.parse().unwrap(), ..entry(1, 0) }).collect();
    insert(fixture, &added).await.unwrap();
    let days = async |limit| {
        let sums = sums(fixture, CostGroup::Day, limit).await;
        let day = |sum: &CostSum| match &sum.key {
            Some(CostKey::Day(day)) => (day.to_string()[..10].to_owned(), sum.total.entries),
            key => panic!("{key:?}"),
        };
        sums.iter().map(day).collect::<Vec<_>>()
    };
    let expected =
        [("1969-12-30", 1), ("1969-12-31", 2), ("1970-01-01", 1), ("2024-02-29", 1), ("2024-03-01", 1)]
            .map(|(day, entries)| (day.to_owned(), entries));
    assert_eq!(days(10).await, expected);
    assert_eq!(days(2).await, expected[..2]);
}

async fn the_dearest_come_first(fixture: &Fixture) {
    let of = |model: &str, micros| CostEntry { model: Some(model.into()), ..entry(micros, 1) };
    let unknown = CostEntry { cost: None, ..of("free", 0) };
    insert(fixture, &[of("b", 2), of("B", 2), of("a", 3), of("a-b", 2), of("b", 2), entry(2, 1), unknown])
        .await
        .unwrap();
    let models = sums(fixture, CostGroup::Model, 10).await;
    let names: Vec<_> = models
        .iter()
        .map(|sum| match &sum.key {
            Some(CostKey::Model(name)) => name.as_str(),
            _ => "none",
        })
        .collect();
    assert_eq!(names, ["b", "a", "B", "a-b", "none", "free"], "equal ones by name");
    let dearest = sums(fixture, CostGroup::Model, 1).await;
    assert_eq!(dearest, models[..1]);
}

async fn costs_are_only_ever_added(fixture: &Fixture) {
    insert(fixture, &[full(CostSource::Reported)]).await.unwrap();
    let before = list(fixture, CostFilter::default()).await;
    let mut statements = vec![
        "UPDATE cost_entries SET cost_usd_micros = 0",
        "UPDATE cost_entries SET session_id = NULL",
        "DELETE FROM cost_entries",
    ];
    statements.extend(fixture.place().pick("", "TRUNCATE cost_entries").split_terminator(';'));
    for statement in statements {
        let error = fixture.place().raw(statement).unwrap_err();
        assert!(error.contains("cost_entries is append-only"), "{error}");
    }
    assert_eq!(list(fixture, CostFilter::default()).await, before);
}

async fn no_maintenance_changes_an_amount(fixture: &Fixture) {
    insert(fixture, &[full(CostSource::Reported)]).await.unwrap();
    let error = fixture.maintain_raw("UPDATE cost_entries SET cost_usd_micros = 0").unwrap_err();
    assert!(error.contains("cost_entries is append-only"), "{error}");
    assert_eq!(fixture.maintain_raw("UPDATE cost_entries SET session_id = NULL"), Ok(()));
}
