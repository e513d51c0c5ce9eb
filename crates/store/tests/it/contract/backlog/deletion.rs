//! Deleting: softly with the subtree, and for good.

use std::time::{Duration, Instant};

use domain::{
    cost::CostEntry,
    task::{Task, TaskChange, TaskDependency},
};
use provost_store::{CostFilter, FeatureFilter, Guard, NewClaim, StoreError, TaskFilter};

use super::{at, dependency, later, new_feature, new_task};
use crate::{
    contract::{checkpoint, cost},
    fixture::Fixture,
    governance::maintenance,
};

on_both_databases! {
    a_deleted_task_counts_nowhere,
    a_deleted_task_hinders_nothing_that_it_waited_for,
    an_epic_takes_its_features_and_tasks_along,
    a_deletion_is_told_of,
    a_purged_epic_leaves_its_history,
    a_purged_epic_leaves_costs_and_the_checkpoints_of_sessions,
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
    fixture.write_backlog(move |team| team.tasks().delete(id, &at(3))).await.unwrap();
    assert_eq!(fixture.read_backlog(move |team| team.tasks().find(id)).await, None);
    assert_eq!((counters(fixture, &tasks[0]).await, counters(fixture, &tasks[2]).await), ((0, 0), (0, 0)));
    assert_eq!(fixture.feature(feature.id).await.progress_pct, 25.0);
    let again = fixture.write_backlog(move |team| team.tasks().delete(id, &at(4))).await;
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
    fixture.write_backlog(move |team| team.tasks().delete(deleted, &at(5))).await.unwrap();
    // While nothing that lives waits for it, and then while something does.
    fixture.move_task(first, "in_progress", 6).await.unwrap();
    fixture.depend(further, first).await.unwrap();
    for (seconds, to) in (7..).zip(["ready_for_review", "completed"]) {
        fixture.move_task(first, to, seconds).await.unwrap();
    }
    assert_eq!(counters(fixture, &tasks[2]).await, (0, 0));
    fixture.write_backlog(move |team| team.tasks().delete(first, &at(9))).await.unwrap();
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
    fixture.write_backlog(move |team| team.features().delete(first.id, &at(3))).await.unwrap();
    assert_eq!(counters(fixture, &outside[0]).await, (1, 0));
    assert_eq!(counters(fixture, &outside[1]).await, (0, 0));
    assert_eq!(fixture.epic(epic.id).await.progress_pct, 0.0);
    fixture.assert_whole().await;
    let into =
        fixture.write_backlog(move |team| team.tasks().insert(Some(first.id), new_task("Late"), &at(4)));
    assert!(matches!(into.await, Err(StoreError::Missing { .. })));
    let expired = fixture.store.write(|tx| tx.task_claims().expire(9, &at(60))).await.unwrap();
    assert!(expired.is_empty());
    fixture.write_backlog(move |team| team.epics().delete(epic.id, &at(5))).await.unwrap();
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

async fn a_deletion_is_told_of(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 2).await;
    let [first, second] = [0, 1].map(|index| tasks[index].id);
    fixture.write_backlog(move |team| team.tasks().delete(first, &at(3))).await.unwrap();
    fixture.write_backlog(move |team| team.epics().delete(feature.epic_id, &at(4))).await.unwrap();
    for (id, seconds) in [(first, 3), (second, 4)] {
        let list = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await;
        let last = list.items.last().unwrap();
        assert_eq!((list.items.len(), last.change, last.at), (2, TaskChange::Deleted, later(seconds)));
        assert_eq!((last.actor.as_str(), last.old_status.as_ref()), ("user:ada", Some(&last.new_status)));
    }
    // Whoever read them before sees that they changed.
    for table in ["epics", "features", "tasks"] {
        let changed = format!("SELECT id FROM {table} WHERE version > 1 AND updated_at = deleted_at");
        let all = format!("SELECT id FROM {table}");
        assert_eq!(fixture.place().raw(&changed), fixture.place().raw(&all));
    }
}

async fn a_purged_epic_leaves_costs_and_the_checkpoints_of_sessions(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let task = fixture.add_tasks(Some(feature.id), 1).await[0].id;
    let session = fixture.add_session().await;
    let spent = CostEntry { task_id: Some(task), ..cost::entry(7, 2) };
    fixture.write_backlog(move |team| team.costs().insert_all(&[spent])).await.unwrap();
    let of_both = checkpoint::checkpoint(Some(session), Some(task), 2);
    let of_task = checkpoint::checkpoint(None, Some(task), 2);
    let id = of_both.id;
    let insert = fixture.write_backlog(move |team| {
        [of_both, of_task].iter().try_for_each(|row| team.checkpoints().insert(row, Guard::Anyone))
    });
    insert.await.unwrap();
    let purge =
        fixture.write_backlog(move |team| team.epics().purge(feature.epic_id, &maintenance(3), &at(3)));
    purge.await.unwrap();
    let left = fixture.read_backlog(move |team| {
        let costs = team.costs().list(&CostFilter::default(), None, 9)?.items;
        Ok((costs, team.checkpoints().list_of_session(session, None, 9)?.items))
    });
    let (costs, checkpoints) = left.await;
    assert_eq!(costs.iter().map(|cost| cost.task_id).collect::<Vec<_>>(), [None]);
    assert_eq!(checkpoints.iter().map(|row| (row.id, row.task_id)).collect::<Vec<_>>(), [(id, None)]);
    let runs =
        fixture.place().raw("SELECT reason FROM maintenance_runs WHERE closed_at IS NOT NULL").unwrap();
    assert_eq!(runs.len(), 1);
    fixture.assert_whole().await;
}

async fn a_purged_epic_leaves_its_history(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 2).await;
    let outside = fixture.add_tasks(None, 2).await;
    fixture.depend(outside[0].id, tasks[0].id).await.unwrap();
    fixture.depend(tasks[1].id, outside[1].id).await.unwrap();
    let purge = async || {
        fixture.write_backlog(move |team| team.epics().purge(feature.epic_id, &maintenance(3), &at(3))).await
    };
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
    let told: Vec<_> = history.items.iter().map(|line| line.change).collect();
    assert_eq!(told, [TaskChange::Status, TaskChange::Deleted]);
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
                    .insert(&waits, &at(1))
                    .map_err(|error| StoreError::Conflict { what: error.to_string() })?;
            }
            before = tasks.into_iter().next().or(before);
        }
        Ok::<_, StoreError>(before)
    });
    filled.await.unwrap();
    let begin = Instant::now();
    fixture.write_backlog(move |team| team.epics().purge(epic, &maintenance(2), &at(2))).await.unwrap();
    let took = begin.elapsed();
    // A debug build on a busy machine; without indexes on references it would be minutes.
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(fixture.place().raw("SELECT id FROM task_history").unwrap().len(), 2900);
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
