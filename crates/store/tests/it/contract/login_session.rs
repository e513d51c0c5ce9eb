//! Browsers that are logged in.

use domain::{digest::Sha256Digest, login_session::LoginSession, user::User};
use provost_store::{Login, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_login_is_found_with_who_it_is,
    a_cookie_exists_once_and_for_somebody,
    a_login_of_somebody_inactive_or_gone_opens_nothing,
    a_browser_is_seen_later_and_later,
    a_login_is_ended_by_its_person_only,
    all_logins_of_a_person_end_at_once,
    expired_logins_are_removed_a_few_at_a_time,
    logins_are_listed_newest_first,
}

async fn insert(fixture: &Fixture, session: &LoginSession) -> Result<(), StoreError> {
    let session = session.clone();
    fixture.store.write(move |tx| tx.login_sessions().insert(&session)).await
}

async fn find(fixture: &Fixture, cookie: &str) -> Option<Login> {
    let digest = Sha256Digest::of(cookie.as_bytes());
    fixture.store.read(move |conn| conn.login_sessions().find_by_digest(&digest)).await.unwrap()
}

/// Somebody besides the fixture's user.
async fn somebody(fixture: &Fixture, email: &str) -> User {
    let user = sample::user(email);
    let added = user.clone();
    fixture.store.write(move |tx| tx.users().insert(&added)).await.unwrap();
    user
}

async fn a_login_is_found_with_who_it_is(fixture: &Fixture) {
    let user = somebody(fixture, "ada@example.org").await;
    for (cookie, ip) in [("a", Some("192.0.2.7")), ("b", Some("2001:db8::1")), ("c", None)] {
        let session = LoginSession {
            user_agent: ip.map(|_| "Mozilla/5.0".parse().unwrap()),
            ip: ip.map(|ip| ip.parse().unwrap()),
            ..sample::login(user.id, cookie)
        };
        insert(fixture, &session).await.unwrap();
        let login = find(fixture, cookie).await.unwrap();
        assert_eq!(login, Login { session, user: user.clone() });
        assert!(login.is_usable(sample::time(99)));
        assert!(!login.is_usable(sample::time(100)), "expired");
    }
    assert_eq!(find(fixture, "another").await, None);
}

async fn a_cookie_exists_once_and_for_somebody(fixture: &Fixture) {
    insert(fixture, &sample::login(fixture.user, "a")).await.unwrap();
    let nobody = domain::id::UserId::from_uuid(sample::uuid());
    for session in [sample::login(fixture.user, "a"), sample::login(nobody, "b")] {
        let refused = insert(fixture, &session).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
}

async fn a_login_of_somebody_inactive_or_gone_opens_nothing(fixture: &Fixture) {
    let (inactive, gone) = (somebody(fixture, "a@b").await.id, somebody(fixture, "c@d").await.id);
    insert(fixture, &sample::login(inactive, "inactive")).await.unwrap();
    insert(fixture, &sample::login(gone, "gone")).await.unwrap();
    let at = sample::time(5);
    fixture.store.write(move |tx| tx.users().deactivate(inactive, at)).await.unwrap();
    fixture.store.write(move |tx| tx.users().delete(gone, at)).await.unwrap();
    assert_eq!(find(fixture, "gone").await, None);
    assert!(!find(fixture, "inactive").await.unwrap().is_usable(sample::time(6)));
    fixture.store.write(move |tx| tx.users().activate(inactive, at)).await.unwrap();
    let login = find(fixture, "inactive").await.unwrap();
    assert_eq!(login.session.revoked_at, Some(at), "ended for good");
}

async fn a_browser_is_seen_later_and_later(fixture: &Fixture) {
    let session = sample::login(fixture.user, "a");
    insert(fixture, &session).await.unwrap();
    for (seconds, expected) in [(7, 7), (9, 9), (8, 9)] {
        let at = sample::time(seconds);
        fixture.store.write(move |tx| tx.login_sessions().touch(session.id, at)).await.unwrap();
        assert_eq!(find(fixture, "a").await.unwrap().session.last_seen_at, sample::time(expected));
    }
}

async fn a_login_is_ended_by_its_person_only(fixture: &Fixture) {
    let (user, other) = (fixture.user, somebody(fixture, "a@b").await.id);
    let id = {
        let session = sample::login(user, "a");
        insert(fixture, &session).await.unwrap();
        session.id
    };
    let foreign = fixture.store.write(move |tx| tx.login_sessions().revoke(other, id, sample::time(5))).await;
    assert!(matches!(foreign, Err(StoreError::Missing { .. })), "{foreign:?}");
    assert!(find(fixture, "a").await.unwrap().is_usable(sample::time(6)));
    for seconds in [7, 8] {
        let at = sample::time(seconds);
        fixture.store.write(move |tx| tx.login_sessions().revoke(user, id, at)).await.unwrap();
    }
    assert_eq!(find(fixture, "a").await.unwrap().session.revoked_at, Some(sample::time(7)));
}

async fn all_logins_of_a_person_end_at_once(fixture: &Fixture) {
    let (user, other) = (fixture.user, somebody(fixture, "a@b").await.id);
    for (user, cookie) in [(user, "a"), (user, "b"), (other, "c")] {
        insert(fixture, &sample::login(user, cookie)).await.unwrap();
    }
    for expected in [2, 0] {
        let ended =
            fixture.store.write(move |tx| tx.login_sessions().revoke_all(user, sample::time(5))).await;
        assert_eq!(ended, Ok::<_, StoreError>(expected));
    }
    for (cookie, is_usable) in [("a", false), ("b", false), ("c", true)] {
        assert_eq!(find(fixture, cookie).await.unwrap().is_usable(sample::time(6)), is_usable, "{cookie}");
    }
}

async fn expired_logins_are_removed_a_few_at_a_time(fixture: &Fixture) {
    for number in 0..5 {
        let session = LoginSession {
            expires_at: sample::time(10 + number),
            ..sample::login(fixture.user, &number.to_string())
        };
        insert(fixture, &session).await.unwrap();
    }
    for expected in [2, 1, 0] {
        let removed = fixture.store.write(|tx| tx.login_sessions().delete_expired(sample::time(13), 2)).await;
        assert_eq!(removed, Ok::<_, StoreError>(expected));
    }
    for (number, is_left) in [("0", false), ("1", false), ("2", false), ("3", true), ("4", true)] {
        assert_eq!(find(fixture, number).await.is_some(), is_left, "{number}");
    }
}

async fn logins_are_listed_newest_first(fixture: &Fixture) {
    let (user, other) = (fixture.user, somebody(fixture, "a@b").await.id);
    insert(fixture, &sample::login(other, "other")).await.unwrap();
    let mut expected = Vec::new();
    for number in 0..3 {
        let session =
            LoginSession { created_at: sample::time(1), ..sample::login(user, &number.to_string()) };
        insert(fixture, &session).await.unwrap();
        expected.insert(0, session);
    }
    let first = fixture.store.read(move |conn| conn.login_sessions().list_of(user, None, 2)).await.unwrap();
    assert_eq!(first.items, expected[..2]);
    let rest =
        fixture.store.read(move |conn| conn.login_sessions().list_of(user, first.next, 2)).await.unwrap();
    assert_eq!((rest.items.as_slice(), rest.next), (&expected[2..], None));
}
