//! Progress and status of features and epics: computed from their tasks in the transaction that changes these.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{EpicId, FeatureId},
    progress::Progress,
    workflow::{TaskStatus, WorkflowDefinition},
};

use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    value::{Row, Value, params},
};

/// The features and epics of which a task changed.
#[derive(Debug, Default)]
pub(super) struct Changed {
    features: BTreeMap<EpicId, BTreeSet<FeatureId>>,
}

/// How many live tasks of each feature of an epic are in each status.
pub(super) type Counts = BTreeMap<FeatureId, Vec<(TaskStatus, u32)>>;

impl Changed {
    /// An epic, of which a feature changed that is not there any longer.
    pub(super) fn epic(epic: EpicId) -> Self {
        Self { features: BTreeMap::from([(epic, BTreeSet::new())]) }
    }

    /// The place of a task that changed; those of the queue only have none.
    pub(super) fn add(&mut self, place: Option<(EpicId, FeatureId)>) {
        if let Some((epic, feature)) = place {
            self.features.entry(epic).or_default().insert(feature);
        }
    }

    /// Computes progress and status of these features and epics anew. Call it after the last change of a task: from here to
    /// the end of the transaction nobody else computes them, so nobody computes them from less than all changes.
    pub(super) fn recompute(&self, tx: &Tx<'_>, workflow: &WorkflowDefinition) -> Result<(), StoreError> {
        for epic in self.features.keys() {
            lock(tx, *epic)?;
        }
        for (epic, features) in &self.features {
            let counts = count(tx, *epic)?;
            for feature in features {
                let progress = of_feature(&counts, *feature, workflow);
                set(tx, "features", params![progress.percent, progress.status, *feature])?;
            }
            let progress = of_epic(&counts, workflow);
            set(tx, "epics", params![progress.percent, progress.status, *epic])?;
        }
        Ok(())
    }
}

impl From<Option<(EpicId, FeatureId)>> for Changed {
    fn from(place: Option<(EpicId, FeatureId)>) -> Self {
        let mut changed = Self::default();
        changed.add(place);
        changed
    }
}

/// Makes others wait who are about to compute this epic's progress. In the order of ids, so that no two wait for each other.
pub(super) fn lock(tx: &Tx<'_>, epic: EpicId) -> Result<(), StoreError> {
    if tx.postgres().is_some() {
        tx.query("SELECT 1 FROM epics WHERE id = $1 FOR NO KEY UPDATE", params![epic], |_| Ok(()))?;
    }
    Ok(())
}

/// Counts an epic's live tasks.
pub(super) fn count(conn: &Conn, epic: EpicId) -> Result<Counts, StoreError> {
    let mut counts = Counts::new();
    // Grouped in the order of an index that holds all of it.
    let sql = "SELECT feature_id, status, count(*) FROM tasks WHERE epic_id = $1 AND deleted_at IS NULL
         GROUP BY feature_id, status";
    let add = |row: &Row<'_>| {
        counts.entry(row.get(0)?).or_default().push((row.get(1)?, row.get(2)?));
        Ok(())
    };
    conn.query(sql, params![epic], add)?;
    Ok(counts)
}

/// The progress of one of the counted features.
pub(super) fn of_feature(counts: &Counts, feature: FeatureId, workflow: &WorkflowDefinition) -> Progress {
    let tasks = counts.get(&feature).into_iter().flatten();
    Progress::of(tasks.map(|(status, count)| (status, *count)), workflow)
}

/// The progress of the epic whose features were counted: each weighs by its tasks.
pub(super) fn of_epic(counts: &Counts, workflow: &WorkflowDefinition) -> Progress {
    let tasks = counts.values().flatten();
    Progress::of(tasks.map(|(status, count)| (status, *count)), workflow)
}

fn set(tx: &Tx<'_>, table: &str, values: &[Value<'_>]) -> Result<(), StoreError> {
    let overridden = tx.pick("is_status_overridden = 1", "is_status_overridden");
    let sql = format!(
        "UPDATE {table} SET progress_pct = $1, status = CASE WHEN {overridden} THEN status ELSE $2 END WHERE id = $3"
    );
    tx.execute(&sql, values).map(drop)
}
