//! The one door for the status of tasks. Whatever moves a task comes through here: it asks the workflow, and history, times,
//! counters of dependents and progress follow in the same transaction.

use domain::{
    backlog_key::TaskKey,
    id::{EpicId, FeatureId, TaskHistoryId, TaskId, TaskNoteId},
    task::{DependencyKind, Task, TaskChange, TaskHistoryEntry, TaskNote, TaskNoteKind},
    time::Timestamp,
    workflow::{RefusedMove, StatusKind, TaskStatus, WorkflowDefinition},
};

use super::{
    Occasion,
    progress::Changed,
    task::Tasks,
    task_claim::NewClaim,
    workflow::{FOLLOWED, Followed},
};
use crate::{
    conn::Tx,
    error::StoreError,
    scope::missing,
    statement::Statement,
    value::{Row, ToValue, Value, params},
};

/// What is to become of a task.
#[derive(Debug, Clone)]
pub struct StatusChange {
    /// Its status after.
    pub to: TaskStatus,
    /// Why; some moves need it.
    pub reason: Option<String>,
    /// Somebody insists on a move that the workflow does not have, or without its reason.
    pub forced: bool,
    /// The claim under which it is done; somebody without one gives `None`.
    pub fence: Option<i64>,
}

/// Why a task stayed where it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskMoveError {
    /// The workflow refused.
    #[error(transparent)]
    Refused(#[from] RefusedMove),
    /// Somebody else moved it first, or changed the workflow: look at it again.
    #[error("task {key} was {expected}; somebody moved it, or changed the workflow, meanwhile")]
    Overtaken {
        /// The task.
        key: TaskKey,
        /// Where it was.
        expected: TaskStatus,
    },
    /// The claim ended, and whoever held it must stop.
    #[error("the claim on task {key} has ended")]
    ClaimEnded {
        /// The task.
        key: TaskKey,
    },
    /// The store refused or failed; [`StoreError::Missing`] when the task is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A task as far as moves need to know it, and the workflow it follows.
pub(super) struct Movable {
    pub(super) id: TaskId,
    pub(super) key: TaskKey,
    pub(super) status: TaskStatus,
    pub(super) place: Option<(EpicId, FeatureId)>,
    pub(super) fence: i64,
    pub(super) claim: Option<(String, Timestamp)>,
    pub(super) open_dependencies: i64,
}

/// A move that was permitted.
pub(super) struct Step<'s> {
    to: &'s TaskStatus,
    /// Why, where the move needs no reason.
    notes: Option<&'s str>,
    /// Why, where the move needs a reason.
    rejection_reason: Option<&'s str>,
    forced: bool,
    /// The claim that begins.
    claim: Option<(&'s str, Timestamp)>,
    /// Only while the task is claimed.
    claimed: bool,
}

impl<'s> Step<'s> {
    /// A move that somebody asked for.
    fn asked(
        workflow: &WorkflowDefinition,
        from: &TaskStatus,
        change: &'s StatusChange,
    ) -> Result<Self, RefusedMove> {
        let StatusChange { to, reason, forced, fence } = change;
        let reason = reason.as_deref();
        let needs_reason = match workflow.permit(from, to, reason) {
            Ok(permitted) => permitted.needs_reason,
            Err(_) if *forced => {
                workflow.permit_forced(from, to)?;
                false
            }
            Err(refused) => return Err(refused),
        };
        let (notes, rejection_reason) = if needs_reason { (None, reason) } else { (reason, None) };
        Ok(Self { to, notes, rejection_reason, forced: *forced, claim: None, claimed: fence.is_some() })
    }

    /// A move that the program makes by itself, whether the workflow has it or not.
    pub(super) fn own(
        workflow: &WorkflowDefinition,
        from: &TaskStatus,
        to: &'s TaskStatus,
        reason: &'s str,
    ) -> Self {
        let permitted = workflow.permit(from, to, Some(reason));
        let needs_reason = permitted.as_ref().is_ok_and(|permitted| permitted.needs_reason);
        let (notes, rejection_reason) =
            if needs_reason { (None, Some(reason)) } else { (Some(reason), None) };
        Self { to, notes, rejection_reason, forced: permitted.is_err(), claim: None, claimed: false }
    }

    /// The same move, with which a claim begins.
    pub(super) fn claiming(self, claim: &'s NewClaim) -> Self {
        Self { claim: Some((&claim.owner, claim.until)), ..self }
    }
}

/// Whether nobody else may change a task from here to the end of the transaction. A conditional update decides without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    None,
    /// Waits for whoever changes it.
    Wait,
    /// Does not find one that somebody changes.
    Skip,
}

impl Lock {
    const fn clause(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Wait => " FOR NO KEY UPDATE OF t",
            Self::Skip => " FOR NO KEY UPDATE OF t SKIP LOCKED",
        }
    }
}

