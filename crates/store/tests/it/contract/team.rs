//! Teams.

use domain::{
    id::TeamId,
    team::{Role, Team, TeamSettings},
};
use provost_store::StoreError;
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_team_is_found_as_it_was_added,
    a_team_is_inserted_unless_its_slug_exists,
    what_was_never_inserted_is_not_found,
    a_team_is_updated,
    a_deleted_team_is_not_found_and_its_slug_stays_taken,
    teams_are_listed_newest_first_in_pages_that_hold_still,
    a_user_sees_their_teams_and_roles,
}

async fn insert(fixture: &Fixture, team: &Team) -> Result<(), StoreError> {
    let team = team.clone();
    fixture.store.write(move |tx| tx.teams().insert(&team)).await
}

async fn find(fixture: &Fixture, id: TeamId) -> Option<Team> {
    fixture.store.read(move |conn| conn.teams().find(id)).await.unwrap()
}

fn settings() -> TeamSettings {
    json!({ "theme": "dark", "nested": { "list": [1, null, "ä"] } }).try_into().unwrap()
}

async fn a_team_is_found_as_it_was_added(fixture: &Fixture) {
    let retention = Some(90.try_into().unwrap());
    let team = Team { settings: settings(), retention_days: retention, ..sample::team("red") };
    insert(fixture, &team).await.unwrap();
    assert_eq!(find(fixture, team.id).await, Some(team.clone()));
    let slug = team.slug.clone();
    assert_eq!(fixture.store.read(move |conn| conn.teams().find_by_slug(&slug)).await, Ok(Some(team)));
    let twin = insert(fixture, &sample::team("red")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
}

async fn a_team_is_inserted_unless_its_slug_exists(fixture: &Fixture) {
    let (first, mut second) = (sample::team("red"), sample::team("red"));
    second.name = "another name".parse().unwrap();
    let expected = first.clone();
    let inserted = fixture.store.write(move |tx| {
        Ok::<_, StoreError>((tx.teams().insert_if_absent(&first)?, tx.teams().insert_if_absent(&second)?))
    });
    assert_eq!(inserted.await, Ok((true, false)));
    let slug = expected.slug.clone();
    let found = fixture.store.read(move |conn| conn.teams().find_by_slug(&slug)).await;
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

async fn a_team_is_updated(fixture: &Fixture) {
    let team = sample::team("red");
    insert(fixture, &team).await.unwrap();
    let changed = Team {
        slug: "blue".parse().unwrap(),
        name: "Blue".parse().unwrap(),
        settings: settings(),
        retention_days: Some(1.try_into().unwrap()),
        updated_at: sample::time(5),
        ..team.clone()
    };
    let update = changed.clone();
    assert_eq!(fixture.store.write(move |tx| tx.teams().update(&update)).await, Ok(2));
    let changed = Team { version: 2, ..changed };
    assert_eq!(find(fixture, team.id).await, Some(changed.clone()));
    let (late, what) = (Team { version: 1, ..changed.clone() }, format!("team {}", team.id));
    let refused = fixture.store.write(move |tx| tx.teams().update(&late)).await;
    assert_eq!(refused, Err(StoreError::Stale { what, expected: 1, current: 2 }));
    let taken = Team { slug: "default".parse().unwrap(), ..changed.clone() };
    let taken = fixture.store.write(move |tx| tx.teams().update(&taken)).await;
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    assert_eq!(find(fixture, team.id).await, Some(changed));
    let nobody = sample::team("nobody");
    let missing = fixture.store.write(move |tx| tx.teams().update(&nobody)).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
}

async fn a_deleted_team_is_not_found_and_its_slug_stays_taken(fixture: &Fixture) {
    let (team, user) = (sample::team("red"), fixture.user);
    let id = team.id;
    insert(fixture, &team).await.unwrap();
    let join =
        move |tx: &provost_store::Tx<'_>| tx.team(id).members().add(user, Role::Owner, sample::time(1));
    fixture.store.write(join).await.unwrap();
    let delete = move |tx: &provost_store::Tx<'_>| tx.teams().delete(id, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    assert_eq!(find(fixture, id).await, None);
    let slug = team.slug.clone();
    let seen = fixture.store.read(move |conn| {
        let teams = conn.teams();
        Ok::<_, StoreError>((
            teams.find_by_slug(&slug)?,
            teams.list(None, 10)?.items.len(),
            teams.list_of(user)?,
        ))
    });
    assert_eq!(seen.await, Ok((None, 1, Vec::new())), "the fixture's own team is left");
    let again = fixture.store.write(delete).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    let twin = insert(fixture, &sample::team("red")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
}

async fn teams_are_listed_newest_first_in_pages_that_hold_still(fixture: &Fixture) {
    let mut expected = vec![fixture.team];
    for number in 0..5 {
        let team =
            Team { created_at: sample::time(1 + number / 2), ..sample::team(&format!("team-{number}")) };
        insert(fixture, &team).await.unwrap();
        expected.insert(0, team.id);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = fixture.store.read(move |conn| conn.teams().list(after, 2)).await.unwrap();
        seen.extend(page.items.iter().map(|team| team.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        let later = Team { created_at: sample::time(100), ..sample::team(&sample::uuid().to_string()) };
        insert(fixture, &later).await.unwrap();
    }
    assert_eq!(seen, expected);
}

async fn a_user_sees_their_teams_and_roles(fixture: &Fixture) {
    let (red, user) = (sample::team("red"), fixture.user);
    let (id, default) = (red.id, fixture.team);
    insert(fixture, &red).await.unwrap();
    insert(fixture, &sample::team("not-theirs")).await.unwrap();
    let join = move |tx: &provost_store::Tx<'_>| {
        tx.team(id).members().add(user, Role::Viewer, sample::time(1))?;
        tx.team(default).members().add(user, Role::Admin, sample::time(2))
    };
    fixture.store.write(join).await.unwrap();
    let teams = fixture.store.read(move |conn| conn.teams().list_of(user)).await.unwrap();
    let default = find(fixture, default).await.unwrap();
    assert_eq!(teams, [(default, Role::Admin), (red, Role::Viewer)]);
}
