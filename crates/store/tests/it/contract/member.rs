//! Who belongs to a team, and that it keeps an owner.

use domain::{
    id::{TeamId, UserId},
    team::{Role, TeamMembership},
    user::User,
};
use provost_store::{Member, MemberError, StoreError, Tx};

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_member_is_found_with_who_they_are,
    a_member_keeps_the_first_role,
    a_member_of_a_team_or_a_user_that_does_not_exist_is_missing,
    members_are_listed_in_the_order_in_which_they_came,
    another_team_does_not_change_a_member,
    a_deleted_user_is_no_member,
    the_last_owner_can_be_neither_removed_nor_demoted,
    the_last_owner_can_be_neither_deactivated_nor_deleted,
    an_inactive_owner_does_not_count,
    of_owners_who_leave_at_once_one_stays,
    an_owner_who_is_made_while_another_leaves_is_not_lost,
    a_user_who_is_purged_takes_what_is_theirs_and_leaves_what_they_did,
}

/// Adds somebody new to the fixture's team.
async fn join(fixture: &Fixture, name: &str, role: Role) -> UserId {
    let user = sample::user(&format!("{name}@example.org"));
    let (id, at) = (user.id, sample::time(1));
    let join = move |tx: &Tx<'_>| {
        tx.users().insert(&user)?;
        tx.team(sample::TEAM).members().add(id, role, at)
    };
    assert_eq!(fixture.store.write(join).await, Ok::<_, StoreError>(true));
    id
}

async fn find(fixture: &Fixture, user: UserId) -> Option<Member> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).members().find(user)).await.unwrap()
}

async fn role(fixture: &Fixture, user: UserId) -> Option<Role> {
    find(fixture, user).await.map(|member| member.membership.role)
}

async fn set_role(fixture: &Fixture, user: UserId, role: Role) -> Result<(), MemberError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).members().set_role(user, role)).await
}

async fn remove(fixture: &Fixture, user: UserId) -> Result<(), MemberError> {
    fixture.store.write(move |tx| tx.team(sample::TEAM).members().remove(user, sample::time(9))).await
}

async fn a_member_is_found_with_who_they_are(fixture: &Fixture) {
    for role in Role::ALL {
        let id = join(fixture, role.as_str(), *role).await;
        let user = fixture.store.read(move |conn| conn.users().find(id)).await.unwrap().unwrap();
        let membership =
            TeamMembership { team_id: fixture.team, user_id: id, role: *role, created_at: sample::time(1) };
        assert_eq!(find(fixture, id).await, Some(Member { user, membership }));
    }
    assert_eq!(find(fixture, fixture.user).await, None);
}

async fn a_member_keeps_the_first_role(fixture: &Fixture) {
    let user = fixture.user;
    for (role, is_new) in [(Role::Owner, true), (Role::Viewer, false)] {
        let add =
            fixture.store.write(move |tx| tx.team(sample::TEAM).members().add(user, role, sample::time(1)));
        assert_eq!(add.await, Ok::<_, StoreError>(is_new));
    }
    assert_eq!(role(fixture, user).await, Some(Role::Owner));
}

async fn a_member_of_a_team_or_a_user_that_does_not_exist_is_missing(fixture: &Fixture) {
    let (nowhere, nobody) = (TeamId::from_uuid(sample::uuid()), UserId::from_uuid(sample::uuid()));
    for (team, user) in [(nowhere, fixture.user), (fixture.team, nobody)] {
        let add =
            fixture.store.write(move |tx| tx.team(team).members().add(user, Role::Owner, sample::time(1)));
        let error: StoreError = add.await.unwrap_err();
        assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    }
    for outcome in [set_role(fixture, nobody, Role::Admin).await, remove(fixture, nobody).await] {
        let is_missing = matches!(outcome, Err(MemberError::Store(StoreError::Missing { .. })));
        assert!(is_missing, "{outcome:?}");
    }
}

