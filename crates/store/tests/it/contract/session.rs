//! Recording and finding sessions.

use std::time::Duration;

use domain::{
    id::{SessionId, TeamId},
    money::MicroUsd,
    permission::PermissionMode,
    priority::Priority,
    runtime::RuntimeKind,
    session::{Origin, Session, SessionMode, SessionOptions},
    session_status::SessionStatus,
    time::Timestamp,
};
use provost_store::{Cursor, Page, SessionFilter, StoreError};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{fixture::Fixture, referenced, sample};

on_both_databases! {
    a_session_is_found_as_it_was_recorded,
    a_session_is_not_found_by_another_team,
    a_session_runs_as_a_version_of_an_agent_that_is_there,
    options_that_no_column_holds_are_refused_by_name,
    a_second_session_of_the_same_id_is_a_conflict,
    a_session_of_a_team_that_does_not_exist_is_a_conflict,
    pages_join_to_the_whole_list,
    paging_goes_on_where_it_stopped_while_sessions_are_added,
    a_list_can_be_of_one_status,
    a_list_holds_no_other_teams_sessions,
    the_last_session_is_the_newest,
    ids_are_found_by_their_beginning,
    ids_are_found_by_their_end,
}

async fn a_session_is_found_as_it_was_recorded(fixture: &Fixture) {
    let plain = sample::session(fixture.team);
    let mut full = sample::session(fixture.team);
    full.user_id = Some(fixture.user);
    full.name = "ünïcode '\"; DROP TABLE sessions; -- 🦀".into();
    full.mode = SessionMode::Background;
    full.runtime = RuntimeKind::Claude;
    full.origin = Origin::Imported;
    full.external_id = Some("external".into());
    full.options.model = Some("model".into());
    full.options.system_prompt = Some("prompt".into());
    full.options.permission_mode = PermissionMode::AcceptEdits;
    full.options.max_turns = Some(u32::MAX);
    full.options.budget = Some(MicroUsd::from_micros(i64::MAX));
    full.options.timeout = Duration::from_secs(1);
    full.options.allowed_tools = vec!["Bash(git log:*)".into(), "ü".into()];
    full.options.disallowed_tools = vec!["WebFetch".into()];
    full.options.custom_policies = vec![json!({"kind": "rules", "deny": []})];
    full.options.hooks_enabled = false;
    full.options.include_partial_messages = true;
    full.options.max_retries = 0;
    full.options.retry_delay = Duration::from_millis(1500);
    full.options.sdk_options = Map::from_iter([("betas".to_owned(), json!(["a"]))]);
    full.options.metadata = Map::from_iter([("ticket".to_owned(), json!({"id": 7.5}))]);
    full.agent_id = Some(referenced::agent(fixture, fixture.team));
    full.agent_version = Some(1);
    full.task_id = Some(referenced::task(fixture, fixture.team, None));
    full.parent_session_id = Some(plain.id);
    full.fork_at_message = Some(7);
    full.description = Some("what it is about".into());
    full.priority = Priority::HIGHEST;
    full.queued_at = Some(sample::time(3));
    full.attempts = 2;
    full.next_attempt_at = Some(sample::time(4));
    full.created_at = Timestamp::from_micros(-1);
    full.updated_at = Timestamp::from_micros(i64::MAX);
    full.last_activity_at = Timestamp::from_micros(123_456_789);
    for session in [plain, full] {
        insert(fixture, vec![session.clone()]).await.unwrap();
        assert_eq!(fixture.session(session.id).await, session);
    }
}

async fn a_session_runs_as_a_version_of_an_agent_that_is_there(fixture: &Fixture) {
    let id = referenced::agent(fixture, fixture.team);
    let agent = Some(id);
    let with = |agent_id, agent_version| Session { agent_id, agent_version, ..sample::session(fixture.team) };
    let absent = insert(fixture, vec![with(agent, Some(3))]).await;
    let what = format!("version 3 of agent {id}");
    assert_eq!(absent, Err(StoreError::Missing { what }));
    for (agent_id, agent_version) in [(agent, None), (None, Some(1))] {
        let refused = insert(fixture, vec![with(agent_id, agent_version)]).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "agent_version", .. })), "{refused:?}");
    }
    assert_eq!(insert(fixture, vec![with(agent, Some(1))]).await, Ok(()));
}

