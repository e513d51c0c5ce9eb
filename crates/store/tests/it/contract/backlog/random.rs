//! Whatever is done to a backlog in whatever order, progress and counters say what the tasks say.

use domain::{id::TaskId, workflow::WorkflowDefinition};
use proptest::{
    prelude::{Just, Strategy},
    prop_oneof,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use provost_store::{
    ClaimError, DependencyError, NewClaim, ReadyFilter, StatusChange, StoreError, TaskMoveError,
};

use super::{at, dependency, later, new_task};
use crate::{fixture::Fixture, sample};

on_both_databases! {
    random_work_keeps_progress_and_counters_right,
}

/// Something done to one of the tasks, or to two, by their place in the list of all.
#[derive(Debug, Clone)]
enum Operation {
    Add(usize),
    Move { task: usize, status: usize, forced: bool },
    Depend(usize, usize),
    Separate(usize, usize),
    Claim,
    Expire,
    Delete(usize),
    DeleteFeature,
}

fn operation() -> impl Strategy<Value = Operation> {
    let task = 0..40_usize;
    prop_oneof![
        4 => (0..4_usize).prop_map(Operation::Add),
        12 => (task.clone(), 0..6_usize, proptest::bool::weighted(0.4))
            .prop_map(|(task, status, forced)| Operation::Move { task, status, forced }),
        6 => (task.clone(), task.clone()).prop_map(|(task, on)| Operation::Depend(task, on)),
        2 => (task.clone(), task.clone()).prop_map(|(task, on)| Operation::Separate(task, on)),
        3 => Just(Operation::Claim),
        1 => Just(Operation::Expire),
        2 => task.prop_map(Operation::Delete),
        1 => Just(Operation::DeleteFeature),
    ]
}

/// A refusal is an answer, too; a failure is not.
fn refused(error: StoreError) {
    assert!(matches!(error, StoreError::Missing { .. } | StoreError::Conflict { .. }), "{error}");
}

async fn random_work_keeps_progress_and_counters_right(fixture: &Fixture) {
    let mut runner = TestRunner::deterministic();
    let operations = proptest::collection::vec(operation(), 60);
    for round in 0..4 {
        let (first, second) = (fixture.add_epic().await, fixture.add_epic().await);
        let mut features = Vec::new();
        for epic in [first.id, first.id, second.id] {
            features.push(Some(fixture.add_feature(epic).await.id));
        }
        features.push(None);
        let mut tasks: Vec<TaskId> = Vec::new();
        for feature in &features {
            tasks.extend(fixture.add_tasks(*feature, 3).await.iter().map(|task| task.id));
        }
        for operation in operations.new_tree(&mut runner).unwrap().current() {
            let seen = format!("{operation:?} in round {round}");
            let pick = |number: usize| tasks[number % tasks.len()];
            match operation {
                Operation::Add(feature) => {
                    let (id, feature) = (TaskId::from_uuid(sample::uuid()), features[feature]);
                    let new = domain::task::NewTask { id, ..new_task("Later") };
                    let added =
                        fixture.write_backlog(move |team| team.tasks().insert(feature, new, &at(3))).await;
                    match added {
                        Ok(task) => tasks.push(task.id),
                        Err(error) => refused(error),
                    }
                }
                Operation::Move { task, status, forced } => {
                    let to = WorkflowDefinition::built_in().statuses()[status].name.clone();
                    let change = StatusChange { to, reason: Some("because".into()), forced, fence: None };
                    let id = pick(task);
                    let moved =
                        fixture.write_backlog(move |team| team.tasks().change_status(id, &change, &at(4)));
                    if let Err(TaskMoveError::Store(error)) = moved.await {
                        refused(error);
                    }
                }
                Operation::Depend(task, on) => {
                    if let Err(DependencyError::Store(error)) = fixture.depend(pick(task), pick(on)).await {
                        refused(error);
                    }
                }
                Operation::Separate(task, on) => {
                    let gone = dependency(pick(task), pick(on));
                    let removed = fixture.write_backlog(move |team| {
                        team.task_dependencies().delete(gone.task_id, gone.depends_on_id, gone.kind)
                    });
                    if let Err(DependencyError::Store(error)) = removed.await {
                        refused(error);
                    }
                }
                Operation::Claim => {
                    let claim = NewClaim { owner: "worker".into(), until: later(50) };
                    let next = fixture.write_backlog(move |team| {
                        team.tasks().claim_next(&ReadyFilter::default(), &claim, &at(5))
                    });
                    assert!(!matches!(next.await, Err(ClaimError::Store(_))), "{seen}");
                }
                Operation::Expire => {
                    fixture.store.write(|tx| tx.task_claims().expire(2, &at(60))).await.unwrap();
                }
                Operation::Delete(task) => {
                    let id = pick(task);
                    if let Err(error) =
                        fixture.write_backlog(move |team| team.tasks().delete(id, later(6))).await
                    {
                        refused(error);
                    }
                }
                Operation::DeleteFeature => {
                    let feature = features[0].unwrap();
                    let deleted =
                        fixture.write_backlog(move |team| team.features().delete(feature, later(7))).await;
                    deleted.unwrap_or_else(refused);
                }
            }
            assert_eq!(fixture.store.scan(provost_store::check).await, Ok(Vec::new()), "{seen}");
        }
    }
}