async fn members_are_listed_in_the_order_in_which_they_came(fixture: &Fixture) {
    let mut expected = Vec::new();
    for number in 0..5 {
        expected.push(join(fixture, &format!("user{number}"), Role::Member).await);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page =
            fixture.store.read(move |conn| conn.team(sample::TEAM).members().list(after, 2)).await.unwrap();
        seen.extend(page.items.iter().map(|member| member.user.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        assert!(page.items.iter().all(|member| member.membership.team_id == fixture.team));
        // From the second page on, the first member is gone already.
        drop(remove(fixture, seen[0]).await);
    }
    assert_eq!(seen, expected, "although the first of them left meanwhile");
}

async fn another_team_does_not_change_a_member(fixture: &Fixture) {
    let (user, other) = (join(fixture, "ada", Role::Admin).await, fixture.other_team().await);
    let seen = fixture.store.read(move |conn| {
        let members = conn.team(other).members();
        Ok::<_, StoreError>((members.find(user)?, members.list(None, 10)?.items))
    });
    assert_eq!(seen.await, Ok((None, Vec::new())));
    let attempts = [
        fixture.store.write(move |tx| tx.team(other).members().set_role(user, Role::Owner)).await,
        fixture.store.write(move |tx| tx.team(other).members().set_role(user, Role::Viewer)).await,
        fixture.store.write(move |tx| tx.team(other).members().remove(user, sample::time(2))).await,
    ];
    for attempt in attempts {
        let is_missing = matches!(attempt, Err(MemberError::Store(StoreError::Missing { .. })));
        assert!(is_missing, "{attempt:?}");
    }
    assert_eq!(role(fixture, user).await, Some(Role::Admin));
}

async fn a_deleted_user_is_no_member(fixture: &Fixture) {
    let user = join(fixture, "ada", Role::Member).await;
    fixture.store.write(move |tx| tx.users().delete(user, sample::time(2))).await.unwrap();
    assert_eq!(find(fixture, user).await, None);
    let list = fixture.store.read(|conn| conn.team(sample::TEAM).members().list(None, 10)).await.unwrap();
    assert_eq!(list.items, Vec::new());
}

async fn the_last_owner_can_be_neither_removed_nor_demoted(fixture: &Fixture) {
    let (owner, admin) = (join(fixture, "ada", Role::Owner).await, join(fixture, "bob", Role::Admin).await);
    let last = MemberError::LastOwner { team: fixture.team, user: owner };
    for role in [Role::Admin, Role::Member, Role::Viewer] {
        assert_eq!(set_role(fixture, owner, role).await, Err(last.clone()));
    }
    assert_eq!(remove(fixture, owner).await, Err(last));
    assert_eq!(set_role(fixture, owner, Role::Owner).await, Ok(()), "staying is allowed");
    assert_eq!(set_role(fixture, admin, Role::Owner).await, Ok(()));
    assert_eq!(set_role(fixture, owner, Role::Viewer).await, Ok(()));
    assert_eq!(role(fixture, owner).await, Some(Role::Viewer));
    assert_eq!(remove(fixture, owner).await, Ok(()), "no owner any more");
    assert_eq!(remove(fixture, admin).await, Err(MemberError::LastOwner { team: fixture.team, user: admin }));
}

async fn the_last_owner_can_be_neither_deactivated_nor_deleted(fixture: &Fixture) {
    let owner = join(fixture, "ada", Role::Owner).await;
    let last = MemberError::LastOwner { team: fixture.team, user: owner };
    let deactivate = move |tx: &Tx<'_>| tx.users().deactivate(owner, sample::time(2));
    let delete = move |tx: &Tx<'_>| tx.users().delete(owner, sample::time(2));
    assert_eq!(fixture.store.write(deactivate).await, Err(last.clone()));
    assert_eq!(fixture.store.write(delete).await, Err(last));
    let user = find(fixture, owner).await.unwrap().user;
    assert!(user.is_active, "nothing half done");
    join(fixture, "bob", Role::Owner).await;
    assert_eq!(fixture.store.write(deactivate).await, Ok(()));
    assert_eq!(fixture.store.write(delete).await, Ok(()));
}

async fn an_inactive_owner_does_not_count(fixture: &Fixture) {
    let (ada, bob) = (join(fixture, "ada", Role::Owner).await, join(fixture, "bob", Role::Owner).await);
    fixture.store.write(move |tx| tx.users().deactivate(bob, sample::time(2))).await.unwrap();
    assert!(matches!(remove(fixture, ada).await, Err(MemberError::LastOwner { .. })));
}

async fn of_owners_who_leave_at_once_one_stays(fixture: &Fixture) {
    for round in 0..5 {
        let mut owners = Vec::new();
        for number in 0..4 {
            owners.push(join(fixture, &format!("user{round}.{number}"), Role::Owner).await);
        }
        let at = sample::time(9);
        let leave = owners.iter().enumerate().map(|(way, &user)| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| match way {
                        0 => tx.team(sample::TEAM).members().remove(user, at),
                        1 => tx.team(sample::TEAM).members().set_role(user, Role::Viewer),
                        2 => tx.users().deactivate(user, at),
                        _ => tx.users().delete(user, at),
                    })
                    .await
            })
        });
        let (mut left, mut stayed) = (0, Vec::new());
        for (task, &user) in leave.collect::<Vec<_>>().into_iter().zip(&owners) {
            match task.await.unwrap() {
                Ok(()) => left += 1,
                Err(MemberError::LastOwner { .. }) => stayed.push(user),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((left, stayed.len()), (3, 1), "round {round}");
        // Makes room for the next round.
        let next = join(fixture, &format!("next{round}"), Role::Owner).await;
        remove(fixture, stayed[0]).await.unwrap();
        let purge = format!("DELETE FROM team_memberships WHERE user_id = '{next}'");
        fixture.place().raw(&purge).unwrap();
    }
}

