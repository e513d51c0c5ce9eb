//! Claims: who works on a task, until when. Of several who claim a task, one wins.

use std::collections::BTreeMap;

use domain::{
    backlog_key::TaskKey,
    id::{TaskId, TeamId},
    task::Task,
    time::Timestamp,
    workflow::TaskStatus,
};

use super::{
    Occasion,
    progress::Changed,
    task::Tasks,
    task_move::{Lock, Movable, StatusChange, Step, TaskMoveError},
    workflow::{Followed, Workflows},
};
use crate::{conn::Tx, error::StoreError, scope::missing, value::params};

/// A claim that is to be.
#[derive(Debug, Clone)]
pub struct NewClaim {
    /// Who; any text by which the owner knows itself.
    pub owner: String,
    /// When it ends unless it is extended.
    pub until: Timestamp,
}

/// Why a task was not claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// It is in a status in which nothing can be begun.
    #[error("task {key} is {status}, so it cannot be claimed")]
    NotReady {
        /// The task.
        key: TaskKey,
        /// Where it is.
        status: TaskStatus,
    },
    /// Somebody has it.
    #[error("task {key} is claimed by {by} until {until}")]
    Claimed {
        /// The task.
        key: TaskKey,
        /// Who has it.
        by: String,
        /// For how long unless they extend it.
        until: Timestamp,
    },
    /// It waits for others.
    #[error("task {key} waits for {open} others")]
    Waiting {
        /// The task.
        key: TaskKey,
        /// How many.
        open: i64,
    },
    /// Somebody else was faster.
    #[error("somebody else claimed or moved task {key} meanwhile")]
    Overtaken {
        /// The task.
        key: TaskKey,
    },
    /// The claim ended, and whoever held it must stop.
    #[error("the claim on task {id} has ended")]
    Ended {
        /// The task.
        id: TaskId,
    },
    /// The store refused or failed; [`StoreError::Missing`] when the task is not there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A claim that nobody extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredClaim {
    /// The tenant.
    pub team_id: TeamId,
    /// The task, ready again.
    pub task_id: TaskId,
    /// What people call it.
    pub key: TaskKey,
    /// Who had it.
    pub owner: String,
}

/// Claims of all teams, for who looks after them.
#[derive(Debug, Clone, Copy)]
pub struct TaskClaims<'c, C> {
    pub(in crate::repository) conn: &'c C,
}

impl Tasks<'_, Tx<'_>> {
    /// Begins a task: it is its owner's until the claim ends, under a new fence. `fence` is the one that the caller saw, if it
    /// matters to it.
    ///
    /// # Errors
    /// See [`ClaimError`].
    pub fn claim(
        &self,
        id: TaskId,
        claim: &NewClaim,
        fence: Option<i64>,
        occasion: &Occasion<'_>,
    ) -> Result<Task, ClaimError> {
        let (task, workflow) = self.find_movable(id, Lock::None)?.ok_or_else(|| missing::<Task>(id))?;
        if fence.is_some_and(|fence| fence != task.fence) {
            return Err(ClaimError::Overtaken { key: task.key });
        }
        self.begin(&task, &workflow, claim, occasion)
    }

    /// Begins the first of these tasks that can be begun, such as of those that [`Tasks::list_ready_ids`] gave: the queue is
    /// long, so it is put in order by who reads, not by the one who writes. `None` when others had them all first; then the
    /// queue is to be looked at again.
    ///
    /// # Errors
    /// When the database fails.
    pub fn claim_first(
        &self,
        ids: &[TaskId],
        claim: &NewClaim,
        occasion: &Occasion<'_>,
    ) -> Result<Option<Task>, StoreError> {
        // At first what others are about to take is passed over; when nothing else is left, they are waited for.
        for lock in [Lock::Skip, Lock::Wait] {
            for id in ids {
                let Some((task, workflow)) = self.find_movable(*id, lock)? else { continue };
                match self.begin(&task, &workflow, claim, occasion) {
                    Ok(task) => return Ok(Some(task)),
                    Err(ClaimError::Store(error)) => return Err(error),
                    Err(_) => {}
                }
            }
        }
        Ok(None)
    }

    /// Extends a claim.
    ///
    /// # Errors
    /// [`ClaimError::Ended`] when it is not the caller's any longer.
    pub fn heartbeat(&self, id: TaskId, fence: i64, until: Timestamp) -> Result<(), ClaimError> {
        let sql =
            "UPDATE tasks SET claim_expires_at = $1 WHERE id = $2 AND fence = $3 AND claim_owner IS NOT NULL
             AND (team_id = $4 AND deleted_at IS NULL) IS TRUE";
        match self.scope.execute(sql, params![until, id, fence])? {
            0 => Err(ClaimError::Ended { id }),
            _ => Ok(()),
        }
    }

