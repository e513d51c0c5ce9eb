//! The ready queue: what can be begun now, the most pressing first.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap},
};

use domain::{
    id::TaskId,
    task::{AgentType, Task},
    task_score::{TaskScore, TaskSignals},
    time::Timestamp,
    workflow::WorkflowDefinition,
};

use super::{
    task::{READ_AT_ONCE, Tasks},
    workflow::Workflows,
};
use crate::{
    error::StoreError,
    repository::Reads,
    statement::Statement,
    value::{Row, ToValue, Value},
};

/// Which ready tasks are looked for; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct ReadyFilter {
    /// For agents of this type: those meant for it, and those for any.
    pub agent_type: Option<AgentType>,
}

/// A task that can be begun, and why it stands where it does.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadyTask {
    /// The task.
    pub task: Task,
    /// What its place follows from.
    pub score: TaskScore,
}

/// A task of the queue, ordered by how soon its turn is.
#[derive(Debug, PartialEq)]
struct Candidate {
    id: TaskId,
    score: TaskScore,
    created_at: Timestamp,
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    /// The greater comes first: by score, then age, then id.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_score = self.score.total.total_cmp(&other.score.total);
        by_score.then(other.created_at.cmp(&self.created_at)).then(other.id.cmp(&self.id))
    }
}

impl<C: Reads> Tasks<'_, C> {
    /// The tasks that can be begun at this time, the most pressing first: ready, waiting for nothing, claimed by nobody.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ready(
        &self,
        filter: &ReadyFilter,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ReadyTask>, StoreError> {
        let candidates = self.rank(filter, now, limit)?;
        let mut tasks = HashMap::with_capacity(candidates.len());
        for some in candidates.chunks(READ_AT_ONCE) {
            let mut statement = self.scope.select_by::<Task>(true);
            statement.and("id IN ", []);
            statement.push_list(some.iter().map(|candidate| &candidate.id));
            let read: Vec<Task> = statement.rows(self.scope.connection())?;
            tasks.extend(read.into_iter().map(|task| (task.id, task)));
        }
        let with_task = |Candidate { id, score, .. }| Some(ReadyTask { task: tasks.remove(&id)?, score });
        Ok(candidates.into_iter().filter_map(with_task).collect())
    }

    /// The ids of what [`Tasks::list_ready`] gives.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ready_ids(
        &self,
        filter: &ReadyFilter,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<TaskId>, StoreError> {
        Ok(self.rank(filter, now, limit)?.into_iter().map(|candidate| candidate.id).collect())
    }

    /// Scores all that can be begun and keeps the first. Everything it reads stands in one index.
    fn rank(&self, filter: &ReadyFilter, now: Timestamp, limit: u32) -> Result<Vec<Candidate>, StoreError> {
        let limit = limit as usize;
        let mut first: BinaryHeap<Reverse<Candidate>> = BinaryHeap::new();
        let keep_if_first = |row: &Row<'_>| {
            let signals = TaskSignals {
                priority: row.get(0)?,
                dependents: row.get(1)?,
                deadline: row.get(2)?,
                estimated_seconds: row.get(3)?,
                created_at: row.get(4)?,
                source: row.get(5)?,
            };
            let score = TaskScore::of(&signals, now);
            // Reading an id costs as much as all else, and most are not kept.
            let is_full = first.len() >= limit;
            if is_full && first.peek().is_none_or(|last| score.total < last.0.score.total) {
                return Ok(());
            }
            first.push(Reverse(Candidate { id: row.get(6)?, score, created_at: signals.created_at }));
            if is_full {
                first.pop();
            }
            Ok(())
        };
        let workflow = Workflows { scope: self.scope }.active()?;
        ready(self, &workflow, filter, now).query(self.scope.connection(), keep_if_first)?;
        Ok(first.into_sorted_vec().into_iter().map(|Reverse(candidate)| candidate).collect())
    }
}

/// All that can be begun, in no order.
fn ready<'v, C: Reads>(
    tasks: &Tasks<'_, C>,
    workflow: &'v WorkflowDefinition,
    filter: &'v ReadyFilter,
    now: Timestamp,
) -> Statement<'v> {
    let mut statement = tasks.scope.statement(
        "SELECT priority, dependents, deadline, estimated_seconds, created_at, source, id FROM tasks WHERE team_id = ?",
    );
    statement.and("status IN ", []);
    statement.push_list(workflow.claimable());
    statement.and("open_dependencies = 0 AND deleted_at IS NULL", []);
    statement.and("(claim_expires_at IS NULL OR claim_expires_at <= ?)", [Value::Time(now)]);
    if let Some(agent_type) = &filter.agent_type {
        statement.and("(agent_type = ? OR agent_type IS NULL)", [agent_type.to_value()]);
    }
    statement
}
