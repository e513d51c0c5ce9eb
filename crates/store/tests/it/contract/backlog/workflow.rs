//! Workflows: which one tasks follow, and what follows from another.

use domain::{
    id::WorkflowId,
    workflow::{Workflow, WorkflowDefinition},
};
use provost_store::{ClaimError, NewClaim, ReadyFilter, StoreError, TaskMoveError};
use serde_json::json;

use super::{at, later, move_to};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_workflow_is_found_as_it_was_added,
    tasks_follow_the_active_workflow,
    a_workflow_without_a_used_status_is_refused,
    wrong_values_are_found_and_set_right,
    what_cannot_be_begun_is_passed_over,
    claims_and_times_follow_the_workflow,
    a_status_that_the_workflow_lost_is_found,
    moves_and_activations_at_once_lose_nothing,
    a_workflow_is_either_followed_or_deleted,
}

/// A workflow that is to be.
pub(super) fn workflow(name: &str, definition: &serde_json::Value) -> Workflow {
    Workflow {
        id: WorkflowId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.parse().unwrap(),
        definition: WorkflowDefinition::from_json(&definition.to_string()).unwrap(),
        is_active: false,
        version: 1,
        created_at: later(1),
        updated_at: later(1),
    }
}

/// Two stations and a parking place; half done at the first.
fn short(name: &str) -> Workflow {
    let definition = json!({
        "statuses": [
            {"name": "todo", "kind": "ready", "weight": 0, "is_initial": true},
            {"name": "in_progress", "kind": "active", "weight": 0.9},
            {"name": "shipped", "kind": "done", "weight": 1},
        ],
        "moves": [
            {"from": "todo", "to": "in_progress"},
            {"from": "in_progress", "to": "todo"},
            {"from": "in_progress", "to": "shipped", "needs_reason": true},
        ],
    });
    workflow(name, &definition)
}

/// The built-in workflow with other meanings: work that ends at its review, and a queue in which what is blocked waits, too.
pub(super) fn variants() -> Vec<Workflow> {
    let built_in = serde_json::to_value(WorkflowDefinition::built_in()).unwrap();
    [("ready_for_review", "done"), ("blocked", "ready")]
        .into_iter()
        .map(|(status, kind)| {
            let mut definition = built_in.clone();
            let statuses = definition["statuses"].as_array_mut().unwrap();
            statuses.iter_mut().find(|rule| rule["name"] == status).unwrap()["kind"] = kind.into();
            workflow(&format!("{status} is {kind} {}", sample::uuid()), &definition)
        })
        .collect()
}

async fn insert(fixture: &Fixture, workflow: &Workflow) -> Result<(), StoreError> {
    let workflow = workflow.clone();
    fixture.write_backlog(move |team| team.workflows().insert(&workflow)).await
}

async fn activate(fixture: &Fixture, id: Option<WorkflowId>) -> Result<(), StoreError> {
    fixture.write_backlog(move |team| team.workflows().activate(id, later(2))).await
}

async fn a_workflow_is_found_as_it_was_added(fixture: &Fixture) {
    let (first, second) = (short("short"), short("other"));
    insert(fixture, &first).await.unwrap();
    insert(fixture, &second).await.unwrap();
    assert!(matches!(insert(fixture, &short("short")).await, Err(StoreError::Conflict { .. })));
    let active = Workflow { is_active: true, ..short("third") };
    assert!(matches!(insert(fixture, &active).await, Err(StoreError::Invalid { field: "is_active", .. })));
    let (id, other) = (first.id, fixture.other_team().await);
    assert_eq!(fixture.read_backlog(move |team| team.workflows().find(id)).await, Some(first));
    let list = fixture.read_backlog(|team| team.workflows().list(None, 9)).await.items;
    assert_eq!(list.iter().map(|workflow| workflow.name.as_str()).collect::<Vec<_>>(), ["other", "short"]);
    let foreign =
        fixture.store.write(move |tx| tx.team(other).workflows().activate(Some(id), later(2))).await;
    assert!(matches!(foreign, Err(StoreError::Missing { .. })), "{foreign:?}");
    let foreign = fixture.store.write(move |tx| tx.team(other).workflows().delete(id)).await;
    assert!(matches!(foreign, Err(StoreError::Missing { .. })), "{foreign:?}");
    activate(fixture, Some(id)).await.unwrap();
    let delete = async |id| fixture.write_backlog(move |team| team.workflows().delete(id)).await;
    assert!(matches!(delete(id).await, Err(StoreError::Conflict { .. })));
    assert_eq!(delete(second.id).await, Ok(()));
    assert!(matches!(delete(second.id).await, Err(StoreError::Missing { .. })));
}

