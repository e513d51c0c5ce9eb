//! Lists of sessions by what they are and belong to.

use domain::{
    id::SessionId,
    session::{Session, SessionMode},
    session_status::SessionStatus,
};
use provost_store::{SessionFilter, StoreError};

use crate::{fixture::Fixture, referenced, sample};

on_both_databases! {
    sessions_are_listed_by_what_they_belong_to,
    conditions_of_a_list_hold_together,
    a_session_refers_to_its_own_teams_rows_only,
    idle_sessions_are_the_quietest_first,
    a_removed_agent_or_task_leaves_its_sessions,
}

async fn insert(fixture: &Fixture, sessions: Vec<Session>) -> Result<(), StoreError> {
    fixture.write(move |team| sessions.iter().try_for_each(|session| team.sessions().insert(session))).await
}

async fn listed(fixture: &Fixture, filter: SessionFilter) -> Vec<SessionId> {
    let page = fixture.read(move |team| team.sessions().list(filter, None, 100)).await.unwrap();
    page.items.iter().map(|session| session.id).collect()
}

async fn sessions_are_listed_by_what_they_belong_to(fixture: &Fixture) {
    let parent = fixture.insert_session().await;
    let session = || sample::session(fixture.team);
    let archive = referenced::archive(fixture, fixture.team, parent);
    let sessions = [
        Session { mode: SessionMode::Background, ..session() },
        Session { user_id: Some(fixture.user), ..session() },
        Session {
            agent_id: Some(referenced::agent(fixture, fixture.team)),
            agent_version: Some(1),
            ..session()
        },
        Session { task_id: Some(referenced::task(fixture, fixture.team, None)), ..session() },
        Session { parent_session_id: Some(parent), fork_at_message: Some(0), ..session() },
        Session { archive_id: Some(archive), ..session() },
    ];
    insert(fixture, sessions.to_vec()).await.unwrap();
    let [background, of_user, of_agent, of_task, fork, archived] = &sessions;
    let any = SessionFilter::default();
    for (filter, expected) in [
        (SessionFilter { mode: Some(SessionMode::Background), ..any }, background),
        (SessionFilter { user_id: of_user.user_id, ..any }, of_user),
        (SessionFilter { agent_id: of_agent.agent_id, ..any }, of_agent),
        (SessionFilter { task_id: of_task.task_id, ..any }, of_task),
        (SessionFilter { parent_session_id: Some(parent), ..any }, fork),
        (SessionFilter { has_archive: Some(true), ..any }, archived),
    ] {
        assert_eq!(listed(fixture, filter).await, [expected.id], "{filter:?}");
    }
    assert_eq!(listed(fixture, SessionFilter { has_archive: Some(false), ..any }).await.len(), 6);
    assert_eq!(listed(fixture, any).await.len(), 7);
}

async fn conditions_of_a_list_hold_together(fixture: &Fixture) {
    let agent_id = Some(referenced::agent(fixture, fixture.team));
    let agent_version = Some(1);
    let session =
        |status, mode| Session { agent_id, agent_version, status, mode, ..sample::session(fixture.team) };
    let sessions = vec![
        session(SessionStatus::Failed, SessionMode::Background),
        session(SessionStatus::Failed, SessionMode::Interactive),
        session(SessionStatus::Paused, SessionMode::Background),
    ];
    let expected = sessions[0].id;
    insert(fixture, sessions).await.unwrap();
    let filter = SessionFilter {
        status: Some(SessionStatus::Failed),
        mode: Some(SessionMode::Background),
        agent_id,
        ..SessionFilter::default()
    };
    assert_eq!(listed(fixture, filter).await, [expected]);
}

async fn a_session_refers_to_its_own_teams_rows_only(fixture: &Fixture) {
    let other = fixture.other_team().await;
    let foreign = sample::session(other);
    let id = foreign.id;
    fixture.store.write(move |tx| tx.team(other).sessions().insert(&foreign)).await.unwrap();
    let session = || sample::session(fixture.team);
    for session in [
        Session { agent_id: Some(referenced::agent(fixture, other)), agent_version: Some(1), ..session() },
        Session { task_id: Some(referenced::task(fixture, other, None)), ..session() },
        Session { archive_id: Some(referenced::archive(fixture, other, id)), ..session() },
        Session { parent_session_id: Some(id), ..session() },
    ] {
        let refused = insert(fixture, vec![session]).await;
        assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    }
    assert_eq!(listed(fixture, SessionFilter::default()).await, []);
}

async fn idle_sessions_are_the_quietest_first(fixture: &Fixture) {
    let session = |status, seconds| {
        let last_activity_at = sample::time(seconds);
        Session { status, last_activity_at, ..sample::session(fixture.team) }
    };
    let sessions = vec![
        session(SessionStatus::Active, 20),
        session(SessionStatus::Active, 10),
        session(SessionStatus::Active, 30),
        session(SessionStatus::Paused, 10),
    ];
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    insert(fixture, sessions).await.unwrap();
    let idle = async |limit| -> Vec<SessionId> {
        let list = fixture
            .read(move |team| team.sessions().list_idle(SessionStatus::Active, sample::time(30), limit))
            .await;
        list.unwrap().iter().map(|session| session.id).collect()
    };
    assert_eq!(idle(10).await, [ids[1], ids[0]]);
    assert_eq!(idle(1).await, [ids[1]]);
}

async fn a_removed_agent_or_task_leaves_its_sessions(fixture: &Fixture) {
    let agent_id = Some(referenced::agent(fixture, fixture.team));
    let task_id = Some(referenced::task(fixture, fixture.team, None));
    let session = Session { agent_id, task_id, agent_version: Some(1), ..sample::session(fixture.team) };
    insert(fixture, vec![session.clone()]).await.unwrap();
    fixture.maintain_raw("DELETE FROM agent_versions").unwrap();
    fixture.place().raw("DELETE FROM agents; DELETE FROM tasks").unwrap();
    let left = fixture.session(session.id).await;
    assert_eq!(left, Session { agent_id: None, task_id: None, ..session });
}
