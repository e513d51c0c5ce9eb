//! The background queue.

use std::collections::BTreeSet;

use domain::{
    id::{SessionId, TeamId},
    priority::Priority,
    session::{Session, SessionMode},
    session_status::SessionStatus,
};
use provost_store::{Guard, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    the_first_is_the_most_urgent_and_then_the_oldest_of_all_teams,
    of_many_workers_at_once_no_two_get_the_same,
    one_session_has_one_winner,
    a_session_given_back_waits_for_its_time,
    only_its_owner_gives_a_session_back,
    a_cancelled_session_is_not_taken,
    what_runs_or_waits_already_is_not_queued,
    a_deleted_session_is_not_taken,
    a_session_that_ended_or_that_somebody_runs_is_not_taken,
    a_session_whose_worker_died_before_it_connected_waits_again_in_its_place,
    a_session_that_connects_waits_no_more,
    nothing_of_a_deleted_team_is_taken,
    of_ten_thousand_that_wait_each_is_taken_once_and_the_first_first,
}

async fn insert(fixture: &Fixture, team: TeamId) -> SessionId {
    let session = Session { mode: SessionMode::Background, ..sample::session(team) };
    let id = session.id;
    fixture.store.write(move |tx| tx.team(team).sessions().insert(&session)).await.unwrap();
    id
}

async fn enqueue(fixture: &Fixture, id: SessionId, priority: i64, at: i64) -> Result<(), StoreError> {
    let priority = Priority::try_from(priority).unwrap();
    fixture.write(move |team| team.sessions().enqueue(id, priority, sample::time(at))).await
}

async fn queued(fixture: &Fixture, priority: i64, at: i64) -> SessionId {
    let id = insert(fixture, fixture.team).await;
    enqueue(fixture, id, priority, at).await.unwrap();
    id
}

async fn claim(fixture: &Fixture, now: i64) -> Option<Session> {
    let lease = sample::lease(1, sample::time(now + 30));
    fixture.store.write(move |tx| tx.session_queue().claim_next(&lease, sample::time(now))).await.unwrap()
}

async fn claimed_id(fixture: &Fixture, now: i64) -> Option<SessionId> {
    claim(fixture, now).await.map(|session| session.id)
}

async fn the_first_is_the_most_urgent_and_then_the_oldest_of_all_teams(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let late = queued(fixture, 5, 20).await;
    let relaxed = queued(fixture, 10, 1).await;
    let urgent = queued(fixture, 1, 30).await;
    let foreign = insert(fixture, other).await;
    let enqueue = move |tx: &provost_store::Tx<'_>| {
        tx.team(other).sessions().enqueue(foreign, Priority::DEFAULT, sample::time(10))
    };
    fixture.store.write(enqueue).await.unwrap();
    let first = claim(fixture, 100).await.unwrap();
    assert_eq!(first.id, urgent);
    assert_eq!(first.lease, Some(sample::lease(1, sample::time(130))));
    assert_eq!((first.fence, first.priority), (1, Priority::HIGHEST));
    assert_eq!(fixture.session(urgent).await, first);
    for expected in [foreign, late, relaxed] {
        assert_eq!(claimed_id(fixture, 100).await, Some(expected));
    }
    assert_eq!(claim(fixture, 100).await, None);
}

async fn of_many_workers_at_once_no_two_get_the_same(fixture: &Fixture) {
    const SESSIONS: usize = 30;
    let mut waiting = BTreeSet::new();
    for number in 0..SESSIONS {
        waiting.insert(queued(fixture, i64::try_from(number % 3).unwrap() + 1, 0).await);
    }
    let workers: Vec<_> = (0..12)
        .map(|worker| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let mut own = Vec::new();
                loop {
                    let lease = sample::lease(worker, sample::time(60));
                    let claimed =
                        store.write(move |tx| tx.session_queue().claim_next(&lease, sample::time(1))).await;
                    match claimed.unwrap() {
                        Some(session) => own.push((worker, session)),
                        None => return own,
                    }
                }
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), SESSIONS, "nobody got one twice");
    for (worker, session) in &claimed {
        assert_eq!(session.lease, Some(sample::lease(*worker, sample::time(60))));
        assert_eq!(fixture.session(session.id).await.lease, session.lease);
    }
    assert_eq!(claimed.iter().map(|(_, session)| session.id).collect::<BTreeSet<_>>(), waiting);
}

