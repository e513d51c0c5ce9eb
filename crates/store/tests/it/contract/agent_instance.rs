//! Agents at work.

use domain::{
    agent_instance::{AgentInstance, AgentInstanceKind, AgentInstanceState},
    id::{AgentInstanceId, SessionId},
};
use provost_store::{AgentInstanceFilter, Cursor, Guard, MoveInstanceError, Page, StoreError};
use serde_json::json;

use crate::{fixture::Fixture, governance::maintenance, referenced, sample};

on_both_databases! {
    an_agent_instance_is_found_as_it_was_added,
    every_move_is_made_or_refused_as_the_machine_says,
    of_several_who_end_an_instance_one_does,
    what_it_took_is_noted,
    instances_are_listed_by_session_and_task,
    another_team_sees_and_moves_no_instance,
    instances_of_a_deleted_session_are_gone,
    an_earlier_owner_adds_and_changes_no_instance,
}

fn instance(session_id: Option<SessionId>, seconds: i64) -> AgentInstance {
    AgentInstance {
        id: AgentInstanceId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        session_id,
        task_id: None,
        agent_id: None,
        kind: AgentInstanceKind::Main,
        name: "main".into(),
        specialization: None,
        external_id: None,
        parent_tool_use_id: None,
        state: AgentInstanceState::Spawning,
        model: None,
        resource_usage: None,
        spawned_at: sample::time(0),
        terminated_at: None,
        created_at: sample::time(seconds),
        updated_at: sample::time(seconds),
    }
}

async fn insert(fixture: &Fixture, instance: &AgentInstance) -> Result<(), StoreError> {
    let instance = instance.clone();
    fixture.write(move |team| team.agent_instances().insert(&instance, Guard::Anyone)).await
}

async fn find(fixture: &Fixture, id: AgentInstanceId) -> Option<AgentInstance> {
    fixture.read(move |team| team.agent_instances().find(id)).await.unwrap()
}

async fn change_state(
    fixture: &Fixture,
    id: AgentInstanceId,
    to: AgentInstanceState,
) -> Result<(), MoveInstanceError> {
    let change = fixture.store.write(move |tx| {
        tx.team(sample::TEAM).agent_instances().change_state(id, Guard::Anyone, to, sample::time(7))
    });
    change.await
}

async fn list(
    fixture: &Fixture,
    filter: AgentInstanceFilter,
    after: Option<Cursor>,
    limit: u32,
) -> Page<AgentInstance> {
    fixture.read(move |team| team.agent_instances().list(&filter, after, limit)).await.unwrap()
}

async fn an_agent_instance_is_found_as_it_was_added(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    for &kind in AgentInstanceKind::ALL {
        for &state in AgentInstanceState::ALL {
            let added = AgentInstance {
                task_id: Some(referenced::task(fixture, fixture.team, None)),
                agent_id: Some(referenced::agent(fixture, fixture.team)),
                kind,
                state,
                specialization: Some("reviewer".into()),
                external_id: Some("a1".into()),
                parent_tool_use_id: Some("toolu_1".into()),
                model: Some("model".into()),
                resource_usage: Some(json!({"tokens": 7})),
                terminated_at: Some(sample::time(9)),
                ..instance(Some(session), 1)
            };
            insert(fixture, &added).await.unwrap();
            assert_eq!(find(fixture, added.id).await, Some(added));
        }
    }
}

async fn every_move_is_made_or_refused_as_the_machine_says(fixture: &Fixture) {
    for &from in AgentInstanceState::ALL {
        for &to in AgentInstanceState::ALL {
            let added = AgentInstance { state: from, ..instance(None, 1) };
            insert(fixture, &added).await.unwrap();
            let changed = change_state(fixture, added.id, to).await;
            let left = find(fixture, added.id).await.unwrap();
            match from.move_to(to) {
                Ok(_) => {
                    let terminated_at = (to == AgentInstanceState::Terminated).then_some(sample::time(7));
                    let updated_at = sample::time(7);
                    assert_eq!(left, AgentInstance { state: to, terminated_at, updated_at, ..added });
                }
                Err(illegal) => {
                    assert_eq!(changed, Err(MoveInstanceError::Illegal(illegal)));
                    assert_eq!(left, added);
                }
            }
        }
    }
    let unknown = AgentInstanceId::from_uuid(sample::uuid());
    let missing = change_state(fixture, unknown, AgentInstanceState::Idle).await.unwrap_err();
    assert!(matches!(missing, MoveInstanceError::Store(StoreError::Missing { .. })), "{missing}");
}

async fn of_several_who_end_an_instance_one_does(fixture: &Fixture) {
    let added = instance(None, 1);
    let id = added.id;
    insert(fixture, &added).await.unwrap();
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let end = move |tx: &provost_store::Tx<'_>| {
                    let instances = tx.team(sample::TEAM).agent_instances();
                    instances.change_state(id, Guard::Anyone, AgentInstanceState::Terminated, sample::time(7))
                };
                store.write(end).await.is_ok()
            })
        })
        .collect();
    let mut winners = 0;
    for attempt in tries {
        winners += usize::from(attempt.await.unwrap());
    }
    assert_eq!(winners, 1);
}

