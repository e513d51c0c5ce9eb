//! Rows of `sessions`.

use std::time::Duration;

use domain::{
    id::{SessionId, TeamId},
    money::MicroUsd,
    permission::PermissionMode,
    priority::Priority,
    runtime::RuntimeKind,
    session::{Lease, LeaseOwner, Origin, Session, SessionMode, SessionOptions, SessionTotals},
    session_status::SessionStatus,
    time::Timestamp,
    usage::TokenUsage,
};
use serde::de::DeserializeOwned;

use crate::{
    error::StoreError,
    record::{Dated, Owned, Record, Versioned},
    repository::page::Cursor,
    value::{Columns, ToValue, Value, params, stored_words},
};

stored_words! { Origin, PermissionMode, RuntimeKind, SessionMode, SessionStatus }

impl Record for Session {
    const TABLE: &'static str = "sessions";
    const COLUMNS: &'static str = "id, team_id, user_id, agent_id, agent_version, task_id, template_id, \
        parent_session_id, fork_at_message, name, description, mode, status, runtime, origin, external_id, working_directory, \
        model, system_prompt, allowed_tools, disallowed_tools, permission_mode, custom_policies, hooks_enabled, \
        include_partial_messages, max_turns, budget_usd_micros, timeout_seconds, max_retries, retry_delay_ms, sdk_options, \
        metadata, total_messages, total_tool_calls, total_hook_executions, total_permission_checks, total_errors, total_retries, \
        input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens, total_cost_usd_micros, duration_ms, \
        reported_cost_usd_micros, result, error_message, archive_id, priority, queued_at, \
        attempts, next_attempt_at, version, created_at, updated_at, started_at, completed_at, \
        last_activity_at, lease_owner, lease_expires_at, fence, next_sequence";

