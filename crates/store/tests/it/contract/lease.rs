//! Who runs a session.

use domain::id::SessionId;
use provost_store::{Guard, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    of_several_who_try_at_once_one_becomes_the_owner,
    the_owner_can_stay_until_another_took_over,
    an_owner_that_lets_go_leaves_the_session_to_the_next,
    owned_sessions_are_listed_by_when_they_expire,
    sessions_whose_owner_is_not_trusted_any_more_are_listed,
}

async fn of_several_who_try_at_once_one_becomes_the_owner(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let tries: Vec<_> = (0..8)
        .map(|pid| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let lease = sample::lease(pid, sample::time(60));
                store.write(move |tx| tx.team(sample::TEAM).sessions().acquire(session, 0, &lease)).await
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
    let first = acquire(fixture, session, 1, 0).await.unwrap();
    assert_eq!(renew(fixture, session, first, 70).await, Ok(()));
    assert_eq!(fixture.session(session).await.lease, Some(sample::lease(1, sample::time(70))));
    let second = acquire(fixture, session, 2, first).await.unwrap();
    assert!(second > first);
    assert_eq!(renew(fixture, session, first, 80).await, Err(StoreError::Fenced));
    assert_eq!(fixture.session(session).await.lease, Some(sample::lease(2, sample::time(60))));
}

async fn an_owner_that_lets_go_leaves_the_session_to_the_next(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let fence = acquire(fixture, session, 1, 0).await.unwrap();
    let mut release = sample::change(session, Guard::Fence(fence), Vec::new());
    release.update.release_lease = true;
    fixture.apply(release).await.unwrap();
    let released = fixture.session(session).await;
    assert_eq!((released.lease, released.fence), (None, fence));
    assert_eq!(renew(fixture, session, fence, 70).await, Err(StoreError::Fenced));
    assert_eq!(acquire(fixture, session, 2, fence).await, Ok(fence + 1));
}

async fn owned_sessions_are_listed_by_when_they_expire(fixture: &Fixture) {
    let (late, early) = (fixture.insert_session().await, fixture.insert_session().await);
    fixture.insert_session().await;
    for session in [late, early] {
        acquire(fixture, session, 1, 0).await.unwrap();
    }
    renew(fixture, late, 1, 100).await.unwrap();
    let leased = fixture.store.read(|conn| conn.leases().list()).await.unwrap();
    assert_eq!(leased.iter().map(|session| session.id).collect::<Vec<_>>(), [early, late]);
}

async fn sessions_whose_owner_is_not_trusted_any_more_are_listed(fixture: &Fixture) {
    let (late, early, alive) =
        (fixture.insert_session().await, fixture.insert_session().await, fixture.insert_session().await);
    for (session, until) in [(late, 80), (early, 70), (alive, 90)] {
        acquire(fixture, session, 1, 0).await.unwrap();
        renew(fixture, session, 1, until).await.unwrap();
    }
    let expired = async |limit| -> Vec<SessionId> {
        let list = fixture.store.read(move |conn| conn.leases().list_expired(sample::time(90), limit)).await;
        list.unwrap().iter().map(|session| session.id).collect()
    };
    assert_eq!(expired(10).await, [early, late]);
    assert_eq!(expired(1).await, [early]);
}

async fn acquire(fixture: &Fixture, id: SessionId, pid: u32, fence: i64) -> Result<i64, StoreError> {
    let lease = sample::lease(pid, sample::time(60));
    fixture.store.write(move |tx| tx.team(sample::TEAM).sessions().acquire(id, fence, &lease)).await
}

async fn renew(fixture: &Fixture, id: SessionId, fence: i64, until: i64) -> Result<(), StoreError> {
    fixture
        .store
        .write(move |tx| tx.team(sample::TEAM).sessions().renew(id, fence, sample::time(until)))
        .await
}
