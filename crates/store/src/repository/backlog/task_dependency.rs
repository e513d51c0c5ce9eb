//! What tasks depend on. Waiting for each other in a circle is refused, and so are long chains.

use std::collections::BTreeMap;

use domain::{
    backlog_key::TaskKey,
    id::TaskId,
    task::{DependencyKind, Task, TaskDependency},
    workflow::TaskStatus,
};

use super::workflow::Workflows;
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    repository::Reads,
    scope::{Scope, missing},
    value::params,
};

record! {
    TaskDependency in "task_dependencies" { task_id, depends_on_id, kind, created_by, created_at }
}

/// The dependencies between a team's tasks.
#[derive(Debug, Clone, Copy)]
pub struct TaskDependencies<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

/// Which way dependencies are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To what a task depends on.
    Dependencies,
    /// To what depends on it.
    Dependents,
}

/// A task at the other end of a dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedTask {
    /// The task.
    pub task_id: TaskId,
    /// What people call it.
    pub key: TaskKey,
    /// Where it is.
    pub status: TaskStatus,
    /// How the two relate.
    pub kind: DependencyKind,
}

/// A task that is reached by following what waits for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachedTask {
    /// The task.
    pub task_id: TaskId,
    /// What people call it.
    pub key: TaskKey,
    /// Where it is.
    pub status: TaskStatus,
    /// By how many steps at least; 1 is next to the first.
    pub depth: u32,
}

/// Why a dependency was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DependencyError {
    /// The task would wait for itself.
    #[error("the task would wait for itself: {}", join(path))]
    Cycle {
        /// From the task to itself, each waiting for the next.
        path: Vec<TaskKey>,
    },
    /// Too many would wait in a row.
    #[error("{depth} tasks in a row would wait for each other; accepted: at most {most}", most = TaskDependency::MOST_DEPTH)]
    TooDeep {
        /// How many steps.
        depth: u32,
    },
    /// The task would wait for too many.
    #[error("task {key} would wait for more than {most} others", most = TaskDependency::MOST_PER_TASK)]
    TooMany {
        /// The task.
        key: TaskKey,
    },
    /// The store refused or failed; [`StoreError::Missing`] when one of the tasks is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One step of a walk along dependencies.
struct Step {
    task: ReachedTask,
    via: TaskId,
}

/// The most steps that a walk takes, so that no graph makes it long.
const MOST_STEPS: i64 = 10_000;

impl Direction {
    /// The column of where a step begins and that of where it ends.
    const fn columns(self) -> (&'static str, &'static str) {
        match self {
            Self::Dependencies => ("task_id", "depends_on_id"),
            Self::Dependents => ("depends_on_id", "task_id"),
        }
    }
}

impl<C: Reads> TaskDependencies<'_, C> {
    /// The tasks next to this one, of every kind, by kind and key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, task: TaskId, direction: Direction) -> Result<Vec<RelatedTask>, StoreError> {
        let (from, to) = direction.columns();
        let sql = format!(
            "SELECT t.id, t.key, t.status, d.kind FROM task_dependencies d JOIN tasks t ON t.id = d.{to}
             WHERE (t.team_id = $1 AND t.deleted_at IS NULL) IS TRUE AND d.{from} = $2 ORDER BY d.kind, t.key"
        );
        self.scope.query(&sql, params![task], |row| {
            Ok(RelatedTask { task_id: row.get(0)?, key: row.get(1)?, status: row.get(2)?, kind: row.get(3)? })
        })
    }

    /// All tasks that this one waits for, or that wait for it, the nearest first, then by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_closure(&self, task: TaskId, direction: Direction) -> Result<Vec<ReachedTask>, StoreError> {
        let mut nearest: BTreeMap<TaskId, ReachedTask> = BTreeMap::new();
        for step in self.walk(task, direction)? {
            nearest.entry(step.task.task_id).or_insert(step.task);
        }
        let mut reached: Vec<_> = nearest.into_values().collect();
        reached.sort_by_key(|task| (task.depth, task.key));
        Ok(reached)
    }

    /// Every step along what waits for what, the nearest first; one that lies at several depths is given for each.
    fn walk(&self, task: TaskId, direction: Direction) -> Result<Vec<Step>, StoreError> {
        let (from, to) = direction.columns();
        let sql = format!(
            "WITH RECURSIVE page (task_id, via_id, depth) AS (
                 SELECT d.{to}, d.{from}, 1 FROM task_dependencies d JOIN tasks t ON t.id = d.{to}
                 WHERE (t.team_id = $1 AND t.deleted_at IS NULL) IS TRUE AND d.{from} = $2 AND d.kind = $3
                 UNION
                 SELECT d.{to}, d.{from}, page.depth + 1
                 FROM page JOIN task_dependencies d ON d.{from} = page.task_id AND (d.kind = $3) IS TRUE JOIN tasks t ON t.id = d.{to}
                 WHERE (t.deleted_at IS NULL) IS TRUE AND page.depth <= $4)
             SELECT t.id, t.key, t.status, page.depth, page.via_id FROM page JOIN tasks t ON t.id = page.task_id
             ORDER BY page.depth LIMIT $5"
        );
        let depth = i64::from(TaskDependency::MOST_DEPTH);
        let values = params![task, DependencyKind::DependsOn, depth, MOST_STEPS];
        self.scope.query(&sql, values, |row| {
            let (task_id, key, status, depth) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
            Ok(Step { task: ReachedTask { task_id, key, status, depth }, via: row.get(4)? })
        })
    }
}

