//! Deleting: softly with the subtree, and for good.

use std::time::{Duration, Instant};

use domain::task::{Task, TaskDependency};
use provost_store::{FeatureFilter, NewClaim, StoreError, TaskFilter};

use super::{at, dependency, later, new_feature, new_task};
use crate::fixture::Fixture;

on_both_databases! {
    a_deleted_task_counts_nowhere,
    a_deleted_task_hinders_nothing_that_it_waited_for,
    an_epic_takes_its_features_and_tasks_along,
    a_purged_epic_leaves_its_history,
    a_thousand_tasks_are_purged_quickly,
    history_is_append_only,
}

async fn counters(fixture: &Fixture, task: &Task) -> (i64, i64) {
    let task = fixture.task(task.id).await;
    (task.open_dependencies, task.dependents)
}

async fn a_deleted_task_counts_nowhere(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 3).await;
    fixture.depend(tasks[0].id, tasks[1].id).await.unwrap();
    fixture.depend(tasks[1].id, tasks[2].id).await.unwrap();
    let id = tasks[1].id;
    fixture.move_task(tasks[2].id, "in_progress", 2).await.unwrap();
    fixture.write_backlog(move |team| team.tasks().delete(id, later(3))).await.unwrap();
    assert_eq!(fixture.read_backlog(move |team| team.tasks().find(id)).await, None);
    assert_eq!((counters(fixture, &tasks[0]).await, counters(fixture, &tasks[2]).await), ((0, 0), (0, 0)));
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 25.0);
    let again = fixture.write_backlog(move |team| team.tasks().delete(id, later(4))).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })));
    assert!(fixture.move_task(id, "in_progress", 4).await.is_err());
    // Its key stays its own.
    assert_eq!(fixture.add_tasks(Some(feature.id), 1).await[0].key.to_string(), "T-E01-F01-004");
    fixture.assert_whole().await;
}

async fn a_deleted_task_hinders_nothing_that_it_waited_for(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 3).await;
    let [first, deleted, further] = [tasks[0].id, tasks[1].id, tasks[2].id];
    fixture.depend(deleted, first).await.unwrap();
    for (seconds, to) in (2..).zip(["in_progress", "ready_for_review", "completed"]) {
        fixture.move_task(first, to, seconds).await.unwrap();
    }
    fixture.write_backlog(move |team| team.tasks().delete(deleted, later(5))).await.unwrap();
    // While nothing that lives waits for it, and then while something does.
    fixture.move_task(first, "in_progress", 6).await.unwrap();
    fixture.depend(further, first).await.unwrap();
    for (seconds, to) in (7..).zip(["ready_for_review", "completed"]) {
        fixture.move_task(first, to, seconds).await.unwrap();
    }
    assert_eq!(counters(fixture, &tasks[2]).await, (0, 0));
    fixture.write_backlog(move |team| team.tasks().delete(first, later(9))).await.unwrap();
    fixture.assert_whole().await;
}

