//! Keys to the API.

use domain::{
    api_key::ApiKey,
    digest::Sha256Digest,
    id::{ApiKeyId, UserId},
    team::Role,
};
use provost_store::{ApiKeyFilter, ApiKeyGrant, StoreError, Tx};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_key_is_found_as_it_was_added,
    a_key_opens_its_team_for_its_person,
    a_secret_exists_once,
    only_a_member_has_a_key,
    another_team_sees_no_key,
    a_key_opens_nothing_once_its_person_or_team_is_gone,
    a_key_of_somebody_inactive_is_found_but_not_usable,
    a_member_who_comes_back_has_no_old_key,
    a_revoked_key_keeps_its_time,
    a_key_is_used_later_and_later,
    keys_are_listed_by_person_newest_first,
    a_key_that_is_made_while_its_person_leaves_is_not_left_usable,
}

async fn join(fixture: &Fixture, name: &str) -> UserId {
    let user = sample::user(&format!("{name}@example.org"));
    let id = user.id;
    let join = move |tx: &Tx<'_>| {
        tx.users().insert(&user)?;
        tx.team(sample::TEAM).members().add(id, Role::Member, sample::time(1))
    };
    assert_eq!(fixture.store.write(join).await, Ok::<_, StoreError>(true));
    id
}

async fn insert(fixture: &Fixture, key: &ApiKey) -> Result<(), StoreError> {
    let key = key.clone();
    fixture.store.write(move |tx| tx.team(sample::TEAM).api_keys().insert(&key)).await
}

async fn find(fixture: &Fixture, id: ApiKeyId) -> Option<ApiKey> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).api_keys().find(id)).await.unwrap()
}

async fn grant(fixture: &Fixture, secret: &str) -> Option<ApiKeyGrant> {
    let digest = Sha256Digest::of(secret.as_bytes());
    fixture.store.read(move |conn| conn.credentials().find_api_key(&digest)).await.unwrap()
}

async fn a_key_is_found_as_it_was_added(fixture: &Fixture) {
    let user = join(fixture, "ada").await;
    let plain = sample::api_key(user, "plain");
    let full = ApiKey {
        scopes: ["sessions:read", "tasks:*"].iter().map(|scope| scope.parse().unwrap()).collect(),
        expires_at: Some(sample::time(50)),
        last_used_at: Some(sample::time(5)),
        revoked_at: Some(sample::time(6)),
        ..sample::api_key(user, "full")
    };
    for key in [plain, full] {
        insert(fixture, &key).await.unwrap();
        assert_eq!(find(fixture, key.id).await, Some(key));
    }
}

async fn a_key_opens_its_team_for_its_person(fixture: &Fixture) {
    let user = join(fixture, "ada").await;
    let key = ApiKey { expires_at: Some(sample::time(50)), ..sample::api_key(user, "secret") };
    insert(fixture, &key).await.unwrap();
    let granted = grant(fixture, "secret").await.unwrap();
    assert_eq!((&granted.key, granted.team.id, granted.user.id), (&key, fixture.team, user));
    assert_eq!(granted.role, Role::Member);
    assert!(granted.is_usable(sample::time(49)));
    assert!(!granted.is_usable(sample::time(50)));
    assert_eq!(grant(fixture, "another secret").await, None);
}

async fn a_secret_exists_once(fixture: &Fixture) {
    let user = join(fixture, "ada").await;
    insert(fixture, &sample::api_key(user, "secret")).await.unwrap();
    let twin = insert(fixture, &sample::api_key(user, "secret")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
}

async fn only_a_member_has_a_key(fixture: &Fixture) {
    let outsider = insert(fixture, &sample::api_key(fixture.user, "secret")).await;
    assert!(matches!(outsider, Err(StoreError::Missing { .. })), "{outsider:?}");
    assert_eq!(grant(fixture, "secret").await, None);
}

async fn another_team_sees_no_key(fixture: &Fixture) {
    let (user, other) = (join(fixture, "ada").await, fixture.other_team().await);
    let key = sample::api_key(user, "secret");
    let (id, foreign) = (key.id, ApiKey { id: ApiKeyId::from_uuid(sample::uuid()), ..key.clone() });
    insert(fixture, &key).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let keys = conn.team(other).api_keys();
        Ok::<_, StoreError>((keys.find(id)?, keys.list(ApiKeyFilter::default(), None, 10)?.items))
    });
    assert_eq!(seen.await, Ok((None, Vec::new())));
    let revoke = fixture.store.write(move |tx| tx.team(other).api_keys().revoke(id, sample::time(2))).await;
    assert!(matches!(revoke, Err(StoreError::Missing { .. })), "{revoke:?}");
    fixture.store.write(move |tx| tx.team(other).api_keys().touch(id, sample::time(2))).await.unwrap();
    let insert = move |tx: &Tx<'_>| {
        tx.team(other).members().add(user, Role::Member, sample::time(1))?;
        tx.team(other).api_keys().insert(&foreign)
    };
    let insert = fixture.store.write(insert).await;
    assert!(matches!(insert, Err(StoreError::Conflict { .. })), "{insert:?}");
    assert_eq!(find(fixture, id).await, Some(key));
}