impl TaskDependencies<'_, Tx<'_>> {
    /// Adds a dependency; `false` when it is there already.
    ///
    /// # Errors
    /// See [`DependencyError`].
    pub fn insert(&self, dependency: &TaskDependency) -> Result<bool, DependencyError> {
        let TaskDependency { task_id, depends_on_id, kind, created_by, created_at } = dependency;
        let (task, depends_on) = self.lock(*task_id, *depends_on_id)?;
        let waits = *kind == DependencyKind::DependsOn;
        if waits || task_id == depends_on_id {
            self.refuse_cycle(&task, &depends_on)?;
        }
        let sql = "INSERT INTO task_dependencies (task_id, depends_on_id, kind, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (task_id, depends_on_id, kind) DO NOTHING";
        let values = params![*task_id, *depends_on_id, *kind, *created_by, *created_at];
        if self.scope.tx().execute(sql, values)? == 0 {
            return Ok(false);
        }
        if waits {
            self.count(&task, &depends_on, 1)?;
            self.refuse_many(&task)?;
        }
        Ok(true)
    }

    /// Takes a dependency away.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it, or one of the tasks, is not there.
    pub fn delete(
        &self,
        task: TaskId,
        depends_on: TaskId,
        kind: DependencyKind,
    ) -> Result<(), DependencyError> {
        let (task, depends_on) = self.lock(task, depends_on)?;
        let sql = "DELETE FROM task_dependencies WHERE task_id = $1 AND depends_on_id = $2 AND kind = $3";
        let values = params![task.task_id, depends_on.task_id, kind];
        if self.scope.tx().execute(sql, values)? == 0 {
            let what = format!("dependency {kind} of {} on {}", task.key, depends_on.key);
            return Err(StoreError::Missing { what }.into());
        }
        if kind == DependencyKind::DependsOn {
            self.count(&task, &depends_on, -1)?;
        }
        Ok(())
    }

    /// The two tasks. Until the end of the transaction nobody else changes them, nor any dependency of the team: two who each
    /// added one half of a circle would otherwise not see each other's.
    fn lock(&self, task: TaskId, depends_on: TaskId) -> Result<(ReachedTask, ReachedTask), StoreError> {
        if self.scope.connection().postgres().is_some() {
            self.scope.query("SELECT 1 FROM teams WHERE id = $1 FOR NO KEY UPDATE", &[], |_| Ok(()))?;
        }
        let lock = self.scope.pick("", " FOR NO KEY UPDATE");
        let sql = format!(
            "SELECT id, key, status FROM tasks WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id IN ($2, $3)
             ORDER BY id{lock}"
        );
        let found = self.scope.query(&sql, params![task, depends_on], |row| {
            Ok(ReachedTask { task_id: row.get(0)?, key: row.get(1)?, status: row.get(2)?, depth: 0 })
        })?;
        let find = |id: TaskId| {
            found.iter().find(|task| task.task_id == id).cloned().ok_or_else(|| missing::<Task>(id))
        };
        Ok((find(task)?, find(depends_on)?))
    }

    fn refuse_cycle(&self, task: &ReachedTask, depends_on: &ReachedTask) -> Result<(), DependencyError> {
        if task.task_id == depends_on.task_id {
            return Err(DependencyError::Cycle { path: vec![task.key, task.key] });
        }
        let below = self.walk(depends_on.task_id, Direction::Dependencies)?;
        if below.iter().any(|step| step.task.task_id == task.task_id) {
            let mut path = vec![task.key];
            path.extend(path_to(&below, depends_on, task));
            return Err(DependencyError::Cycle { path });
        }
        let above = self.walk(task.task_id, Direction::Dependents)?;
        let deepest = |steps: &[Step]| steps.last().map_or(0, |step| step.task.depth);
        let depth = deepest(&below) + 1 + deepest(&above);
        if depth > TaskDependency::MOST_DEPTH { Err(DependencyError::TooDeep { depth }) } else { Ok(()) }
    }

    fn refuse_many(&self, task: &ReachedTask) -> Result<(), DependencyError> {
        let sql = "SELECT count(*) FROM task_dependencies WHERE task_id = $1 AND kind = $2";
        let values = params![task.task_id, DependencyKind::DependsOn];
        let count: i64 = self.scope.tx().scalar(sql, values)?;
        if count > i64::from(TaskDependency::MOST_PER_TASK) {
            return Err(DependencyError::TooMany { key: task.key });
        }
        Ok(())
    }

    /// The one has a dependent more or less, and the other an open dependency unless the first is done.
    fn count(&self, task: &ReachedTask, depends_on: &ReachedTask, more: i64) -> Result<(), StoreError> {
        let sql = "UPDATE tasks SET dependents = dependents + $1 WHERE id = $2 AND (team_id = $3) IS TRUE";
        self.scope.execute(sql, params![more, depends_on.task_id])?;
        let workflow = Workflows { scope: self.scope }.active()?;
        if workflow.satisfies_dependents(&depends_on.status) {
            return Ok(());
        }
        let sql = "UPDATE tasks SET open_dependencies = open_dependencies + $1 WHERE id = $2 AND (team_id = $3) IS TRUE";
        self.scope.execute(sql, params![more, task.task_id]).map(drop)
    }
}

/// The keys from one task to another along the steps of a walk, both included.
fn path_to(steps: &[Step], from: &ReachedTask, to: &ReachedTask) -> Vec<TaskKey> {
    let mut path = Vec::new();
    let (mut at, mut depth) = (to.task_id, u32::MAX);
    while let Some(step) = steps.iter().find(|step| step.task.task_id == at && step.task.depth < depth) {
        path.push(step.task.key);
        (at, depth) = (step.via, step.task.depth);
        if at == from.task_id && depth == 1 {
            break;
        }
    }
    path.push(from.key);
    path.reverse();
    path
}

fn join(path: &[TaskKey]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}