async fn an_epic_takes_its_features_and_tasks_along(fixture: &Fixture) {
    let epic = fixture.add_epic().await;
    let (first, second) = (fixture.add_feature(epic.id).await, fixture.add_feature(epic.id).await);
    let (below, further) =
        (fixture.add_tasks(Some(first.id), 3).await, fixture.add_tasks(Some(second.id), 2).await);
    let outside = fixture.add_tasks(None, 2).await;
    for (task, on) in [
        (&outside[0], &below[0]),
        (&outside[0], &further[0]),
        (&below[1], &outside[1]),
        (&below[2], &below[1]),
    ] {
        fixture.depend(task.id, on.id).await.unwrap();
    }
    let (claimed, claim) = (below[0].id, NewClaim { owner: "worker".into(), until: later(5) });
    fixture.write_backlog(move |team| team.tasks().claim(claimed, &claim, None, &at(2))).await.unwrap();
    assert_eq!(fixture.epic(epic.id).await.progress_pct, 10.0);
    assert_eq!(counters(fixture, &outside[0]).await, (2, 0));
    fixture.write_backlog(move |team| team.features().delete(first.id, later(3))).await.unwrap();
    assert_eq!(counters(fixture, &outside[0]).await, (1, 0));
    assert_eq!(counters(fixture, &outside[1]).await, (0, 0));
    assert_eq!(fixture.epic(epic.id).await.progress_pct, 0.0);
    fixture.assert_whole().await;
    let into =
        fixture.write_backlog(move |team| team.tasks().insert(Some(first.id), new_task("Late"), &at(4)));
    assert!(matches!(into.await, Err(StoreError::Missing { .. })));
    let expired = fixture.store.write(|tx| tx.task_claims().expire(9, &at(60))).await.unwrap();
    assert!(expired.is_empty());
    fixture.write_backlog(move |team| team.epics().delete(epic.id, later(5))).await.unwrap();
    let left = fixture.read_backlog(|team| {
        let tasks = team.tasks().list(&TaskFilter::default(), None, 9)?.items;
        Ok((team.features().list(FeatureFilter::default(), None, 9)?.items.len(), tasks.len()))
    });
    assert_eq!(left.await, (0, 2));
    assert_eq!(counters(fixture, &outside[0]).await, (0, 0));
    let into =
        fixture.write_backlog(move |team| team.features().insert(new_feature(epic.id, "Late"), later(6)));
    assert!(matches!(into.await, Err(StoreError::Missing { .. })));
    assert_eq!(fixture.add_epic().await.key.to_string(), "E02");
    fixture.assert_whole().await;
}

async fn a_purged_epic_leaves_its_history(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 2).await;
    let outside = fixture.add_tasks(None, 2).await;
    fixture.depend(outside[0].id, tasks[0].id).await.unwrap();
    fixture.depend(tasks[1].id, outside[1].id).await.unwrap();
    let purge =
        async || fixture.write_backlog(move |team| team.epics().purge(feature.epic_id, later(3))).await;
    purge().await.unwrap();
    for table in ["epics", "features"] {
        assert!(fixture.place().raw(&format!("SELECT id FROM {table}")).unwrap().is_empty());
    }
    assert_eq!(fixture.place().raw("SELECT task_id FROM task_dependencies").unwrap().len(), 0);
    assert_eq!(fixture.place().raw("SELECT id FROM tasks").unwrap().len(), 2);
    assert_eq!(
        (counters(fixture, &outside[0]).await, counters(fixture, &outside[1]).await),
        ((0, 0), (0, 0))
    );
    let id = tasks[0].id;
    let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await;
    assert_eq!(history.items.len(), 1);
    assert!(matches!(purge().await, Err(StoreError::Missing { .. })));
    assert_eq!(fixture.add_epic().await.key.to_string(), "E02");
    fixture.assert_whole().await;
}

async fn a_thousand_tasks_are_purged_quickly(fixture: &Fixture) {
    let epic = fixture.add_epic().await.id;
    let filled = fixture.write_backlog(move |team| {
        let mut before: Option<Task> = None;
        for number in 0..100 {
            let feature =
                team.features().insert(new_feature(epic, &format!("Feature {number}")), later(1))?;
            let tasks = (0..10).map(|number| new_task(&format!("Task {number}"))).collect();
            let tasks = team.tasks().insert_many(Some(feature.id), tasks, &at(1))?;
            for task in &tasks[1..] {
                let waits: TaskDependency = dependency(task.id, tasks[0].id);
                team.task_dependencies()
                    .insert(&waits)
                    .map_err(|error| StoreError::Conflict { what: error.to_string() })?;
            }
            before = tasks.into_iter().next().or(before);
        }
        Ok::<_, StoreError>(before)
    });
    filled.await.unwrap();
    let begin = Instant::now();
    fixture.write_backlog(move |team| team.epics().purge(epic, later(2))).await.unwrap();
    let took = begin.elapsed();
    // A debug build on a busy machine; without indexes on references it would be minutes.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(fixture.place().raw("SELECT id FROM task_history").unwrap().len(), 1000);
}

async fn history_is_append_only(fixture: &Fixture) {
    fixture.add_tasks(None, 1).await;
    for change in [
        "DELETE FROM task_history",
        "UPDATE task_history SET actor = 'x'",
        "UPDATE task_history SET notes = 'x'",
    ] {
        let error = fixture.place().raw(change).unwrap_err();
        assert!(error.contains("append-only"), "{error}");
    }
}
