//! Moving tasks: what is refused, what is written, what follows.

use domain::workflow::{RefusedMove, WorkflowDefinition};
use provost_store::{StatusChange, TaskMoveError};

use super::{all_at_once, at, later, move_to, status};
use crate::fixture::Fixture;

on_both_databases! {
    exactly_the_moves_of_the_workflow_are_taken,
    a_move_writes_its_history_and_times,
    progress_and_status_follow_the_tasks,
    of_several_movers_one_wins,
}

async fn exactly_the_moves_of_the_workflow_are_taken(fixture: &Fixture) {
    let workflow = WorkflowDefinition::built_in();
    let tasks = fixture.add_tasks(None, 36).await;
    let mut tasks = tasks.into_iter();
    for from in workflow.statuses() {
        for to in workflow.statuses() {
            let id = tasks.next().unwrap().id;
            if from.name != *workflow.initial() {
                let force = StatusChange { forced: true, ..move_to(from.name.as_str()) };
                let forced =
                    fixture.write_backlog(move |team| team.tasks().change_status(id, &force, &at(2)));
                assert!(forced.await.unwrap().forced);
            }
            let moved = fixture.move_task(id, to.name.as_str(), 3).await;
            let is_legal = workflow.successors(&from.name).any(|successor| *successor == to.name);
            assert_eq!(moved.is_ok(), is_legal, "{} to {}: {moved:?}", from.name, to.name);
            let now = fixture.task(id).await.status;
            assert_eq!(now, if is_legal { to.name.clone() } else { from.name.clone() });
        }
    }
}

async fn a_move_writes_its_history_and_times(fixture: &Fixture) {
    let id = fixture.add_tasks(None, 1).await[0].id;
    for (seconds, to) in
        [(2, "in_progress"), (3, "blocked"), (4, "todo"), (5, "in_progress"), (6, "ready_for_review")]
    {
        fixture.move_task(id, to, seconds).await.unwrap();
        let task = fixture.task(id).await;
        assert_eq!((task.started_at, task.updated_at), (Some(later(2)), later(seconds)));
        let blocked = (to == "blocked").then(|| (later(3), "because".to_owned()));
        assert_eq!(task.blocked_at.zip(task.blocked_reason), blocked);
    }
    let unexplained = StatusChange { reason: None, ..move_to("in_progress") };
    let refused =
        fixture.write_backlog(move |team| team.tasks().change_status(id, &unexplained, &at(7))).await;
    assert!(matches!(refused, Err(TaskMoveError::Refused(RefusedMove::ReasonNeeded { .. }))), "{refused:?}");
    fixture.move_task(id, "in_progress", 7).await.unwrap();
    fixture.move_task(id, "ready_for_review", 8).await.unwrap();
    fixture.move_task(id, "completed", 9).await.unwrap();
    assert_eq!(fixture.task(id).await.completed_at, Some(later(9)));
    fixture.move_task(id, "in_progress", 10).await.unwrap();
    assert_eq!(fixture.task(id).await.completed_at, None);
    let force = StatusChange { forced: true, ..move_to("completed") };
    fixture.write_backlog(move |team| team.tasks().change_status(id, &force, &at(11))).await.unwrap();
    let history =
        fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 50)).await.items;
    let steps: Vec<_> = history.iter().map(|entry| entry.new_status.as_str()).collect();
    let expected = [
        "todo",
        "in_progress",
        "blocked",
        "todo",
        "in_progress",
        "ready_for_review",
        "in_progress",
        "ready_for_review",
        "completed",
        "in_progress",
        "completed",
    ];
    assert_eq!(steps, expected);
    assert!(history.windows(2).all(|pair| pair[1].old_status.as_ref() == Some(&pair[0].new_status)));
    let reasons: Vec<_> =
        history.iter().map(|entry| (entry.notes.is_some(), entry.rejection_reason.is_some())).collect();
    assert_eq!((reasons[5], reasons[6], reasons[9]), ((true, false), (false, true), (false, true)));
    assert_eq!(history.iter().filter(|entry| entry.forced).count(), 1);
    let recent = fixture.read_backlog(|team| team.task_history().list_recent(None, 1)).await;
    assert_eq!(recent.items, [history.last().unwrap().clone()]);
    assert_eq!(fixture.task(id).await.version, 11);
}

async fn progress_and_status_follow_the_tasks(fixture: &Fixture) {
    let epic = fixture.add_epic().await;
    let (first, second) = (fixture.add_feature(epic.id).await, fixture.add_feature(epic.id).await);
    let tasks = fixture.add_tasks(Some(first.id), 3).await;
    fixture.add_tasks(Some(second.id), 1).await;
    let seen = async || {
        let (first, epic) = (fixture.feature(first.id).await, fixture.epic(epic.id).await);
        ((first.progress_pct, first.status.as_str()), (epic.progress_pct, epic.status.as_str()))
    };
    assert_eq!(seen().await, ((0.0, "draft"), (0.0, "draft")));
    fixture.move_task(tasks[0].id, "in_progress", 2).await.unwrap();
    assert_eq!(seen().await, ((50.0 / 3.0, "active"), (12.5, "active")));
    fixture.move_task(tasks[1].id, "archived", 3).await.unwrap();
    assert_eq!(seen().await, ((25.0, "active"), (50.0 / 3.0, "active")));
    fixture.move_task(tasks[2].id, "archived", 3).await.unwrap();
    for to in ["ready_for_review", "completed"] {
        fixture.move_task(tasks[0].id, to, 4).await.unwrap();
    }
    assert_eq!(seen().await, ((100.0, "completed"), (50.0, "active")));
    fixture.add_tasks(Some(first.id), 1).await;
    assert_eq!(seen().await, ((50.0, "active"), (100.0 / 3.0, "active")));
}

async fn of_several_movers_one_wins(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 4).await;
    let (id, store) = (tasks[0].id, &fixture.store);
    let moves: Vec<_> = (0..8)
        .map(|_| {
            let (store, change) = (store.clone(), move_to("in_progress"));
            tokio::spawn(async move {
                store
                    .write(move |tx| tx.team(crate::sample::TEAM).tasks().change_status(id, &change, &at(2)))
                    .await
            })
        })
        .collect();
    let mut won = 0;
    for moved in moves {
        match moved.await.unwrap() {
            Ok(_) => won += 1,
            Err(TaskMoveError::Overtaken { expected, .. }) => assert_eq!(expected, status("todo")),
            Err(TaskMoveError::Refused(RefusedMove::Illegal { from, .. })) => {
                assert_eq!(from, status("in_progress"));
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won, 1);
    // All at once: progress misses none of them.
    let moves: Vec<_> = tasks[1..].iter().map(|task| fixture.move_task(task.id, "in_progress", 3)).collect();
    all_at_once(moves).await.into_iter().for_each(|moved| moved.unwrap());
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 50.0);
}
