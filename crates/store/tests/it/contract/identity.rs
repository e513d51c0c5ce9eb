//! Teams, users, memberships.

use domain::{id::TeamId, team::Role};
use provost_store::StoreError;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_team_is_inserted_unless_its_slug_exists,
    a_user_is_inserted_unless_the_address_exists,
    what_was_never_inserted_is_not_found,
    a_member_keeps_the_first_role,
    a_member_of_a_team_that_does_not_exist_is_a_conflict,
}

async fn a_team_is_inserted_unless_its_slug_exists(fixture: &Fixture) {
    let (first, mut second) = (sample::team("red"), sample::team("red"));
    second.name = "another name".into();
    let expected = first.clone();
    let inserted = fixture.store.write(move |tx| {
        Ok::<_, StoreError>((tx.teams().insert_if_absent(&first)?, tx.teams().insert_if_absent(&second)?))
    });
    assert_eq!(inserted.await, Ok((true, false)));
    let slug = expected.slug.clone();
    let found = fixture.store.read(move |conn| conn.teams().find_by_slug(&slug)).await;
    assert_eq!(found, Ok(Some(expected)));
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

async fn what_was_never_inserted_is_not_found(fixture: &Fixture) {
    let found = fixture.store.read(|conn| {
        let team = conn.teams().find_by_slug(&"nowhere".parse().unwrap())?;
        let user = conn.users().find_by_email(&"no@body".parse().unwrap())?;
        Ok::<_, StoreError>((team, user))
    });
    assert_eq!(found.await, Ok((None, None)));
}

async fn a_member_keeps_the_first_role(fixture: &Fixture) {
    let (team, user) = (fixture.team, fixture.user);
    for role in [Role::Owner, Role::Viewer] {
        let add = fixture.store.write(move |tx| tx.teams().add_member(team, user, role, sample::time(1)));
        assert_eq!(add.await, Ok(()));
    }
    let roles = fixture.place().raw("SELECT role FROM team_memberships").unwrap();
    assert_eq!(roles, [[Some("owner".to_owned())]]);
}

async fn a_member_of_a_team_that_does_not_exist_is_a_conflict(fixture: &Fixture) {
    let (team, user) = (TeamId::from_uuid(sample::uuid()), fixture.user);
    let add = fixture.store.write(move |tx| tx.teams().add_member(team, user, Role::Owner, sample::time(1)));
    let error: StoreError = add.await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
}
