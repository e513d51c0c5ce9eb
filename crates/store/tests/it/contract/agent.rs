//! Agents and their versions.

use domain::{agent::Agent, agent_status::AgentStatus, dna::Dna, id::AgentId};
use provost_store::{AgentFilter, AgentRef, AgentStatusError, NewAgentVersion, StoreError, Tx};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    an_agent_is_found_as_it_was_added,
    a_slug_names_one_agent_for_ever,
    an_agent_that_cannot_be_added_leaves_nothing,
    another_team_sees_no_agent,
    agents_are_listed_by_status_in_pages_that_hold_still,
    an_agent_is_updated_but_for_what_has_verbs_of_its_own,
    every_move_between_statuses_is_made_or_refused,
    of_two_who_move_an_agent_one_is_told,
    each_new_version_is_the_current_one,
    a_stale_agent_gets_no_version,
    an_earlier_version_can_be_current_again,
    versions_that_are_added_at_once_have_numbers_without_gaps,
    versions_are_listed_newest_first,
    a_version_never_changes,
    a_pinned_version_is_found_after_its_agent_was_deleted,
}

fn agent(slug: &str) -> Agent {
    Agent {
        id: AgentId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        slug: slug.parse().unwrap(),
        name: "Reviewer".parse().unwrap(),
        tagline: "reads what others wrote".parse().unwrap(),
        status: AgentStatus::Draft,
        current_version: 1,
        version: 1,
        created_by: "user:ada".into(),
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

/// As rich as a document gets, with a trait to tell it from others.
fn dna(quirk: &str) -> Dna {
    let json = json!({
        "personality": {
            "tone": "warm", "verbosity": "concise", "language": "de-AT", "traits": [quirk],
            "voice_examples": [{ "prompt": "Is it done?", "reply": "Not yet.\nTomorrow." }], "always": ["cites"],
        },
        "model": { "name": "a-model", "temperature": 0.7, "fallback": "another" },
        "skills": { "shared": ["review"], "custom": ["rust"], "disabled": ["sql"] },
        "memory": { "token_budget": 4000, "remember_phrases": ["remember"] },
        "boundaries": { "cannot_do": ["deploy"], "allowed_domains": ["*.rs"], "max_autonomy": "suggest" },
    });
    Dna::try_from(&json).unwrap()
}

fn new_version(quirk: &str) -> NewAgentVersion {
    NewAgentVersion {
        dna: dna(quirk),
        reason: Some(format!("now {quirk}").parse().unwrap()),
        created_by: "user:bob".into(),
        created_at: sample::time(5),
    }
}

async fn insert(fixture: &Fixture, agent: &Agent) -> Result<(), StoreError> {
    let agent = agent.clone();
    let reason = Some("the first".parse().unwrap());
    fixture.store.write(move |tx| tx.team(sample::TEAM).agents().insert(&agent, dna("curious"), reason)).await
}

async fn find(fixture: &Fixture, id: AgentId) -> Option<Agent> {
    fixture.store.read(move |conn| conn.team(sample::TEAM).agents().find(id)).await.unwrap()
}

async fn add_version(
    fixture: &Fixture,
    id: AgentId,
    expected: i64,
    quirk: &str,
) -> Result<Agent, StoreError> {
    let new = new_version(quirk);
    fixture.store.write(move |tx| tx.team(sample::TEAM).agents().add_version(id, expected, new)).await
}

async fn activate(fixture: &Fixture, id: AgentId, expected: i64, number: i64) -> Result<Agent, StoreError> {
    let activate = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).agents().activate_version(id, expected, number, sample::time(6))
    };
    fixture.store.write(activate).await
}

async fn change_status(
    fixture: &Fixture,
    id: AgentId,
    from: AgentStatus,
    to: AgentStatus,
) -> Result<Agent, AgentStatusError> {
    let change =
        move |tx: &Tx<'_>| tx.team(sample::TEAM).agents().change_status(id, from, to, sample::time(7));
    fixture.store.write(change).await
}

