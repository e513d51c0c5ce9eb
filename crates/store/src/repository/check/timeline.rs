//! Timelines: numbers without gaps, and each entry's row in its place.

use super::{Finding, facts, found};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
};

/// Which table holds the rows of each kind of entry.
pub(crate) const KINDS: &[(&str, &str)] = &[
    ("message", "messages"),
    ("tool_call", "tool_calls"),
    ("transition", "session_transitions"),
    ("command", "session_commands"),
    ("hook_execution", "hook_executions"),
    ("decision", "permission_decisions"),
    ("approval", "approvals"),
];

/// Each session with how many numbers were given and the last of them.
const NUMBERED: &str = "
    sessions s LEFT JOIN (SELECT session_id, count(*) AS entries, max(sequence) AS last FROM session_events GROUP BY session_id) e
        ON e.session_id = s.id";

/// Nothing is missing, and yet the next number is another.
const WRONG_NEXT: &str =
    "s.next_sequence <> coalesce(e.last, 0) + 1 AND coalesce(e.entries, 0) = coalesce(e.last, 0)";

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let mut findings = facts(
        conn,
        "sequence",
        &format!(
            "SELECT 'session ' || s.id || ': ' || e.entries || ' timeline entries, but the last number is ' || e.last AS what
             FROM {NUMBERED} WHERE e.entries <> e.last"
        ),
    )?;
    findings.extend(found(
        conn,
        "sequence",
        true,
        &format!(
            "SELECT 'session ' || s.id || ': the next number is ' || s.next_sequence || ' after ' || coalesce(e.last, 0) AS what
             FROM {NUMBERED} WHERE {WRONG_NEXT}"
        ),
    )?);
    for (kind, table) in KINDS {
        findings.extend(facts(conn, "timeline", &missing_rows(kind, table))?);
        findings.extend(facts(conn, "timeline", &missing_entries(kind, table))?);
    }
    Ok(findings)
}

/// Entries whose row is not there. What a purged session leaves behind is history.
fn missing_rows(kind: &str, table: &str) -> String {
    format!(
        "SELECT 'session ' || e.session_id || ': the {kind} of timeline entry ' || e.sequence || ' is not there' AS what
         FROM session_events e
         WHERE e.kind = '{kind}' AND e.change <> 'removed'
           AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = e.session_id)
           AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.id = e.row_id)
           AND NOT EXISTS (SELECT 1 FROM session_events g
                           WHERE g.session_id = e.session_id AND g.row_id = e.row_id AND g.change = 'removed')"
    )
}

/// Rows that the entry of their number does not lead to.
fn missing_entries(kind: &str, table: &str) -> String {
    format!(
        "SELECT 'session ' || r.session_id || ': no timeline entry ' || r.sequence || ' leads to the {kind} ' || r.id AS what
         FROM {table} r
         WHERE EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.session_id)
           AND NOT EXISTS (SELECT 1 FROM session_events e
                           WHERE e.session_id = r.session_id AND e.sequence = r.sequence AND e.row_id = r.id)"
    )
}

/// The next number follows from those that were given.
pub(super) fn repair(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let sql = format!(
        "/* repair */ UPDATE sessions SET next_sequence =
            (SELECT coalesce(max(e.sequence), 0) + 1 FROM session_events e WHERE e.session_id = sessions.id)
         WHERE id IN (SELECT s.id FROM {NUMBERED} WHERE {WRONG_NEXT})"
    );
    tx.execute(&sql, &[])
}
