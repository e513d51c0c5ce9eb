//! Runs of maintenance, of all teams. They are written by maintenance itself.

use domain::{
    id::{MaintenanceRunId, TeamId},
    maintenance::MaintenanceRun,
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    error::StoreError,
    record::{Record, record},
    statement::{Order, Statement},
    value::{Value, params},
};

record! {
    MaintenanceRun in "maintenance_runs" {
        id, team_id, actor, reason, opened_at, closed_at, rows_deleted, rows_redacted,
    }
    dated by opened_at;
}

/// Runs of maintenance.
#[derive(Debug, Clone, Copy)]
pub struct MaintenanceRuns<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> MaintenanceRuns<'_, C> {
    /// The run of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: MaintenanceRunId) -> Result<Option<MaintenanceRun>, StoreError> {
        let sql = format!("SELECT {} FROM maintenance_runs WHERE id = $1", MaintenanceRun::COLUMNS);
        self.conn.conn().find(&sql, params![id], |row| MaintenanceRun::from_columns(&mut row.columns()))
    }

    /// The runs since a time, newest first: all, or those that concerned only this team.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        team: Option<TeamId>,
        since: Timestamp,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<MaintenanceRun>, StoreError> {
        let select = format!("SELECT {} FROM maintenance_runs WHERE opened_at >= ?", MaintenanceRun::COLUMNS);
        let mut statement = Statement::new(&select, [Value::Time(since)]);
        statement.and_equal("team_id", team.as_ref());
        statement.page(self.conn.conn(), Order::NewestFirst, after, limit)
    }
}
