//! Workflows, and which one a team's tasks follow.

use std::{borrow::Cow, ops::Deref};

use domain::{
    id::WorkflowId,
    time::Timestamp,
    workflow::{StatusKind, TaskStatus, Workflow, WorkflowDefinition},
};

use super::derived;
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    repository::{
        Reads,
        page::{Cursor, Page},
    },
    scope::{Scope, missing},
    statement::{Order, Statement},
    value::{Row, Value, params},
};

record! {
    Workflow in "workflows" { id, team_id, name, definition, is_active, version, created_at, updated_at }
    owned by WorkflowId as "workflow" while "TRUE";
    versioned;
    dated by created_at;
}

/// A team's workflows.
#[derive(Debug, Clone, Copy)]
pub struct Workflows<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

/// The workflow that a team's tasks follow, as it stood when it was looked at.
pub(super) struct Followed {
    definition: Cow<'static, WorkflowDefinition>,
    /// Which it is, and in which version; none for the built-in one.
    stored: Option<(WorkflowId, i64)>,
}

impl Deref for Followed {
    type Target = WorkflowDefinition;

    fn deref(&self) -> &WorkflowDefinition {
        &self.definition
    }
}

impl Followed {
    /// Reads it from the columns of [`FOLLOWED`], of which `first` is the first.
    pub(super) fn from_row(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        let (id, version) = (row.get::<Option<WorkflowId>>(first)?, row.get::<Option<i64>>(first + 1)?);
        let definition = row.get::<Option<WorkflowDefinition>>(first + 2)?;
        let built_in = || Cow::Borrowed(WorkflowDefinition::built_in());
        Ok(Self { definition: definition.map_or_else(built_in, Cow::Owned), stored: id.zip(version) })
    }

    /// The condition that the team follows it still, in a statement that changes tasks: while that runs nobody makes the team
    /// follow another.
    pub(super) fn and_still(&self, statement: &mut Statement<'_>, team: Value<'static>) {
        match self.stored {
            Some((id, version)) => statement.and(
                "EXISTS (SELECT 1 FROM workflows w WHERE w.id = ? AND (w.version = ? AND w.is_active) IS TRUE)",
                [Value::Id(*id.as_uuid()), Value::Int(version)],
            ),
            None => {
                statement.and("NOT EXISTS (SELECT 1 FROM workflows w WHERE w.team_id = ? AND w.is_active)", [team]);
            }
        }
    }
}

impl<C: Reads> Workflows<'_, C> {
    /// The workflow of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: WorkflowId) -> Result<Option<Workflow>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, after: Option<Cursor>, limit: u32) -> Result<Page<Workflow>, StoreError> {
        self.scope.select::<Workflow>().page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// What the team's tasks follow.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn active(&self) -> Result<Cow<'static, WorkflowDefinition>, StoreError> {
        Ok(self.followed()?.definition)
    }

    /// What the team's tasks follow, and which it is.
    pub(super) fn followed(&self) -> Result<Followed, StoreError> {
        let sql = format!("SELECT {FOLLOWED} FROM workflows w WHERE w.team_id = $1 AND w.is_active");
        let stored = self.scope.find(&sql, &[], |row| Followed::from_row(row, 0))?;
        let built_in = Followed { definition: Cow::Borrowed(WorkflowDefinition::built_in()), stored: None };
        Ok(stored.unwrap_or(built_in))
    }
}

impl Workflows<'_, Tx<'_>> {
    /// Adds a workflow that no task follows yet.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one of this name; [`StoreError::Invalid`] when it says that it is active:
    /// [`Workflows::activate`] does that.
    pub fn insert(&self, workflow: &Workflow) -> Result<(), StoreError> {
        if workflow.is_active {
            return Err(StoreError::Invalid {
                field: "is_active",
                value: "true".to_owned(),
                accepted: "false for a new workflow".to_owned(),
            });
        }
        self.scope.insert(workflow)
    }

    /// Replaces name and definition by what stands here, and gives the new version. The version is the one that the caller
    /// read. If the team's tasks follow it, what follows from their statuses is computed anew.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Conflict`] when the name is taken, or tasks are in a status that it no longer has.
    pub fn update(&self, workflow: &Workflow) -> Result<i64, StoreError> {
        self.hold_off()?;
        let is_active = self.find(workflow.id)?.is_some_and(|stored| stored.is_active);
        if is_active {
            self.refuse_lost_statuses(&workflow.definition)?;
        }
        let version = self.scope.update_except(&["is_active"], workflow)?;
        if is_active {
            self.follow(&workflow.definition, workflow.updated_at)?;
        }
        Ok(version)
    }

