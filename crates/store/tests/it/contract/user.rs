//! People.

use domain::{id::UserId, user::User};
use provost_store::{MemberError, StoreError};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_user_is_found_as_they_were_added,
    a_user_is_inserted_unless_the_address_exists,
    an_address_that_is_taken_is_a_conflict,
    a_user_is_updated_but_for_what_has_verbs_of_its_own,
    a_deleted_user_is_not_found_and_their_address_stays_taken,
    users_are_listed_newest_first_in_pages_that_hold_still,
    an_inactive_user_is_found_and_can_be_active_again,
    what_is_done_to_a_user_who_is_not_there_is_missing,
}

const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g";

async fn insert(fixture: &Fixture, user: &User) -> Result<(), StoreError> {
    let user = user.clone();
    fixture.store.write(move |tx| tx.users().insert(&user)).await
}

async fn find(fixture: &Fixture, id: UserId) -> Option<User> {
    fixture.store.read(move |conn| conn.users().find(id)).await.unwrap()
}

async fn a_user_is_found_as_they_were_added(fixture: &Fixture) {
    for (email, hash) in [("ada@example.org", Some(HASH)), ("bob@example.org", None)] {
        let user = User { password_hash: hash.map(|hash| hash.parse().unwrap()), ..sample::user(email) };
        insert(fixture, &user).await.unwrap();
        let email = user.email.clone();
        let by_email = fixture.store.read(move |conn| conn.users().find_by_email(&email)).await;
        assert_eq!(by_email, Ok(Some(user.clone())));
        assert_eq!(find(fixture, user.id).await, Some(user));
    }
    assert_eq!(find(fixture, UserId::from_uuid(sample::uuid())).await, None);
}

async fn a_user_is_inserted_unless_the_address_exists(fixture: &Fixture) {
    let (mut first, second) = (sample::user("Ada@Example.org"), sample::user("ada@example.org"));
    first.is_active = false;
    let expected = first.clone();
    let inserted = fixture.store.write(move |tx| {
        Ok::<_, StoreError>((tx.users().insert_if_absent(&first)?, tx.users().insert_if_absent(&second)?))
    });
    assert_eq!(inserted.await, Ok((true, false)));
    let email = expected.email.clone();
    let found = fixture.store.read(move |conn| conn.users().find_by_email(&email)).await;
    assert_eq!(found, Ok(Some(expected)));
}

async fn an_address_that_is_taken_is_a_conflict(fixture: &Fixture) {
    let (first, second) = (sample::user("ada@example.org"), sample::user("bob@example.org"));
    insert(fixture, &first).await.unwrap();
    insert(fixture, &second).await.unwrap();
    let twin = insert(fixture, &sample::user("ADA@example.org")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
    let renamed = User { email: first.email.clone(), ..second.clone() };
    let update = fixture.store.write(move |tx| tx.users().update(&renamed)).await;
    assert!(matches!(update, Err(StoreError::Conflict { .. })), "{update:?}");
    assert_eq!(find(fixture, second.id).await, Some(second));
}

async fn a_user_is_updated_but_for_what_has_verbs_of_its_own(fixture: &Fixture) {
    let user = sample::user("ada@example.org");
    insert(fixture, &user).await.unwrap();
    let changed = User {
        email: "countess@example.org".parse().unwrap(),
        display_name: "Ada, Countess of Lovelace".parse().unwrap(),
        updated_at: sample::time(5),
        ..user.clone()
    };
    let update = User { is_active: false, password_hash: Some(HASH.parse().unwrap()), ..changed.clone() };
    assert_eq!(fixture.store.write(move |tx| tx.users().update(&update)).await, Ok(2));
    let changed = User { version: 2, ..changed };
    assert_eq!(find(fixture, user.id).await, Some(changed.clone()));
    let (late, what) = (User { version: 1, ..changed.clone() }, format!("user {}", user.id));
    let refused = fixture.store.write(move |tx| tx.users().update(&late)).await;
    assert_eq!(refused, Err(StoreError::Stale { what, expected: 1, current: 2 }));

    for hash in [Some(HASH), None] {
        let hash = hash.map(|hash| hash.parse().unwrap());
        let expected = User { password_hash: hash.clone(), updated_at: sample::time(6), ..changed.clone() };
        let set = move |tx: &provost_store::Tx<'_>| {
            tx.users().set_password(user.id, hash.as_ref(), sample::time(6))
        };
        fixture.store.write(set).await.unwrap();
        assert_eq!(find(fixture, user.id).await, Some(expected));
    }
}