async fn a_key_opens_nothing_once_its_person_or_team_is_gone(fixture: &Fixture) {
    let (ada, bob) = (join(fixture, "ada").await, join(fixture, "bob").await);
    let (of_ada, of_bob) = (sample::api_key(ada, "of ada"), sample::api_key(bob, "of bob"));
    insert(fixture, &of_ada).await.unwrap();
    insert(fixture, &of_bob).await.unwrap();
    fixture.store.write(move |tx| tx.users().delete(ada, sample::time(2))).await.unwrap();
    assert_eq!(grant(fixture, "of ada").await, None);
    assert_eq!(find(fixture, of_ada.id).await.unwrap().revoked_at, Some(sample::time(2)));
    assert!(grant(fixture, "of bob").await.is_some());
    fixture.store.write(|tx| tx.teams().delete(sample::TEAM, sample::time(3))).await.unwrap();
    assert_eq!(grant(fixture, "of bob").await, None);
}

async fn a_key_of_somebody_inactive_is_found_but_not_usable(fixture: &Fixture) {
    let user = join(fixture, "ada").await;
    insert(fixture, &sample::api_key(user, "secret")).await.unwrap();
    fixture.store.write(move |tx| tx.users().deactivate(user, sample::time(2))).await.unwrap();
    assert!(!grant(fixture, "secret").await.unwrap().is_usable(sample::time(3)));
    fixture.store.write(move |tx| tx.users().activate(user, sample::time(3))).await.unwrap();
    assert!(grant(fixture, "secret").await.unwrap().is_usable(sample::time(4)));
}

async fn a_member_who_comes_back_has_no_old_key(fixture: &Fixture) {
    let (user, other) = (join(fixture, "ada").await, fixture.other_team().await);
    let elsewhere = ApiKey { team_id: other, ..sample::api_key(user, "elsewhere") };
    insert(fixture, &sample::api_key(user, "secret")).await.unwrap();
    let insert = move |tx: &Tx<'_>| {
        tx.team(other).members().add(user, Role::Member, sample::time(1))?;
        tx.team(other).api_keys().insert(&elsewhere)
    };
    fixture.store.write(insert).await.unwrap();
    fixture
        .store
        .write(move |tx| tx.team(sample::TEAM).members().remove(user, sample::time(2)))
        .await
        .unwrap();
    assert_eq!(grant(fixture, "secret").await, None);
    let back = move |tx: &Tx<'_>| tx.team(sample::TEAM).members().add(user, Role::Member, sample::time(3));
    fixture.store.write(back).await.unwrap();
    assert!(!grant(fixture, "secret").await.unwrap().is_usable(sample::time(4)));
    assert!(grant(fixture, "elsewhere").await.unwrap().is_usable(sample::time(4)));
}

async fn a_revoked_key_keeps_its_time(fixture: &Fixture) {
    let key = sample::api_key(join(fixture, "ada").await, "secret");
    let id = key.id;
    insert(fixture, &key).await.unwrap();
    for seconds in [7, 8] {
        let at = sample::time(seconds);
        fixture.store.write(move |tx| tx.team(sample::TEAM).api_keys().revoke(id, at)).await.unwrap();
    }
    assert_eq!(find(fixture, id).await.unwrap().revoked_at, Some(sample::time(7)));
    assert!(!grant(fixture, "secret").await.unwrap().is_usable(sample::time(7)));
}

async fn a_key_is_used_later_and_later(fixture: &Fixture) {
    let key = sample::api_key(join(fixture, "ada").await, "secret");
    let id = key.id;
    insert(fixture, &key).await.unwrap();
    for (seconds, expected) in [(7, 7), (9, 9), (8, 9)] {
        let at = sample::time(seconds);
        fixture.store.write(move |tx| tx.team(sample::TEAM).api_keys().touch(id, at)).await.unwrap();
        assert_eq!(find(fixture, id).await.unwrap().last_used_at, Some(sample::time(expected)));
    }
}

async fn keys_are_listed_by_person_newest_first(fixture: &Fixture) {
    let (ada, bob) = (join(fixture, "ada").await, join(fixture, "bob").await);
    let mut of_ada = Vec::new();
    for number in 0..5 {
        let created_at = sample::time(1 + number / 2);
        let key = ApiKey { created_at, ..sample::api_key(ada, &format!("ada {number}")) };
        insert(fixture, &key).await.unwrap();
        of_ada.insert(0, key.id);
        insert(fixture, &sample::api_key(bob, &format!("bob {number}"))).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = ApiKeyFilter { user_id: Some(ada) };
        let list = fixture.store.read(move |conn| conn.team(sample::TEAM).api_keys().list(filter, after, 2));
        let page = list.await.unwrap();
        seen.extend(page.items.iter().map(|key| key.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        let later =
            ApiKey { created_at: sample::time(9), ..sample::api_key(ada, &sample::uuid().to_string()) };
        insert(fixture, &later).await.unwrap();
    }
    assert_eq!(seen, of_ada);
}

async fn a_key_that_is_made_while_its_person_leaves_is_not_left_usable(fixture: &Fixture) {
    for round in 0..8 {
        let user = join(fixture, &format!("user{round}")).await;
        let key = sample::api_key(user, &format!("secret {round}"));
        let id = key.id;
        let (making, leaving) = (fixture.store.clone(), fixture.store.clone());
        let make = tokio::spawn(async move {
            making.write(move |tx| tx.team(sample::TEAM).api_keys().insert(&key)).await
        });
        let leave = tokio::spawn(async move {
            leaving.write(move |tx| tx.team(sample::TEAM).members().remove(user, sample::time(5))).await
        });
        let made = make.await.unwrap();
        leave.await.unwrap().unwrap();
        match made {
            Ok(()) => assert_eq!(find(fixture, id).await.unwrap().revoked_at, Some(sample::time(5))),
            Err(error) => assert!(matches!(error, StoreError::Missing { .. }), "{error}"),
        }
    }
}
