//! Workflows, and which one a team's tasks follow.

use std::borrow::Cow;

use domain::{
    id::WorkflowId,
    workflow::{Workflow, WorkflowDefinition},
};

use crate::{error::StoreError, record::record, repository::Reads, scope::Scope};

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

    /// What the team's tasks follow.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn active(&self) -> Result<Cow<'static, WorkflowDefinition>, StoreError> {
        let definition = self.scope.find(ACTIVE, &[], |row| row.get(0))?;
        Ok(or_built_in(definition))
    }
}

/// The definition that the team, `$1`, has made its own; no row without one.
pub(super) const ACTIVE: &str = "SELECT definition FROM workflows WHERE team_id = $1 AND is_active";

/// What [`ACTIVE`] gave.
pub(super) fn or_built_in(definition: Option<WorkflowDefinition>) -> Cow<'static, WorkflowDefinition> {
    definition.map_or_else(|| Cow::Borrowed(WorkflowDefinition::built_in()), Cow::Owned)
}