async fn an_agent_is_found_as_it_was_added(fixture: &Fixture) {
    for &status in AgentStatus::ALL {
        let added = Agent { status, ..agent(status.as_str()) };
        insert(fixture, &added).await.unwrap();
        let (id, slug) = (added.id, added.slug.clone());
        let found = fixture.store.read(move |conn| {
            let agents = conn.team(sample::TEAM).agents();
            let by_id = agents.find_version(&AgentRef::Id(id), None)?;
            let by_slug = agents.find_version(&AgentRef::Slug(slug.clone()), Some(1))?;
            Ok::<_, StoreError>((agents.find_by_slug(&slug)?, by_id, by_slug))
        });
        let (by_slug, current, first) = found.await.unwrap();
        assert_eq!(by_slug, Some(added.clone()));
        assert_eq!(find(fixture, id).await, Some(added.clone()));
        let (joined, version) = current.clone().unwrap();
        assert_eq!((joined, version.agent_id, version.version), (added.clone(), id, 1));
        assert_eq!((version.dna, version.created_at), (dna("curious"), added.created_at));
        assert_eq!(version.reason.unwrap().as_str(), "the first");
        assert_eq!(version.created_by, added.created_by);
        assert_eq!(first, current);
    }
}

async fn a_slug_names_one_agent_for_ever(fixture: &Fixture) {
    let first = agent("reviewer");
    insert(fixture, &first).await.unwrap();
    let twin = insert(fixture, &agent("reviewer")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
    let delete = move |tx: &Tx<'_>| tx.team(sample::TEAM).agents().delete(first.id, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    assert_eq!(find(fixture, first.id).await, None);
    let again = fixture.store.write(delete).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    let twin = insert(fixture, &agent("reviewer")).await;
    assert!(matches!(twin, Err(StoreError::Conflict { .. })), "{twin:?}");
    let other = fixture.other_team().await;
    let elsewhere = Agent { team_id: other, ..agent("reviewer") };
    let elsewhere = move |tx: &Tx<'_>| tx.team(other).agents().insert(&elsewhere, Dna::default(), None);
    assert_eq!(fixture.store.write(elsewhere).await, Ok(()));
}

async fn an_agent_that_cannot_be_added_leaves_nothing(fixture: &Fixture) {
    let wrong = Agent { current_version: 2, ..agent("reviewer") };
    let refused = insert(fixture, &wrong).await;
    assert!(matches!(refused, Err(StoreError::Invalid { field: "current_version", .. })), "{refused:?}");
    assert_eq!(find(fixture, wrong.id).await, None);
    let (first, second) = (agent("first"), agent("second"));
    insert(fixture, &first).await.unwrap();
    let both = move |tx: &Tx<'_>| {
        let agents = tx.team(sample::TEAM).agents();
        agents.insert(&second, Dna::default(), None)?;
        agents.insert(&Agent { slug: first.slug, ..agent("x") }, Dna::default(), None)
    };
    fixture.store.write(both).await.unwrap_err();
    let counts = "SELECT (SELECT count(*) FROM agents), (SELECT count(*) FROM agent_versions)";
    assert_eq!(fixture.place().raw(counts).unwrap(), [[Some("1".to_owned()), Some("1".to_owned())]]);
}

