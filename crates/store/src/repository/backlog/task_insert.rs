//! New tasks, one or many: their keys, their rows, their first line of history.

use std::collections::BTreeSet;

use domain::{
    backlog_key::{FeatureKey, KeyNumber, TaskKey},
    feature::Feature,
    id::{EpicId, FeatureId},
    task::{NewTask, Task, TaskChange, TaskHistoryEntry},
    workflow::TaskStatus,
};

use super::{
    Occasion,
    key_counter::{self, KeyScope},
    progress::Changed,
    task::{Tasks, refuse_immeasurable},
    task_history::Event,
    workflow::Workflows,
};
use crate::{conn::Tx, error::StoreError, scope::missing, value::params};

/// The feature that new tasks come under.
struct Parent {
    id: FeatureId,
    epic_id: EpicId,
    key: FeatureKey,
}

impl Tasks<'_, Tx<'_>> {
    /// Adds a task under a feature, or to the queue only, in the workflow's initial status, and gives it as it stands. A key of
    /// its own is taken as it is, and none up to it is given later.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the feature, or what it refers to, is not there; [`StoreError::Conflict`] when its key,
    /// id or idempotency key is taken; [`StoreError::Invalid`] when its key is not of the feature.
    pub fn insert(
        &self,
        feature: Option<FeatureId>,
        task: NewTask,
        occasion: &Occasion<'_>,
    ) -> Result<Task, StoreError> {
        let mut tasks = self.insert_many(feature, vec![task], occasion)?;
        tasks.pop().ok_or_else(|| StoreError::corrupt("no task was added"))
    }

    /// As [`Tasks::insert`], for many at once: all or none, with keys in the order given.
    ///
    /// # Errors
    /// As [`Tasks::insert`].
    pub fn insert_many(
        &self,
        feature: Option<FeatureId>,
        tasks: Vec<NewTask>,
        occasion: &Occasion<'_>,
    ) -> Result<Vec<Task>, StoreError> {
        for task in &tasks {
            refuse_immeasurable(task.estimated_seconds, task.max_retries)?;
        }
        let agents: BTreeSet<_> = tasks.iter().filter_map(|task| task.assigned_agent_id).collect();
        for id in agents {
            self.require_agent(Some(id))?;
        }
        let parents: BTreeSet<_> = tasks.iter().filter_map(|task| task.parent_task_id).collect();
        for id in parents {
            self.require_task(Some(id))?;
        }
        let workflow = Workflows { scope: self.scope }.hold()?;
        let parent = feature.map(|id| self.find_parent(id)).transpose()?;
        let keys = self.take_keys(parent.as_ref(), &tasks)?;
        let initial = workflow.initial();
        let rows: Vec<Task> = tasks
            .into_iter()
            .zip(keys)
            .map(|(task, key)| self.row(parent.as_ref(), task, key, initial, occasion))
            .collect();
        self.scope.insert_all(&rows)?;
        let history: Vec<_> = rows.iter().map(|task| created(task, occasion)).collect();
        self.scope.insert_all(&history)?;
        let place = parent.map(|parent| (parent.epic_id, parent.id));
        Changed::from(place).recompute(self.scope.tx(), &workflow)?;
        Ok(rows)
    }

    /// The feature, which nobody may delete meanwhile.
    fn find_parent(&self, id: FeatureId) -> Result<Parent, StoreError> {
        let lock = self.scope.pick("", " FOR NO KEY UPDATE OF e, f");
        let sql = format!(
            "SELECT f.epic_id, f.key FROM features f JOIN epics e ON e.id = f.epic_id
             WHERE (f.team_id = $1 AND f.deleted_at IS NULL AND e.deleted_at IS NULL) IS TRUE AND f.id = $2{lock}"
        );
        let found = self
            .scope
            .find(&sql, params![id], |row| Ok(Parent { id, epic_id: row.get(0)?, key: row.get(1)? }))?;
        found.ok_or_else(|| missing::<Feature>(id))
    }

    fn take_keys(&self, parent: Option<&Parent>, tasks: &[NewTask]) -> Result<Vec<TaskKey>, StoreError> {
        let feature = parent.map(|parent| parent.key);
        let chosen = || tasks.iter().filter_map(|task| task.key);
        if let Some(foreign) = chosen().find(|key| key.feature != feature) {
            let example = TaskKey { feature, number: key_counter::number(1)? };
            return Err(StoreError::Invalid {
                field: "key",
                value: foreign.to_string(),
                accepted: format!("a key such as {example}"),
            });
        }
        let taken: Option<KeyNumber> = chosen().map(|key| key.number).max();
        let missing = tasks.iter().filter(|task| task.key.is_none()).count();
        let mut next = KeyScope::Tasks(feature).take(&self.scope, taken, missing)?;
        let mut give = || {
            next += 1;
            Ok(TaskKey { feature, number: key_counter::number(next - 1)? })
        };
        tasks.iter().map(|task| task.key.map_or_else(&mut give, Ok)).collect()
    }

    fn row(
        &self,
        parent: Option<&Parent>,
        new: NewTask,
        key: TaskKey,
        initial: &TaskStatus,
        occasion: &Occasion<'_>,
    ) -> Task {
        Task {
            id: new.id,
            team_id: self.scope.team(),
            epic_id: parent.map(|parent| parent.epic_id),
            feature_id: parent.map(|parent| parent.id),
            key,
            title: new.title,
            description: new.description,
            prompt: new.prompt,
            input: new.input,
            status: initial.clone(),
            agent_type: new.agent_type,
            priority: new.priority,
            assigned_agent_id: new.assigned_agent_id,
            blocked_reason: None,
            source: new.source,
            parent_task_id: new.parent_task_id,
            session_id: None,
            claim_owner: None,
            claim_expires_at: None,
            fence: 0,
            deadline: new.deadline,
            estimated_seconds: new.estimated_seconds,
            retry_count: 0,
            max_retries: new.max_retries,
            result: None,
            error_message: None,
            idempotency_key: new.idempotency_key,
            started_at: None,
            completed_at: None,
            blocked_at: None,
            execution_order: new.execution_order,
            file_path: new.file_path,
            open_dependencies: 0,
            dependents: 0,
            version: 1,
            created_at: occasion.at,
            updated_at: occasion.at,
        }
    }
}

fn created(task: &Task, occasion: &Occasion<'_>) -> TaskHistoryEntry {
    let Task { id, key, status, .. } = task;
    let event = Event { task_id: *id, task_key: *key, status, change: TaskChange::Status, notes: None };
    TaskHistoryEntry { old_status: None, ..event.entry(task.team_id, occasion) }
}
