//! Deleting epics, features and tasks: softly, with all that is below; an epic also physically.

use domain::{
    epic::Epic,
    feature::Feature,
    id::{EpicId, FeatureId, TaskId},
    task::{DependencyKind, Task},
    time::Timestamp,
    workflow::{StatusKind, WorkflowDefinition},
};

use super::{
    epic::Epics,
    feature::Features,
    progress::{self, Changed},
    task::Tasks,
    workflow::Workflows,
};
use crate::{
    conn::Tx,
    error::StoreError,
    scope::{Scope, missing},
    statement::Statement,
    value::{ToValue, Value, params},
};

impl Tasks<'_, Tx<'_>> {
    /// Deletes a task softly. What waited for it waits no longer; its key is not given again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: TaskId, at: Timestamp) -> Result<(), StoreError> {
        let task = self.find(id)?.ok_or_else(|| missing::<Task>(id))?;
        let workflow = Workflows { scope: self.scope }.active()?;
        let tasks = Below { scope: self.scope, column: "id", id: id.to_value() };
        tasks.delete(&workflow, at)?;
        Changed::from(task.epic_id.zip(task.feature_id)).recompute(self.scope.tx(), &workflow)
    }
}

impl Features<'_, Tx<'_>> {
    /// Deletes a feature softly, and its tasks.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: FeatureId, at: Timestamp) -> Result<(), StoreError> {
        let feature = self.find(id)?.ok_or_else(|| missing::<Feature>(id))?;
        progress::lock(self.scope.tx(), feature.epic_id)?;
        self.scope.delete::<Feature>(id, at)?;
        let workflow = Workflows { scope: self.scope }.active()?;
        let tasks = Below { scope: self.scope, column: "feature_id", id: id.to_value() };
        tasks.delete(&workflow, at)?;
        Changed::epic(feature.epic_id).recompute(self.scope.tx(), &workflow)
    }
}

impl Epics<'_, Tx<'_>> {
    /// Deletes an epic softly, its features and their tasks.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: EpicId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<Epic>(id, at)?;
        let sql = "UPDATE features SET deleted_at = $1 WHERE epic_id = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE";
        self.scope.execute(sql, params![at, id])?;
        let workflow = Workflows { scope: self.scope }.active()?;
        Below { scope: self.scope, column: "epic_id", id: id.to_value() }.delete(&workflow, at)
    }

    /// Removes an epic for good, deleted or not, with its features, their tasks, notes and dependencies. What happened to the
    /// tasks stays in their history, and no key is given again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such epic, not even a deleted one.
    pub fn purge(&self, id: EpicId, at: Timestamp) -> Result<(), StoreError> {
        if self.find(id)?.is_some() {
            // So that what depends on its tasks knows.
            self.delete(id, at)?;
        }
        match self.scope.execute("DELETE FROM epics WHERE id = $1 AND (team_id = $2) IS TRUE", params![id])? {
            0 => Err(missing::<Epic>(id)),
            _ => Ok(()),
        }
    }
}

/// The live tasks in which a column holds this: one, those of a feature, those of an epic.
struct Below<'c, 't, 'v> {
    scope: Scope<'c, Tx<'t>>,
    column: &'static str,
    id: Value<'v>,
}

impl Below<'_, '_, '_> {
    /// Deletes them softly, and first takes them out of the counters of what is connected with them.
    fn delete(&self, workflow: &WorkflowDefinition, at: Timestamp) -> Result<(), StoreError> {
        self.lock()?;
        self.uncount_open(workflow)?;
        self.uncount_dependents()?;
        let sql = format!(
            "UPDATE tasks SET deleted_at = $1, claim_owner = NULL, claim_expires_at = NULL, version = version + 1
             WHERE {} = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE",
            self.column
        );
        self.scope.execute(&sql, &[Value::Time(at), self.id.clone()]).map(drop)
    }

    /// Nobody else may move or delete them while they are taken out of the counters.
    fn lock(&self) -> Result<(), StoreError> {
        if self.scope.connection().postgres().is_none() {
            return Ok(());
        }
        let sql = format!(
            "SELECT 1 FROM tasks WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND {} = $2
             ORDER BY id FOR NO KEY UPDATE",
            self.column
        );
        self.scope.query(&sql, std::slice::from_ref(&self.id), |_| Ok(())).map(drop)
    }

    /// What waits for one that is not done does not wait for it any longer.
    fn uncount_open(&self, workflow: &WorkflowDefinition) -> Result<(), StoreError> {
        let satisfying = workflow.all_of(StatusKind::Done).chain(workflow.all_of(StatusKind::Archived));
        let satisfying: Vec<_> = satisfying.map(ToValue::to_value).collect();
        self.uncount("open_dependencies", ("depends_on_id", "task_id"), &satisfying)
    }

    /// What one waits for has a dependent less.
    fn uncount_dependents(&self) -> Result<(), StoreError> {
        self.uncount("dependents", ("task_id", "depends_on_id"), &[])
    }

    /// Lessens a counter of each task at the other end of a dependency by how many of these are at this end, except those in
    /// some statuses.
    fn uncount(
        &self,
        counter: &str,
        (this, other): (&str, &str),
        except: &[Value<'_>],
    ) -> Result<(), StoreError> {
        let (column, kind) = (self.column, DependencyKind::DependsOn.to_value());
        // From each task at the other end along its dependencies, not from all of these.
        let count = format!(
            "UPDATE tasks SET {counter} = {counter} - (SELECT count(*)
                 FROM task_dependencies d JOIN tasks g ON g.id = d.{this}
                 WHERE d.{other} = tasks.id AND d.kind = ? AND (g.{column} = ? AND g.deleted_at IS NULL) IS TRUE"
        );
        let mut statement = Statement::new(&count, [kind.clone(), self.id.clone()]);
        for status in except {
            statement.and("g.status <> ?", [status.clone()]);
        }
        let of = format!(
            ") WHERE id IN (SELECT d.{other} FROM tasks g JOIN task_dependencies d ON d.{this} = g.id AND d.kind = ?
                 WHERE g.{column} = ? AND (g.deleted_at IS NULL) IS TRUE) AND (team_id = ? AND deleted_at IS NULL) IS TRUE"
        );
        let team = Value::Id(*self.scope.team().as_uuid());
        statement.push(&of, [kind, self.id.clone(), team]);
        self.scope.tx().execute(statement.text(), statement.values()).map(drop)
    }
}
