//! Sessions, and the one way to change them.

use domain::{
    id::{SessionId, TeamId},
    money::MicroUsd,
    permission::PermissionMode,
    runtime::RuntimeKind,
    session::{Lease, LeaseOwner, Origin, Session, SessionMode, SessionOptions, SessionTotals},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
    usage::TokenUsage,
};
use serde_json::Value as Json;
use std::time::Duration;
use uuid::Uuid;

use super::{
    Reads,
    page::{Cursor, Page},
    timeline,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Dated, Owned, Record},
    scope::{Scope, missing},
    statement::Order,
    value::{Columns, Value, params, stored_words},
};

stored_words! { Origin, PermissionMode, RuntimeKind, SessionMode, SessionStatus }

/// Sessions.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which sessions a list holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct SessionFilter {
    /// In this status.
    pub status: Option<SessionStatus>,
}

/// One change of a session with everything that belongs to it. All of it happens or nothing does, and each row in it
/// takes the session's next number in the timeline.
#[derive(Debug, Clone)]
pub struct SessionChange {
    /// The session.
    pub session_id: SessionId,
    /// Who may make it.
    pub guard: Guard,
    /// When.
    pub at: Timestamp,
    /// What changes on the session itself.
    pub update: SessionUpdate,
    /// Rows that are new or changed. A transition also sets the session's status.
    pub items: Vec<(Change, TimelineItem)>,
}

/// Who may change a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Anybody, for input that any process may give.
    Anyone,
    /// The owner with this fence; an earlier owner is refused with [`StoreError::Fenced`].
    Fence(i64),
}

/// What changes on a session. `None` leaves as it is; totals are added.
#[derive(Debug, Clone, Default)]
pub struct SessionUpdate {
    /// Added to the session's totals.
    pub added: SessionTotals,
    /// The agent program's own id.
    pub external_id: Option<String>,
    /// The model that works.
    pub model: Option<String>,
    /// The agent program's cumulative cost.
    pub reported_cost: Option<MicroUsd>,
    /// The last result's text.
    pub result: Option<Json>,
    /// Why it failed. Resuming clears it.
    pub error_message: Option<String>,
    /// The owner lets go.
    pub release_lease: bool,
}