impl Tasks<'_, Tx<'_>> {
    /// Moves a task to another status and gives the line of its history. Of several who move it from the same status at the
    /// same time one wins.
    ///
    /// When a task that was done is taken up again, what waits for it is blocked if it has not got further than being worked
    /// on; further ones get a note.
    ///
    /// # Errors
    /// See [`TaskMoveError`].
    pub fn change_status(
        &self,
        id: TaskId,
        change: &StatusChange,
        occasion: &Occasion<'_>,
    ) -> Result<TaskHistoryEntry, TaskMoveError> {
        let (task, workflow) = self.find_movable(id, Lock::None)?.ok_or_else(|| missing::<Task>(id))?;
        if change.fence.is_some_and(|fence| task.claim.is_none() || fence != task.fence) {
            return Err(TaskMoveError::ClaimEnded { key: task.key });
        }
        let step = Step::asked(&workflow, &task.status, change)?;
        let mut changed = Changed::default();
        let entry = self.take(&task, &workflow, &step, occasion, &mut changed)?;
        changed.recompute(self.scope.tx(), &workflow)?;
        Ok(entry)
    }

    /// Takes a permitted move with all that follows from it but progress, which is to be recomputed for all that changed.
    pub(super) fn take(
        &self,
        task: &Movable,
        workflow: &Followed,
        step: &Step<'_>,
        occasion: &Occasion<'_>,
        changed: &mut Changed,
    ) -> Result<TaskHistoryEntry, TaskMoveError> {
        changed.add(task.place);
        let (entry, dependents) = self.set_status(task, workflow, step, occasion)?;
        let (was, is) = [&task.status, step.to].map(|status| workflow.satisfies_dependents(status)).into();
        if dependents > 0 && was != is {
            self.count_open_dependency(task.id, if is { -1 } else { 1 })?;
            if workflow.kind(&task.status) == Some(StatusKind::Done) {
                self.warn_dependents(task, workflow, occasion, changed)?;
            }
        }
        Ok(entry)
    }

    /// The task, and the workflow it follows.
    pub(super) fn find_movable(
        &self,
        id: TaskId,
        lock: Lock,
    ) -> Result<Option<(Movable, Followed)>, StoreError> {
        let sql = format!(
            "SELECT {MOVABLE}, {FOLLOWED} FROM tasks t LEFT JOIN workflows w ON w.team_id = t.team_id AND w.is_active
             WHERE (t.team_id = $1 AND t.deleted_at IS NULL) IS TRUE AND t.id = $2{}",
            self.scope.pick("", lock.clause())
        );
        self.scope
            .find(&sql, params![id], |row| Ok((movable(row)?, Followed::from_row(row, MOVABLE_COLUMNS)?)))
    }

    /// Sets the status and what goes with it, unless somebody was faster, and writes the history. Gives how many tasks wait.
    fn set_status(
        &self,
        task: &Movable,
        workflow: &Followed,
        step: &Step<'_>,
        occasion: &Occasion<'_>,
    ) -> Result<(TaskHistoryEntry, i64), TaskMoveError> {
        let kind = workflow.kind(step.to);
        let mut statement = Statement::new("UPDATE tasks SET status = ?", [step.to.to_value()]);
        let blocked = kind == Some(StatusKind::Blocked);
        let reason = step.notes.or(step.rejection_reason).filter(|_| blocked);
        let blocked_at = blocked.then_some(occasion.at);
        statement.push(", blocked_at = ?", [blocked_at.map_or(Value::Null, Value::Time)]);
        statement.push(", blocked_reason = ?", [reason.map_or(Value::Null, Value::text)]);
        let at = Value::Time(occasion.at);
        match kind {
            Some(StatusKind::Active) => {
                statement.push(", completed_at = NULL, started_at = coalesce(started_at, ?)", [at.clone()]);
            }
            Some(StatusKind::Done) => statement.push(", completed_at = ?", [at.clone()]),
            Some(StatusKind::Archived) => {}
            _ => statement.push(", completed_at = NULL", []),
        }
        if let Some((owner, until)) = step.claim {
            let claim = [Value::text(owner), Value::Time(until)];
            statement.push(", claim_owner = ?, claim_expires_at = ?, fence = fence + 1", claim);
        } else if kind != Some(StatusKind::Active) {
            statement.push(", claim_owner = NULL, claim_expires_at = NULL", []);
        }
        statement.push(", version = version + 1, updated_at = ? WHERE id = ?", [at, task.id.to_value()]);
        let (status, fence) = (task.status.to_value(), Value::Int(task.fence));
        statement.push(" AND status = ? AND fence = ?", [status, fence]);
        if step.claim.is_some() {
            statement.push(" AND open_dependencies = 0", []);
        }
        if step.claimed {
            statement.push(" AND claim_owner IS NOT NULL", []);
        }
        let team = Value::Id(*self.scope.team().as_uuid());
        if self.scope.connection().postgres().is_some() {
            // Elsewhere nobody else writes since the workflow was read.
            workflow.and_still(&mut statement, team.clone());
        }
        statement.push(" AND (team_id = ? AND deleted_at IS NULL) IS TRUE RETURNING dependents", [team]);
        let dependents = statement.query(self.scope.connection(), |row| row.get(0))?;
        let Some(dependents) = dependents.first() else {
            let (key, expected) = (task.key, task.status.clone());
            return Err(TaskMoveError::Overtaken { key, expected });
        };
        let entry = self.entry(task, step, occasion);
        self.scope.insert(&entry)?;
        Ok((entry, *dependents))
    }