async fn one_session_has_one_winner(fixture: &Fixture) {
    let id = queued(fixture, 5, 0).await;
    let workers: Vec<_> = (0..16)
        .map(|worker| {
            let store = fixture.store.clone();
            let lease = sample::lease(worker, sample::time(60));
            tokio::spawn(async move {
                store.write(move |tx| tx.session_queue().claim_next(&lease, sample::time(1))).await.unwrap()
            })
        })
        .collect();
    let mut winners = Vec::new();
    for worker in workers {
        winners.extend(worker.await.unwrap().map(|session| (session.id, session.fence)));
    }
    assert_eq!(winners, [(id, 1)]);
}

async fn requeue(
    fixture: &Fixture,
    id: SessionId,
    fence: i64,
    next: i64,
    at: i64,
) -> Result<u32, StoreError> {
    let (next, at) = (sample::time(next), sample::time(at));
    fixture.write(move |team| team.sessions().requeue(id, fence, next, at)).await
}

async fn a_session_given_back_waits_for_its_time(fixture: &Fixture) {
    let (first, second) = (queued(fixture, 1, 0).await, queued(fixture, 2, 0).await);
    for attempt in 1..3 {
        let now = i64::from(attempt) * 100;
        let session = claim(fixture, now).await.unwrap();
        assert_eq!((session.id, session.attempts), (first, attempt - 1));
        assert_eq!(requeue(fixture, first, session.fence, now + 50, now).await, Ok(attempt));
        let waiting = fixture.session(first).await;
        assert_eq!((waiting.lease, waiting.queued_at), (None, Some(sample::time(now))));
    }
    assert_eq!(claimed_id(fixture, 249).await, Some(second), "the first may not be tried yet");
    assert_eq!(claimed_id(fixture, 249).await, None);
    assert_eq!(claimed_id(fixture, 250).await, Some(first));
    let taken = fixture.session(first).await;
    assert_eq!((taken.attempts, taken.next_attempt_at), (2, Some(sample::time(250))));
}

async fn only_its_owner_gives_a_session_back(fixture: &Fixture) {
    let id = queued(fixture, 5, 0).await;
    assert_eq!(requeue(fixture, id, 0, 9, 9).await, Err(StoreError::Fenced), "nobody owns it");
    let fence = claim(fixture, 1).await.unwrap().fence;
    assert_eq!(requeue(fixture, id, fence - 1, 9, 9).await, Err(StoreError::Fenced));
    let begun = sample::moved(id, SessionStatus::Created, SessionStatus::Connecting);
    fixture.change(id, vec![begun]).await.unwrap();
    let refused = requeue(fixture, id, fence, 9, 9).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { .. }), "it runs: {refused}");
    let ended = sample::moved(id, SessionStatus::Connecting, SessionStatus::Paused);
    fixture.change(id, vec![ended]).await.unwrap();
    assert_eq!(requeue(fixture, id, fence, 9, 9).await, Ok(1));
}

async fn a_cancelled_session_is_not_taken(fixture: &Fixture) {
    let id = queued(fixture, 5, 0).await;
    let cancel = async || fixture.write(move |team| team.sessions().cancel_queued(id, sample::time(2))).await;
    assert_eq!(cancel().await, Ok(()));
    assert_eq!(claim(fixture, 3).await, None);
    let again = cancel().await.unwrap_err();
    assert!(matches!(again, StoreError::Conflict { .. }), "{again}");
    enqueue(fixture, id, 5, 4).await.unwrap();
    assert_eq!(claimed_id(fixture, 5).await, Some(id));
    let unknown = SessionId::from_uuid(sample::uuid());
    let missing = fixture.write(move |team| team.sessions().cancel_queued(unknown, sample::time(2))).await;
    assert_eq!(missing, Err(StoreError::Missing { what: format!("session {unknown}") }));
}

async fn what_runs_or_waits_already_is_not_queued(fixture: &Fixture) {
    let waiting = queued(fixture, 5, 0).await;
    let twice = enqueue(fixture, waiting, 1, 1).await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
    for &status in SessionStatus::ALL {
        let session = Session { status, ..sample::session(fixture.team) };
        let id = session.id;
        fixture.write(move |team| team.sessions().insert(&session)).await.unwrap();
        let is_accepted = !status.is_running() && status != SessionStatus::Archived;
        assert_eq!(enqueue(fixture, id, 5, 1).await.is_ok(), is_accepted, "{status}");
    }
    let unknown = SessionId::from_uuid(sample::uuid());
    let missing = enqueue(fixture, unknown, 5, 1).await;
    assert_eq!(missing, Err(StoreError::Missing { what: format!("session {unknown}") }));
}

async fn a_deleted_session_is_not_taken(fixture: &Fixture) {
    let id = queued(fixture, 5, 0).await;
    fixture.write(move |team| team.sessions().delete(id, "user:ada", sample::time(1))).await.unwrap();
    assert_eq!(claim(fixture, 2).await, None);
}

