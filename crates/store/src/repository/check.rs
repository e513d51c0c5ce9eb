//! `provost db check`: whether what is stored is whole.

mod backlog;

use crate::{
    conn::{Conn, Tx},
    error::StoreError,
};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Which check found it.
    pub check: &'static str,
    /// What it found.
    pub what: String,
}

/// Looks at everything: the file's structure, references, sequences and counters. Empty is well.
///
/// # Errors
/// When the database cannot be read at all.
pub fn check(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    if conn.sqlite().is_some() {
        let broken = conn.query("PRAGMA integrity_check", &[], |row| row.get::<String>(0))?;
        findings.extend(
            broken.into_iter().filter(|line| line != "ok").map(|what| Finding { check: "integrity", what }),
        );
        let dangling = conn.query("PRAGMA foreign_key_check", &[], |row| row.get::<String>(0))?;
        findings.extend(dangling.into_iter().map(|table| Finding {
            check: "references",
            what: format!("a row of {table} refers to a row that is not there"),
        }));
    }
    findings.extend(found(conn, "sequence", GAPS)?);
    findings.extend(found(conn, "timeline", MISSING_ROWS)?);
    findings.extend(found(conn, "counters", WRONG_COUNTERS)?);
    findings.extend(backlog::find(conn)?);
    Ok(findings)
}

/// Sets right what follows from other rows and is wrong, and gives what was. Everything else is left to people.
///
/// # Errors
/// When the database fails; then nothing was changed.
pub fn repair(tx: &Tx<'_>) -> Result<Vec<Finding>, StoreError> {
    backlog::repair(tx)
}

fn found(conn: &Conn, check: &'static str, sql: &str) -> Result<Vec<Finding>, StoreError> {
    conn.query(sql, &[], |row| Ok(Finding { check, what: row.get(0)? }))
}

/// Numbers run from 1 to the session's next one without gaps.
const GAPS: &str = "
    SELECT 'session ' || s.id || ': ' || count(e.sequence) || ' timeline entries, but the next number is ' || s.next_sequence
    FROM sessions s LEFT JOIN session_events e ON e.session_id = s.id
    GROUP BY s.id, s.next_sequence
    HAVING count(e.sequence) <> s.next_sequence - 1 OR coalesce(max(e.sequence), 0) <> s.next_sequence - 1";

/// Each entry's row is there.
const MISSING_ROWS: &str = "
    SELECT 'session ' || e.session_id || ': the ' || e.kind || ' of timeline entry ' || e.sequence || ' is not there'
    FROM session_events e
    JOIN sessions s ON s.id = e.session_id
    LEFT JOIN messages m ON e.kind = 'message' AND m.id = e.row_id
    LEFT JOIN tool_calls c ON e.kind = 'tool_call' AND c.id = e.row_id
    LEFT JOIN session_transitions t ON e.kind = 'transition' AND t.id = e.row_id
    LEFT JOIN session_commands k ON e.kind = 'command' AND k.id = e.row_id
    LEFT JOIN hook_executions h ON e.kind = 'hook_execution' AND h.id = e.row_id
    LEFT JOIN permission_decisions d ON e.kind = 'decision' AND d.id = e.row_id
    LEFT JOIN approvals a ON e.kind = 'approval' AND a.id = e.row_id
    WHERE coalesce(m.id, c.id, t.id, k.id, h.id, d.id, a.id) IS NULL";

/// Counters say what the rows say.
const WRONG_COUNTERS: &str = "
    SELECT 'session ' || s.id || ': counts ' || s.total_messages || ' messages and ' || s.total_tool_calls || ' tool calls, but has '
        || (SELECT count(*) FROM messages m WHERE m.session_id = s.id) || ' and '
        || (SELECT count(*) FROM tool_calls c WHERE c.session_id = s.id)
    FROM sessions s
    WHERE s.total_messages <> (SELECT count(*) FROM messages m WHERE m.session_id = s.id)
       OR s.total_tool_calls <> (SELECT count(*) FROM tool_calls c WHERE c.session_id = s.id)";
