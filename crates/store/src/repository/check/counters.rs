//! The totals of sessions, which say what their rows say.

use super::{Finding, found};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
};

/// Each session with its rows. A message that is still being written may be counted or not.
fn counted(conn: &Conn) -> String {
    let finished = conn.pick("count(*) - total(is_partial)", "count(*) FILTER (WHERE NOT is_partial)");
    let per_session = |table: &str, alias: &str, finished: &str| {
        format!(
            "LEFT JOIN (SELECT session_id, count(*) AS rows, {finished} AS finished FROM {table} GROUP BY session_id) {alias}
                ON {alias}.session_id = s.id"
        )
    };
    [
        "sessions s".to_owned(),
        per_session("messages", "m", finished),
        per_session("tool_calls", "c", "0"),
        per_session("hook_executions", "h", "0"),
        per_session("permission_decisions", "d", "0"),
    ]
    .join("\n")
}

/// Sessions recorded before decisions had rows counted them all the same, so there may be more than rows, never fewer.
const WRONG: &str = "
    s.total_messages > coalesce(m.rows, 0) OR s.total_messages < coalesce(m.finished, 0)
    OR s.total_tool_calls <> coalesce(c.rows, 0)
    OR s.total_hook_executions <> coalesce(h.rows, 0)
    OR s.total_permission_checks < coalesce(d.rows, 0)";

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let sql = format!(
        "SELECT 'session ' || s.id || ': counts ' || s.total_messages || ' messages, ' || s.total_tool_calls || ' tool calls, '
            || s.total_hook_executions || ' hook executions, ' || s.total_permission_checks || ' permission checks, but has '
            || coalesce(m.rows, 0) || ', ' || coalesce(c.rows, 0) || ', ' || coalesce(h.rows, 0) || ', ' || coalesce(d.rows, 0) AS what
         FROM {} WHERE {WRONG}",
        counted(conn)
    );
    found(conn, "counters", true, &sql)
}

pub(super) fn repair(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let larger = tx.pick("max", "greatest");
    let sql = format!(
        "/* repair */ UPDATE sessions SET
            total_messages = (SELECT count(*) FROM messages r WHERE r.session_id = sessions.id),
            total_tool_calls = (SELECT count(*) FROM tool_calls r WHERE r.session_id = sessions.id),
            total_hook_executions = (SELECT count(*) FROM hook_executions r WHERE r.session_id = sessions.id),
            total_permission_checks = {larger}(total_permission_checks,
                (SELECT count(*) FROM permission_decisions r WHERE r.session_id = sessions.id))
         WHERE id IN (SELECT s.id FROM {} WHERE {WRONG})",
        counted(tx)
    );
    tx.execute(&sql, &[])
}
