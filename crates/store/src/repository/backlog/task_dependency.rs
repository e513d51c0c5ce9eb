//! What tasks depend on. Waiting for each other in a circle is refused, and so are long chains.

use std::collections::{HashMap, HashSet, hash_map::Entry};

use domain::{
    backlog_key::TaskKey,
    id::TaskId,
    task::{DependencyKind, Task, TaskChange, TaskDependency},
    workflow::{TaskStatus, WorkflowDefinition},
};

use super::{Occasion, task::Tasks, task_history::Event, workflow::Workflows};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    repository::Reads,
    scope::{Scope, missing},
    value::{Row, params},
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

/// A task at one end of a dependency that is to change.
#[derive(Clone)]
struct End {
    id: TaskId,
    key: TaskKey,
    status: TaskStatus,
}

/// What is reached from a task along what waits for what: for each live task of it, itself too, where its steps lead.
struct Reach {
    from: TaskId,
    steps: HashMap<TaskId, Vec<TaskId>>,
}

/// The most dependencies that are followed from one task.
const MOST_STEPS: i64 = 100_000;

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
    /// [`StoreError::Conflict`] when more than 100,000 dependencies lie on the way.
    pub fn list_closure(&self, task: TaskId, direction: Direction) -> Result<Vec<ReachedTask>, StoreError> {
        let nearest = self.reach(task, direction)?.nearest();
        let ids: Vec<_> = nearest.keys().copied().collect();
        let mut reached = Vec::with_capacity(ids.len());
        for (task_id, key, status) in (Tasks { scope: self.scope }).list_places(&ids)? {
            if let Some((depth, _)) = nearest.get(&task_id) {
                reached.push(ReachedTask { task_id, key, status, depth: *depth });
            }
        }
        reached.sort_by_key(|task| (task.depth, task.key));
        Ok(reached)
    }

    /// Follows what waits for what. The database finds each task once, on however many ways it lies.
    fn reach(&self, from: TaskId, direction: Direction) -> Result<Reach, StoreError> {
        let (this, other) = direction.columns();
        // Whether a task is there is asked for each by itself, not joined, or the walk could begin at all tasks there are.
        let sql = format!(
            "WITH RECURSIVE reached (id) AS (
                 SELECT id FROM tasks WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id = $2
                 UNION
                 SELECT d.{other} FROM reached JOIN task_dependencies d ON d.{this} = reached.id AND (d.kind = $3) IS TRUE
                 WHERE (SELECT t.deleted_at IS NULL FROM tasks t WHERE t.id = d.{other}))
             SELECT reached.id, d.{other} FROM reached
                 LEFT JOIN task_dependencies d ON d.{this} = reached.id AND (d.kind = $3) IS TRUE
             LIMIT $4"
        );
        let (mut steps, mut count): (HashMap<TaskId, Vec<TaskId>>, _) = (HashMap::new(), 0);
        let add = |row: &Row<'_>| {
            steps.entry(row.get(0)?).or_default().extend(row.get::<Option<TaskId>>(1)?);
            count += 1;
            Ok(())
        };
        self.scope.query(&sql, params![from, DependencyKind::DependsOn, MOST_STEPS + 1], add)?;
        if count > MOST_STEPS {
            let what = format!("more than {MOST_STEPS} dependencies lead from task {from}");
            return Err(StoreError::Conflict { what });
        }
        // What was deleted is reached, but leads nowhere.
        let live: HashSet<_> = steps.keys().copied().collect();
        steps.values_mut().for_each(|to| to.retain(|id| live.contains(id)));
        Ok(Reach { from, steps })
    }
}

impl Reach {
    fn steps(&self, from: TaskId) -> &[TaskId] {
        self.steps.get(&from).map_or(&[], Vec::as_slice)
    }

    /// By how many steps each task is reached at least, and from which task the last of these leads.
    fn nearest(&self) -> HashMap<TaskId, (u32, TaskId)> {
        let mut nearest = HashMap::new();
        let (mut level, mut depth) = (vec![self.from], 0);
        while !level.is_empty() {
            depth += 1;
            let mut next = Vec::new();
            for from in level {
                for to in self.steps(from) {
                    if let Entry::Vacant(vacant) = nearest.entry(*to) {
                        vacant.insert((depth, from));
                        next.push(*to);
                    }
                }
            }
            level = next;
        }
        nearest
    }

    /// The shortest way to a task, with both ends; `None` when no steps lead there.
    fn path_to(&self, to: TaskId) -> Option<Vec<TaskId>> {
        let nearest = self.nearest();
        let mut path = vec![to];
        let mut at = to;
        while at != self.from || path.len() == 1 {
            (_, at) = *nearest.get(&at)?;
            path.push(at);
        }
        path.reverse();
        Some(path)
    }

    /// How many steps the longest way takes. There are no circles to lose oneself in.
    fn depth(&self) -> u32 {
        let mut waiting: HashMap<TaskId, u32> = HashMap::new();
        for to in self.steps.values().flatten() {
            *waiting.entry(*to).or_default() += 1;
        }
        // A task is left when all steps to it were taken, so the last of them was on the longest way.
        let (mut level, mut depth) = (vec![self.from], 0);
        loop {
            let mut next = Vec::new();
            for to in level.iter().flat_map(|from| self.steps(*from)) {
                if let Some(left) = waiting.get_mut(to) {
                    *left -= 1;
                    if *left == 0 {
                        next.push(*to);
                    }
                }
            }
            if next.is_empty() {
                return depth;
            }
            (level, depth) = (next, depth + 1);
        }
    }
}