async fn tasks_follow_the_active_workflow(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 2).await;
    fixture.depend(tasks[1].id, tasks[0].id).await.unwrap();
    fixture.move_task(tasks[0].id, "in_progress", 2).await.unwrap();
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 25.0);
    let workflow = short("short");
    insert(fixture, &workflow).await.unwrap();
    activate(fixture, Some(workflow.id)).await.unwrap();
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 45.0);
    fixture.assert_whole().await;
    assert!(matches!(fixture.move_task(tasks[0].id, "blocked", 3).await, Err(TaskMoveError::Refused(_))));
    fixture.move_task(tasks[0].id, "shipped", 3).await.unwrap();
    let ready =
        fixture.read_backlog(|team| team.tasks().list_ready(&ReadyFilter::default(), later(4), 9)).await;
    assert_eq!(ready.iter().map(|ready| ready.task.id).collect::<Vec<_>>(), [tasks[1].id]);
    // What counts as done changes with the definition.
    let id = workflow.id;
    let stored = fixture.read_backlog(move |team| team.workflows().find(id)).await.unwrap();
    let text = serde_json::to_string(&stored.definition).unwrap();
    let text = text.replace(r#""name":"shipped","kind":"done""#, r#""name":"shipped","kind":"review""#);
    let text = text.replace(r#""statuses":["#, r#""statuses":[{"name":"over","kind":"done","weight":1.0},"#);
    let changed = Workflow { definition: WorkflowDefinition::from_json(&text).unwrap(), ..stored.clone() };
    let (update, stale) = (changed.clone(), changed);
    let version = fixture.write_backlog(move |team| team.workflows().update(&update)).await;
    assert_eq!(version, Ok(stored.version + 1));
    assert_eq!(fixture.task(tasks[1].id).await.open_dependencies, 1);
    let stale = fixture.write_backlog(move |team| team.workflows().update(&stale)).await;
    assert!(matches!(stale, Err(StoreError::Stale { .. })));
    fixture.assert_whole().await;
}

async fn a_workflow_without_a_used_status_is_refused(fixture: &Fixture) {
    let task = fixture.add_tasks(None, 1).await[0].id;
    fixture.move_task(task, "blocked", 2).await.unwrap();
    let workflow = short("short");
    insert(fixture, &workflow).await.unwrap();
    let refused = activate(fixture, Some(workflow.id)).await.unwrap_err().to_string();
    assert!(refused.contains("blocked"), "{refused}");
    let active =
        fixture.read_backlog(|team| team.workflows().active().map(std::borrow::Cow::into_owned)).await;
    assert_eq!(active, *WorkflowDefinition::built_in());
    fixture.move_task(task, "todo", 3).await.unwrap();
    activate(fixture, Some(workflow.id)).await.unwrap();
    activate(fixture, None).await.unwrap();
    fixture.move_task(task, "blocked", 4).await.unwrap();
}

async fn wrong_values_are_found_and_set_right(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 2).await;
    fixture.depend(tasks[0].id, tasks[1].id).await.unwrap();
    let claim = NewClaim { owner: "a".into(), until: later(9) };
    let id = tasks[1].id;
    fixture.write_backlog(move |team| team.tasks().claim(id, &claim, None, &at(2))).await.unwrap();
    fixture.assert_whole().await;
    for change in [
        "UPDATE features SET progress_pct = 3, status = 'completed'",
        "UPDATE epics SET progress_pct = 4",
        "UPDATE tasks SET open_dependencies = 0, dependents = 7 WHERE key = 'T-E01-F01-001'",
    ] {
        fixture.place().raw(change).unwrap();
    }
    let found = fixture.store.scan(provost_store::check).await.unwrap();
    let what: Vec<_> = found.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(
        what,
        [
            "task T-E01-F01-001: counts 0 open dependencies and 7 dependents, but has 1 and 0",
            "epic E01: 4.00 % and active, but its tasks say 25.00 % and active",
            "feature E01-F01: 3.00 % and completed, but its tasks say 25.00 % and active",
        ]
    );
    let repaired = fixture.store.write(provost_store::repair).await;
    assert_eq!(repaired, Ok(vec![provost_store::Repaired { check: "backlog", rows: 3 }]));
    fixture.assert_whole().await;
}

