//! Dependencies: what is refused, what is counted, what follows when a task is done or taken up again.

use domain::{
    id::TaskId,
    task::{DependencyKind, Task, TaskChange, TaskDependency, TaskNoteKind},
};
use provost_store::{DependencyError, Direction, ReadyFilter, StoreError};

use super::{all_at_once, at, dependency, later};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    dependencies_are_listed_both_ways,
    a_cycle_is_refused_with_its_path,
    a_large_graph_hides_no_cycle,
    what_depends_is_told_in_the_history,
    reopening_where_nothing_leads_to_blocked_is_forced,
    chains_and_fans_have_an_end,
    a_tasks_dependencies_are_counted,
    a_done_dependency_makes_ready,
    reopening_blocks_what_waits_and_notes_what_went_further,
    halves_of_a_cycle_added_at_once_do_not_make_one,
    another_teams_task_is_no_dependency,
}

async fn finish(fixture: &Fixture, id: TaskId) {
    for to in ["in_progress", "ready_for_review", "completed"] {
        fixture.move_task(id, to, 5).await.unwrap();
    }
}

async fn counters(fixture: &Fixture, task: &Task) -> (i64, i64) {
    let task = fixture.task(task.id).await;
    (task.open_dependencies, task.dependents)
}

async fn dependencies_are_listed_both_ways(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 5).await;
    for kind in DependencyKind::ALL {
        let related = TaskDependency { kind: *kind, ..dependency(tasks[0].id, tasks[1].id) };
        let again = related.clone();
        assert_eq!(
            fixture.write_backlog(move |team| team.task_dependencies().insert(&related, &at(1))).await,
            Ok(true)
        );
        assert_eq!(
            fixture.write_backlog(move |team| team.task_dependencies().insert(&again, &at(1))).await,
            Ok(false)
        );
    }
    for (task, on) in [(1, 2), (0, 2), (2, 3)] {
        fixture.depend(tasks[task].id, tasks[on].id).await.unwrap();
    }
    let (first, last) = (tasks[0].id, tasks[3].id);
    let list = async |id, direction| {
        let list = fixture.read_backlog(move |team| team.task_dependencies().list(id, direction)).await;
        list.into_iter().map(|related| (related.kind.as_str(), related.key.to_string())).collect::<Vec<_>>()
    };
    let expected = [
        ("depends_on", "T-0002"),
        ("depends_on", "T-0003"),
        ("duplicates", "T-0002"),
        ("related_to", "T-0002"),
        ("spawned_from", "T-0002"),
        ("supersedes", "T-0002"),
    ];
    let owned = |expected: &[(&'static str, &str)]| {
        expected.iter().map(|(kind, key)| (*kind, (*key).to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(list(first, Direction::Dependencies).await, owned(&expected));
    assert_eq!(list(last, Direction::Dependents).await, owned(&[("depends_on", "T-0003")]));
    let closure = async |id, direction| {
        let list =
            fixture.read_backlog(move |team| team.task_dependencies().list_closure(id, direction)).await;
        list.into_iter().map(|reached| (reached.depth, reached.key.to_string())).collect::<Vec<_>>()
    };
    let expected = [(1, "T-0002".to_owned()), (1, "T-0003".to_owned()), (2, "T-0004".to_owned())];
    assert_eq!(closure(first, Direction::Dependencies).await, expected);
    let expected = [(1, "T-0003".to_owned()), (2, "T-0001".to_owned()), (2, "T-0002".to_owned())];
    assert_eq!(closure(last, Direction::Dependents).await, expected);
    assert!(closure(tasks[4].id, Direction::Dependents).await.is_empty());
}

async fn a_cycle_is_refused_with_its_path(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 5).await;
    for (task, on) in [(0, 1), (1, 2), (0, 2), (2, 3), (1, 3), (3, 4)] {
        fixture.depend(tasks[task].id, tasks[on].id).await.unwrap();
    }
    let message = async |task: usize, on: usize| match fixture.depend(tasks[task].id, tasks[on].id).await {
        Err(error @ DependencyError::Cycle { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(message(0, 0).await, "the task would wait for itself: T-0001 → T-0001");
    assert_eq!(message(4, 3).await, "the task would wait for itself: T-0005 → T-0004 → T-0005");
    let long = message(4, 0).await;
    assert!(long.starts_with("the task would wait for itself: T-0005 → T-0001 → "), "{long}");
    assert!(long.ends_with("T-0004 → T-0005"), "{long}");
    // Only waiting makes a circle.
    let related = TaskDependency { kind: DependencyKind::RelatedTo, ..dependency(tasks[4].id, tasks[0].id) };
    assert_eq!(
        fixture.write_backlog(move |team| team.task_dependencies().insert(&related, &at(1))).await,
        Ok(true)
    );
    fixture.assert_whole().await;
}

/// Ten layers of fifty tasks, each of which waits for all of the next layer: five hundred tasks, 22,500 dependencies, and more
/// ways through them than could be walked.
async fn a_large_graph_hides_no_cycle(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 500).await;
    let layer = |table: &str| format!("(CAST(substr({table}.key, 3) AS integer) - 1) / 50");
    let fill = format!(
        "INSERT INTO task_dependencies (task_id, depends_on_id, kind, created_by, created_at)
         SELECT a.id, b.id, 'depends_on', 'user:ada', a.created_at FROM tasks a JOIN tasks b ON {} = {} + 1",
        layer("b"),
        layer("a")
    );
    fixture.place().raw(&fill).unwrap();
    fixture.store.write(provost_store::repair).await.unwrap();
    let (top, bottom) = (tasks[3].id, tasks[453].id);
    match fixture.depend(bottom, top).await {
        Err(DependencyError::Cycle { path }) => {
            assert_eq!((path.len(), path[0], path[1], path[10]), (11, tasks[453].key, tasks[3].key, path[0]));
        }
        other => panic!("{other:?}"),
    }
    let longer = fixture.depend(fixture.add_tasks(None, 1).await[0].id, top).await;
    assert_eq!(longer, Ok(true), "ten steps are accepted");
    let closure = fixture
        .read_backlog(move |team| team.task_dependencies().list_closure(top, Direction::Dependencies))
        .await;
    assert_eq!(closure.len(), 450);
    for (index, reached) in closure.iter().enumerate() {
        let expected = (u32::try_from(index / 50).unwrap() + 1, tasks[50 + index].key);
        assert_eq!((reached.depth, reached.key), expected);
    }
    fixture.assert_whole().await;
}

async fn what_depends_is_told_in_the_history(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 2).await;
    let (id, on, kind) = (tasks[0].id, tasks[1].id, DependencyKind::DependsOn);
    fixture.depend(id, on).await.unwrap();
    fixture.depend(id, on).await.unwrap();
    let delete = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
        team.task_dependencies().delete(id, on, kind, &at(8))
    };
    fixture.write_backlog(delete).await.unwrap();
    let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await.items;
    let told: Vec<_> = history.iter().map(|line| (line.change, line.notes.as_deref())).collect();
    let expected = [
        (TaskChange::Status, None),
        (TaskChange::Linked, Some("depends_on T-0002")),
        (TaskChange::Unlinked, Some("depends_on T-0002")),
    ];
    assert_eq!(told, expected);
}

async fn reopening_where_nothing_leads_to_blocked_is_forced(fixture: &Fixture) {
    let stuck = super::workflow::workflow(
        "stuck",
        &serde_json::json!({
            "statuses": [
                {"name": "todo", "kind": "ready", "weight": 0, "is_initial": true},
                {"name": "in_progress", "kind": "active", "weight": 0.5},
                {"name": "completed", "kind": "done", "weight": 1},
                {"name": "blocked", "kind": "blocked", "weight": 0},
            ],
            "moves": [
                {"from": "todo", "to": "in_progress"},
                {"from": "in_progress", "to": "todo"},
                {"from": "in_progress", "to": "completed"},
                {"from": "in_progress", "to": "blocked", "needs_reason": true},
                {"from": "completed", "to": "in_progress"},
            ],
        }),
    );
    let id = stuck.id;
    fixture.write_backlog(move |team| team.workflows().insert(&stuck)).await.unwrap();
    fixture.write_backlog(move |team| team.workflows().activate(Some(id), later(1))).await.unwrap();
    let tasks = fixture.add_tasks(None, 3).await;
    for task in &tasks[1..] {
        fixture.depend(task.id, tasks[0].id).await.unwrap();
    }
    for to in ["in_progress", "completed"] {
        fixture.move_task(tasks[0].id, to, 5).await.unwrap();
    }
    fixture.move_task(tasks[2].id, "in_progress", 6).await.unwrap();
    fixture.move_task(tasks[0].id, "in_progress", 7).await.unwrap();
    let mut told = Vec::new();
    for id in tasks[1..].iter().map(|task| task.id) {
        let list = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await;
        let last = list.items.into_iter().next_back().unwrap();
        told.push((last.forced, last.notes.is_some(), last.rejection_reason.is_some()));
    }
    assert_eq!(told, [(true, true, false), (false, false, true)]);
}

async fn chains_and_fans_have_an_end(fixture: &Fixture) {
    let chain = fixture.add_tasks(None, 12).await;
    for pair in chain[..11].windows(2) {
        fixture.depend(pair[0].id, pair[1].id).await.unwrap();
    }
    for (task, on) in [(10, 11), (11, 0)] {
        let longer = fixture.depend(chain[task].id, chain[on].id).await;
        assert_eq!(longer, Err(DependencyError::TooDeep { depth: 11 }));
    }
    let fan = fixture.add_tasks(None, 52).await;
    let all = fan.clone();
    let insert = move |team: provost_store::Scope<'_, provost_store::Tx<'_>>| {
        all[1..51].iter().try_for_each(|on| {
            team.task_dependencies().insert(&dependency(all[0].id, on.id), &at(1)).map(drop)
        })
    };
    fixture.write_backlog(insert).await.unwrap();
    let more = fixture.depend(fan[0].id, fan[51].id).await;
    assert_eq!(more, Err(DependencyError::TooMany { key: fan[0].key }));
    assert_eq!(counters(fixture, &fan[0]).await, (50, 0));
    assert_eq!(counters(fixture, &fan[51]).await, (0, 0));
}

async fn a_tasks_dependencies_are_counted(fixture: &Fixture) {
    let tasks = fixture.add_tasks(None, 3).await;
    fixture.depend(tasks[0].id, tasks[1].id).await.unwrap();
    fixture.depend(tasks[0].id, tasks[2].id).await.unwrap();
    assert_eq!(counters(fixture, &tasks[0]).await, (2, 0));
    finish(fixture, tasks[1].id).await;
    assert_eq!(counters(fixture, &tasks[0]).await, (1, 0));
    fixture.move_task(tasks[1].id, "archived", 6).await.unwrap();
    assert_eq!(counters(fixture, &tasks[0]).await, (1, 0));
    fixture.move_task(tasks[1].id, "todo", 7).await.unwrap();
    assert_eq!(counters(fixture, &tasks[0]).await, (2, 0));
    let (first, second) = (tasks[0].id, tasks[1].id);
    let remove = async || {
        let kind = DependencyKind::DependsOn;
        fixture.write_backlog(move |team| team.task_dependencies().delete(first, second, kind, &at(8))).await
    };
    remove().await.unwrap();
    assert!(matches!(remove().await, Err(StoreError::Missing { .. })));
    assert_eq!((counters(fixture, &tasks[0]).await, counters(fixture, &tasks[1]).await), ((1, 0), (0, 0)));
    assert_eq!(counters(fixture, &tasks[2]).await, (0, 1));
    fixture.assert_whole().await;
}

async fn a_done_dependency_makes_ready(fixture: &Fixture) {
    let feature = fixture.add_feature(fixture.add_epic().await.id).await;
    let tasks = fixture.add_tasks(Some(feature.id), 2).await;
    fixture.depend(tasks[0].id, tasks[1].id).await.unwrap();
    let ready = async || {
        let list =
            fixture.read_backlog(|team| team.tasks().list_ready(&ReadyFilter::default(), later(9), 9)).await;
        list.into_iter().map(|ready| ready.task.id).collect::<Vec<_>>()
    };
    assert_eq!(ready().await, [tasks[1].id]);
    finish(fixture, tasks[1].id).await;
    assert_eq!(ready().await, [tasks[0].id]);
}

async fn reopening_blocks_what_waits_and_notes_what_went_further(fixture: &Fixture) {
    let epic = fixture.add_epic().await;
    let (feature, other) =
        (fixture.add_feature(epic.id).await, fixture.add_feature(fixture.add_epic().await.id).await);
    let first = fixture.add_tasks(Some(feature.id), 1).await.remove(0);
    let waiting = fixture.add_tasks(Some(other.id), 6).await;
    for task in &waiting {
        fixture.depend(task.id, first.id).await.unwrap();
    }
    finish(fixture, first.id).await;
    let steps: [&[&str]; 6] = [
        &[],
        &["in_progress"],
        &["in_progress", "ready_for_review"],
        &["in_progress", "ready_for_review", "completed"],
        &["blocked"],
        &["archived"],
    ];
    for (task, steps) in waiting.iter().zip(steps) {
        for to in steps {
            fixture.move_task(task.id, to, 6).await.unwrap();
        }
    }
    fixture.move_task(first.id, "in_progress", 7).await.unwrap();
    let mut seen = Vec::new();
    for task in &waiting {
        let (id, now) = (task.id, fixture.task(task.id).await);
        assert_eq!(now.open_dependencies, 1);
        let notes = fixture.read_backlog(move |team| team.task_notes().list(id, None, 9)).await.items;
        assert!(
            notes.iter().all(
                |note| note.kind == TaskNoteKind::Blocker && note.content == "T-E01-F01-001 was reopened"
            )
        );
        seen.push((now.status.to_string(), now.blocked_reason, notes.len()));
    }
    let reopened = Some("T-E01-F01-001 was reopened".to_owned());
    let expected = [
        ("blocked", reopened.clone(), 0),
        ("blocked", reopened, 0),
        ("ready_for_review", None, 1),
        ("completed", None, 1),
        ("blocked", Some("because".to_owned()), 0),
        ("archived", None, 0),
    ];
    assert_eq!(seen, expected.map(|(status, reason, notes)| (status.to_owned(), reason, notes)));
    let id = waiting[1].id;
    let history = fixture.read_backlog(move |team| team.task_history().list_of_task(id, None, 9)).await.items;
    assert_eq!(history.last().unwrap().notes.as_deref(), Some("T-E01-F01-001 was reopened"));
    fixture.assert_whole().await;
}

async fn halves_of_a_cycle_added_at_once_do_not_make_one(fixture: &Fixture) {
    for _ in 0..8 {
        let tasks = fixture.add_tasks(None, 3).await;
        let [first, second, third] = [0, 1, 2].map(|index| tasks[index].id);
        let edges = [(first, second), (second, third), (third, first)];
        let added = all_at_once(edges.map(|(task, on)| fixture.depend(task, on)).into()).await;
        assert_eq!(added.iter().filter(|outcome| outcome.is_ok()).count(), 2, "{added:?}");
    }
    fixture.assert_whole().await;
}

async fn another_teams_task_is_no_dependency(fixture: &Fixture) {
    let (tasks, other) = (fixture.add_tasks(None, 2).await, fixture.other_team().await);
    let foreign = fixture
        .store
        .write(move |tx| tx.team(other).tasks().insert(None, super::new_task("Foreign"), &at(1)));
    let foreign = foreign.await.unwrap();
    let own = tasks[0].id;
    for (task, on) in [(own, foreign.id), (foreign.id, own), (own, TaskId::from_uuid(sample::uuid()))] {
        let added = fixture.depend(task, on).await;
        assert!(matches!(added, Err(DependencyError::Store(StoreError::Missing { .. }))), "{added:?}");
    }
    fixture.depend(own, tasks[1].id).await.unwrap();
    let seen = fixture.store.read(move |conn| {
        let dependencies = conn.team(other).task_dependencies();
        let direction = Direction::Dependencies;
        Ok::<_, StoreError>((dependencies.list(own, direction)?, dependencies.list_closure(own, direction)?))
    });
    assert_eq!(seen.await, Ok((Vec::new(), Vec::new())));
}
