//! The audit log: appended by anybody, read by the team, redacted only through maintenance.

use std::cmp::Reverse;

use domain::{
    audit::{ActionName, ActorKind, AuditDetail, AuditEntry, AuditEvent, AuditOutcome},
    id::{AuditEntryId, SessionId, TeamId},
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    maintenance::Maintenance,
    record::{Dated, Owned, Record},
    scope::{Scope, missing},
    statement::Order,
    value::{Columns, FromValue, ToValue, Value, params, stored_words},
};

stored_words! { ActionName, ActorKind, AuditOutcome }

impl ToValue for AuditDetail {
    fn to_value(&self) -> Value<'_> {
        Value::json(self.as_value())
    }
}

impl FromValue for AuditDetail {
    fn from_value(value: Value<'_>) -> Option<Self> {
        serde_json::Value::from_value(value).map(Self::from_stored)
    }
}

impl Record for AuditEntry {
    const TABLE: &'static str = "audit_log";
    const COLUMNS: &'static str = "id, team_id, at, actor_kind, actor_id, action, target_kind, target_id, session_id, \
        memory_operation, memory_namespace, detail, request_id, ip, outcome, number, detail_sha256, digest";

    fn values(&self) -> Vec<Value<'_>> {
        let Self { event, number, detail_sha256, digest } = self;
        params![
            event.id,
            event.team_id,
            event.at,
            event.actor_kind,
            event.actor_id,
            event.action,
            event.target_kind,
            event.target_id,
            event.session_id,
            event.memory_operation,
            event.memory_namespace,
            event.detail,
            event.request_id,
            event.ip,
            event.outcome,
            *number,
            *detail_sha256,
            *digest,
        ]
        .to_vec()
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            event: AuditEvent {
                id: columns.next()?,
                team_id: columns.next()?,
                at: columns.next()?,
                actor_kind: columns.next()?,
                actor_id: columns.next()?,
                action: columns.next()?,
                target_kind: columns.next()?,
                target_id: columns.next()?,
                session_id: columns.next()?,
                memory_operation: columns.next()?,
                memory_namespace: columns.next()?,
                detail: columns.next()?,
                request_id: columns.next()?,
                ip: columns.next()?,
                outcome: columns.next()?,
            },
            number: columns.next()?,
            detail_sha256: columns.next()?,
            digest: columns.next()?,
        })
    }
}

impl Owned for AuditEntry {
    type Id = AuditEntryId;
    const NOUN: &'static str = "audit entry";
    const LIVE: &'static str = "TRUE";

    fn id(&self) -> AuditEntryId {
        self.event.id
    }

    fn team_id(&self) -> TeamId {
        self.event.team_id
    }
}

impl Dated for AuditEntry {
    const TIME: &'static str = "at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.event.at, id: *self.event.id.as_uuid() }
    }
}

/// A team's audit log.
#[derive(Debug, Clone, Copy)]
pub struct AuditLog<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which lines a list holds; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Of this actor.
    pub actor: Option<(ActorKind, String)>,
    /// About things of this kind.
    pub target_kind: Option<String>,
    /// About things of this id.
    pub target_id: Option<String>,
    /// In this session.
    pub session_id: Option<SessionId>,
    /// Of actions that begin like this, such as `session.`.
    pub action_prefix: Option<String>,
    /// That ended like this.
    pub outcome: Option<AuditOutcome>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

impl<C: Reads> AuditLog<'_, C> {
    /// The line of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: AuditEntryId) -> Result<Option<AuditEntry>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &AuditFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let Some(prefix) = &filter.action_prefix else {
            return self.page(filter, None, after, limit);
        };
        // Actions are few and their lines many: those of each are in order in an index, and a page needs the newest of all.
        let mut lines = Vec::new();
        for action in self.actions(prefix)? {
            // One more than a page, so that it is known whether there is another.
            lines.extend(self.page(filter, Some(&action), after, limit.saturating_add(1))?.items);
        }
        lines.sort_unstable_by_key(|line| Reverse((line.event.at, line.event.id)));
        Ok(Page::cut(lines, limit as usize, AuditEntry::cursor))
    }

    /// The lines that the filter leaves, but for its beginning of actions; of this action, or of any.
    fn page(
        &self,
        filter: &AuditFilter,
        action: Option<&ActionName>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let mut statement = self.scope.select_by::<AuditEntry>(filter.session_id.is_some());
        statement.and_equal("action", action);
        if let Some((kind, id)) = &filter.actor {
            statement.and("actor_kind = ? AND actor_id = ?", [kind.to_value(), id.to_value()]);
        }
        statement.and_equal("target_kind", filter.target_kind.as_ref());
        statement.and_equal("target_id", filter.target_id.as_ref());
        statement.and_equal("session_id", filter.session_id.as_ref());
        statement.and_equal("outcome", filter.outcome.as_ref());
        if let Some(since) = filter.since {
            statement.and("at >= ?", [Value::Time(since)]);
        }
        if let Some(until) = filter.until {
            statement.and("at < ?", [Value::Time(until)]);
        }
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The actions that begin like this and of which the team has lines, each searched behind the one before it.
    fn actions(&self, prefix: &str) -> Result<Vec<ActionName>, StoreError> {
        let first =
            "SELECT action FROM audit_log WHERE team_id = $1 AND action >= $2 ORDER BY action LIMIT 1";
        let next = "SELECT action FROM audit_log WHERE team_id = $1 AND action > $2 ORDER BY action LIMIT 1";
        let mut actions: Vec<ActionName> = Vec::new();
        loop {
            let found = match actions.last() {
                None => self.scope.find(first, params![prefix], |row| row.get::<ActionName>(0))?,
                Some(last) => self.scope.find(next, params![*last], |row| row.get(0))?,
            };
            match found {
                Some(action) if action.as_str().starts_with(prefix) => actions.push(action),
                _ => return Ok(actions),
            }
        }
    }
}

impl AuditLog<'_, Tx<'_>> {
    /// Appends an event and gives its line. Touches no other row, so any number of writers append at once; the line gets its
    /// number when it is sealed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id exists or it says another team.
    pub fn append(&self, event: AuditEvent) -> Result<AuditEntry, StoreError> {
        let entry = AuditEntry::new(event);
        self.scope.insert(&entry)?;
        Ok(entry)
    }

    /// Blanks the details of a line. Its digests stay, so the log still verifies.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn redact(&self, id: AuditEntryId, maintenance: &Maintenance) -> Result<(), StoreError> {
        let sql = "UPDATE audit_log SET detail = NULL WHERE id = $1 AND team_id = $2";
        let rows =
            self.scope.tx().maintain(maintenance, |open| open.blank(sql, params![id, self.scope.team()]))?;
        if rows == 0 { Err(missing::<AuditEntry>(id)) } else { Ok(()) }
    }
}