    /// Gives a task back that its owner does not finish.
    ///
    /// # Errors
    /// [`TaskMoveError::ClaimEnded`] when it is not the caller's any longer.
    pub fn release(
        &self,
        id: TaskId,
        fence: i64,
        reason: Option<String>,
        occasion: &Occasion<'_>,
    ) -> Result<(), TaskMoveError> {
        let to = Workflows { scope: self.scope }.active()?.initial().clone();
        let change = StatusChange { to, reason, forced: false, fence: Some(fence) };
        self.change_status(id, &change, occasion).map(drop)
    }

    fn begin(
        &self,
        task: &Movable,
        workflow: &Followed,
        claim: &NewClaim,
        occasion: &Occasion<'_>,
    ) -> Result<Task, ClaimError> {
        let key = task.key;
        if let Some((by, until)) = task.claim.clone().filter(|(_, until)| *until > occasion.at) {
            return Err(ClaimError::Claimed { key, by, until });
        }
        if !workflow.claimable().any(|status| *status == task.status) {
            return Err(ClaimError::NotReady { key, status: task.status.clone() });
        }
        if task.open_dependencies > 0 {
            return Err(ClaimError::Waiting { key, open: task.open_dependencies });
        }
        let reason = format!("claimed by {}", claim.owner);
        let step = Step::own(workflow, &task.status, workflow.start(), &reason).claiming(claim);
        let mut changed = Changed::default();
        let taken = self.take(task, workflow, &step, occasion, &mut changed);
        match taken.and_then(|_| Ok(changed.recompute(self.scope.tx(), workflow)?)) {
            Ok(()) => self.find(task.id)?.ok_or_else(|| missing::<Task>(task.id).into()),
            Err(TaskMoveError::Store(error)) => Err(error.into()),
            Err(_) => Err(ClaimError::Overtaken { key }),
        }
    }
}

impl TaskClaims<'_, Tx<'_>> {
    /// Ends the claims that nobody extended in time, at most `limit`, those that ended first before others: their tasks are
    /// ready again.
    ///
    /// # Errors
    /// When the database fails; then none ended.
    pub fn expire(&self, limit: u32, occasion: &Occasion<'_>) -> Result<Vec<ExpiredClaim>, StoreError> {
        let lock = self.conn.pick("", " FOR NO KEY UPDATE SKIP LOCKED");
        let sql = format!(
            "SELECT team_id, id, key, claim_owner FROM tasks
             WHERE claim_owner IS NOT NULL AND claim_expires_at <= $1 AND (deleted_at IS NULL) IS TRUE
             ORDER BY claim_expires_at LIMIT $2{lock}"
        );
        let due = self.conn.query(&sql, params![occasion.at, i64::from(limit)], |row| {
            Ok(ExpiredClaim {
                team_id: row.get(0)?,
                task_id: row.get(1)?,
                key: row.get(2)?,
                owner: row.get(3)?,
            })
        })?;
        let mut changed: BTreeMap<TeamId, (Followed, Changed)> = BTreeMap::new();
        for claim in &due {
            self.end(claim, occasion, &mut changed)?;
        }
        changed.values().try_for_each(|(workflow, changed)| changed.recompute(self.conn, workflow))?;
        Ok(due)
    }

    fn end(
        &self,
        claim: &ExpiredClaim,
        occasion: &Occasion<'_>,
        changed: &mut BTreeMap<TeamId, (Followed, Changed)>,
    ) -> Result<(), StoreError> {
        let tasks = Tasks { scope: self.conn.team(claim.team_id) };
        let found = tasks.find_movable(claim.task_id, Lock::None)?;
        let (task, workflow) = found.ok_or_else(|| missing::<Task>(claim.task_id))?;
        let reason = format!("the claim of {} expired", claim.owner);
        let (workflow, changed) = changed.entry(claim.team_id).or_insert((workflow, Changed::default()));
        let step = Step::own(workflow, &task.status, workflow.initial(), &reason);
        match tasks.take(&task, workflow, &step, occasion, changed) {
            Ok(_) => Ok(()),
            Err(TaskMoveError::Store(error)) => Err(error),
            // The workflow was changed meanwhile; the next look finds the claim again, if it still is one.
            Err(error) => Err(StoreError::Unavailable { what: error.to_string() }),
        }
    }
}