async fn options_that_no_column_holds_are_refused_by_name(fixture: &Fixture) {
    let plain = SessionOptions::default;
    let cases = [
        ("timeout_seconds", "1.5s", SessionOptions { timeout: Duration::from_millis(1500), ..plain() }),
        ("timeout_seconds", "500ms", SessionOptions { timeout: Duration::from_millis(500), ..plain() }),
        ("timeout_seconds", "0ns", SessionOptions { timeout: Duration::ZERO, ..plain() }),
        ("retry_delay_ms", "1.5µs", SessionOptions { retry_delay: Duration::from_nanos(1500), ..plain() }),
        ("max_turns", "0", SessionOptions { max_turns: Some(0), ..plain() }),
        ("budget_usd_micros", "-1", SessionOptions { budget: Some(MicroUsd::from_micros(-1)), ..plain() }),
    ];
    for (expected, said, options) in cases {
        let refused = insert(fixture, vec![Session { options, ..sample::session(fixture.team) }]).await;
        let Err(StoreError::Invalid { field, value, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!((field, value.as_str()), (expected, said));
    }
}

async fn a_session_is_not_found_by_another_team(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let other = TeamId::from_uuid(sample::uuid());
    assert_eq!(fixture.store.read(move |conn| conn.team(other).sessions().find(session)).await, Ok(None));
}

async fn a_second_session_of_the_same_id_is_a_conflict(fixture: &Fixture) {
    let session = sample::session(fixture.team);
    insert(fixture, vec![session.clone()]).await.unwrap();
    let error = insert(fixture, vec![session]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
}

async fn a_session_of_a_team_that_does_not_exist_is_a_conflict(fixture: &Fixture) {
    let session = sample::session(TeamId::from_uuid(sample::uuid()));
    let error = insert(fixture, vec![session]).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
}

async fn pages_join_to_the_whole_list(fixture: &Fixture) {
    // Several of the same microsecond, so that ids decide.
    let sessions: Vec<_> = (0..23).map(|number| created_at(fixture, number / 5)).collect();
    insert(fixture, sessions.clone()).await.unwrap();
    let mut expected: Vec<_> = sessions.iter().map(|session| (session.created_at, session.id)).collect();
    expected.sort_unstable();
    expected.reverse();
    for limit in [1, 7, 23, 100] {
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = list(fixture, None, after, limit).await;
            assert!(page.items.len() <= limit as usize);
            listed.extend(page.items.iter().map(|session| (session.created_at, session.id)));
            // A cursor goes through its text, as users hand it back.
            after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
            if after.is_none() {
                break;
            }
        }
        assert_eq!(listed, expected, "pages of {limit}");
    }
}

async fn paging_goes_on_where_it_stopped_while_sessions_are_added(fixture: &Fixture) {
    let old: Vec<_> = (0..6).map(|number| created_at(fixture, number)).collect();
    insert(fixture, old.clone()).await.unwrap();
    let first = list(fixture, None, None, 3).await;
    insert(fixture, vec![created_at(fixture, 100), created_at(fixture, 5)]).await.unwrap();
    let second = list(fixture, None, first.next, 3).await;
    let listed: Vec<_> = first.items.iter().chain(&second.items).map(|session| session.id).collect();
    let expected: Vec<_> = old.iter().rev().map(|session| session.id).collect();
    assert_eq!(listed, expected);
}

async fn a_list_can_be_of_one_status(fixture: &Fixture) {
    let sessions: Vec<_> = (0..9)
        .map(|number| {
            let mut session = created_at(fixture, number);
            if number % 3 == 0 {
                session.status = SessionStatus::Paused;
            }
            session
        })
        .collect();
    insert(fixture, sessions.clone()).await.unwrap();
    let first = list(fixture, Some(SessionStatus::Paused), None, 2).await;
    let second = list(fixture, Some(SessionStatus::Paused), first.next, 2).await;
    let listed: Vec<_> = first.items.iter().chain(&second.items).map(|session| session.id).collect();
    assert_eq!(listed, [sessions[6].id, sessions[3].id, sessions[0].id]);
    assert_eq!(second.next, None);
    assert_eq!(list(fixture, Some(SessionStatus::Failed), None, 2).await.items, []);
}

async fn a_list_holds_no_other_teams_sessions(fixture: &Fixture) {
    let other = sample::team("other");
    let foreign = sample::session(other.id);
    let own = created_at(fixture, 1);
    let rows = (other, foreign, own.clone());
    let inserted = fixture.store.write(move |tx| {
        let (other, foreign, own) = rows;
        tx.teams().insert_if_absent(&other)?;
        tx.team(foreign.team_id).sessions().insert(&foreign)?;
        tx.team(sample::TEAM).sessions().insert(&own)
    });
    inserted.await.unwrap();
    assert_eq!(list(fixture, None, None, 10).await, Page { items: vec![own], next: None });
}

async fn the_last_session_is_the_newest(fixture: &Fixture) {
    let last = async || {
        fixture.store.read(move |conn| conn.team(sample::TEAM).sessions().find_last()).await.unwrap()
    };
    assert_eq!(last().await, None);
    let (newer, older) = (created_at(fixture, 2), created_at(fixture, 1));
    insert(fixture, vec![newer.clone(), older]).await.unwrap();
    assert_eq!(last().await, Some(newer));
}

async fn ids_are_found_by_their_beginning(fixture: &Fixture) {
    let ids = [
        "01890000-0000-7000-8000-000000000001",
        "0189ffff-0000-7000-8000-000000000002",
        "01900000-0000-7000-8000-000000000003",
    ];
    insert(fixture, ids.map(|id| with_id(fixture, id)).to_vec()).await.unwrap();
    let between = async |first: &str, last: &str, limit| {
        let (first, last): (Uuid, Uuid) = (first.parse().unwrap(), last.parse().unwrap());
        let list = fixture
            .store
            .read(move |conn| conn.team(sample::TEAM).sessions().list_ids_between(first, last, limit))
            .await;
        list.unwrap().iter().map(SessionId::to_string).collect::<Vec<_>>()
    };
    let (first, last) = ("01890000-0000-0000-0000-000000000000", "0189ffff-ffff-ffff-ffff-ffffffffffff");
    assert_eq!(between(first, last, 10).await, ids[..2]);
    assert_eq!(between(first, last, 1).await, ids[..1]);
    assert_eq!(between(ids[2], ids[2], 10).await, ids[2..]);
}

async fn ids_are_found_by_their_end(fixture: &Fixture) {
    let ids = ["01890000-0000-7000-8000-0000000abcde", "01900000-0000-7000-8000-0000000bbcde"];
    insert(fixture, ids.map(|id| with_id(fixture, id)).to_vec()).await.unwrap();
    let ending = async |suffix: &'static str, limit| {
        let list = fixture
            .store
            .read(move |conn| conn.team(sample::TEAM).sessions().list_ids_ending(suffix, limit))
            .await;
        let mut ids: Vec<_> = list.unwrap().iter().map(SessionId::to_string).collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!(ending("bcde", 10).await, ids);
    assert_eq!(ending("bcde", 1).await.len(), 1);
    assert_eq!(ending("abcde", 10).await, ids[..1]);
    assert_eq!(ending("0000000bbcde", 10).await, ids[1..]);
    assert_eq!(ending("a_cde", 10).await, [""; 0]);
}

fn created_at(fixture: &Fixture, seconds: i64) -> Session {
    Session { created_at: sample::time(seconds), ..sample::session(fixture.team) }
}

fn with_id(fixture: &Fixture, id: &str) -> Session {
    Session { id: id.parse().unwrap(), ..sample::session(fixture.team) }
}

async fn insert(fixture: &Fixture, sessions: Vec<Session>) -> Result<(), StoreError> {
    let insert = fixture.store.write(move |tx| {
        sessions.iter().try_for_each(|session| tx.team(sample::TEAM).sessions().insert(session))
    });
    insert.await
}

async fn list(
    fixture: &Fixture,
    status: Option<SessionStatus>,
    after: Option<Cursor>,
    limit: u32,
) -> Page<Session> {
    let filter = SessionFilter { status, ..SessionFilter::default() };
    fixture
        .store
        .read(move |conn| conn.team(sample::TEAM).sessions().list(filter, after, limit))
        .await
        .unwrap()
}
