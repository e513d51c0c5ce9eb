//! Metrics.

use std::collections::BTreeSet;

use domain::{
    id::{MetricId, SessionId},
    metric::{Metric, MetricLabels, MetricName, MetricSummary, MetricValue},
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
    reference,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    scope::Scope,
    statement::{Order, Statement},
    value::{FromValue, ToValue, Value, stored_documents, stored_words},
};

stored_words! { MetricName }
stored_documents! { MetricLabels }

impl ToValue for MetricValue {
    fn to_value(&self) -> Value<'_> {
        Value::Real(self.get())
    }
}

impl FromValue for MetricValue {
    fn from_value(value: Value<'_>) -> Option<Self> {
        f64::from_value(value)?.try_into().ok()
    }
}

record! {
    Metric in "metrics" { id, team_id, name, value, labels, session_id, at }
    owned by MetricId as "metric" while "TRUE";
    dated by at;
}

/// A team's metrics.
#[derive(Debug, Clone, Copy)]
pub struct Metrics<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which values are meant.
#[derive(Debug, Clone)]
pub struct MetricFilter {
    /// Of this name.
    pub name: MetricName,
    /// From this time on; `None` is from the first.
    pub from: Option<Timestamp>,
    /// Until just before this time; `None` is to the last.
    pub to: Option<Timestamp>,
    /// Measured in this session; `None` is any and none.
    pub session_id: Option<SessionId>,
}

impl<C: Reads> Metrics<'_, C> {
    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &MetricFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Metric>, StoreError> {
        let mut statement = self.scope.select::<Metric>();
        filter.narrow(&mut statement);
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// All values together; `None` when there are none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn summary(&self, filter: &MetricFilter) -> Result<Option<MetricSummary>, StoreError> {
        let mut statement = self.scope.statement(
            "SELECT count(*), min(value), max(value), avg(value), sum(value) FROM metrics WHERE team_id = ?",
        );
        filter.narrow(&mut statement);
        let summaries = statement.query(self.scope.connection(), |row| {
            let mut columns = row.columns();
            let count = columns.next()?;
            if count == 0 {
                return Ok(None);
            }
            Ok(Some(MetricSummary {
                count,
                min: columns.next()?,
                max: columns.next()?,
                average: columns.next()?,
                sum: columns.next()?,
            }))
        })?;
        Ok(summaries.into_iter().flatten().next())
    }
}

impl Metrics<'_, Tx<'_>> {
    /// Adds values, many in one statement. All or none.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when a session is not there; [`StoreError::Conflict`] when one is there already or of another
    /// team.
    pub fn insert_all(&self, metrics: &[Metric]) -> Result<(), StoreError> {
        let sessions: BTreeSet<_> = metrics.iter().filter_map(|metric| metric.session_id).collect();
        for session in sessions {
            reference::require(&self.scope, "sessions", "session", Some(session))?;
        }
        self.scope.insert_all(metrics)
    }
}

impl MetricFilter {
    fn narrow<'v>(&'v self, statement: &mut Statement<'v>) {
        statement.and_equal("name", Some(&self.name));
        if let Some(from) = self.from {
            statement.and("at >= ?", [Value::Time(from)]);
        }
        if let Some(to) = self.to {
            statement.and("at < ?", [Value::Time(to)]);
        }
        statement.and_equal("session_id", self.session_id.as_ref());
    }
}
