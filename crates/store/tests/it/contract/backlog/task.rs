//! Tasks: keys, lists, edits.

use domain::{
    id::TaskId,
    task::{NewTask, Task, TaskSource},
};
use provost_store::{ReadyFilter, StoreError, TaskFilter};
use serde_json::json;

use super::{all_at_once, at, later, new_task, status};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_task_is_found_as_it_was_added,
    keys_count_up_and_are_not_given_again,
    a_key_of_ones_own_is_kept,
    many_tasks_are_added_at_once_or_none,
    tasks_are_listed_by_each_filter,
    an_edit_leaves_the_status_alone,
}

fn full(title: &str) -> NewTask {
    NewTask {
        description: "What it is about".into(),
        prompt: Some("Do {{this}}".into()),
        input: Some(json!({"this": 1})),
        agent_type: Some("backend".into()),
        deadline: Some(later(900)),
        estimated_seconds: Some(60),
        idempotency_key: Some(format!("request {title}")),
        execution_order: Some(3),
        file_path: Some("tasks/one.md".into()),
        ..new_task(title)
    }
}

async fn a_task_is_found_as_it_was_added(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    for (number, source) in TaskSource::ALL.iter().enumerate() {
        let new = NewTask { source: *source, ..full(source.as_str()) };
        let add = fixture.write_backlog(move |team| team.tasks().insert(Some(feature.id), new, &at(1)));
        let added = add.await.unwrap();
        assert_eq!(added.key.to_string(), format!("T-E01-F01-00{}", number + 1));
        assert_eq!((added.status.as_str(), added.epic_id), ("todo", Some(feature.epic_id)));
        let (id, key, request) = (added.id, added.key, format!("request {source}"));
        let found = fixture.read_backlog(move |team| {
            let tasks = team.tasks();
            Ok([tasks.find(id)?, tasks.find_by_key(key)?, tasks.find_by_idempotency_key(&request)?])
        });
        assert_eq!(found.await, [Some(added.clone()), Some(added.clone()), Some(added.clone())]);
        let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 10)).await;
        let [created] = history.items.as_slice() else { panic!("{history:?}") };
        assert_eq!((created.old_status.clone(), created.new_status.as_str()), (None, "todo"));
        assert_eq!((created.task_key, created.actor.as_str(), created.at), (key, "user:ada", later(1)));
    }
    let other = fixture.other_team().await;
    let seen = fixture.store.read(move |conn| {
        let tasks = conn.team(other).tasks();
        Ok::<_, StoreError>((
            tasks.find_by_key("T-E01-F01-001".parse().unwrap())?,
            tasks.list(&TaskFilter::default(), None, 9)?.items,
            tasks.list_ready(&ReadyFilter::default(), later(2), 9)?,
        ))
    });
    assert_eq!(seen.await, Ok((None, Vec::new(), Vec::new())));
    let into = fixture
        .store
        .write(move |tx| tx.team(other).tasks().insert(Some(feature.id), new_task("Foreign"), &at(1)));
    assert!(matches!(into.await, Err(StoreError::Missing { .. })));
}

async fn keys_count_up_and_are_not_given_again(fixture: &Fixture) {
    let keys = |tasks: Vec<Task>| tasks.iter().map(|task| task.key.to_string()).collect::<Vec<_>>();
    assert_eq!(keys(fixture.add_tasks(None, 2).await), ["T-0001", "T-0002"]);
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    assert_eq!(keys(fixture.add_tasks(Some(feature.id), 1).await), ["T-E01-F01-001"]);
    let second = fixture.add_feature(feature.epic_id).await;
    assert_eq!(second.key.to_string(), "E01-F02");
    assert_eq!(keys(fixture.add_tasks(Some(second.id), 1).await), ["T-E01-F02-001"]);
    assert_eq!(fixture.add_epic().await.key.to_string(), "E02");
    // Several at the same time.
    let adding: Vec<_> = (0..12).map(|_| fixture.add_tasks(Some(feature.id), 3)).collect();
    let mut given = Vec::new();
    for added in all_at_once(adding).await {
        given.extend(keys(added));
    }
    given.sort();
    let expected: Vec<_> = (2..38).map(|number| format!("T-E01-F01-{number:03}")).collect();
    assert_eq!(given, expected);
}

async fn a_key_of_ones_own_is_kept(fixture: &Fixture) {
    let insert = async |key: &str, title: &str| {
        let new = NewTask { key: Some(key.parse().unwrap()), ..new_task(title) };
        fixture.write_backlog(move |team| team.tasks().insert(None, new, &at(1))).await
    };
    assert_eq!(insert("t-0041", "Chosen").await.unwrap().key.to_string(), "T-0041");
    assert_eq!(fixture.add_tasks(None, 1).await[0].key.to_string(), "T-0042");
    assert_eq!(insert("T-0007", "Earlier").await.unwrap().key.to_string(), "T-0007");
    assert_eq!(fixture.add_tasks(None, 1).await[0].key.to_string(), "T-0043");
    assert!(matches!(insert("T-0041", "Again").await, Err(StoreError::Conflict { .. })));
    let foreign = insert("T-E01-F01-001", "Of a feature").await.unwrap_err().to_string();
    assert!(foreign.contains("T-E01-F01-001") && foreign.contains("T-0001"), "{foreign}");
}