async fn another_team_sees_no_agent(fixture: &Fixture) {
    let (own, other) = (agent("reviewer"), fixture.other_team().await);
    let (id, slug) = (own.id, own.slug.clone());
    insert(fixture, &own).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let agents = conn.team(other).agents();
        let found = agents.find(id)?.is_some() || agents.find_by_slug(&slug)?.is_some();
        let joined = agents.find_version(&AgentRef::Id(id), None)?.is_some()
            || agents.find_version(&AgentRef::Slug(slug), None)?.is_some();
        let versions =
            agents.find_pinned(id, 1)?.is_some() || !agents.list_versions(id, None, 10)?.is_empty();
        Ok::<_, StoreError>((found, joined, versions, agents.list(AgentFilter::default(), None, 10)?.items))
    });
    assert_eq!(seen.await, Ok((false, false, false, Vec::new())));
    let (foreign, at) = (own.clone(), sample::time(2));
    let attempts: [Result<(), AgentStatusError>; 4] = [
        fixture.store.write(move |tx| Ok(tx.team(other).agents().delete(id, at)?)).await,
        fixture
            .store
            .write(move |tx| tx.team(other).agents().add_version(id, 1, new_version("a")).map(drop))
            .await
            .map_err(StoreError::into),
        fixture
            .store
            .write(move |tx| tx.team(other).agents().activate_version(id, 1, 1, at).map(drop))
            .await
            .map_err(StoreError::into),
        fixture
            .store
            .write(move |tx| {
                let (from, to) = (AgentStatus::Draft, AgentStatus::Active);
                tx.team(other).agents().change_status(id, from, to, at).map(drop)
            })
            .await,
    ];
    for attempt in attempts {
        let is_missing = matches!(attempt, Err(AgentStatusError::Store(StoreError::Missing { .. })));
        assert!(is_missing, "{attempt:?}");
    }
    let inserted = fixture.store.write(move |tx| tx.team(other).agents().update(&foreign)).await;
    assert!(matches!(inserted, Err(StoreError::Conflict { .. })), "{inserted:?}");
    assert_eq!(find(fixture, id).await, Some(own));
}

async fn agents_are_listed_by_status_in_pages_that_hold_still(fixture: &Fixture) {
    let mut drafts = Vec::new();
    for number in 0..5 {
        let created_at = sample::time(1 + number / 2);
        let draft = Agent { created_at, ..agent(&format!("draft-{number}")) };
        insert(fixture, &draft).await.unwrap();
        drafts.insert(0, draft.id);
        let active = Agent { status: AgentStatus::Active, ..agent(&format!("active-{number}")) };
        insert(fixture, &active).await.unwrap();
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let filter = AgentFilter { status: Some(AgentStatus::Draft) };
        let list = fixture.store.read(move |conn| conn.team(sample::TEAM).agents().list(filter, after, 2));
        let page = list.await.unwrap();
        seen.extend(page.items.iter().map(|agent| agent.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        let later = Agent { created_at: sample::time(9), ..agent(&format!("later-{}", seen.len())) };
        insert(fixture, &later).await.unwrap();
    }
    assert_eq!(seen, drafts);
    let gone = drafts[0];
    let delete = move |tx: &Tx<'_>| tx.team(sample::TEAM).agents().delete(gone, sample::time(9));
    fixture.store.write(delete).await.unwrap();
    let all =
        fixture.store.read(|conn| conn.team(sample::TEAM).agents().list(AgentFilter::default(), None, 50));
    let all = all.await.unwrap().items;
    assert_eq!((all.len(), all.iter().any(|agent| agent.id == gone)), (11, false));
}

async fn an_agent_is_updated_but_for_what_has_verbs_of_its_own(fixture: &Fixture) {
    let first = agent("reviewer");
    insert(fixture, &first).await.unwrap();
    let changed = Agent {
        name: "Critic".parse().unwrap(),
        tagline: "".parse().unwrap(),
        updated_at: sample::time(4),
        ..first.clone()
    };
    let update = async |agent: &Agent| {
        let agent = agent.clone();
        fixture.store.write(move |tx| tx.team(sample::TEAM).agents().update(&agent)).await
    };
    let attempt = Agent {
        slug: "critic".parse().unwrap(),
        status: AgentStatus::Archived,
        current_version: 9,
        created_by: "user:mallory".into(),
        created_at: sample::time(99),
        ..changed.clone()
    };
    assert_eq!(update(&attempt).await, Ok(2));
    assert_eq!(find(fixture, first.id).await, Some(Agent { version: 2, ..changed }));
    let stale = update(&first).await.unwrap_err();
    assert_eq!(stale, StoreError::Stale { what: format!("agent {}", first.id), expected: 1, current: 2 });
    let missing = update(&agent("nobody")).await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
}

async fn every_move_between_statuses_is_made_or_refused(fixture: &Fixture) {
    for &from in AgentStatus::ALL {
        for &to in AgentStatus::ALL {
            let before = Agent { status: from, ..agent(&format!("{from}-{to}")) };
            insert(fixture, &before).await.unwrap();
            let outcome = change_status(fixture, before.id, from, to).await;
            let expected = match from.transition_to(to) {
                Ok(status) => Ok(Agent { status, version: 2, updated_at: sample::time(7), ..before.clone() }),
                Err(error) => Err(AgentStatusError::Illegal(error)),
            };
            assert_eq!(outcome, expected);
            let after = expected.unwrap_or(before);
            assert_eq!(find(fixture, after.id).await, Some(after));
        }
    }
}

async fn of_two_who_move_an_agent_one_is_told(fixture: &Fixture) {
    let (draft, active) = (AgentStatus::Draft, AgentStatus::Active);
    let id = {
        let agent = agent("reviewer");
        insert(fixture, &agent).await.unwrap();
        agent.id
    };
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let change = move |tx: &Tx<'_>| {
                    tx.team(sample::TEAM).agents().change_status(id, draft, active, sample::time(7))
                };
                store.write(change).await
            })
        })
        .collect();
    let mut moved = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => moved += 1,
            Err(error) => {
                assert_eq!(error.to_string(), format!("conflict: agent {id} is active, no longer draft"));
            }
        }
    }
    assert_eq!(moved, 1);
    let nobody = change_status(fixture, AgentId::from_uuid(sample::uuid()), draft, active).await;
    assert!(matches!(nobody, Err(AgentStatusError::Store(StoreError::Missing { .. }))), "{nobody:?}");
}

