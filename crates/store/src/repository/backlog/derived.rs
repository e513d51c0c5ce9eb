//! What is stored although it follows from the tasks: progress, status, counters of dependencies. Finds what is wrong and sets
//! it right.

use domain::{
    backlog_key::{EpicKey, FeatureKey, TaskKey},
    epic::WorkStatus,
    id::{EpicId, FeatureId, TaskId, TeamId},
    progress::Progress,
    task::DependencyKind,
    workflow::{StatusKind, TaskStatus, WorkflowDefinition},
};

use super::progress::{self, Changed};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    repository::Reads as _,
    statement::Statement,
    value::{ToValue, Value, params},
};

/// A stored value that is not what it should be.
pub(in crate::repository) enum Wrong {
    Epic { id: EpicId, key: EpicKey, stored: Progress, should_be: Progress },
    Feature { id: FeatureId, epic_id: EpicId, key: FeatureKey, stored: Progress, should_be: Progress },
    Task { id: TaskId, key: TaskKey, stored: Counters, should_be: Counters },
}

/// How many tasks one waits for, and how many wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) struct Counters {
    pub(in crate::repository) open_dependencies: i64,
    pub(in crate::repository) dependents: i64,
}

/// An epic or a feature with what is stored about its progress.
struct Stored<I, K> {
    id: I,
    key: K,
    progress: Progress,
    is_overridden: bool,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Epic { key, stored, should_be, .. } => {
                write!(f, "epic {key}: {}, but its tasks say {}", shown(stored), shown(should_be))
            }
            Self::Feature { key, stored, should_be, .. } => {
                write!(f, "feature {key}: {}, but its tasks say {}", shown(stored), shown(should_be))
            }
            Self::Task { key, stored, should_be, .. } => write!(
                f,
                "task {key}: counts {} open dependencies and {} dependents, but has {} and {}",
                stored.open_dependencies,
                stored.dependents,
                should_be.open_dependencies,
                should_be.dependents
            ),
        }
    }
}

/// All that is wrong in a team, read from all its tasks.
pub(in crate::repository) fn find(
    conn: &Conn,
    team: TeamId,
    workflow: &WorkflowDefinition,
) -> Result<Vec<Wrong>, StoreError> {
    let mut wrong = wrong_counters(conn, team, workflow)?;
    for epic in stored_epics(conn, team)? {
        let counts = progress::count(conn, epic.id)?;
        let should_be = epic.should_be(progress::of_epic(&counts, workflow));
        if !is_same(epic.progress, should_be) {
            wrong.push(Wrong::Epic { id: epic.id, key: epic.key, stored: epic.progress, should_be });
        }
        for feature in stored_features(conn, epic.id)? {
            let Stored { id, key, progress: stored, .. } = feature;
            let should_be = feature.should_be(progress::of_feature(&counts, id, workflow));
            if !is_same(stored, should_be) {
                wrong.push(Wrong::Feature { id, epic_id: epic.id, key, stored, should_be });
            }
        }
    }
    Ok(wrong)
}

/// Until the end of the transaction nobody else changes tasks, and all who did have ended.
pub(in crate::repository) fn hold_off(tx: &Tx<'_>) -> Result<(), StoreError> {
    if tx.postgres().is_some() {
        tx.execute("LOCK TABLE tasks, task_dependencies IN SHARE ROW EXCLUSIVE MODE", &[])?;
    }
    Ok(())
}