async fn a_session_that_ended_or_that_somebody_runs_is_not_taken(fixture: &Fixture) {
    let (ended, taken) = (queued(fixture, 5, 0).await, queued(fixture, 5, 0).await);
    let ends = sample::moved(ended, SessionStatus::Created, SessionStatus::Terminated);
    fixture.change(ended, vec![ends]).await.unwrap();
    fixture.acquire(taken, 7, 60).await;
    assert_eq!(claim(fixture, 3).await, None);
    assert_eq!(fixture.session(taken).await.lease, Some(sample::lease(7, sample::time(60))));
}

async fn a_session_whose_worker_died_before_it_connected_waits_again_in_its_place(fixture: &Fixture) {
    let (first, second) = (queued(fixture, 5, 0).await, queued(fixture, 5, 1).await);
    let taken = claim(fixture, 2).await.unwrap();
    assert_eq!(taken.id, first);
    let vacate = async |seen: Session| {
        fixture.write(move |team| team.sessions().vacate(&seen, sample::time(40))).await
    };
    fixture.write(move |team| team.sessions().renew(first, taken.fence, sample::time(60))).await.unwrap();
    assert_eq!(vacate(taken.clone()).await, Err(StoreError::Fenced), "it was not dead");
    let cancelled = fixture.write(move |team| team.sessions().cancel_queued(first, sample::time(3))).await;
    assert!(matches!(cancelled, Err(StoreError::Conflict { .. })), "a worker has it: {cancelled:?}");
    assert_eq!(vacate(fixture.session(first).await).await, Ok(()));
    let late = sample::moved(first, SessionStatus::Created, SessionStatus::Connecting);
    let late = sample::change(first, Guard::Fence(taken.fence), vec![late]);
    assert_eq!(fixture.apply(late).await, Err(StoreError::Fenced));
    let again = claim(fixture, 50).await.unwrap();
    assert_eq!((again.id, again.queued_at, again.attempts), (first, taken.queued_at, 0));
    assert_eq!(claimed_id(fixture, 50).await, Some(second));
}

async fn a_session_that_connects_waits_no_more(fixture: &Fixture) {
    let id = queued(fixture, 5, 0).await;
    claim(fixture, 1).await.unwrap();
    let connects = sample::moved(id, SessionStatus::Created, SessionStatus::Connecting);
    fixture.change(id, vec![connects]).await.unwrap();
    let running = fixture.session(id).await;
    assert_eq!((running.queued_at, running.next_attempt_at), (None, None));
    let vacated = fixture.write(move |team| team.sessions().vacate(&running, sample::time(40))).await;
    assert_eq!(vacated, Err(StoreError::Fenced), "what runs is not given away");
}

async fn nothing_of_a_deleted_team_is_taken(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let foreign = insert(fixture, other).await;
    let own = queued(fixture, 5, 10).await;
    let delete = move |tx: &provost_store::Tx<'_>| {
        tx.team(other).sessions().enqueue(foreign, Priority::HIGHEST, sample::time(1))?;
        tx.teams().delete(other, sample::time(2))
    };
    fixture.store.write(delete).await.unwrap();
    assert_eq!((claimed_id(fixture, 20).await, claimed_id(fixture, 20).await), (Some(own), None));
}

async fn of_ten_thousand_that_wait_each_is_taken_once_and_the_first_first(fixture: &Fixture) {
    const WAITING: i64 = 10_000;
    let team = fixture.team;
    for batch in 0..WAITING / 500 {
        let insert = move |tx: &provost_store::Tx<'_>| {
            (0..500).try_for_each(|number| {
                let session = Session { mode: SessionMode::Background, ..sample::session(team) };
                tx.team(team).sessions().insert(&session)?;
                let priority = Priority::try_from(1 + (number % 10)).unwrap();
                tx.team(team).sessions().enqueue(session.id, priority, sample::time(batch))
            })
        };
        fixture.store.write(insert).await.unwrap();
    }
    let first = claim(fixture, WAITING).await.unwrap();
    assert_eq!((first.priority.get(), first.queued_at), (1, Some(sample::time(0))));
    let workers: Vec<_> = (0..8)
        .map(|worker| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                loop {
                    let lease = sample::lease(worker, sample::time(WAITING + 30));
                    let claim =
                        store.write(move |tx| tx.session_queue().claim_next(&lease, sample::time(WAITING)));
                    match claim.await.unwrap() {
                        Some(session) => taken.push(session.id),
                        None => return taken,
                    }
                }
            })
        })
        .collect();
    let mut taken = vec![first.id];
    for worker in workers {
        taken.extend(worker.await.unwrap());
    }
    let count = taken.len();
    assert_eq!(count, usize::try_from(WAITING).unwrap());
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len(), count, "each once");
}