    fn entry(&self, task: &Movable, step: &Step<'_>, occasion: &Occasion<'_>) -> TaskHistoryEntry {
        TaskHistoryEntry {
            id: TaskHistoryId::from_uuid((occasion.next_id)()),
            team_id: self.scope.team(),
            task_id: task.id,
            task_key: task.key,
            change: TaskChange::Status,
            old_status: Some(task.status.clone()),
            new_status: step.to.clone(),
            actor: occasion.actor.to_owned(),
            notes: step.notes.map(str::to_owned),
            rejection_reason: step.rejection_reason.map(str::to_owned),
            forced: step.forced,
            at: occasion.at,
        }
    }

    /// What waits for this task waits for one task more or less. What was deleted counts nothing any more: it may have missed
    /// a change, and its counter would go below zero.
    fn count_open_dependency(&self, id: TaskId, more: i64) -> Result<(), StoreError> {
        let sql = "UPDATE tasks SET open_dependencies = open_dependencies + $1 WHERE id IN
             (SELECT task_id FROM task_dependencies WHERE depends_on_id = $2 AND kind = $3)
             AND (team_id = $4 AND deleted_at IS NULL) IS TRUE";
        self.scope.execute(sql, params![more, id, DependencyKind::DependsOn]).map(drop)
    }

    /// A task that was done is not any longer: blocks what waits for it, or leaves a note where that came too far.
    fn warn_dependents(
        &self,
        task: &Movable,
        workflow: &Followed,
        occasion: &Occasion<'_>,
        changed: &mut Changed,
    ) -> Result<(), TaskMoveError> {
        let warning = format!("{} was reopened", task.key);
        for dependent in self.list_dependents(task.id)? {
            match (workflow.kind(&dependent.status), workflow.first(StatusKind::Blocked)) {
                (Some(StatusKind::Ready | StatusKind::Active), Some(blocked)) => {
                    let step = Step::own(workflow, &dependent.status, blocked, &warning);
                    self.set_status(&dependent, workflow, &step, occasion)?;
                    changed.add(dependent.place);
                }
                (Some(StatusKind::Blocked | StatusKind::Archived), _) => {}
                _ => self.scope.tx().insert(&TaskNote {
                    id: TaskNoteId::from_uuid((occasion.next_id)()),
                    task_id: dependent.id,
                    kind: TaskNoteKind::Blocker,
                    content: warning.clone(),
                    author: occasion.actor.to_owned(),
                    version: 1,
                    created_at: occasion.at,
                    updated_at: occasion.at,
                })?,
            }
        }
        Ok(())
    }

    /// The live tasks that wait for this one, in the order of their ids, in which they are also locked.
    fn list_dependents(&self, id: TaskId) -> Result<Vec<Movable>, StoreError> {
        let lock = self.scope.pick("", " FOR NO KEY UPDATE OF t");
        let sql = format!(
            "SELECT {MOVABLE} FROM task_dependencies d JOIN tasks t ON t.id = d.task_id
             WHERE (t.team_id = $1 AND t.deleted_at IS NULL) IS TRUE AND d.depends_on_id = $2 AND d.kind = $3
             ORDER BY t.id{lock}"
        );
        self.scope.query(&sql, params![id, DependencyKind::DependsOn], movable)
    }
}

/// What [`movable`] reads, from tasks under the name t.
pub(super) const MOVABLE: &str = "t.id, t.key, t.status, t.epic_id, t.feature_id, t.fence, t.claim_owner, t.claim_expires_at, t.open_dependencies";
/// How many columns that are.
pub(super) const MOVABLE_COLUMNS: usize = 9;

pub(super) fn movable(row: &Row<'_>) -> Result<Movable, StoreError> {
    let (epic, feature) = (row.get::<Option<EpicId>>(3)?, row.get::<Option<FeatureId>>(4)?);
    let (owner, until) = (row.get::<Option<String>>(6)?, row.get::<Option<Timestamp>>(7)?);
    Ok(Movable {
        id: row.get(0)?,
        key: row.get(1)?,
        status: row.get(2)?,
        place: epic.zip(feature),
        fence: row.get(5)?,
        claim: owner.zip(until),
        open_dependencies: row.get(8)?,
    })
}