/// Live tasks in a status that the workflow does not have, at most `limit`: nothing follows from those.
pub(in crate::repository) fn lost(
    conn: &Conn,
    team: TeamId,
    workflow: &WorkflowDefinition,
    limit: usize,
) -> Result<Vec<(TaskKey, TaskStatus)>, StoreError> {
    let mut statement = Statement::new(
        "/* check */ SELECT key, status FROM tasks WHERE team_id = ? AND deleted_at IS NULL",
        [team.to_value()],
    );
    for rule in workflow.statuses() {
        statement.and("status <> ?", [rule.name.to_value()]);
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement.push(" ORDER BY key LIMIT ?", [Value::Int(limit)]);
    statement.query(conn, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Sets right all that is wrong in a team and gives it. Nobody else changes tasks until the end of the transaction.
pub(in crate::repository) fn repair(
    tx: &Tx<'_>,
    team: TeamId,
    workflow: &WorkflowDefinition,
) -> Result<Vec<Wrong>, StoreError> {
    hold_off(tx)?;
    let wrong = find(tx.conn(), team, workflow)?;
    for wrong in &wrong {
        match wrong {
            Wrong::Epic { id, .. } => Changed::epic(*id).recompute(tx, workflow)?,
            Wrong::Feature { id, epic_id, .. } => {
                Changed::from(Some((*epic_id, *id))).recompute(tx, workflow)?;
            }
            Wrong::Task { id, should_be, .. } => {
                let sql = "UPDATE tasks SET open_dependencies = $1, dependents = $2 WHERE id = $3";
                tx.execute(sql, params![should_be.open_dependencies, should_be.dependents, *id])?;
            }
        }
    }
    Ok(wrong)
}

impl<I, K> Stored<I, K> {
    /// A status that a person set does not follow the tasks.
    fn should_be(&self, computed: Progress) -> Progress {
        let status = if self.is_overridden { self.progress.status } else { computed.status };
        Progress { status, ..computed }
    }
}

fn wrong_counters(
    conn: &Conn,
    team: TeamId,
    workflow: &WorkflowDefinition,
) -> Result<Vec<Wrong>, StoreError> {
    let kind = DependencyKind::DependsOn.to_value();
    let mut statement = Statement::new(
        "SELECT t.id, t.key, t.open_dependencies, t.dependents,
             (SELECT count(*) FROM task_dependencies d JOIN tasks o ON o.id = d.task_id
              WHERE d.depends_on_id = t.id AND d.kind = ? AND (o.deleted_at IS NULL) IS TRUE),
             (SELECT count(*) FROM task_dependencies d JOIN tasks o ON o.id = d.depends_on_id
              WHERE d.task_id = t.id AND d.kind = ? AND (o.deleted_at IS NULL) IS TRUE",
        [kind.clone(), kind],
    );
    for status in workflow.all_of(StatusKind::Done).chain(workflow.all_of(StatusKind::Archived)) {
        statement.and("o.status <> ?", [status.to_value()]);
    }
    let team = Value::Id(*team.as_uuid());
    statement.push(") FROM tasks t WHERE t.team_id = ? AND t.deleted_at IS NULL", [team]);
    let rows = statement.query(conn, |row| {
        let stored = Counters { open_dependencies: row.get(2)?, dependents: row.get(3)? };
        let should_be = Counters { open_dependencies: row.get(5)?, dependents: row.get(4)? };
        Ok((stored != should_be).then_some(Wrong::Task {
            id: row.get(0)?,
            key: row.get(1)?,
            stored,
            should_be,
        }))
    })?;
    Ok(rows.into_iter().flatten().collect())
}

fn stored_epics(conn: &Conn, team: TeamId) -> Result<Vec<Stored<EpicId, EpicKey>>, StoreError> {
    let sql = "SELECT id, key, progress_pct, status, is_status_overridden FROM epics
         WHERE team_id = $1 AND deleted_at IS NULL";
    conn.query(sql, params![team], |row| {
        let progress = Progress { percent: row.get(2)?, status: row.get(3)? };
        Ok(Stored { id: row.get(0)?, key: row.get(1)?, progress, is_overridden: row.get(4)? })
    })
}

fn stored_features(conn: &Conn, epic: EpicId) -> Result<Vec<Stored<FeatureId, FeatureKey>>, StoreError> {
    let sql = "SELECT id, key, progress_pct, status, is_status_overridden FROM features
         WHERE epic_id = $1 AND (deleted_at IS NULL) IS TRUE";
    conn.query(sql, params![epic], |row| {
        let progress = Progress { percent: row.get(2)?, status: row.get(3)? };
        Ok(Stored { id: row.get(0)?, key: row.get(1)?, progress, is_overridden: row.get(4)? })
    })
}

/// Sums of the same weights in another order differ in their last digits.
fn is_same(one: Progress, other: Progress) -> bool {
    one.status == other.status && (one.percent - other.percent).abs() < 1e-6
}

fn shown(progress: &Progress) -> String {
    let status: WorkStatus = progress.status;
    format!("{:.2} % and {status}", progress.percent)
}
