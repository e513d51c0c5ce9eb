//! Deleting epics, features and tasks: softly, with all that is below; an epic also physically.

use domain::{
    backlog_key::TaskKey,
    epic::Epic,
    feature::Feature,
    id::{EpicId, FeatureId, TaskId},
    task::{DependencyKind, Task, TaskChange},
    workflow::{StatusKind, TaskStatus, WorkflowDefinition},
};

use super::{
    Occasion,
    epic::Epics,
    feature::Features,
    progress::{self, Changed},
    task::{READ_AT_ONCE, Tasks},
    task_history::Event,
    workflow::Workflows,
};
use crate::{
    conn::Tx,
    error::StoreError,
    maintenance::Maintenance,
    scope::{Scope, missing},
    statement::Statement,
    value::{ToValue, Value, params},
};

impl Tasks<'_, Tx<'_>> {
    /// Deletes a task softly. What waited for it waits no longer; its key is not given again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: TaskId, occasion: &Occasion<'_>) -> Result<(), StoreError> {
        let workflow = Workflows { scope: self.scope }.hold()?;
        let task = self.find(id)?.ok_or_else(|| missing::<Task>(id))?;
        let tasks = Below { scope: self.scope, column: "id", id: id.to_value() };
        tasks.delete(&workflow, occasion)?;
        Changed::from(task.epic_id.zip(task.feature_id)).recompute(self.scope.tx(), &workflow)
    }
}

impl Features<'_, Tx<'_>> {
    /// Deletes a feature softly, and its tasks.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: FeatureId, occasion: &Occasion<'_>) -> Result<(), StoreError> {
        let workflow = Workflows { scope: self.scope }.hold()?;
        let feature = self.find(id)?.ok_or_else(|| missing::<Feature>(id))?;
        progress::lock(self.scope.tx(), feature.epic_id)?;
        let sql = "UPDATE features SET deleted_at = $1, updated_at = $1, version = version + 1
             WHERE id = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE";
        if self.scope.execute(sql, params![occasion.at, id])? == 0 {
            return Err(missing::<Feature>(id));
        }
        let tasks = Below { scope: self.scope, column: "feature_id", id: id.to_value() };
        tasks.delete(&workflow, occasion)?;
        Changed::epic(feature.epic_id).recompute(self.scope.tx(), &workflow)
    }
}

impl Epics<'_, Tx<'_>> {
    /// Deletes an epic softly, its features and their tasks.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: EpicId, occasion: &Occasion<'_>) -> Result<(), StoreError> {
        let workflow = Workflows { scope: self.scope }.hold()?;
        let sql = "UPDATE epics SET deleted_at = $1, updated_at = $1, version = version + 1
             WHERE id = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE";
        if self.scope.execute(sql, params![occasion.at, id])? == 0 {
            return Err(missing::<Epic>(id));
        }
        let sql = "UPDATE features SET deleted_at = $1, updated_at = $1, version = version + 1
             WHERE epic_id = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE";
        self.scope.execute(sql, params![occasion.at, id])?;
        Below { scope: self.scope, column: "epic_id", id: id.to_value() }.delete(&workflow, occasion)
    }

    /// Removes an epic for good, deleted or not, with its features, their tasks, notes and dependencies. What happened to the
    /// tasks stays in their history, what they cost stays without saying for which, checkpoints stay with their sessions, and
    /// no key is given again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is no such epic, not even a deleted one.
    pub fn purge(
        &self,
        id: EpicId,
        maintenance: &Maintenance,
        occasion: &Occasion<'_>,
    ) -> Result<(), StoreError> {
        if self.find(id)?.is_some() {
            // So that what depends on its tasks knows.
            self.delete(id, occasion)?;
        }
        let sql = "SELECT id FROM epics WHERE (team_id = $1) IS TRUE AND id = $2";
        self.scope.find(sql, params![id], |_| Ok(()))?.ok_or_else(|| missing::<Epic>(id))?;
        self.scope.tx().maintain(maintenance, |open| {
            let sql = "SELECT id FROM tasks WHERE epic_id = $1";
            let tasks: Vec<TaskId> = self.scope.tx().query(sql, params![id], |row| row.get(0))?;
            for some in tasks.chunks(READ_AT_ONCE) {
                let mut costs =
                    Statement::new("UPDATE cost_entries SET task_id = NULL WHERE task_id IN ", []);
                costs.push_list(some);
                open.blank(costs.text(), costs.values())?;
                let mut checkpoints =
                    Statement::new("UPDATE checkpoints SET task_id = NULL WHERE task_id IN ", []);
                checkpoints.push_list(some);
                checkpoints.and("session_id IS NOT NULL", []);
                self.scope.tx().execute(checkpoints.text(), checkpoints.values())?;
            }
            self.scope
                .execute("DELETE FROM epics WHERE id = $1 AND (team_id = $2) IS TRUE", params![id])
                .map(drop)
        })
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
    fn delete(&self, workflow: &WorkflowDefinition, occasion: &Occasion<'_>) -> Result<(), StoreError> {
        let tasks = self.lock()?;
        self.uncount_open(workflow)?;
        self.uncount_dependents()?;
        let sql = format!(
            "UPDATE tasks SET deleted_at = $1, updated_at = $1, claim_owner = NULL, claim_expires_at = NULL,
                 version = version + 1
             WHERE {} = $2 AND (team_id = $3 AND deleted_at IS NULL) IS TRUE",
            self.column
        );
        self.scope.execute(&sql, &[Value::Time(occasion.at), self.id.clone()])?;
        let history: Vec<_> = tasks
            .iter()
            .map(|(task_id, task_key, status)| {
                let change = TaskChange::Deleted;
                let event = Event { task_id: *task_id, task_key: *task_key, status, change, notes: None };
                event.entry(self.scope.team(), occasion)
            })
            .collect();
        self.scope.insert_all(&history)
    }

    /// The tasks, which nobody else may move or delete while they are taken out of the counters.
    fn lock(&self) -> Result<Vec<(TaskId, TaskKey, TaskStatus)>, StoreError> {
        let lock = self.scope.pick("", " FOR NO KEY UPDATE");
        let sql = format!(
            "SELECT id, key, status FROM tasks WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND {} = $2
             ORDER BY id{lock}",
            self.column
        );
        self.scope
            .query(&sql, std::slice::from_ref(&self.id), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
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