async fn a_deleted_user_is_not_found_and_their_address_stays_taken(fixture: &Fixture) {
    let user = sample::user("ada@example.org");
    insert(fixture, &user).await.unwrap();
    let delete = move |tx: &provost_store::Tx<'_>| tx.users().delete(user.id, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    assert_eq!(find(fixture, user.id).await, None);
    let email = user.email.clone();
    let seen = fixture.store.read(move |conn| {
        Ok::<_, StoreError>((conn.users().find_by_email(&email)?, conn.users().list(None, 10)?.items.len()))
    });
    assert_eq!(seen.await, Ok((None, 1)), "the fixture's own user is left");
    let again = fixture.store.write(delete).await;
    assert!(matches!(again, Err(MemberError::Store(StoreError::Missing { .. }))), "{again:?}");
    let twin = insert(fixture, &sample::user("ada@example.org")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
}

async fn users_are_listed_newest_first_in_pages_that_hold_still(fixture: &Fixture) {
    let mut expected = vec![fixture.user];
    for number in 0..5 {
        // Two at a time are of the same microsecond.
        let email = format!("user{number}@example.org");
        let user = User { created_at: sample::time(1 + number / 2), ..sample::user(&email) };
        insert(fixture, &user).await.unwrap();
        expected.insert(0, user.id);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.store.read(move |conn| conn.users().list(after, 2)).await.unwrap();
        seen.extend(page.items.iter().map(|user| user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        let later = User { created_at: sample::time(100), ..sample::user(&format!("{}@b", sample::uuid())) };
        insert(fixture, &later).await.unwrap();
    }
    assert_eq!(seen, expected);
}

async fn an_inactive_user_is_found_and_can_be_active_again(fixture: &Fixture) {
    let user = sample::user("ada@example.org");
    insert(fixture, &user).await.unwrap();
    fixture.store.write(move |tx| tx.users().deactivate(user.id, sample::time(2))).await.unwrap();
    let expected = User { is_active: false, updated_at: sample::time(2), ..user.clone() };
    assert_eq!(find(fixture, user.id).await, Some(expected));
    fixture.store.write(move |tx| tx.users().activate(user.id, sample::time(3))).await.unwrap();
    assert_eq!(find(fixture, user.id).await, Some(User { updated_at: sample::time(3), ..user }));
}

async fn what_is_done_to_a_user_who_is_not_there_is_missing(fixture: &Fixture) {
    let nobody = sample::user("no@body");
    let (id, at) = (nobody.id, sample::time(1));
    let attempts: [Result<(), MemberError>; 5] = [
        fixture.store.write(move |tx| Ok(tx.users().update(&nobody).map(drop)?)).await,
        fixture.store.write(move |tx| Ok(tx.users().set_password(id, None, at)?)).await,
        fixture.store.write(move |tx| Ok(tx.users().activate(id, at)?)).await,
        fixture.store.write(move |tx| tx.users().deactivate(id, at)).await,
        fixture.store.write(move |tx| tx.users().delete(id, at)).await,
    ];
    let missing = MemberError::Store(StoreError::Missing { what: format!("user {id}") });
    assert_eq!(attempts, std::array::from_fn(|_| Err(missing.clone())));
}
