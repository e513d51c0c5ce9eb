//! Tool calls; written only through changes of their session.

use domain::{
    id::{SessionId, ToolCallId},
    permission::Decision,
    session::Session,
    time::Timestamp,
    tool_call::{ToolCall, ToolCallStatus},
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Reads, message_search};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, columns},
    scope::{Scope, below},
    value::{Columns, Value, params, stored_words},
};

stored_words! { Decision }

columns! {
    id, session_id, message_id, sequence, tool_use_id, tool_name, tool_input, tool_output, status, error_message,
    permission_decision, permission_reason, hook_pre_data, hook_post_data, retries, created_at, started_at, completed_at,
    duration_ms,
}

/// The tool calls of a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct ToolCalls<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which tool calls a list holds; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct ToolCallFilter {
    /// In this status.
    pub status: Option<ToolCallStatus>,
    /// Of this tool.
    pub tool_name: Option<String>,
}

/// What was asked for in a tool call, and where; without what came of it, which may be large.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedToolCall {
    /// Identity.
    pub id: ToolCallId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// The tool.
    pub tool_name: String,
    /// What the tool was given.
    pub tool_input: Json,
    /// What was decided about it.
    pub permission_decision: Option<Decision>,
    /// When the model asked.
    pub created_at: Timestamp,
    /// The folder its session works in.
    pub working_directory: String,
}

/// Which tool calls of all sessions are read.
#[derive(Debug, Clone, Copy, Default)]
pub struct AskedFilter {
    /// Of this session.
    pub session_id: Option<SessionId>,
    /// That the model asked for at this time or later.
    pub since: Option<Timestamp>,
    /// Older than this one, the last of an earlier page.
    pub before: Option<ToolCallId>,
}