async fn each_new_version_is_the_current_one(fixture: &Fixture) {
    let first = agent("reviewer");
    insert(fixture, &first).await.unwrap();
    let changed = add_version(fixture, first.id, 1, "stern").await.unwrap();
    let expected = Agent { current_version: 2, version: 2, updated_at: sample::time(5), ..first.clone() };
    assert_eq!(changed, expected);
    let id = first.id;
    let found = fixture.store.read(move |conn| {
        let agents = conn.team(sample::TEAM).agents();
        let version = |number| agents.find_version(&AgentRef::Id(id), number);
        Ok::<_, StoreError>((version(None)?, version(Some(1))?, version(Some(3))?))
    });
    let (current, old, none) = found.await.unwrap();
    let (agent, version) = current.unwrap();
    assert_eq!((agent, version.version, version.dna), (expected, 2, dna("stern")));
    assert_eq!(version.reason.unwrap().as_str(), "now stern");
    assert_eq!((version.created_by.as_str(), version.created_at), ("user:bob", sample::time(5)));
    assert_eq!(old.unwrap().1.dna, dna("curious"), "the old one stays as it was");
    assert_eq!(none, None);
}

async fn a_stale_agent_gets_no_version(fixture: &Fixture) {
    let first = agent("reviewer");
    let id = first.id;
    insert(fixture, &first).await.unwrap();
    add_version(fixture, id, 1, "stern").await.unwrap();
    let stale = Err(StoreError::Stale { what: format!("agent {id}"), expected: 1, current: 2 });
    assert_eq!(add_version(fixture, id, 1, "mild").await, stale);
    assert_eq!(activate(fixture, id, 1, 1).await, stale);
    let missing = add_version(fixture, AgentId::from_uuid(sample::uuid()), 1, "mild").await;
    assert!(matches!(missing, Err(StoreError::Missing { .. })), "{missing:?}");
    let versions =
        fixture.store.read(move |conn| conn.team(sample::TEAM).agents().list_versions(id, None, 10)).await;
    assert_eq!(versions.unwrap().len(), 2);
}

async fn an_earlier_version_can_be_current_again(fixture: &Fixture) {
    let first = agent("reviewer");
    let id = first.id;
    insert(fixture, &first).await.unwrap();
    add_version(fixture, id, 1, "stern").await.unwrap();
    let back = activate(fixture, id, 2, 1).await.unwrap();
    assert_eq!((back.current_version, back.version, back.updated_at), (1, 3, sample::time(6)));
    let missing = activate(fixture, id, 3, 3).await;
    assert_eq!(missing, Err(StoreError::Missing { what: format!("version 3 of agent {id}") }));
    let next = add_version(fixture, id, 3, "mild").await.unwrap();
    assert_eq!(next.current_version, 3, "numbers go on after the last, not after the current one");
}

