//! The search index: everything that can be found by its words is in it, and nothing else is.

use super::{Finding, found};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
};

/// What can be found: what people and agents said, once it is finished, and what tools were asked.
fn searchable(conn: &Conn) -> String {
    let finished = conn.pick("m.is_partial = 0", "NOT m.is_partial");
    format!(
        "SELECT s.team_id, m.session_id, m.sequence, 'message' AS kind, m.id AS row_id
         FROM messages m JOIN sessions s ON s.id = m.session_id WHERE m.message_type IN ('user', 'assistant') AND {finished}
         UNION ALL
         SELECT s.team_id, c.session_id, c.sequence, 'tool_call' AS kind, c.id AS row_id
         FROM tool_calls c JOIN sessions s ON s.id = c.session_id"
    )
}

const DANGLING: &str = "
    (kind = 'message' AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = message_search.row_id))
    OR (kind = 'tool_call' AND NOT EXISTS (SELECT 1 FROM tool_calls c WHERE c.id = message_search.row_id))";

const MISSING: &str = "NOT EXISTS (SELECT 1 FROM message_search i WHERE i.row_id = f.row_id)";
const WORDLESS: &str =
    "NOT EXISTS (SELECT 1 FROM message_words_docsize d WHERE d.id = message_search.number)";

/// The full-text tables of SQLite that follow another table, and the column that numbers its rows. The names are fixed texts.
const FOLLOWING: &[(&str, &str)] = &[("memory_words", "memories"), ("document_words", "document_chunks")];

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let missing = format!(
        "SELECT f.kind || ' ' || f.row_id || ' cannot be found by its words' AS what FROM ({}) f
         WHERE {MISSING} AND NOT EXISTS (SELECT 1 FROM search_pending p WHERE p.session_id = f.session_id)",
        searchable(conn)
    );
    let dangling = format!(
        "SELECT 'the search index names the ' || kind || ' ' || row_id || ', which is not there' AS what
         FROM message_search WHERE {DANGLING}"
    );
    let mut findings = found(conn, "search", true, &missing)?;
    findings.extend(found(conn, "search", true, &dangling)?);
    let waiting = "SELECT count(*) || ' sessions wait to be found by their words' AS what FROM search_pending HAVING count(*) > 0";
    findings.extend(found(conn, "search", true, waiting)?);
    if conn.sqlite().is_some() {
        let wordless = "
            SELECT 'the search index has no words of the ' || kind || ' ' || row_id AS what FROM message_search WHERE ";
        findings.extend(found(conn, "search", true, &format!("{wordless}{WORDLESS}"))?);
        for (words, table) in FOLLOWING {
            findings.extend(found(conn, "search", true, &differing(words, table))?);
        }
    }
    Ok(findings)
}

fn differing(words: &str, table: &str) -> String {
    format!(
        "SELECT 'the search index has no words of row ' || t.number || ' of {table}' AS what
         FROM {table} t WHERE NOT EXISTS (SELECT 1 FROM {words}_docsize d WHERE d.id = t.number)
         UNION ALL
         SELECT 'the search index has words of row ' || d.id || ' of {table}, which is not there' AS what
         FROM {words}_docsize d WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.number = d.id)"
    )
}

pub(super) fn repair(tx: &Tx<'_>) -> Result<u64, StoreError> {
    // On SQLite a trigger removes the words with the row.
    let mut rows = tx.execute(&format!("/* repair */ DELETE FROM message_search WHERE {DANGLING}"), &[])?;
    if tx.sqlite().is_some() {
        tx.execute(&format!("/* repair */ DELETE FROM message_search WHERE {WORDLESS}"), &[])?;
    }
    rows += enqueue_missing(tx)?;
    if tx.sqlite().is_some() {
        for (words, table) in FOLLOWING {
            let sql = format!("/* repair */ SELECT count(*) FROM ({}) d", differing(words, table));
            let wrong: i64 = tx.scalar(&sql, &[])?;
            if wrong > 0 {
                tx.run_script(&format!("INSERT INTO {words} ({words}) VALUES ('rebuild')"))?;
                rows += wrong.unsigned_abs();
            }
        }
    }
    Ok(rows)
}

/// Lets what is missing in the index of messages and tool calls wait to be added, and says how much it is.
pub(crate) fn enqueue_missing(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let searchable = searchable(tx);
    let count = format!("/* repair */ SELECT count(*) FROM ({searchable}) f WHERE {MISSING}");
    let missing: i64 = tx.scalar(&count, &[])?;
    if missing > 0 {
        let enqueue = format!(
            "/* repair */ INSERT INTO search_pending (session_id, team_id)
             SELECT DISTINCT f.session_id, f.team_id FROM ({searchable}) f WHERE {MISSING} ON CONFLICT (session_id) DO NOTHING"
        );
        tx.execute(&enqueue, &[])?;
    }
    Ok(missing.unsigned_abs())
}
