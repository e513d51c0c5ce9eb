//! The ready queue: its order, and what it reads.

use domain::{
    task::{NewTask, Task, TaskSource},
    task_score::{TaskScore, TaskSignals},
};
use provost_store::{ReadyFilter, ReadyTask, TaskFilter};

use super::{at, later, new_task};
use crate::{fixture::Fixture, plan};

on_both_databases! {
    the_ready_queue_is_in_the_order_of_its_scores,
    the_first_of_a_long_queue_are_exact,
    the_ready_queue_reads_one_index_and_no_rows,
}

async fn the_ready_queue_is_in_the_order_of_its_scores(fixture: &Fixture) {
    let tasks = vec![
        NewTask { priority: 9.try_into().unwrap(), ..new_task("Late") },
        NewTask { priority: 1.try_into().unwrap(), ..new_task("First") },
        NewTask { agent_type: Some("frontend".parse().unwrap()), ..new_task("Middle") },
        NewTask { priority: 2.try_into().unwrap(), ..new_task("Begun") },
        NewTask { source: TaskSource::Agent, ..new_task("After the middle") },
    ];
    let added =
        fixture.write_backlog(move |team| team.tasks().insert_many(None, tasks, &at(1))).await.unwrap();
    fixture.move_task(added[3].id, "in_progress", 2).await.unwrap();
    let ready = async |filter: ReadyFilter, limit| {
        let list = fixture.read_backlog(move |team| team.tasks().list_ready(&filter, later(60), limit)).await;
        list.iter().map(|ready| ready.task.title.to_string()).collect::<Vec<_>>()
    };
    let all = ready(ReadyFilter::default(), 10).await;
    assert_eq!(all, ["First", "Middle", "After the middle", "Late"]);
    assert_eq!(ready(ReadyFilter::default(), 2).await, ["First", "Middle"]);
    // Those for any agent are for this one, too; those for another are not.
    let of = |agent_type: &str| ReadyFilter { agent_type: Some(agent_type.parse().unwrap()) };
    assert_eq!(ready(of("frontend"), 9).await, ["First", "Middle", "After the middle", "Late"]);
    assert_eq!(ready(of("backend"), 9).await, ["First", "After the middle", "Late"]);
    assert_eq!(ready(ReadyFilter::default(), u32::MAX).await, all);
    assert!(ready(ReadyFilter::default(), 0).await.is_empty());
}

/// Tasks that differ in everything their order follows from.
fn varied(count: u32) -> Vec<NewTask> {
    (0..count)
        .map(|number| NewTask {
            priority: (1 + i64::from(number * 7 % 10)).try_into().unwrap(),
            source: TaskSource::ALL[number as usize % 3],
            deadline: (number % 3 == 0).then(|| later(i64::from(number * 31 % 20_000))),
            estimated_seconds: (number % 4 == 0).then(|| 60 + i64::from(number * 13 % 3000)),
            agent_type: (number % 2 == 0).then(|| "backend".parse().unwrap()),
            description: "What an agent is to know about it. ".repeat(20),
            ..new_task(&format!("Task {number}"))
        })
        .collect()
}

fn score(task: &Task) -> TaskScore {
    let signals = TaskSignals {
        priority: task.priority,
        dependents: task.dependents,
        deadline: task.deadline,
        estimated_seconds: task.estimated_seconds,
        created_at: task.created_at,
        source: task.source,
    };
    TaskScore::of(&signals, later(4000))
}

async fn the_first_of_a_long_queue_are_exact(fixture: &Fixture) {
    let mut added = Vec::new();
    for seconds in 0..4 {
        let tasks = varied(80);
        let add =
            fixture.write_backlog(move |team| team.tasks().insert_many(None, tasks, &at(seconds * 900)));
        added.extend(add.await.unwrap());
    }
    // One that waits for five others counts among the dependents of each, and is not ready itself.
    let waiting = fixture.add_tasks(None, 6).await;
    for (index, task) in waiting.iter().enumerate() {
        for on in added.iter().skip(index).step_by(40).take(index + 1) {
            fixture.depend(task.id, on.id).await.unwrap();
        }
    }
    let all = fixture.read_backlog(|team| team.tasks().list(&TaskFilter::default(), None, 500)).await.items;
    let ready = all.into_iter().filter(|task| task.open_dependencies == 0);
    let mut expected: Vec<_> = ready.map(|task| ReadyTask { score: score(&task), task }).collect();
    expected.sort_by(|one, other| {
        let by_score = other.score.total.total_cmp(&one.score.total);
        by_score.then(one.task.created_at.cmp(&other.task.created_at)).then(one.task.id.cmp(&other.task.id))
    });
    for limit in [1, 7, 100, 320] {
        let ready = fixture
            .read_backlog(move |team| team.tasks().list_ready(&ReadyFilter::default(), later(4000), limit));
        assert_eq!(ready.await, expected[..limit as usize]);
    }
}

async fn the_ready_queue_reads_one_index_and_no_rows(fixture: &Fixture) {
    let tasks = varied(10_000);
    let add = fixture.write_backlog(move |team| team.tasks().insert_many(None, tasks, &at(1)).map(drop));
    add.await.unwrap();
    if fixture.place().pick("sqlite", "postgres") == "postgres" {
        see_all_rows_as_committed(fixture);
    } else {
        fixture.place().raw("ANALYZE").unwrap();
    }
    let ready = async |filter: ReadyFilter| {
        fixture.read_backlog(move |team| team.tasks().list_ready(&filter, later(60), 10)).await.len()
    };
    assert_eq!(ready(ReadyFilter::default()).await, 10);
    assert_eq!(ready(ReadyFilter { agent_type: Some("backend".parse().unwrap()) }).await, 10);
    let texts = plan::issued(fixture.place().pick("sqlite", "postgres"));
    let texts = texts.iter().filter(|sql| sql.starts_with("SELECT priority, dependents"));
    let mut looked_at = 0;
    for sql in texts {
        let plan = match fixture.place().pick("sqlite", "postgres") {
            "sqlite" => fixture.place().raw(&format!("EXPLAIN QUERY PLAN {sql}")),
            _ => fixture.place().raw(&format!(
                "SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN (GENERIC_PLAN) {sql}"
            )),
        };
        let plan = format!("{:?}", plan.unwrap());
        let expected = fixture
            .place()
            .pick("COVERING INDEX tasks_team_status", "Index Only Scan using tasks_team_status");
        assert!(plan.contains(expected), "{sql}: {plan}");
        looked_at += 1;
    }
    assert_eq!(looked_at, 2);
}

/// PostgreSQL reads an index alone where a page is marked as visible to all, and a vacuum marks it
/// once each commit on it has reached the log on the disk and no snapshot is older.
fn see_all_rows_as_committed(fixture: &Fixture) {
    let marked = "SELECT relallvisible = relpages FROM pg_class WHERE relname = 'tasks'";
    fixture.place().raw("CHECKPOINT").unwrap();
    for _ in 0..200 {
        fixture.place().raw("VACUUM ANALYZE tasks").unwrap();
        if fixture.place().raw(marked).unwrap()[0][0].as_deref() == Some("t") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("some snapshot kept the pages of tasks from being marked as visible to all");
}