async fn many_tasks_are_added_at_once_or_none(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    assert_eq!(fixture.add_tasks(Some(feature.id), 123).await.len(), 123);
    let (first, second) = (full("One"), full("One"));
    let add = fixture.write_backlog(move |team| {
        team.tasks().insert_many(Some(feature.id), vec![new_task("Zero"), first, second], &at(1))
    });
    assert!(matches!(add.await, Err(StoreError::Conflict { .. })));
    let listed = fixture.read_backlog(|team| team.tasks().list(&TaskFilter::default(), None, 500)).await;
    assert_eq!(listed.items.len(), 123);
    // Nothing happened, so nothing was counted either.
    assert_eq!(fixture.add_tasks(Some(feature.id), 1).await[0].key.to_string(), "T-E01-F01-124");
    let missing = NewTask { parent_task_id: Some(TaskId::from_uuid(sample::uuid())), ..new_task("Orphan") };
    let add = fixture.write_backlog(move |team| team.tasks().insert(None, missing, &at(1)));
    assert!(matches!(add.await, Err(StoreError::Missing { .. })));
}

async fn tasks_are_listed_by_each_filter(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let below = fixture.add_tasks(Some(feature.id), 5).await;
    let child = NewTask {
        parent_task_id: Some(below[0].id),
        priority: 1.try_into().unwrap(),
        source: TaskSource::Agent,
        agent_type: Some("frontend".into()),
        ..new_task("Child")
    };
    let child = fixture.write_backlog(move |team| team.tasks().insert(None, child, &at(2))).await.unwrap();
    fixture.move_task(below[1].id, "in_progress", 3).await.unwrap();
    let list = async |filter: TaskFilter| {
        let listed = fixture.read_backlog(move |team| team.tasks().list(&filter, None, 100)).await;
        listed.items.into_iter().map(|task| task.id).collect::<Vec<_>>()
    };
    let any = TaskFilter::default;
    let child_alone = [
        TaskFilter { agent_type: Some("frontend".into()), ..any() },
        TaskFilter { priority: Some(1.try_into().unwrap()), ..any() },
        TaskFilter { source: Some(TaskSource::Agent), ..any() },
        TaskFilter { parent_task_id: Some(below[0].id), ..any() },
        TaskFilter { source: Some(TaskSource::Agent), status: Some(status("todo")), ..any() },
    ];
    for filter in child_alone {
        assert_eq!(list(filter.clone()).await, [child.id], "{filter:?}");
    }
    let moved = TaskFilter { feature_id: Some(feature.id), status: Some(status("in_progress")), ..any() };
    assert_eq!(list(moved).await, [below[1].id]);
    assert_eq!(list(TaskFilter { epic_id: Some(feature.epic_id), ..any() }).await.len(), 5);
    assert_eq!(list(any()).await.len(), 6);
    let first = fixture.read_backlog(|team| team.tasks().list(&TaskFilter::default(), None, 4)).await;
    fixture.add_tasks(None, 2).await;
    let second =
        fixture.read_backlog(move |team| team.tasks().list(&TaskFilter::default(), first.next, 4)).await;
    assert_eq!((first.items.len(), first.items[0].id), (4, child.id));
    let older: Vec<_> = second
        .items
        .iter()
        .map(|task| task.id)
        .filter(|id| below.iter().any(|task| task.id == *id))
        .collect();
    assert_eq!(older, [below[1].id, below[0].id]);
}

async fn an_edit_leaves_the_status_alone(fixture: &Fixture) {
    let task = fixture.add_tasks(None, 1).await.remove(0);
    let edited = Task {
        title: "Renamed".parse().unwrap(),
        priority: 2.try_into().unwrap(),
        result: Some(json!("done")),
        status: status("completed"),
        fence: 9,
        open_dependencies: 4,
        key: "T-0099".parse().unwrap(),
        updated_at: later(5),
        ..task.clone()
    };
    let update = async |task: Task| fixture.write_backlog(move |team| team.tasks().update(&task)).await;
    assert_eq!(update(edited.clone()).await, Ok(2));
    let expected = Task {
        title: "Renamed".parse().unwrap(),
        priority: 2.try_into().unwrap(),
        result: Some(json!("done")),
        version: 2,
        updated_at: later(5),
        ..task.clone()
    };
    assert_eq!(fixture.task(task.id).await, expected);
    assert!(matches!(update(edited).await, Err(StoreError::Stale { current: 2, .. })));
    let foreign = Task { parent_task_id: Some(TaskId::from_uuid(sample::uuid())), ..expected.clone() };
    assert!(matches!(update(foreign).await, Err(StoreError::Missing { .. })));
    let other = fixture.other_team().await;
    let stolen = Task { team_id: other, ..expected };
    let update = fixture.store.write(move |tx| tx.team(other).tasks().update(&stolen));
    assert!(matches!(update.await, Err(StoreError::Missing { .. })));
}
