//! Whatever is done to a backlog in whatever order, progress and counters say what the tasks say.

use domain::{
    id::{FeatureId, TaskId, WorkflowId},
    task::{Task, TaskDependency},
    workflow::WorkflowDefinition,
};
use proptest::{
    prelude::{Just, Strategy},
    prop_oneof,
    strategy::ValueTree,
    test_runner::TestRunner,
};
use provost_store::{DependencyError, NewClaim, ReadyFilter, StatusChange, StoreError, TaskMoveError};

use super::{at, dependency, later, new_task, workflow};
use crate::fixture::Fixture;

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
    Follow(usize),
    Edit(usize, usize),
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
        2 => task.clone().prop_map(Operation::Delete),
        1 => Just(Operation::DeleteFeature),
        2 => (0..3_usize).prop_map(Operation::Follow),
        2 => (task.clone(), task).prop_map(|(task, parent)| Operation::Edit(task, parent)),
    ]
}

/// What the operations work on: the last feature is none, and what is gone stays in the list.
struct Backlog {
    features: Vec<Option<FeatureId>>,
    tasks: Vec<TaskId>,
    /// What the team can follow besides the built-in workflow.
    workflows: Vec<WorkflowId>,
}

async fn random_work_keeps_progress_and_counters_right(fixture: &Fixture) {
    let mut runner = TestRunner::deterministic();
    let operations = proptest::collection::vec(operation(), 80);
    for _ in 0..4 {
        let mut backlog = Backlog::create(fixture).await;
        for operation in operations.new_tree(&mut runner).unwrap().current() {
            let what = format!("{operation:?}");
            backlog.apply(fixture, operation).await;
            assert_eq!(fixture.store.scan(provost_store::check).await, Ok(Vec::new()), "{what}");
        }
    }
}

impl Backlog {
    async fn create(fixture: &Fixture) -> Self {
        let (first, second) = (fixture.add_epic().await.id, fixture.add_epic().await.id);
        let (mut features, mut tasks) = (Vec::new(), Vec::new());
        for epic in [Some(first), Some(first), Some(second), None] {
            let feature = match epic {
                Some(epic) => Some(fixture.add_feature(epic).await.id),
                None => None,
            };
            features.push(feature);
            tasks.extend(fixture.add_tasks(feature, 3).await.iter().map(|task| task.id));
        }
        let workflows = workflow::variants();
        let ids = workflows.iter().map(|workflow| workflow.id).collect();
        let insert = fixture.write_backlog(move |team| {
            workflows.iter().try_for_each(|workflow| team.workflows().insert(workflow))
        });
        insert.await.unwrap();
        fixture.write_backlog(|team| team.workflows().activate(None, later(1))).await.unwrap();
        Self { features, tasks, workflows: ids }
    }

    async fn apply(&mut self, fixture: &Fixture, operation: Operation) {
        let pick = |number: usize| self.tasks[number % self.tasks.len()];
        let refusal = match operation {
            Operation::Add(feature) => {
                let feature = self.features[feature];
                let added = fixture
                    .write_backlog(move |team| team.tasks().insert(feature, new_task("Later"), &at(3)))
                    .await;
                added.map(|task| self.tasks.push(task.id)).err()
            }
            Operation::Move { task, status, forced } => {
                let to = WorkflowDefinition::built_in().statuses()[status].name.clone();
                let change = StatusChange { to, reason: Some("because".into()), forced, fence: None };
                let id = pick(task);
                let moved =
                    fixture.write_backlog(move |team| team.tasks().change_status(id, &change, &at(4))).await;
                moved.err().and_then(
                    |error| if let TaskMoveError::Store(error) = error { Some(error) } else { None },
                )
            }
            Operation::Depend(task, on) => failure(fixture.depend(pick(task), pick(on)).await),
            Operation::Separate(task, on) => {
                let TaskDependency { task_id, depends_on_id, kind, .. } = dependency(pick(task), pick(on));
                let delete = fixture.write_backlog(move |team| {
                    team.task_dependencies().delete(task_id, depends_on_id, kind, &at(4))
                });
                delete.await.err()
            }
            Operation::Claim => {
                let claim = NewClaim { owner: "worker".into(), until: later(50) };
                super::claim_next(fixture, ReadyFilter::default(), claim, 5).await;
                None
            }
            Operation::Expire => fixture.store.write(|tx| tx.task_claims().expire(2, &at(60))).await.err(),
            Operation::Delete(task) => {
                let id = pick(task);
                fixture.write_backlog(move |team| team.tasks().delete(id, &at(6))).await.err()
            }
            Operation::Follow(number) => {
                let id = self.workflows.get(number).copied();
                fixture.write_backlog(move |team| team.workflows().activate(id, later(8))).await.err()
            }
            Operation::Edit(task, parent) => {
                let (id, parent) = (pick(task), pick(parent));
                let edit = fixture.write_backlog(move |team| {
                    let Some(task) = team.tasks().find(id)? else { return Ok(0) };
                    team.tasks().update(&Task { parent_task_id: Some(parent), ..task }, &at(8))
                });
                edit.await.err()
            }
            Operation::DeleteFeature => {
                let Some(feature) = self.features[0] else { return };
                fixture.write_backlog(move |team| team.features().delete(feature, &at(7))).await.err()
            }
        };
        // A refusal is an answer, too; a failure is not.
        let is_answer = |error: &StoreError| {
            matches!(error, StoreError::Missing { .. } | StoreError::Invalid { field: "parent_task_id", .. })
        };
        assert!(refusal.as_ref().is_none_or(is_answer), "{refusal:?}");
    }
}

fn failure<T>(outcome: Result<T, DependencyError>) -> Option<StoreError> {
    if let Err(DependencyError::Store(error)) = outcome { Some(error) } else { None }
}
