//! Rows of `tool_calls`; written only through the timeline.

use domain::{permission::Decision, tool_call::ToolCall};

use crate::{
    conn::Tx,
    error::StoreError,
    value::{Columns, params, stored_words},
};

stored_words! { Decision }

pub(super) const COLUMNS: &str = "t.id, t.session_id, t.message_id, t.sequence, t.tool_use_id, t.tool_name, t.tool_input,
    t.tool_output, t.status, t.error_message, t.permission_decision, t.permission_reason, t.created_at, t.started_at,
    t.completed_at, t.duration_ms";

pub(super) fn insert(tx: &Tx<'_>, call: &ToolCall) -> Result<(), StoreError> {
    let sql = "INSERT INTO tool_calls
         (id, session_id, message_id, sequence, tool_use_id, tool_name, tool_input, tool_output, status, error_message,
          permission_decision, permission_reason, created_at, started_at, completed_at, duration_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let values = params![
        call.id,
        call.session_id,
        call.message_id,
        call.sequence,
        call.tool_use_id,
        call.tool_name,
        call.tool_input,
        call.tool_output,
        call.status,
        call.error_message,
        call.permission_decision,
        call.permission_reason,
        call.created_at,
        call.started_at,
        call.completed_at,
        call.duration_ms,
    ];
    tx.execute(sql, values).map(drop)
}

pub(super) fn update(tx: &Tx<'_>, call: &ToolCall) -> Result<(), StoreError> {
    let sql = "UPDATE tool_calls SET
         tool_input = $1, tool_output = $2, status = $3, error_message = $4, permission_decision = $5,
         permission_reason = $6, started_at = $7, completed_at = $8, duration_ms = $9
         WHERE id = $10";
    let values = params![
        call.tool_input,
        call.tool_output,
        call.status,
        call.error_message,
        call.permission_decision,
        call.permission_reason,
        call.started_at,
        call.completed_at,
        call.duration_ms,
        call.id,
    ];
    tx.execute_one("tool call", sql, values)
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
        created_at: columns.next()?,
        started_at: columns.next()?,
        completed_at: columns.next()?,
        duration_ms: columns.next()?,
    })
}
