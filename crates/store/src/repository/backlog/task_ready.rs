//! The ready queue: what can be begun now, the most pressing first.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
};

use domain::{
    id::TaskId,
    task::Task,
    task_score::{TaskScore, TaskSignals},
    time::Timestamp,
    workflow::{StatusKind, WorkflowDefinition},
};

use super::{task::Tasks, workflow::Workflows};
use crate::{
    error::StoreError,
    repository::Reads,
    statement::Statement,
    value::{Row, ToValue, Value},
};

/// Which ready tasks are looked for; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct ReadyFilter {
    /// For agents of this type.
    pub agent_type: Option<String>,
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
pub(super) struct Candidate {
    pub(super) id: TaskId,
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
        let workflow = Workflows { scope: self.scope }.active()?;
        let candidates = self.rank(&workflow, filter, now, limit)?;
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = self.scope.select::<Task>();
        statement.and("id IN (", []);
        push_list(&mut statement, candidates.iter().map(|candidate| candidate.id.to_value()));
        let tasks: Vec<Task> = statement.rows(self.scope.connection())?;
        let with_task = |Candidate { id, score, .. }| {
            let task = tasks.iter().find(|task| task.id == id)?.clone();
            Some(ReadyTask { task, score })
        };
        Ok(candidates.into_iter().filter_map(with_task).collect())
    }

    /// Scores all that can be begun and keeps the first. Everything it reads stands in one index.
    pub(super) fn rank(
        &self,
        workflow: &WorkflowDefinition,
        filter: &ReadyFilter,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let limit = limit as usize;
        let mut first: BinaryHeap<Reverse<Candidate>> = BinaryHeap::with_capacity(limit + 1);
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
        ready(self, workflow, filter, now).query(self.scope.connection(), keep_if_first)?;
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
    statement.and("status IN (", []);
    push_list(&mut statement, workflow.all_of(StatusKind::Ready).map(ToValue::to_value));
    statement.and("open_dependencies = 0 AND deleted_at IS NULL", []);
    statement.and("(claim_expires_at IS NULL OR claim_expires_at <= ?)", [Value::Time(now)]);
    statement.and_equal("agent_type", filter.agent_type.as_ref());
    statement
}

/// The rest of a list in parentheses.
fn push_list<'v>(statement: &mut Statement<'v>, values: impl Iterator<Item = Value<'v>>) {
    for (index, value) in values.enumerate() {
        statement.push(if index == 0 { "?" } else { ", ?" }, [value]);
    }
    statement.push(")", []);
}