impl<C: Reads> ToolCalls<'_, C> {
    /// What was asked for in the team's tool calls, at most `limit`, the newest record first. A call is recorded when it is
    /// asked for, or later when it was imported, and its id tells when: what was asked for since a time is not recorded earlier.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_asked(&self, filter: AskedFilter, limit: u32) -> Result<Vec<AskedToolCall>, StoreError> {
        let AskedFilter { session_id, since, before } = filter;
        let first = since.map_or(Uuid::nil(), earliest_id);
        let last = before.map_or(Uuid::max(), |before| *before.as_uuid());
        let mut statement = self.scope.statement(
            "SELECT t.id, t.session_id, t.sequence, t.tool_name, t.tool_input, t.permission_decision, t.created_at,
             p.working_directory FROM tool_calls t JOIN sessions p ON p.id = t.session_id
             WHERE (p.team_id = ? AND p.deleted_at IS NULL) IS TRUE",
        );
        statement.and("t.id >= ? AND t.id < ?", [Value::Id(first), Value::Id(last)]);
        statement.and_equal("t.session_id", session_id.as_ref());
        if let Some(since) = since {
            statement.and("(t.created_at >= ?) IS TRUE", [Value::Time(since)]);
        }
        statement.push(" ORDER BY t.id DESC LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.query(self.scope.connection(), |row| {
            let columns = &mut row.columns();
            Ok(AskedToolCall {
                id: columns.next()?,
                session_id: columns.next()?,
                sequence: columns.next()?,
                tool_name: columns.next()?,
                tool_input: columns.next()?,
                permission_decision: columns.next()?,
                created_at: columns.next()?,
                working_directory: columns.next()?,
            })
        })
    }

    /// The tool call of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: ToolCallId) -> Result<Option<ToolCall>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM tool_calls t WHERE {} AND t.id = $2",
            below::<Session>("t.session_id")
        );
        self.scope.find(&sql, params![id], |row| from_columns(&mut row.columns()))
    }

    /// What the agent program calls the tool calls of a session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_tool_use_ids(&self, session: SessionId) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT t.tool_use_id FROM tool_calls t WHERE {} AND t.session_id = $2",
            below::<Session>("t.session_id")
        );
        self.scope.query(&sql, params![session], |row| row.get(0))
    }

    /// The tool calls of a session whose numbers are above `after`, at most `limit`, in the order in which they were asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        session: SessionId,
        filter: &ToolCallFilter,
        after: i64,
        limit: u32,
    ) -> Result<Vec<ToolCall>, StoreError> {
        let mut statement = self.scope.select_below::<Session, ToolCall>("session_id", &session);
        statement.and("t.sequence > ?", [Value::Int(after)]);
        statement.and_equal("t.status", filter.status.as_ref());
        statement.and_equal("t.tool_name", filter.tool_name.as_ref());
        statement.push(" ORDER BY t.sequence LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }
}

/// The least id of what is recorded at this time: ids begin with the milliseconds. A second earlier, for the clock that gives
/// ids and the one that gives times are read one after the other.
fn earliest_id(since: Timestamp) -> Uuid {
    let millis = u64::try_from(since.as_micros() / 1000).unwrap_or(0).saturating_sub(1000);
    Uuid::from_u128(u128::from(millis.min((1 << 48) - 1)) << 80)
}

pub(super) fn insert(tx: &Tx<'_>, call: &ToolCall) -> Result<(), StoreError> {
    tx.insert(call)
}

/// Writes what changed of a call. Its words are indexed again only when its input changed, which is rare; the first statement
/// finds out and, most of the time, is the only one.
pub(super) fn update(tx: &Tx<'_>, call: &ToolCall) -> Result<(), StoreError> {
    const CHANGED: &str = "UPDATE tool_calls SET
         tool_input = $1, tool_output = $2, status = $3, error_message = $4, permission_decision = $5,
         permission_reason = $6, hook_pre_data = $7, hook_post_data = $8, retries = $9, started_at = $10,
         completed_at = $11, duration_ms = $12 WHERE id = $13 AND session_id = $14";
    let values = params![
        call.tool_input,
        call.tool_output,
        call.status,
        call.error_message,
        call.permission_decision,
        call.permission_reason,
        call.hook_pre_data,
        call.hook_post_data,
        call.retries,
        call.started_at,
        call.completed_at,
        call.duration_ms,
        call.id,
        call.session_id,
    ];
    if tx.execute(&format!("{CHANGED} AND tool_input = $1"), values)? == 1 {
        return Ok(());
    }
    tx.execute_one("tool call", CHANGED, values)?;
    message_search::reindex(tx, *call.id.as_uuid(), &call.searched_text())
}

impl Record for ToolCall {
    const TABLE: &'static str = "tool_calls";
    const COLUMNS: &'static str = NAMES;

    fn values(&self) -> Vec<Value<'_>> {
        params![
            self.id,
            self.session_id,
            self.message_id,
            self.sequence,
            self.tool_use_id,
            self.tool_name,
            self.tool_input,
            self.tool_output,
            self.status,
            self.error_message,
            self.permission_decision,
            self.permission_reason,
            self.hook_pre_data,
            self.hook_post_data,
            self.retries,
            self.created_at,
            self.started_at,
            self.completed_at,
            self.duration_ms,
        ]
        .to_vec()
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        from_columns(columns)
    }
}

pub(super) fn from_columns(columns: &mut Columns<'_>) -> Result<ToolCall, StoreError> {
    Ok(ToolCall {
        id: columns.next()?,
        session_id: columns.next()?,
        message_id: columns.next()?,
        sequence: columns.next()?,
        tool_use_id: columns.next()?,
        tool_name: columns.next()?,
        tool_input: columns.next()?,
        tool_output: columns.next()?,
        status: columns.next()?,
        error_message: columns.next()?,
        permission_decision: columns.next()?,
        permission_reason: columns.next()?,
        hook_pre_data: columns.next()?,
        hook_post_data: columns.next()?,
        retries: columns.next()?,
        created_at: columns.next()?,
        started_at: columns.next()?,
        completed_at: columns.next()?,
        duration_ms: columns.next()?,
    })
}