async fn what_cannot_be_begun_is_passed_over(fixture: &Fixture) {
    let queues = workflow(
        "queues",
        &json!({
            "statuses": [
                {"name": "todo", "kind": "ready", "weight": 0, "is_initial": true},
                {"name": "parked", "kind": "ready", "weight": 0},
                {"name": "asked", "kind": "ready", "weight": 0},
                {"name": "in_progress", "kind": "active", "weight": 0.5},
                {"name": "done", "kind": "done", "weight": 1},
            ],
            "moves": [
                {"from": "todo", "to": "in_progress"},
                {"from": "in_progress", "to": "todo", "needs_reason": true},
                {"from": "todo", "to": "parked"},
                {"from": "parked", "to": "todo"},
                {"from": "todo", "to": "asked"},
                {"from": "asked", "to": "in_progress", "needs_reason": true},
            ],
        }),
    );
    insert(fixture, &queues).await.unwrap();
    activate(fixture, Some(queues.id)).await.unwrap();
    let tasks = fixture.add_tasks(None, 20).await;
    let asked = tasks[19].id;
    for task in &tasks[..19] {
        fixture.move_task(task.id, "parked", 3).await.unwrap();
    }
    fixture.move_task(asked, "asked", 3).await.unwrap();
    let claim = || NewClaim { owner: "worker".into(), until: later(9) };
    let ready =
        fixture.read_backlog(|team| team.tasks().list_ready_ids(&ReadyFilter::default(), later(4), 99)).await;
    assert_eq!(ready, [asked]);
    let claimed = super::claim_next(fixture, ReadyFilter::default(), claim(), 4).await;
    assert_eq!(claimed.map(|task| task.id), Some(asked));
    assert_eq!(super::claim_next(fixture, ReadyFilter::default(), claim(), 4).await, None);
    let parked = tasks[0].id;
    let refused = fixture.write_backlog(move |team| team.tasks().claim(parked, &claim(), None, &at(4))).await;
    assert!(matches!(refused, Err(ClaimError::NotReady { .. })), "{refused:?}");
    // Moves that need a reason have one, also where nobody is there to give it.
    fixture.store.write(|tx| tx.task_claims().expire(9, &at(60))).await.unwrap();
    let history =
        fixture.read_backlog(move |team| team.task_history().list_of_task(asked, None, 9)).await.items;
    let reasons: Vec<_> = history[2..].iter().map(|line| line.rejection_reason.as_deref()).collect();
    assert_eq!(reasons, [Some("claimed by worker"), Some("the claim of worker expired")]);
    assert!(history.iter().all(|line| !line.forced));
}

