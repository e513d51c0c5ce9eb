//! A session's counters as they stood at one time.

use serde_json::Value;

use crate::{
    id::{MetricsSnapshotId, SessionId},
    session::SessionTotals,
    time::Timestamp,
};

text_enum! {
    /// Why a snapshot was taken.
    pub enum SnapshotType: "snapshot type" {
        /// Time had passed.
        Periodic = "periodic",
        /// A checkpoint was made.
        Checkpoint = "checkpoint",
        /// The session ended.
        Final = "final",
    }
}

/// A snapshot as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct MetricsSnapshot {
    /// Identity.
    pub id: MetricsSnapshotId,
    /// The session.
    pub session_id: SessionId,
    /// Why it was taken.
    pub snapshot_type: SnapshotType,
    /// The counters.
    #[serde(flatten)]
    pub totals: SessionTotals,
    /// Mean time of a finished tool call in milliseconds; `None` before the first.
    pub avg_tool_duration_ms: Option<f64>,
    /// Anything else that was measured.
    pub metrics: Value,
    /// When it was taken.
    pub snapshot_at: Timestamp,
}
