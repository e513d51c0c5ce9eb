//! Who runs a session.

use domain::id::SessionId;
use provost_store::{Guard, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    of_several_who_try_at_once_one_becomes_the_owner,
    the_owner_can_stay_until_another_took_over,
    an_owner_that_renewed_since_it_was_judged_stays,
    a_held_session_is_its_owners,
    an_owner_that_lets_go_leaves_the_session_to_the_next,
    owned_sessions_are_listed_by_when_they_expire,
    sessions_whose_owner_is_not_trusted_any_more_are_listed,
}

async fn of_several_who_try_at_once_one_becomes_the_owner(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let seen = fixture.session(session).await;
    let tries: Vec<_> = (0..8)
        .map(|pid| {
            let (store, seen) = (fixture.store.clone(), seen.clone());
            tokio::spawn(async move {
                let lease = sample::lease(pid, sample::time(60));
                store.write(move |tx| tx.team(sample::TEAM).sessions().acquire(&seen, &lease)).await
            })
        })
        .collect();
    let mut winners = Vec::new();
    for (pid, attempt) in (0..).zip(tries) {
        match attempt.await.unwrap() {
            Ok(fence) => winners.push((pid, fence)),
            Err(error) => assert_eq!(error, StoreError::Fenced),
        }
    }
    let [(pid, 1)] = winners[..] else { panic!("{winners:?}") };
    assert_eq!(fixture.session(session).await.lease, Some(sample::lease(pid, sample::time(60))));
}

async fn the_owner_can_stay_until_another_took_over(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    assert_eq!(renew(fixture, session, 0, 70).await, Err(StoreError::Fenced), "nobody owns it");
    let first = fixture.acquire(session, 1, 60).await;
    assert_eq!(renew(fixture, session, first, 70).await, Ok(()));
    assert_eq!(fixture.session(session).await.lease, Some(sample::lease(1, sample::time(70))));
    let second = fixture.acquire(session, 2, 60).await;
    assert!(second > first);
    assert_eq!(renew(fixture, session, first, 80).await, Err(StoreError::Fenced));
    assert_eq!(fixture.session(session).await.lease, Some(sample::lease(2, sample::time(60))));
}

async fn an_owner_that_lets_go_leaves_the_session_to_the_next(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let fence = fixture.acquire(session, 1, 60).await;
    let mut release = sample::change(session, Guard::Fence(fence), Vec::new());
    release.update.release_lease = true;
    fixture.apply(release).await.unwrap();
    let released = fixture.session(session).await;
    assert_eq!((released.lease, released.fence), (None, fence));
    assert_eq!(renew(fixture, session, fence, 70).await, Err(StoreError::Fenced));
    assert_eq!(fixture.acquire(session, 2, 60).await, fence + 1);
}

async fn owned_sessions_are_listed_by_when_they_expire(fixture: &Fixture) {
    let (late, early) = (fixture.insert_session().await, fixture.insert_session().await);
    fixture.insert_session().await;
    for session in [late, early] {
        fixture.acquire(session, 1, 60).await;
    }
    renew(fixture, late, 1, 100).await.unwrap();
    let leased = fixture.store.read(|conn| conn.leases().list()).await.unwrap();
    assert_eq!(leased.iter().map(|session| session.id).collect::<Vec<_>>(), [early, late]);
}

async fn sessions_whose_owner_is_not_trusted_any_more_are_listed(fixture: &Fixture) {
    let (late, early, alive) =
        (fixture.insert_session().await, fixture.insert_session().await, fixture.insert_session().await);
    for (session, until) in [(late, 80), (early, 70), (alive, 90)] {
        fixture.acquire(session, 1, 60).await;
        renew(fixture, session, 1, until).await.unwrap();
    }
    let expired = async |limit| -> Vec<SessionId> {
        let list = fixture.store.read(move |conn| conn.leases().list_expired(sample::time(90), limit)).await;
        list.unwrap().iter().map(|session| session.id).collect()
    };
    assert_eq!(expired(10).await, [early, late]);
    assert_eq!(expired(1).await, [early]);
}

async fn an_owner_that_renewed_since_it_was_judged_stays(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let fence = fixture.acquire(session, 1, 60).await;
    let judged = fixture.session(session).await;
    renew(fixture, session, fence, 90).await.unwrap();
    let lease = sample::lease(2, sample::time(120));
    let taken = fixture.write(move |team| team.sessions().acquire(&judged, &lease)).await;
    assert_eq!(taken, Err(StoreError::Fenced));
    assert_eq!(fixture.session(session).await.lease, Some(sample::lease(1, sample::time(90))));
}

async fn a_held_session_is_its_owners(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (early, late) = (fixture.acquire(session, 1, 60).await, fixture.acquire(session, 2, 90).await);
    let hold = async |id, guard| fixture.write(move |team| team.sessions().hold(id, guard)).await;
    assert_eq!(hold(session, Guard::Anyone).await, Ok(()));
    assert_eq!(hold(session, Guard::Fence(late)).await, Ok(()));
    assert_eq!(hold(session, Guard::Fence(early)).await, Err(StoreError::Fenced));
    let unknown = SessionId::from_uuid(sample::uuid());
    let missing = StoreError::Missing { what: format!("session {unknown}") };
    assert_eq!(hold(unknown, Guard::Anyone).await, Err(missing));
}

async fn renew(fixture: &Fixture, id: SessionId, fence: i64, until: i64) -> Result<(), StoreError> {
    fixture
        .store
        .write(move |tx| tx.team(sample::TEAM).sessions().renew(id, fence, sample::time(until)))
        .await
}