async fn claims_and_times_follow_the_workflow(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 3).await;
    let ids = [0, 1, 2].map(|index| tasks[index].id);
    for id in ids {
        let claim = NewClaim { owner: "worker".into(), until: later(99) };
        fixture.write_backlog(move |team| team.tasks().claim(id, &claim, None, &at(2))).await.unwrap();
    }
    fixture.move_task(ids[0], "ready_for_review", 3).await.unwrap();
    fixture.move_task(ids[1], "blocked", 3).await.unwrap();
    let mut definition = serde_json::to_value(WorkflowDefinition::built_in()).unwrap();
    for (status, kind) in [("ready_for_review", "done"), ("blocked", "review"), ("in_progress", "blocked")] {
        let statuses = definition["statuses"].as_array_mut().unwrap();
        statuses.iter_mut().find(|rule| rule["name"] == status).unwrap()["kind"] = kind.into();
    }
    // Something must be active, and lead to todo and back.
    let work = json!({"name": "work", "kind": "active", "weight": 0.5});
    definition["statuses"].as_array_mut().unwrap().push(work);
    for (from, to) in [("todo", "work"), ("work", "todo")] {
        let step = json!({"from": from, "to": to, "needs_reason": false});
        definition["moves"].as_array_mut().unwrap().push(step);
    }
    let other = workflow("other", &definition);
    insert(fixture, &other).await.unwrap();
    activate(fixture, Some(other.id)).await.unwrap();
    let [first, second, third] =
        [fixture.task(ids[0]).await, fixture.task(ids[1]).await, fixture.task(ids[2]).await];
    assert_eq!(first.completed_at, Some(later(2)), "from when the workflow says so");
    assert_eq!((second.blocked_at, second.blocked_reason), (None, None));
    assert_eq!((third.claim_owner, third.blocked_at), (None, Some(later(2))));
    let id = ids[2];
    let beat = fixture.write_backlog(move |team| team.tasks().heartbeat(id, 1, later(500))).await;
    assert_eq!(beat, Err(ClaimError::Ended { id }));
    fixture.assert_whole().await;
}

async fn a_status_that_the_workflow_lost_is_found(fixture: &Fixture) {
    fixture.add_tasks(None, 2).await;
    fixture.place().raw("UPDATE tasks SET status = 'nowhere' WHERE key = 'T-0002'").unwrap();
    let found = fixture.store.scan(provost_store::check).await.unwrap();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(finding.what, "task T-0002: is in status nowhere, which the team's workflow does not have");
    assert!(!finding.is_repairable);
}

/// Whatever comes first, no task is in a status that the workflow does not have, and counters and progress say what is.
async fn moves_and_activations_at_once_lose_nothing(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 8).await;
    for task in &tasks[1..] {
        fixture.depend(task.id, tasks[0].id).await.unwrap();
    }
    let short = short("short");
    insert(fixture, &short).await.unwrap();
    for _ in 0..10 {
        let store = &fixture.store;
        let mut all: Vec<_> = tasks
            .iter()
            .map(|task| {
                let (store, id, to) = (store.clone(), task.id, move_to("blocked"));
                tokio::spawn(async move {
                    let moved = store
                        .write(move |tx| tx.team(sample::TEAM).tasks().change_status(id, &to, &at(3)))
                        .await;
                    matches!(moved, Ok(_) | Err(TaskMoveError::Refused(_) | TaskMoveError::Overtaken { .. }))
                })
            })
            .collect();
        let (store, id) = (store.clone(), short.id);
        all.push(tokio::spawn(async move {
            let activated =
                store.write(move |tx| tx.team(sample::TEAM).workflows().activate(Some(id), later(3))).await;
            matches!(activated, Ok(()) | Err(StoreError::Conflict { .. }))
        }));
        for outcome in all {
            assert!(outcome.await.unwrap(), "something else went wrong");
        }
        fixture.assert_whole().await;
        activate(fixture, None).await.unwrap();
        for task in &tasks {
            if fixture.task(task.id).await.status.as_str() == "blocked" {
                fixture.move_task(task.id, "todo", 4).await.unwrap();
            }
        }
    }
}

async fn a_workflow_is_either_followed_or_deleted(fixture: &Fixture) {
    for number in 0..10 {
        let workflow = short(&format!("short {number}"));
        insert(fixture, &workflow).await.unwrap();
        let id = workflow.id;
        let (delete, follow) = (fixture.store.clone(), fixture.store.clone());
        let delete = tokio::spawn(async move {
            delete.write(move |tx| tx.team(sample::TEAM).workflows().delete(id)).await
        });
        let follow = tokio::spawn(async move {
            follow.write(move |tx| tx.team(sample::TEAM).workflows().activate(Some(id), later(3))).await
        });
        let (deleted, followed) = (delete.await.unwrap(), follow.await.unwrap());
        assert!(deleted.is_ok() != followed.is_ok(), "{deleted:?} {followed:?}");
        activate(fixture, None).await.unwrap();
    }
}