async fn versions_that_are_added_at_once_have_numbers_without_gaps(fixture: &Fixture) {
    const TASKS: i64 = 6;
    let id = {
        let agent = agent("reviewer");
        insert(fixture, &agent).await.unwrap();
        agent.id
    };
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                loop {
                    let find = store.read(move |conn| conn.team(sample::TEAM).agents().find(id));
                    let expected = find.await.unwrap().unwrap().version;
                    let new = new_version(&format!("of task {task}"));
                    let add =
                        move |tx: &Tx<'_>| tx.team(sample::TEAM).agents().add_version(id, expected, new);
                    match store.write(add).await {
                        Ok(agent) => break agent.current_version,
                        Err(StoreError::Stale { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        })
        .collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=TASKS + 1).collect::<Vec<_>>());
    assert_eq!(find(fixture, id).await.unwrap().current_version, TASKS + 1);
}

async fn versions_are_listed_newest_first(fixture: &Fixture) {
    let first = agent("reviewer");
    let id = first.id;
    insert(fixture, &first).await.unwrap();
    for row_version in 1..5 {
        add_version(fixture, id, row_version, &format!("quirk {row_version}")).await.unwrap();
    }
    let list = async |before, limit| {
        let list = move |conn: &provost_store::Conn| {
            conn.team(sample::TEAM).agents().list_versions(id, before, limit)
        };
        let versions = fixture.store.read(list).await.unwrap();
        versions.iter().map(|version| version.version).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 2).await, [5, 4]);
    assert_eq!(list(Some(4), 2).await, [3, 2]);
    assert_eq!(list(Some(2), 2).await, [1]);
    assert_eq!(list(Some(1), 2).await, [0; 0]);
}

async fn a_version_never_changes(fixture: &Fixture) {
    let first = agent("reviewer");
    insert(fixture, &first).await.unwrap();
    let mut statements = vec![
        "UPDATE agent_versions SET version = 7",
        "UPDATE agent_versions SET dna = '{}'",
        "UPDATE agent_versions SET reason = NULL",
        "UPDATE agent_versions SET created_by = 'x'",
        "DELETE FROM agent_versions",
    ];
    statements.extend(fixture.place().pick("", "TRUNCATE agent_versions").split_terminator(';'));
    for statement in statements {
        let error = fixture.place().raw(statement).unwrap_err();
        assert!(error.contains("agent_versions is append-only"), "{statement}: {error}");
    }
    let deleted = fixture.place().raw("DELETE FROM agents").unwrap_err();
    assert!(deleted.to_lowercase().contains("foreign key"), "its versions hold an agent: {deleted}");
    let found =
        fixture.store.read(move |conn| conn.team(sample::TEAM).agents().find_pinned(first.id, 1)).await;
    assert_eq!(found.unwrap().unwrap().dna, dna("curious"));
}

async fn a_pinned_version_is_found_after_its_agent_was_deleted(fixture: &Fixture) {
    let first = agent("reviewer");
    let id = first.id;
    insert(fixture, &first).await.unwrap();
    let delete = move |tx: &Tx<'_>| tx.team(sample::TEAM).agents().delete(id, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    let found = fixture.store.read(move |conn| {
        let agents = conn.team(sample::TEAM).agents();
        let listed = agents.list_versions(id, None, 10)?.len();
        let live = agents.find_version(&AgentRef::Id(id), Some(1))?.is_some();
        Ok::<_, StoreError>((agents.find_pinned(id, 1)?, agents.find_pinned(id, 2)?, listed, live))
    });
    let (pinned, none, listed, live) = found.await.unwrap();
    assert_eq!(pinned.unwrap().dna, dna("curious"));
    assert_eq!((none, listed, live), (None, 0, false));
}
