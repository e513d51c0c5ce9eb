//! Workflows, and which one a team's tasks follow.

use std::borrow::Cow;

use domain::{
    id::WorkflowId,
    time::Timestamp,
    workflow::{TaskStatus, Workflow, WorkflowDefinition},
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
    statement::Order,
    value::params,
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
        let definition = self.scope.find(ACTIVE, &[], |row| row.get(0))?;
        Ok(or_built_in(definition))
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
        let version = self.scope.update_except(&["is_active"], workflow)?;
        if self.find(workflow.id)?.is_some_and(|stored| stored.is_active) {
            self.follow()?;
        }
        Ok(version)
    }

    /// From now on the team's tasks follow this workflow; without one they follow the built-in one again. What follows from
    /// their statuses is computed anew.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when tasks are in a status that it does not have.
    pub fn activate(&self, id: Option<WorkflowId>, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE workflows SET is_active = $1, version = version + 1, updated_at = $2
             WHERE team_id = $3 AND is_active";
        self.scope.execute(sql, params![false, at])?;
        if let Some(id) = id {
            let sql = "UPDATE workflows SET is_active = $1, version = version + 1, updated_at = $2
                 WHERE id = $3 AND (team_id = $4) IS TRUE";
            if self.scope.execute(sql, params![true, at, id])? == 0 {
                return Err(missing::<Workflow>(id));
            }
        }
        self.follow()
    }

    /// Removes a workflow that no task follows.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team's tasks follow it; [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: WorkflowId) -> Result<(), StoreError> {
        let workflow = self.find(id)?.ok_or_else(|| missing::<Workflow>(id))?;
        if workflow.is_active {
            let what = format!("workflow {} is the one that the team's tasks follow", workflow.name);
            return Err(StoreError::Conflict { what });
        }
        self.scope
            .execute("DELETE FROM workflows WHERE id = $1 AND (team_id = $2) IS TRUE", params![id])
            .map(drop)
    }

    /// The tasks follow what is active now: every status is one of its, and counters and progress are as it says.
    fn follow(&self) -> Result<(), StoreError> {
        let workflow = self.active()?;
        derived::repair(self.scope.tx(), self.scope.team(), &workflow)?;
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
}

/// The definition that the team, `$1`, has made its own; no row without one.
pub(super) const ACTIVE: &str = "SELECT definition FROM workflows WHERE team_id = $1 AND is_active";

/// What [`ACTIVE`] gave.
pub(super) fn or_built_in(definition: Option<WorkflowDefinition>) -> Cow<'static, WorkflowDefinition> {
    definition.map_or_else(|| Cow::Borrowed(WorkflowDefinition::built_in()), Cow::Owned)
}
