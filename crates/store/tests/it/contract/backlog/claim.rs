//! Claims: of several one wins, late owners are refused, what nobody extends is ready again.

use std::collections::BTreeSet;

use domain::{id::TaskId, task::Task};
use provost_store::{
    ClaimError, ExpiredClaim, NewClaim, Occasion, ReadyFilter, StatusChange, StoreError, TaskMoveError,
};

use super::{at, later, move_to};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_claim_begins_a_task_under_a_new_fence,
    what_is_not_ready_is_not_claimed,
    of_many_who_claim_one_task_one_wins,
    of_many_who_claim_the_next_task_no_two_get_the_same,
    a_late_owner_is_refused,
    claims_that_nobody_extends_expire,
}

fn claim_of(owner: &str, until: i64) -> NewClaim {
    NewClaim { owner: owner.into(), until: later(until) }
}

async fn claim(fixture: &Fixture, id: TaskId, owner: &str) -> Result<Task, ClaimError> {
    let claim = claim_of(owner, 100);
    fixture.write_backlog(move |team| team.tasks().claim(id, &claim, None, &at(2))).await
}

async fn claim_next(fixture: &Fixture, owner: &str, agent_type: Option<&str>) -> Option<Task> {
    let (claim, filter) =
        (claim_of(owner, 100), ReadyFilter { agent_type: agent_type.map(|name| name.parse().unwrap()) });
    super::claim_next(fixture, filter, claim, 2).await
}

async fn a_claim_begins_a_task_under_a_new_fence(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let id = fixture.add_tasks(Some(feature.id), 1).await[0].id;
    let claimed = claim(fixture, id, "worker-1").await.unwrap();
    assert_eq!((claimed.fence, claimed.claim_owner.as_deref()), (1, Some("worker-1")));
    assert_eq!((claimed.claim_expires_at, claimed.started_at), (Some(later(100)), Some(later(2))));
    assert_eq!(claimed.status.as_str(), "in_progress");
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 50.0);
    let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await;
    assert_eq!(history.items.len(), 2);
    let taken = claim(fixture, id, "worker-2").await;
    let (by, until) = ("worker-1".to_owned(), later(100));
    assert_eq!(taken, Err(ClaimError::Claimed { key: claimed.key, by, until }));
    fixture.write_backlog(move |team| team.tasks().heartbeat(id, 1, later(200))).await.unwrap();
    assert_eq!(fixture.task(id).await.claim_expires_at, Some(later(200)));
    fixture.write_backlog(move |team| team.tasks().release(id, 1, None, &at(3))).await.unwrap();
    let released = fixture.task(id).await;
    assert_eq!((released.status.as_str(), released.claim_owner, released.fence), ("todo", None, 1));
    let seen_before =
        fixture.write_backlog(move |team| team.tasks().claim(id, &claim_of("late", 9), Some(0), &at(3)));
    assert!(matches!(seen_before.await, Err(ClaimError::Overtaken { .. })));
    let seen_now =
        fixture.write_backlog(move |team| team.tasks().claim(id, &claim_of("worker-2", 99), Some(1), &at(3)));
    assert_eq!(seen_now.await.unwrap().fence, 2);
}

async fn what_is_not_ready_is_not_claimed(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 3).await;
    fixture.move_task(tasks[0].id, "blocked", 2).await.unwrap();
    assert!(matches!(claim(fixture, tasks[0].id, "a").await, Err(ClaimError::NotReady { .. })));
    fixture.depend(tasks[1].id, tasks[2].id).await.unwrap();
    let waiting = claim(fixture, tasks[1].id, "a").await;
    assert_eq!(waiting, Err(ClaimError::Waiting { key: tasks[1].key, open: 1 }));
    let absent = claim(fixture, TaskId::from_uuid(sample::uuid()), "a").await;
    assert!(matches!(absent, Err(ClaimError::Store(StoreError::Missing { .. }))));
    let (other, id) = (fixture.other_team().await, tasks[2].id);
    let foreign =
        fixture.store.write(move |tx| tx.team(other).tasks().claim(id, &claim_of("a", 9), None, &at(2)));
    assert!(matches!(foreign.await, Err(ClaimError::Store(StoreError::Missing { .. }))));
    assert_eq!(claim_next(fixture, "a", None).await.map(|task| task.id), Some(tasks[2].id));
    assert_eq!(claim_next(fixture, "b", None).await, None);
}

