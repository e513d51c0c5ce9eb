//! Maintenance: the recorded openings of append-only tables.

use crate::{
    id::{MaintenanceRunId, TeamId},
    time::Timestamp,
};

/// One opening of append-only tables, with what was done while they were open.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MaintenanceRun {
    /// Identity.
    pub id: MaintenanceRunId,
    /// The team whose rows were concerned; `None` is all.
    pub team_id: Option<TeamId>,
    /// Who, as `user:ID` or `system:PART`.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// Rows removed.
    pub rows_deleted: i64,
    /// Rows whose payload was blanked.
    pub rows_redacted: i64,
}