async fn an_owner_who_is_made_while_another_leaves_is_not_lost(fixture: &Fixture) {
    let team = fixture.team;
    for round in 0..8 {
        let ada = join(fixture, &format!("ada{round}"), Role::Owner).await;
        let bob = join(fixture, &format!("bob{round}"), Role::Member).await;
        let spawn = |work: fn(&Tx<'_>, UserId, UserId) -> Result<(), MemberError>| {
            let store = fixture.store.clone();
            tokio::spawn(async move { store.write(move |tx| work(tx, ada, bob)).await })
        };
        let tasks = [
            spawn(|tx, _, bob| tx.team(sample::TEAM).members().set_role(bob, Role::Owner)),
            spawn(|tx, _, bob| tx.users().deactivate(bob, sample::time(9))),
            spawn(|tx, ada, _| tx.team(sample::TEAM).members().set_role(ada, Role::Member)),
        ];
        for task in tasks {
            let outcome = task.await.unwrap();
            assert!(matches!(outcome, Ok(()) | Err(MemberError::LastOwner { .. })), "{outcome:?}");
        }
        let members =
            fixture.store.read(move |conn| conn.team(team).members().list(None, 100)).await.unwrap().items;
        let owners = members
            .iter()
            .filter(|member| member.user.is_active && member.membership.role == Role::Owner)
            .count();
        assert!(owners >= 1, "round {round}: {members:?}");
        let purge = format!("DELETE FROM team_memberships WHERE user_id IN ('{ada}', '{bob}')");
        fixture.place().raw(&purge).unwrap();
    }
}

async fn a_user_who_is_purged_takes_what_is_theirs_and_leaves_what_they_did(fixture: &Fixture) {
    let user = join(fixture, "ada", Role::Member).await;
    let session = domain::session::Session { user_id: Some(user), ..sample::session(fixture.team) };
    let (id, key, login) = (session.id, sample::api_key(user, "secret"), sample::login(user, "cookie"));
    let add = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).sessions().insert(&session)?;
        tx.team(sample::TEAM).api_keys().insert(&key)?;
        tx.login_sessions().insert(&login)
    };
    fixture.store.write(add).await.unwrap();
    fixture.place().raw(&format!("DELETE FROM users WHERE id = '{user}'")).unwrap();
    for table in ["team_memberships", "api_keys", "login_sessions"] {
        let rows = fixture.place().raw(&format!("SELECT count(*) FROM {table}")).unwrap();
        assert_eq!(rows, [[Some("0".to_owned())]], "{table}");
    }
    assert_eq!(fixture.session(id).await.user_id, None);
    let left: Option<User> = fixture.store.read(move |conn| conn.users().find(user)).await.unwrap();
    assert_eq!(left, None);
}
