//! Workflows: which one tasks follow, and what follows from another.

use domain::{
    id::WorkflowId,
    workflow::{Workflow, WorkflowDefinition},
};
use provost_store::{ReadyFilter, StoreError, TaskMoveError};
use serde_json::json;

use super::{at, later};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_workflow_is_found_as_it_was_added,
    tasks_follow_the_active_workflow,
    a_workflow_without_a_used_status_is_refused,
    wrong_values_are_found_and_set_right,
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
    Workflow {
        id: WorkflowId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        name: name.into(),
        definition: WorkflowDefinition::from_json(&definition.to_string()).unwrap(),
        is_active: false,
        version: 1,
        created_at: later(1),
        updated_at: later(1),
    }
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
    let claim = provost_store::NewClaim { owner: "a".into(), until: later(9) };
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
