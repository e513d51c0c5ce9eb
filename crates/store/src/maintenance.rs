//! Maintenance: the only door into append-only tables.

use domain::{
    id::{MaintenanceRunId, TeamId},
    time::Timestamp,
};

use crate::{
    conn::Tx,
    error::StoreError,
    value::{Value, params},
};

/// Who opens the door, and why; kept in `maintenance_runs` with what was done.
#[derive(Debug, Clone)]
pub struct Maintenance {
    /// Identity of the run.
    pub id: MaintenanceRunId,
    /// The team whose rows are concerned; `None` is all.
    pub team_id: Option<TeamId>,
    /// Who, as `user:ID` or `system:PART`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// The open door: what may be done to append-only tables, counted.
#[derive(Debug)]
pub(crate) struct OpenMaintenance<'x, 't> {
    tx: &'x Tx<'t>,
    deleted: std::cell::Cell<u64>,
    redacted: std::cell::Cell<u64>,
}

impl<'t> Tx<'t> {
    /// Opens the door, does the work and closes it, in this transaction; so nobody else ever sees it open. While it is open,
    /// append-only rows may be deleted and their payload blanked; all else stays refused by the database.
    ///
    /// # Errors
    /// What `work` says; then the caller must not commit, and the engines see to it.
    pub(crate) fn maintain<T>(
        &self,
        maintenance: &Maintenance,
        work: impl FnOnce(&OpenMaintenance<'_, 't>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Maintenance { id, team_id, actor, reason, at } = maintenance;
        let sql = "INSERT INTO maintenance_runs (id, team_id, actor, reason, opened_at) VALUES ($1, $2, $3, $4, $5)";
        self.execute(sql, params![*id, *team_id, *actor, *reason, *at])?;
        let open = OpenMaintenance { tx: self, deleted: 0.into(), redacted: 0.into() };
        let outcome = work(&open);
        let count = |rows: &std::cell::Cell<u64>| i64::try_from(rows.get()).unwrap_or(i64::MAX);
        let sql =
            "UPDATE maintenance_runs SET closed_at = $1, rows_deleted = $2, rows_redacted = $3 WHERE id = $4";
        // Whatever the work said, the door does not stay open; a failed statement makes the engines undo all of it anyway.
        let closed = self.execute_one(
            "maintenance run",
            sql,
            params![*at, count(&open.deleted), count(&open.redacted), *id],
        );
        let value = outcome?;
        closed.map(|()| value)
    }
}

impl OpenMaintenance<'_, '_> {
    /// Deletes append-only rows.
    pub(crate) fn delete(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        let rows = self.tx.execute(sql, params)?;
        self.deleted.set(self.deleted.get() + rows);
        Ok(rows)
    }

    /// Blanks the payload of append-only rows.
    pub(crate) fn blank(&self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        let rows = self.tx.execute(sql, params)?;
        self.redacted.set(self.redacted.get() + rows);
        Ok(rows)
    }
}