impl TaskDependencies<'_, Tx<'_>> {
    /// Adds a dependency; `false` when it is there already.
    ///
    /// # Errors
    /// See [`DependencyError`].
    pub fn insert(
        &self,
        dependency: &TaskDependency,
        occasion: &Occasion<'_>,
    ) -> Result<bool, DependencyError> {
        let TaskDependency { task_id, depends_on_id, kind, .. } = dependency;
        let workflow = Workflows { scope: self.scope }.hold()?;
        let [task, depends_on] = self.lock(*task_id, *depends_on_id)?;
        let sql = "SELECT depends_on_id FROM task_dependencies WHERE task_id = $1 AND kind = $2";
        let present = self.scope.tx().query(sql, params![task.id, *kind], |row| row.get(0))?;
        if present.contains(depends_on_id) {
            return Ok(false);
        }
        let waits = *kind == DependencyKind::DependsOn;
        if waits && present.len() >= TaskDependency::MOST_PER_TASK as usize {
            return Err(DependencyError::TooMany { key: task.key });
        }
        if waits || task.id == depends_on.id {
            self.refuse_cycle(&task, &depends_on)?;
        }
        self.scope.tx().insert(dependency)?;
        self.note(TaskChange::Linked, &task, &depends_on, *kind, occasion)?;
        if waits {
            self.count(&task, &depends_on, &workflow, 1)?;
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
        occasion: &Occasion<'_>,
    ) -> Result<(), StoreError> {
        let workflow = Workflows { scope: self.scope }.hold()?;
        let [task, depends_on] = self.lock(task, depends_on)?;
        let sql = "DELETE FROM task_dependencies WHERE task_id = $1 AND depends_on_id = $2 AND kind = $3";
        if self.scope.tx().execute(sql, params![task.id, depends_on.id, kind])? == 0 {
            let what = format!("dependency {kind} of {} on {}", task.key, depends_on.key);
            return Err(StoreError::Missing { what });
        }
        self.note(TaskChange::Unlinked, &task, &depends_on, kind, occasion)?;
        if kind == DependencyKind::DependsOn {
            self.count(&task, &depends_on, &workflow, -1)?;
        }
        Ok(())
    }

    /// The two tasks. Until the end of the transaction nobody else changes them, nor any dependency of the team: two who each
    /// added one half of a circle would otherwise not see each other's.
    fn lock(&self, task: TaskId, depends_on: TaskId) -> Result<[End; 2], StoreError> {
        self.scope.hold()?;
        let lock = self.scope.pick("", " FOR NO KEY UPDATE");
        let sql = format!(
            "SELECT id, key, status FROM tasks WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id IN ($2, $3)
             ORDER BY id{lock}"
        );
        let found = self.scope.query(&sql, params![task, depends_on], |row| {
            Ok(End { id: row.get(0)?, key: row.get(1)?, status: row.get(2)? })
        })?;
        let find =
            |id: TaskId| found.iter().find(|task| task.id == id).cloned().ok_or_else(|| missing::<Task>(id));
        Ok([find(task)?, find(depends_on)?])
    }

    fn refuse_cycle(&self, task: &End, depends_on: &End) -> Result<(), DependencyError> {
        if task.id == depends_on.id {
            return Err(DependencyError::Cycle { path: vec![task.key, task.key] });
        }
        let below = self.reach(depends_on.id, Direction::Dependencies)?;
        if let Some(path) = below.path_to(task.id) {
            let places = (Tasks { scope: self.scope }).list_places(&path)?;
            let keys: HashMap<_, _> = places.into_iter().map(|(id, key, _)| (id, key)).collect();
            let path = path.iter().filter_map(|id| keys.get(id).copied());
            return Err(DependencyError::Cycle { path: std::iter::once(task.key).chain(path).collect() });
        }
        let above = self.reach(task.id, Direction::Dependents)?;
        let depth = below.depth() + 1 + above.depth();
        if depth > TaskDependency::MOST_DEPTH { Err(DependencyError::TooDeep { depth }) } else { Ok(()) }
    }

    /// The one has a dependent more or less, and the other an open dependency unless the first is done.
    fn count(
        &self,
        task: &End,
        depends_on: &End,
        workflow: &WorkflowDefinition,
        more: i64,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE tasks SET dependents = dependents + $1 WHERE id = $2 AND (team_id = $3) IS TRUE";
        self.scope.execute(sql, params![more, depends_on.id])?;
        if workflow.satisfies_dependents(&depends_on.status) {
            return Ok(());
        }
        let sql = "UPDATE tasks SET open_dependencies = open_dependencies + $1 WHERE id = $2 AND (team_id = $3) IS TRUE";
        self.scope.execute(sql, params![more, task.id]).map(drop)
    }

    fn note(
        &self,
        change: TaskChange,
        task: &End,
        depends_on: &End,
        kind: DependencyKind,
        occasion: &Occasion<'_>,
    ) -> Result<(), StoreError> {
        let notes = Some(format!("{kind} {}", depends_on.key));
        let event = Event { task_id: task.id, task_key: task.key, status: &task.status, change, notes };
        self.scope.insert(&event.entry(self.scope.team(), occasion))
    }
}

fn join(path: &[TaskKey]) -> String {
    path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}