/// Starts as many claimants as there are owners, all at once.
async fn race<T: Send + 'static>(
    fixture: &Fixture,
    owners: usize,
    work: impl Fn(provost_store::Scope<'_, provost_store::Tx<'_>>, NewClaim) -> Result<T, ClaimError>
    + Clone
    + Send
    + 'static,
) -> Vec<Result<T, ClaimError>> {
    let claimants: Vec<_> = (0..owners)
        .map(|owner| {
            let (store, work, claim) =
                (fixture.store.clone(), work.clone(), claim_of(&format!("worker-{owner}"), 100));
            tokio::spawn(async move {
                loop {
                    let (work, claim) = (work.clone(), claim.clone());
                    let outcome = store.write(move |tx| work(tx.team(sample::TEAM), claim)).await;
                    match outcome {
                        Err(ClaimError::Store(error)) if error.is_retryable() => {}
                        outcome => return outcome,
                    }
                }
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for claimant in claimants {
        outcomes.push(claimant.await.unwrap());
    }
    outcomes
}

async fn of_many_who_claim_one_task_one_wins(fixture: &Fixture) {
    for id in fixture.add_tasks(None, 5).await.iter().map(|task| task.id) {
        let outcomes =
            race(fixture, 12, move |team, claim| team.tasks().claim(id, &claim, None, &at(2))).await;
        let winners: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
        let [winner] = winners.as_slice() else { panic!("{outcomes:?}") };
        assert_eq!((winner.fence, &fixture.task(id).await), (1, *winner));
        let is_fair =
            |error: &ClaimError| matches!(error, ClaimError::Claimed { .. } | ClaimError::Overtaken { .. });
        assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).all(is_fair), "{outcomes:?}");
        let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await;
        assert_eq!(history.items.len(), 2);
    }
}

async fn ready_ids(fixture: &Fixture) -> Vec<TaskId> {
    fixture.read_backlog(|team| team.tasks().list_ready_ids(&ReadyFilter::default(), later(2), 99)).await
}

async fn of_many_who_claim_the_next_task_no_two_get_the_same(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    fixture.add_tasks(Some(feature.id), 10).await;
    let ids = ready_ids(fixture).await;
    let outcomes =
        race(fixture, 14, move |team, claim| Ok(team.tasks().claim_first(&ids, &claim, &at(2))?));
    let claimed: Vec<_> = outcomes.await.into_iter().filter_map(|outcome| outcome.unwrap()).collect();
    assert_eq!(claimed.len(), 10);
    assert_eq!(claimed.iter().map(|task| task.id).collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(claimed.iter().map(|task| task.claim_owner.clone()).collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 50.0);
    fixture.assert_whole().await;
}

async fn a_late_owner_is_refused(fixture: &Fixture) {
    let id = fixture.add_tasks(None, 1).await[0].id;
    claim(fixture, id, "first").await.unwrap();
    fixture.move_task(id, "todo", 3).await.unwrap();
    claim(fixture, id, "second").await.unwrap();
    let beat = fixture.write_backlog(move |team| team.tasks().heartbeat(id, 1, later(500))).await;
    assert_eq!(beat, Err(ClaimError::Ended { id }));
    let release = fixture.write_backlog(move |team| team.tasks().release(id, 1, None, &at(4))).await;
    assert!(matches!(release, Err(TaskMoveError::ClaimEnded { .. })), "{release:?}");
    let finish = |fence| StatusChange { fence: Some(fence), ..move_to("ready_for_review") };
    let (late, right) = (finish(1), finish(2));
    let finished = fixture.write_backlog(move |team| team.tasks().change_status(id, &late, &at(4))).await;
    assert!(matches!(finished, Err(TaskMoveError::ClaimEnded { .. })), "{finished:?}");
    fixture.write_backlog(move |team| team.tasks().change_status(id, &right, &at(5))).await.unwrap();
    let finished = fixture.task(id).await;
    assert_eq!((finished.claim_owner, finished.claim_expires_at, finished.fence), (None, None, 2));
    let beat = fixture.write_backlog(move |team| team.tasks().heartbeat(id, 2, later(500))).await;
    assert_eq!(beat, Err(ClaimError::Ended { id }));
}

async fn claims_that_nobody_extends_expire(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 3).await;
    for (task, until) in tasks.iter().zip([50, 40, 200]) {
        let (id, claim) = (task.id, claim_of("worker", until));
        fixture.write_backlog(move |team| team.tasks().claim(id, &claim, None, &at(2))).await.unwrap();
    }
    let expire = async |limit, seconds| {
        let look = move |tx: &provost_store::Tx<'_>| {
            let occasion = Occasion { actor: "system:claims", ..at(seconds) };
            tx.task_claims().expire(limit, &occasion)
        };
        fixture.store.write(look).await.unwrap()
    };
    assert_eq!(expire(9, 39).await, []);
    let expected = |task: &Task| ExpiredClaim {
        team_id: sample::TEAM,
        task_id: task.id,
        key: task.key,
        owner: "worker".into(),
    };
    assert_eq!(expire(1, 60).await, [expected(&tasks[1])]);
    assert_eq!(expire(9, 60).await, [expected(&tasks[0])]);
    assert_eq!(expire(9, 60).await, []);
    let (first, third) = (fixture.task(tasks[0].id).await, fixture.task(tasks[2].id).await);
    assert_eq!((first.status.as_str(), first.claim_owner), ("todo", None));
    assert_eq!(third.status.as_str(), "in_progress");
    let id = tasks[0].id;
    let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await.items;
    let last = history.last().unwrap();
    assert_eq!((last.actor.as_str(), last.forced), ("system:claims", false));
    assert_eq!(last.notes.as_deref(), Some("the claim of worker expired"));
    let beat = fixture.write_backlog(move |team| team.tasks().heartbeat(id, 1, later(500))).await;
    assert_eq!(beat, Err(ClaimError::Ended { id }));
}