async fn what_it_took_is_noted(fixture: &Fixture) {
    let added = instance(None, 1);
    insert(fixture, &added).await.unwrap();
    let note = async |id| {
        let usage = json!({"cpu_ms": 12});
        let set = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
            team.agent_instances().set_resource_usage(id, Guard::Anyone, &usage, sample::time(8))
        };
        fixture.write(set).await
    };
    assert_eq!(note(added.id).await, Ok(()));
    let noted = find(fixture, added.id).await.unwrap();
    assert_eq!((noted.resource_usage, noted.updated_at), (Some(json!({"cpu_ms": 12})), sample::time(8)));
    assert!(matches!(
        note(AgentInstanceId::from_uuid(sample::uuid())).await,
        Err(StoreError::Missing { .. })
    ));
}

async fn instances_are_listed_by_session_and_task(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let task_id = Some(referenced::task(fixture, fixture.team, None));
    let all = [
        instance(Some(session), 1),
        AgentInstance { task_id, ..instance(Some(session), 2) },
        AgentInstance { task_id, ..instance(None, 3) },
        instance(None, 4),
    ];
    for instance in &all {
        insert(fixture, instance).await.unwrap();
    }
    let any = AgentInstanceFilter::default();
    let of_session = AgentInstanceFilter { session_id: Some(session), ..any };
    let of_task = AgentInstanceFilter { task_id, ..any };
    let both = AgentInstanceFilter { session_id: Some(session), task_id };
    assert_eq!(list(fixture, of_session, None, 9).await.items, [all[1].clone(), all[0].clone()]);
    assert_eq!(list(fixture, of_task, None, 9).await.items, [all[2].clone(), all[1].clone()]);
    assert_eq!(list(fixture, both, None, 9).await.items, [all[1].clone()]);
    let first = list(fixture, any, None, 3).await;
    assert_eq!(list(fixture, any, first.next, 3).await.items, [all[0].clone()]);
}

async fn another_team_sees_and_moves_no_instance(fixture: &Fixture) {
    let (session, other) = (fixture.insert_session().await, fixture.other_team().await);
    let added = instance(Some(session), 1);
    let id = added.id;
    insert(fixture, &added).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let instances = conn.team(other).agent_instances();
        Ok::<_, StoreError>((
            instances.find(id)?,
            instances.list(&AgentInstanceFilter::default(), None, 9)?.items,
        ))
    });
    assert_eq!(seen.await, Ok((None, vec![])));
    let moved = fixture.store.write(move |tx| {
        tx.team(other).agent_instances().change_state(
            id,
            Guard::Anyone,
            AgentInstanceState::Idle,
            sample::time(7),
        )
    });
    assert!(matches!(moved.await, Err(MoveInstanceError::Store(StoreError::Missing { .. }))));
    let forged = AgentInstance { team_id: other, ..instance(Some(session), 1) };
    let forged =
        fixture.store.write(move |tx| tx.team(other).agent_instances().insert(&forged, Guard::Anyone)).await;
    assert_eq!(forged, Err(StoreError::Missing { what: format!("session {session}") }));
}

async fn instances_of_a_deleted_session_are_gone(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let added = instance(Some(session), 1);
    insert(fixture, &added).await.unwrap();
    fixture.write(move |team| team.sessions().delete(session, "user:ada", sample::time(5))).await.unwrap();
    assert_eq!(find(fixture, added.id).await, None);
    assert_eq!(list(fixture, AgentInstanceFilter::default(), None, 9).await.items, []);
    let used = fixture.write(move |team| {
        team.agent_instances().set_resource_usage(added.id, Guard::Anyone, &json!({}), sample::time(8))
    });
    assert!(matches!(used.await, Err(StoreError::Missing { .. })));
    fixture.write(move |team| team.sessions().purge(session, &maintenance(9))).await.unwrap();
    assert_eq!(
        list(fixture, AgentInstanceFilter::default(), None, 9).await.items,
        [],
        "nor do they come back"
    );
}

async fn an_earlier_owner_adds_and_changes_no_instance(fixture: &Fixture) {
    let session = fixture.insert_session().await;
    let (early, late) = (fixture.acquire(session, 1, 60).await, fixture.acquire(session, 2, 90).await);
    let added = instance(Some(session), 1);
    let id = added.id;
    let tries = async |guard: Guard| {
        let (added, usage) = (added.clone(), json!({}));
        let insert = fixture.write(move |team| team.agent_instances().insert(&added, guard)).await;
        let note = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
            team.agent_instances().set_resource_usage(id, guard, &usage, sample::time(8))
        };
        let noted = fixture.write(note).await;
        let end = move |tx: &provost_store::Tx<'_>| {
            let instances = tx.team(sample::TEAM).agent_instances();
            instances.change_state(id, guard, AgentInstanceState::Terminated, sample::time(9))
        };
        (insert, noted, fixture.store.write(end).await)
    };
    assert_eq!(tries(Guard::Fence(early)).await.0, Err(StoreError::Fenced));
    assert_eq!(tries(Guard::Fence(late)).await, (Ok(()), Ok(()), Ok(())));
    let (_, noted, ended) = tries(Guard::Fence(early)).await;
    assert_eq!((noted, ended), (Err(StoreError::Fenced), Err(StoreError::Fenced.into())));
}