impl<C: Reads> Sessions<'_, C> {
    /// The session of this id, unless it was deleted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.scope.find_row(id)
    }

    /// The newest session, for people who say `last`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_last(&self) -> Result<Option<Session>, StoreError> {
        Ok(self.list(SessionFilter::default(), None, 1)?.items.into_iter().next())
    }

    /// Ids between two bounds, both included, at most `limit`: how a prefix is looked up.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ids_between(
        &self,
        first: Uuid,
        last: Uuid,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        let sql = "SELECT id FROM sessions
             WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id >= $2 AND id <= $3 ORDER BY id LIMIT $4";
        self.scope.query(sql, params![first, last, i64::from(limit)], |row| row.get(0))
    }

    /// Ids whose hyphenated text ends like this, at most `limit`. Looks at every id of the team: for people who type.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_ids_ending(&self, suffix: &str, limit: u32) -> Result<Vec<SessionId>, StoreError> {
        let sql = self.scope.pick(
            "SELECT id FROM sessions WHERE team_id = $1 AND deleted_at IS NULL AND substr(id, -length($2)) = $2 LIMIT $3",
            "SELECT id FROM sessions WHERE team_id = $1 AND deleted_at IS NULL AND right(id::text, length($2)) = $2 LIMIT $3",
        );
        self.scope.query(sql, params![suffix, i64::from(limit)], |row| row.get(0))
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: SessionFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Session>, StoreError> {
        let mut statement = self.scope.select::<Session>();
        statement.and_equal("status", filter.status.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl Sessions<'_, Tx<'_>> {
    /// Records a new session. Its first transition is a change of its own.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id exists or its team or user does not.
    pub fn insert(&self, session: &Session) -> Result<(), StoreError> {
        self.scope.insert(session)
    }

    /// Makes `lease.owner` the owner of a session nobody owns, or that only `fence`'s dead owner owns, and gives the new
    /// fence. Of several who try, one wins.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when somebody else was faster.
    pub fn acquire(&self, id: SessionId, fence: i64, lease: &Lease) -> Result<i64, StoreError> {
        let sql = "UPDATE sessions SET lease_owner = $1, lease_expires_at = $2, fence = fence + 1
             WHERE id = $3 AND fence = $4 AND team_id = $5 RETURNING fence";
        let owner = lease.owner.to_string();
        let values = params![owner, lease.expires_at, id, fence];
        self.scope.change(sql, values, |row| row.get(0))?.ok_or(StoreError::Fenced)
    }

    /// Keeps a session for longer.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process took it over.
    pub fn renew(&self, id: SessionId, fence: i64, expires_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET lease_expires_at = $1 WHERE id = $2 AND fence = $3 AND team_id = $4
             AND lease_owner IS NOT NULL";
        match self.scope.execute(sql, params![expires_at, id, fence])? {
            0 => Err(StoreError::Fenced),
            _ => Ok(()),
        }
    }

    /// Makes a change and gives its timeline entries, numbered.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the guard does not hold; [`StoreError::Conflict`] when a transition does not start from
    /// the session's status, or a row is gone.
    pub fn change(&self, change: SessionChange) -> Result<Vec<TimelineEntry>, StoreError> {
        let first = self.advance(&change)?;
        let SessionChange { session_id, at, items, .. } = change;
        let mut entries = Vec::with_capacity(items.len());
        for (sequence, (kind, item)) in (first..).zip(items) {
            if let TimelineItem::Transition(transition) = &item {
                self.set_status(session_id, transition.from, transition.to, at)?;
            }
            entries.push(timeline::append(self.scope.tx(), session_id, sequence, kind, item, at)?);
        }
        Ok(entries)
    }

    /// Takes as many numbers as the change has rows and applies its update; gives the first number.
    fn advance(&self, change: &SessionChange) -> Result<i64, StoreError> {
        let rows = i64::try_from(change.items.len()).unwrap_or(i64::MAX);
        let SessionUpdate { added, external_id, model, reported_cost, result, error_message, release_lease } =
            &change.update;
        let mut sql = String::from(
            "UPDATE sessions SET next_sequence = next_sequence + $1, last_activity_at = $2, updated_at = $2,
             total_messages = total_messages + $3, total_tool_calls = total_tool_calls + $4,
             total_permission_checks = total_permission_checks + $5, total_errors = total_errors + $6,
             total_retries = total_retries + $7, input_tokens = input_tokens + $8, output_tokens = output_tokens + $9,
             cache_creation_tokens = cache_creation_tokens + $10, cache_read_tokens = cache_read_tokens + $11,
             total_cost_usd_micros = total_cost_usd_micros + $12, duration_ms = duration_ms + $13,
             external_id = coalesce($14, external_id), model = coalesce($15, model),
             reported_cost_usd_micros = coalesce($16, reported_cost_usd_micros), result = coalesce($17, result),
             error_message = coalesce($18, error_message)",
        );
        if *release_lease {
            sql.push_str(", lease_owner = NULL, lease_expires_at = NULL");
        }
        sql.push_str(" WHERE id = $19");
        let mut values = params![
            rows,
            change.at,
            added.total_messages,
            added.total_tool_calls,
            added.total_permission_checks,
            added.total_errors,
            added.total_retries,
            added.usage.input_tokens,
            added.usage.output_tokens,
            added.usage.cache_creation_tokens,
            added.usage.cache_read_tokens,
            added.cost,
            added.duration_ms,
            external_id,
            model,
            reported_cost,
            result,
            error_message,
            change.session_id,
        ]
        .to_vec();
        if let Guard::Fence(fence) = change.guard {
            sql.push_str(" AND fence = $20 AND team_id = $21");
            values.push(Value::Int(fence));
        } else {
            sql.push_str(" AND team_id = $20");
        }
        sql.push_str(" RETURNING next_sequence");
        let next: Option<i64> = self.scope.change(&sql, &values, |row| row.get(0))?;
        match (next, change.guard) {
            (Some(next), _) => Ok(next - rows),
            (None, Guard::Fence(_)) => Err(StoreError::Fenced),
            (None, Guard::Anyone) => Err(missing::<Session>(change.session_id)),
        }
    }

    /// The first entry to active sets `started_at`; a final status sets `completed_at`; resuming clears it and the error.
    fn set_status(
        &self,
        id: SessionId,
        from: Option<SessionStatus>,
        to: SessionStatus,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(from) = from else { return Ok(()) };
        let started = (to == SessionStatus::Active).then_some(at);
        let completed = to.is_final().then_some(at);
        let keep_error = if to == SessionStatus::Connecting { "NULL" } else { "error_message" };
        let sql = format!(
            "UPDATE sessions SET status = $1, started_at = coalesce(started_at, $2), completed_at = $3,
             error_message = {keep_error} WHERE id = $4 AND status = $5 AND team_id = $6"
        );
        match self.scope.execute(&sql, params![to, started, completed, id, from])? {
            0 => Err(StoreError::Conflict { what: format!("session {id} is no longer {from}") }),
            _ => Ok(()),
        }
    }
}

impl Record for Session {
    const TABLE: &'static str = "sessions";
    const COLUMNS: &'static str = "id, team_id, user_id, name, mode, status, runtime, origin, external_id, working_directory, \
        model, system_prompt, permission_mode, max_turns, budget_usd_micros, timeout_seconds, \
        total_messages, total_tool_calls, total_permission_checks, total_errors, total_retries, \
        input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, total_cost_usd_micros, duration_ms, \
        reported_cost_usd_micros, result, error_message, created_at, updated_at, started_at, completed_at, \
        last_activity_at, lease_owner, lease_expires_at, fence, next_sequence";

    fn values(&self) -> Vec<Value<'_>> {
        let Self { options, totals, lease, .. } = self;
        let usage = &totals.usage;
        let timeout_seconds = i64::try_from(options.timeout.as_secs()).unwrap_or(i64::MAX);
        let mut values = params![
            self.id,
            self.team_id,
            self.user_id,
            self.name,
            self.mode,
            self.status,
            self.runtime,
            self.origin,
            self.external_id,
            self.working_directory,
            options.model,
            options.system_prompt,
            options.permission_mode,
            options.max_turns,
            options.budget,
        ]
        .to_vec();
        values.push(Value::Int(timeout_seconds));
        values.extend_from_slice(params![
            totals.total_messages,
            totals.total_tool_calls,
            totals.total_permission_checks,
            totals.total_errors,
            totals.total_retries,
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_creation_tokens,
            usage.cache_read_tokens,
            totals.cost,
            totals.duration_ms,
            self.reported_cost,
            self.result,
            self.error_message,
            self.created_at,
            self.updated_at,
            self.started_at,
            self.completed_at,
            self.last_activity_at,
        ]);
        let owner = lease.as_ref().map(|lease| Value::Text(lease.owner.to_string().into()));
        values.push(owner.unwrap_or(Value::Null));
        values.push(lease.as_ref().map_or(Value::Null, |lease| Value::Time(lease.expires_at)));
        values.extend_from_slice(params![self.fence, self.next_sequence]);
        values
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Session {
            id: columns.next()?,
            team_id: columns.next()?,
            user_id: columns.next()?,
            name: columns.next()?,
            mode: columns.next()?,
            status: columns.next()?,
            runtime: columns.next()?,
            origin: columns.next()?,
            external_id: columns.next()?,
            working_directory: columns.next()?,
            options: SessionOptions {
                model: columns.next()?,
                system_prompt: columns.next()?,
                permission_mode: columns.next()?,
                max_turns: columns.next()?,
                budget: columns.next()?,
                timeout: Duration::from_secs(columns.next::<i64>()?.unsigned_abs()),
            },
            totals: SessionTotals {
                total_messages: columns.next()?,
                total_tool_calls: columns.next()?,
                total_permission_checks: columns.next()?,
                total_errors: columns.next()?,
                total_retries: columns.next()?,
                usage: TokenUsage {
                    input_tokens: columns.next()?,
                    output_tokens: columns.next()?,
                    cache_creation_tokens: columns.next()?,
                    cache_read_tokens: columns.next()?,
                },
                cost: columns.next()?,
                duration_ms: columns.next()?,
            },
            reported_cost: columns.next()?,
            result: columns.next()?,
            error_message: columns.next()?,
            created_at: columns.next()?,
            updated_at: columns.next()?,
            started_at: columns.next()?,
            completed_at: columns.next()?,
            last_activity_at: columns.next()?,
            lease: lease(columns.next()?, columns.next()?)?,
            fence: columns.next()?,
            next_sequence: columns.next()?,
        })
    }
}

impl Owned for Session {
    type Id = SessionId;
    const NOUN: &'static str = "session";
    const LIVE: &'static str = "deleted_at IS NULL";

    fn id(&self) -> SessionId {
        self.id
    }

    fn team_id(&self) -> TeamId {
        self.team_id
    }
}

impl Dated for Session {
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: *self.id.as_uuid() }
    }
}

fn lease(owner: Option<String>, expires_at: Option<Timestamp>) -> Result<Option<Lease>, StoreError> {
    let (Some(owner), Some(expires_at)) = (owner, expires_at) else { return Ok(None) };
    let owner: LeaseOwner = owner.parse().map_err(|error| StoreError::corrupt(format!("{error}")))?;
    Ok(Some(Lease { owner, expires_at }))
}