    /// From now on the team's tasks follow this workflow; without one they follow the built-in one again. What follows from
    /// their statuses is computed anew.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when tasks are in a status that it does not have.
    pub fn activate(&self, id: Option<WorkflowId>, at: Timestamp) -> Result<(), StoreError> {
        self.hold_off()?;
        let definition = match id {
            Some(id) => Cow::Owned(self.find(id)?.ok_or_else(|| missing::<Workflow>(id))?.definition),
            None => Cow::Borrowed(WorkflowDefinition::built_in()),
        };
        self.refuse_lost_statuses(&definition)?;
        let sql = "UPDATE workflows SET is_active = $1, version = version + 1, updated_at = $2
             WHERE team_id = $3 AND is_active";
        self.scope.execute(sql, params![false, at])?;
        if let Some(id) = id {
            let sql = "UPDATE workflows SET is_active = $1, version = version + 1, updated_at = $2
                 WHERE id = $3 AND (team_id = $4) IS TRUE";
            if self.scope.execute(sql, params![true, at, id])? == 0 {
                // Somebody deleted it since it was found.
                return Err(missing::<Workflow>(id));
            }
        }
        self.follow(&definition, at)
    }

    /// Removes a workflow that no task follows.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team's tasks follow it; [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: WorkflowId) -> Result<(), StoreError> {
        let workflow = self.find(id)?.ok_or_else(|| missing::<Workflow>(id))?;
        let sql = "DELETE FROM workflows WHERE id = $1 AND (NOT is_active AND team_id = $2) IS TRUE";
        match self.scope.execute(sql, params![id])? {
            0 => {
                let what = format!("workflow {} is the one that the team's tasks follow", workflow.name);
                Err(StoreError::Conflict { what })
            }
            _ => Ok(()),
        }
    }

    /// What the team's tasks follow; until the transaction ends nobody makes them follow another.
    pub(super) fn hold(&self) -> Result<Followed, StoreError> {
        if self.scope.connection().postgres().is_some() {
            self.scope.tx().execute("LOCK TABLE tasks IN ROW EXCLUSIVE MODE", &[])?;
        }
        self.followed()
    }

    /// Until the transaction ends nobody changes tasks, and all who did have ended.
    fn hold_off(&self) -> Result<(), StoreError> {
        derived::hold_off(self.scope.tx())
    }

    /// Refuses what does not have each status that tasks are in.
    fn refuse_lost_statuses(&self, workflow: &WorkflowDefinition) -> Result<(), StoreError> {
        let sql = "SELECT DISTINCT status FROM tasks WHERE team_id = $1 AND deleted_at IS NULL";
        let used: Vec<TaskStatus> = self.scope.query(sql, &[], |row| row.get(0))?;
        match used.into_iter().find(|status| workflow.kind(status).is_none()) {
            Some(status) => {
                let what = format!("tasks are in status {status}, which the workflow does not have");
                Err(StoreError::Conflict { what })
            }
            None => Ok(()),
        }
    }

    /// Makes all that follows from the tasks' statuses as the workflow says: claims, times, counters and progress.
    fn follow(&self, workflow: &WorkflowDefinition, at: Timestamp) -> Result<(), StoreError> {
        let in_status = |kinds: &[StatusKind]| {
            let statuses = kinds.iter().flat_map(|kind| workflow.all_of(*kind));
            let names: Vec<_> = statuses.map(|status| format!("'{status}'")).collect();
            if names.is_empty() { "FALSE".to_owned() } else { format!("status IN ({})", names.join(", ")) }
        };
        let [active, done, over, blocked] = [
            in_status(&[StatusKind::Active]),
            in_status(&[StatusKind::Done]),
            in_status(&[StatusKind::Done, StatusKind::Archived]),
            in_status(&[StatusKind::Blocked]),
        ];
        let (at, team) = (Value::Time(at), Value::Id(*self.scope.team().as_uuid()));
        let mut statement = Statement::new(
            &format!(
                "UPDATE tasks SET claim_owner = CASE WHEN {active} THEN claim_owner END,
                     claim_expires_at = CASE WHEN {active} THEN claim_expires_at END,
                     completed_at = CASE WHEN {done} THEN coalesce(completed_at, ?) WHEN {over} THEN completed_at END,
                     blocked_at = CASE WHEN {blocked} THEN coalesce(blocked_at, ?) END,
                     blocked_reason = CASE WHEN {blocked} THEN blocked_reason END,
                     version = version + 1, updated_at = ?
                 WHERE team_id = ? AND deleted_at IS NULL"
            ),
            [at.clone(), at.clone(), at, team],
        );
        let differs = format!(
            "((claim_owner IS NOT NULL AND NOT {active}) OR (completed_at IS NULL AND {done})
              OR (completed_at IS NOT NULL AND NOT {over}) OR (blocked_at IS NULL) = ({blocked}))"
        );
        statement.and(&differs, []);
        self.scope.tx().execute(statement.text(), statement.values())?;
        derived::repair(self.scope.tx(), self.scope.team(), workflow).map(drop)
    }
}

/// The columns of [`Followed`], from workflows under the name w.
pub(super) const FOLLOWED: &str = "w.id, w.version, w.definition";
