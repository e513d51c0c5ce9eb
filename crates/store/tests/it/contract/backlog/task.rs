//! Tasks: keys, lists, edits.

use domain::{
    id::TaskId,
    task::{NewTask, Task, TaskChange, TaskSource},
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
    an_edit_is_told_of,
    references_are_looked_at_when_they_change,
    a_task_is_no_part_of_itself,
    the_name_of_a_deleted_tasks_request_is_free,
    numbers_out_of_range_are_refused,
}

fn full(title: &str) -> NewTask {
    NewTask {
        description: "What it is about".into(),
        prompt: Some("Do {{this}}".into()),
        input: Some(json!({"this": 1})),
        agent_type: Some("backend".parse().unwrap()),
        deadline: Some(later(900)),
        estimated_seconds: Some(60),
        idempotency_key: Some(format!("request-{title}").parse().unwrap()),
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
        let (id, key, request) = (added.id, added.key, format!("request-{source}"));
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
        agent_type: Some("frontend".parse().unwrap()),
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
        TaskFilter { agent_type: Some("frontend".parse().unwrap()), ..any() },
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
    let update =
        async |task: Task| fixture.write_backlog(move |team| team.tasks().update(&task, &at(5))).await;
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
    let update = fixture.store.write(move |tx| tx.team(other).tasks().update(&stolen, &at(5)));
    assert!(matches!(update.await, Err(StoreError::Missing { .. })));
}

/// Edits a task as it stands.
async fn edit(
    fixture: &Fixture,
    id: TaskId,
    change: impl FnOnce(&mut Task) + Send + 'static,
) -> Result<i64, StoreError> {
    let edit = fixture.write_backlog(move |team| {
        let mut task = team.tasks().find(id)?.unwrap();
        change(&mut task);
        team.tasks().update(&task, &at(7))
    });
    edit.await
}

async fn an_edit_is_told_of(fixture: &Fixture) {
    let id = fixture.add_tasks(None, 1).await[0].id;
    let edited = edit(fixture, id, |task| {
        task.title = "Renamed".parse().unwrap();
        task.deadline = Some(later(99));
    });
    assert_eq!(edited.await, Ok(2));
    // What changes nothing is not written.
    assert_eq!(edit(fixture, id, |task| task.updated_at = later(50)).await, Ok(2));
    let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await.items;
    let [_, line] = history.as_slice() else { panic!("{history:?}") };
    assert_eq!((line.change, line.notes.as_deref()), (TaskChange::Edited, Some("title, deadline")));
    assert_eq!((line.old_status.as_ref(), line.at), (Some(&line.new_status), later(7)));
}

async fn references_are_looked_at_when_they_change(fixture: &Fixture) {
    let id = fixture.add_tasks(None, 1).await[0].id;
    let session = fixture.add_session().await;
    edit(fixture, id, move |task| task.session_id = Some(session)).await.unwrap();
    let gone = fixture.place().pick("1", "now()");
    fixture.place().raw(&format!("UPDATE sessions SET deleted_at = {gone}")).unwrap();
    // It refers to what is gone, which hinders no other edit.
    edit(fixture, id, |task| task.description = "More".into()).await.unwrap();
    edit(fixture, id, |task| task.session_id = None).await.unwrap();
    let gone = edit(fixture, id, move |task| task.session_id = Some(session)).await;
    assert_eq!(gone, Err(StoreError::Missing { what: format!("session {session}") }));
}

async fn a_task_is_no_part_of_itself(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 3).await;
    let [first, second, third] = [0, 1, 2].map(|index| tasks[index].id);
    let put = async |task, parent| edit(fixture, task, move |task| task.parent_task_id = Some(parent)).await;
    put(second, first).await.unwrap();
    put(third, second).await.unwrap();
    for (task, parent) in [(first, first), (first, second), (first, third)] {
        let refused = put(task, parent).await;
        assert!(matches!(refused, Err(StoreError::Invalid { field: "parent_task_id", .. })), "{refused:?}");
    }
    // Nor do two who each put one half of a circle make one.
    for _ in 0..8 {
        let pair = fixture.add_tasks(None, 2).await;
        let [one, other] = [0, 1].map(|index| pair[index].id);
        let put = all_at_once(vec![put(one, other), put(other, one)]).await;
        assert_eq!(put.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{put:?}");
    }
}

async fn the_name_of_a_deleted_tasks_request_is_free(fixture: &Fixture) {
    let insert = async || fixture.write_backlog(|team| team.tasks().insert(None, full("one"), &at(1))).await;
    let first = insert().await.unwrap().id;
    assert!(matches!(insert().await, Err(StoreError::Conflict { .. })));
    fixture.write_backlog(move |team| team.tasks().delete(first, &at(2))).await.unwrap();
    let second = insert().await.unwrap();
    let found = fixture.read_backlog(|team| team.tasks().find_by_idempotency_key("request-one")).await;
    assert_eq!(found, Some(second));
}

async fn numbers_out_of_range_are_refused(fixture: &Fixture) {
    let task = fixture.add_tasks(None, 1).await.remove(0);
    let field = |outcome: Result<(), StoreError>| match outcome {
        Err(StoreError::Invalid { field, accepted, .. }) => format!("{field}: {accepted}"),
        other => panic!("{other:?}"),
    };
    for (new, expected) in [
        (NewTask { estimated_seconds: Some(0), ..full("a") }, "estimated_seconds: 1 to 316224000"),
        (NewTask { estimated_seconds: Some(i64::MAX), ..full("a") }, "estimated_seconds: 1 to 316224000"),
        (NewTask { max_retries: -1, ..full("a") }, "max_retries: 0 to 1000"),
    ] {
        let edited =
            Task { estimated_seconds: new.estimated_seconds, max_retries: new.max_retries, ..task.clone() };
        let added = fixture.write_backlog(move |team| team.tasks().insert(None, new, &at(1))).await;
        assert_eq!(field(added.map(drop)), expected);
        let edit = fixture.write_backlog(move |team| team.tasks().update(&edited, &at(2))).await;
        assert_eq!(field(edit.map(drop)), expected);
    }
}
