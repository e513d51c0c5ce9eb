//! Sessions' counters over time.

use domain::{
    id::SessionId,
    metrics_snapshot::{MetricsSnapshot, SnapshotType},
    session::Session,
    time::Timestamp,
};

use super::{
    Reads,
    session::{Guard, row},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::Record,
    scope::Scope,
    value::{Columns, Value, params, stored_words},
};

stored_words! { SnapshotType }

/// Snapshots of a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct MetricsSnapshots<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which snapshots a list holds.
#[derive(Debug, Clone, Copy)]
pub struct SnapshotFilter {
    /// Taken for this reason; `None` is any.
    pub snapshot_type: Option<SnapshotType>,
    /// Taken at this time or later.
    pub from: Timestamp,
    /// Taken before this time.
    pub until: Timestamp,
}

impl<C: Reads> MetricsSnapshots<'_, C> {
    /// The snapshots of a session, oldest first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        session: SessionId,
        filter: &SnapshotFilter,
        limit: u32,
    ) -> Result<Vec<MetricsSnapshot>, StoreError> {
        let mut statement = self.scope.select_below::<Session, MetricsSnapshot>("session_id", &session);
        statement.and(
            "t.snapshot_at >= ? AND t.snapshot_at < ?",
            [Value::Time(filter.from), Value::Time(filter.until)],
        );
        statement.and_equal("t.snapshot_type", filter.snapshot_type.as_ref());
        statement.push(" ORDER BY t.snapshot_at, t.id LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }
}

impl MetricsSnapshots<'_, Tx<'_>> {
    /// Adds a snapshot.
    ///
    /// # Errors
    /// As [`Sessions::hold`](crate::Sessions::hold).
    pub fn insert(&self, snapshot: &MetricsSnapshot, guard: Guard) -> Result<(), StoreError> {
        self.scope.sessions().hold(snapshot.session_id, guard)?;
        self.scope.tx().insert(snapshot)
    }
}

impl Record for MetricsSnapshot {
    const TABLE: &'static str = "session_metrics_snapshots";
    const COLUMNS: &'static str = "id, session_id, snapshot_type, total_messages, total_tool_calls, total_hook_executions, \
        total_permission_checks, total_errors, total_retries, input_tokens, output_tokens, cache_creation_tokens, \
        cache_read_tokens, total_cost_usd_micros, duration_ms, avg_tool_duration_ms, metrics, snapshot_at";

    fn values(&self) -> Vec<Value<'_>> {
        let mut values = params![self.id, self.session_id, self.snapshot_type].to_vec();
        row::push_totals(&mut values, &self.totals);
        values.extend_from_slice(params![self.avg_tool_duration_ms, self.metrics, self.snapshot_at]);
        values
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            session_id: columns.next()?,
            snapshot_type: columns.next()?,
            totals: row::totals(columns)?,
            avg_tool_duration_ms: columns.next()?,
            metrics: columns.next()?,
            snapshot_at: columns.next()?,
        })
    }
}
