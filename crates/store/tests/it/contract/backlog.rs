//! The backlog: epics, features, tasks and what follows from their changes.

mod claim;
mod deletion;
mod dependency;
mod epic;
mod random;
mod ready;
mod task;
mod task_move;
mod task_note;
mod workflow;

use domain::{
    epic::{Epic, NewEpic},
    feature::{Feature, NewFeature},
    id::{EpicId, FeatureId, SessionId, TaskId},
    task::{DependencyKind, NewTask, Task, TaskDependency},
    time::Timestamp,
    workflow::TaskStatus,
};
use provost_store::{
    DependencyError, NewClaim, Occasion, ReadyFilter, StatusChange, StoreError, TaskMoveError, Tx,
};

use crate::{fixture::Fixture, sample};

/// A person, at this second.
fn at(seconds: i64) -> Occasion<'static> {
    Occasion { actor: "user:ada", at: sample::time(seconds), next_id: &sample::uuid }
}

fn status(name: &str) -> TaskStatus {
    name.parse().unwrap()
}

fn new_epic(title: &str) -> NewEpic {
    NewEpic::new(EpicId::from_uuid(sample::uuid()), title.parse().unwrap())
}

fn new_feature(epic: EpicId, title: &str) -> NewFeature {
    NewFeature::new(FeatureId::from_uuid(sample::uuid()), epic, title.parse().unwrap())
}

fn new_task(title: &str) -> NewTask {
    NewTask::new(TaskId::from_uuid(sample::uuid()), title.parse().unwrap())
}

fn move_to(to: &str) -> StatusChange {
    StatusChange { to: status(to), reason: Some("because".into()), forced: false, fence: None }
}

/// What tests of the backlog do all the time.
impl Fixture {
    /// Writes what belongs to the team.
    async fn write_backlog<T: Send + 'static, E: From<StoreError> + Send + 'static>(
        &self,
        work: impl FnOnce(provost_store::Scope<'_, Tx<'_>>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E> {
        self.store.write(move |tx| work(tx.team(sample::TEAM))).await
    }

    /// Reads what belongs to the team.
    async fn read_backlog<T: Send + 'static>(
        &self,
        work: impl FnOnce(provost_store::Scope<'_, provost_store::Conn>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store.read(move |conn| work(conn.team(sample::TEAM))).await.unwrap()
    }

    async fn add_epic(&self) -> Epic {
        self.write_backlog(|team| team.epics().insert(new_epic("Epic"), sample::time(1))).await.unwrap()
    }

    async fn add_feature(&self, epic: EpicId) -> Feature {
        let add = move |team: provost_store::Scope<'_, Tx<'_>>| {
            team.features().insert(new_feature(epic, "Feature"), sample::time(1))
        };
        self.write_backlog(add).await.unwrap()
    }

    async fn add_tasks(&self, feature: Option<FeatureId>, count: usize) -> Vec<Task> {
        let tasks = (0..count).map(|number| new_task(&format!("Task {number}"))).collect();
        self.write_backlog(move |team| team.tasks().insert_many(feature, tasks, &at(1))).await.unwrap()
    }

    async fn move_task(&self, id: TaskId, to: &str, seconds: i64) -> Result<(), TaskMoveError> {
        let change = move_to(to);
        let moved = self.write_backlog(move |team| team.tasks().change_status(id, &change, &at(seconds)));
        moved.await.map(drop)
    }

    async fn depend(&self, task: TaskId, on: TaskId) -> Result<bool, DependencyError> {
        let dependency = dependency(task, on);
        self.write_backlog(move |team| team.task_dependencies().insert(&dependency, &at(1))).await
    }

    /// A session that a task can refer to.
    async fn add_session(&self) -> SessionId {
        let session = sample::session(self.team);
        let id = session.id;
        self.write_backlog(move |team| team.sessions().insert(&session)).await.unwrap();
        id
    }

    async fn task(&self, id: TaskId) -> Task {
        self.read_backlog(move |team| team.tasks().find(id)).await.unwrap()
    }

    async fn feature(&self, id: FeatureId) -> Feature {
        self.read_backlog(move |team| team.features().find(id)).await.unwrap()
    }

    async fn epic(&self, id: EpicId) -> Epic {
        self.read_backlog(move |team| team.epics().find(id)).await.unwrap()
    }
}

fn dependency(task_id: TaskId, depends_on_id: TaskId) -> TaskDependency {
    let kind = DependencyKind::DependsOn;
    TaskDependency { task_id, depends_on_id, kind, created_by: "user:ada".into(), created_at: later(1) }
}

fn later(seconds: i64) -> Timestamp {
    sample::time(seconds)
}

/// Claims the most pressing task, as a worker does: whoever reads puts the queue in order, and looks again when others were
/// faster.
async fn claim_next(fixture: &Fixture, filter: ReadyFilter, claim: NewClaim, seconds: i64) -> Option<Task> {
    loop {
        let filter = filter.clone();
        let list = move |team: provost_store::Scope<'_, provost_store::Conn>| {
            team.tasks().list_ready_ids(&filter, later(seconds), 16)
        };
        let (ids, claim) = (fixture.read_backlog(list).await, claim.clone());
        if ids.is_empty() {
            return None;
        }
        let first = fixture.write_backlog(move |team| team.tasks().claim_first(&ids, &claim, &at(seconds)));
        if let Some(task) = first.await.unwrap() {
            return Some(task);
        }
    }
}

/// Runs all at once.
async fn all_at_once<T>(all: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = all.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        let mut is_done = true;
        for (future, value) in pinned.iter_mut().filter(|(_, value)| value.is_none()) {
            match future.as_mut().poll(context) {
                std::task::Poll::Ready(ready) => *value = Some(ready),
                std::task::Poll::Pending => is_done = false,
            }
        }
        if is_done {
            std::task::Poll::Ready(pinned.iter_mut().filter_map(|(_, value)| value.take()).collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}