    fn values(&self) -> Vec<Value<'_>> {
        let mut values = params![
            self.id,
            self.team_id,
            self.user_id,
            self.agent_id,
            self.agent_version,
            self.task_id,
            self.template_id,
            self.parent_session_id,
            self.fork_at_message,
            self.name,
            self.description,
            self.mode,
            self.status,
            self.runtime,
            self.origin,
            self.external_id,
            self.working_directory,
        ]
        .to_vec();
        push_options(&mut values, &self.options);
        push_totals(&mut values, &self.totals);
        values.extend_from_slice(params![
            self.reported_cost,
            self.result,
            self.error_message,
            self.archive_id
        ]);
        values.push(Value::Int(i64::from(self.priority.get())));
        values.extend_from_slice(params![
            self.queued_at,
            self.attempts,
            self.next_attempt_at,
            self.version,
            self.created_at,
            self.updated_at,
            self.started_at,
            self.completed_at,
            self.last_activity_at,
        ]);
        let owner = self.lease.as_ref().map(|lease| Value::Text(lease.owner.to_string().into()));
        values.push(owner.unwrap_or(Value::Null));
        values.push(self.lease.as_ref().map_or(Value::Null, |lease| Value::Time(lease.expires_at)));
        values.extend_from_slice(params![self.fence, self.next_sequence]);
        values
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Session {
            id: columns.next()?,
            team_id: columns.next()?,
            user_id: columns.next()?,
            agent_id: columns.next()?,
            agent_version: columns.next()?,
            task_id: columns.next()?,
            template_id: columns.next()?,
            parent_session_id: columns.next()?,
            fork_at_message: columns.next()?,
            name: columns.next()?,
            description: columns.next()?,
            mode: columns.next()?,
            status: columns.next()?,
            runtime: columns.next()?,
            origin: columns.next()?,
            external_id: columns.next()?,
            working_directory: columns.next()?,
            options: options(columns)?,
            totals: totals(columns)?,
            reported_cost: columns.next()?,
            result: columns.next()?,
            error_message: columns.next()?,
            archive_id: columns.next()?,
            priority: priority(columns.next()?)?,
            queued_at: columns.next()?,
            attempts: columns.next()?,
            next_attempt_at: columns.next()?,
            version: columns.next()?,
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

/// Refuses options that no column could hold as they are.
pub(in crate::repository) fn refuse_unstorable(options: &SessionOptions) -> Result<(), StoreError> {
    let SessionOptions { timeout, retry_delay, max_turns, budget, .. } = options;
    let refuse = |field, value: String, accepted: &str| {
        Err(StoreError::Invalid { field, value, accepted: accepted.to_owned() })
    };
    if timeout.is_zero() || timeout.subsec_nanos() > 0 || i64::try_from(timeout.as_secs()).is_err() {
        return refuse("timeout_seconds", format!("{timeout:?}"), "whole seconds, 1 or more");
    }
    if retry_delay.subsec_nanos() % 1_000_000 > 0 || i64::try_from(retry_delay.as_millis()).is_err() {
        return refuse("retry_delay_ms", format!("{retry_delay:?}"), "whole milliseconds, 0 or more");
    }
    if *max_turns == Some(0) {
        return refuse("max_turns", "0".to_owned(), "1 or more, or none");
    }
    match budget {
        Some(budget) if *budget < MicroUsd::ZERO => {
            refuse("budget_usd_micros", budget.as_micros().to_string(), "0 or more, or none")
        }
        _ => Ok(()),
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

impl Versioned for Session {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Dated for Session {
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: *self.id.as_uuid() }
    }
}

fn push_options<'v>(values: &mut Vec<Value<'v>>, options: &'v SessionOptions) {
    values.extend_from_slice(params![options.model, options.system_prompt]);
    values.push(Value::document(&options.allowed_tools));
    values.push(Value::document(&options.disallowed_tools));
    values.push(options.permission_mode.to_value());
    values.push(Value::document(&options.custom_policies));
    values.extend_from_slice(params![
        options.hooks_enabled,
        options.include_partial_messages,
        options.max_turns,
        options.budget,
    ]);
    values.push(Value::Int(i64::try_from(options.timeout.as_secs()).unwrap_or(i64::MAX)));
    values.push(options.max_retries.to_value());
    values.push(Value::Int(i64::try_from(options.retry_delay.as_millis()).unwrap_or(i64::MAX)));
    values.push(Value::document(&options.sdk_options));
    values.push(Value::document(&options.metadata));
}

fn options(columns: &mut Columns<'_>) -> Result<SessionOptions, StoreError> {
    Ok(SessionOptions {
        model: columns.next()?,
        system_prompt: columns.next()?,
        allowed_tools: document(columns)?,
        disallowed_tools: document(columns)?,
        permission_mode: columns.next()?,
        custom_policies: document(columns)?,
        hooks_enabled: columns.next()?,
        include_partial_messages: columns.next()?,
        max_turns: columns.next()?,
        budget: columns.next()?,
        timeout: Duration::from_secs(columns.next::<i64>()?.unsigned_abs()),
        max_retries: columns.next()?,
        retry_delay: Duration::from_millis(columns.next::<i64>()?.unsigned_abs()),
        sdk_options: document(columns)?,
        metadata: document(columns)?,
    })
}

/// Counters as sessions and their snapshots keep them.
pub(in crate::repository) fn push_totals(values: &mut Vec<Value<'_>>, totals: &SessionTotals) {
    let usage = &totals.usage;
    let counts = [
        totals.total_messages,
        totals.total_tool_calls,
        totals.total_hook_executions,
        totals.total_permission_checks,
        totals.total_errors,
        totals.total_retries,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_creation_tokens,
        usage.cache_read_tokens,
        totals.cost.as_micros(),
        totals.duration_ms,
    ];
    values.extend(counts.map(Value::Int));
}

/// What [`push_totals`] wrote.
pub(in crate::repository) fn totals(columns: &mut Columns<'_>) -> Result<SessionTotals, StoreError> {
    Ok(SessionTotals {
        total_messages: columns.next()?,
        total_tool_calls: columns.next()?,
        total_hook_executions: columns.next()?,
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
    })
}

/// A column that [`Value::document`] wrote.
pub(in crate::repository) fn document<T: DeserializeOwned>(
    columns: &mut Columns<'_>,
) -> Result<T, StoreError> {
    let type_name = std::any::type_name::<T>();
    serde_json::from_value(columns.next()?)
        .map_err(|error| StoreError::corrupt(format!("a document is no {type_name}: {error}")))
}

/// A process from its column.
pub(in crate::repository) fn lease_owner(text: &str) -> Result<LeaseOwner, StoreError> {
    text.parse().map_err(|error| StoreError::corrupt(format!("{error}")))
}

fn priority(number: i64) -> Result<Priority, StoreError> {
    Priority::try_from(number).map_err(|error| StoreError::corrupt(error.to_string()))
}

fn lease(owner: Option<String>, expires_at: Option<Timestamp>) -> Result<Option<Lease>, StoreError> {
    let (Some(owner), Some(expires_at)) = (owner, expires_at) else { return Ok(None) };
    Ok(Some(Lease { owner: lease_owner(&owner)?, expires_at }))
}
