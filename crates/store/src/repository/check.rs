//! `provost db check`: whether what is stored is whole, and the repair of what is derived.
//!
//! Each part looks at one thing with statements over whole tables. Facts are only looked at; a repair computes anew what
//! follows from them.

mod audit;
mod backlog;
mod counters;
mod maintenance;
pub(crate) mod search;
mod structure;
pub(crate) mod timeline;
mod trigger;
mod versions;

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
    /// Whether [`repair`] puts it right, because it follows from what else is stored.
    pub is_repairable: bool,
}

/// What a repair put right.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Repaired {
    /// Which check.
    pub check: &'static str,
    /// Rows that were changed, added or removed.
    pub rows: u64,
}

/// What one statement gives: more of the same helps nobody.
const MOST_FINDINGS: usize = 1000;

/// One thing to look at, and how it is repaired where it can be.
struct Part {
    check: &'static str,
    find: fn(&Conn) -> Result<Vec<Finding>, StoreError>,
    repair: Option<Repair>,
}

/// Changes rows, and says how many.
type Repair = fn(&Tx<'_>) -> Result<u64, StoreError>;

const PARTS: &[Part] = &[
    Part { check: "structure", find: structure::find, repair: None },
    Part { check: "triggers", find: trigger::find, repair: None },
    Part { check: "timeline", find: timeline::find, repair: Some(timeline::repair) },
    Part { check: "counters", find: counters::find, repair: Some(counters::repair) },
    Part { check: "backlog", find: backlog::find, repair: Some(backlog::repair) },
    Part { check: "versions", find: versions::find, repair: None },
    Part { check: "audit", find: audit::find, repair: None },
    Part { check: "maintenance", find: maintenance::find, repair: None },
    Part { check: "search", find: search::find, repair: Some(search::repair) },
];

/// Looks at everything: the file's structure, references, triggers, timelines, counters, versions, the audit chain, the search index.
/// Empty is well. Each statement gives at most a thousand findings.
///
/// # Errors
/// When the database cannot be read at all.
pub fn check(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    conn.in_snapshot(|| {
        let mut findings = Vec::new();
        for part in PARTS {
            findings.extend((part.find)(conn)?);
        }
        Ok(findings)
    })
}

/// Computes anew what is derived and is not what it should be. What happened, and what people wrote, it never changes. Words
/// that no search finds are left to [`Store::index_waiting`](crate::Store::index_waiting), which holds up nobody.
///
/// # Errors
/// When the database fails; then nothing was changed.
pub fn repair(tx: &Tx<'_>) -> Result<Vec<Repaired>, StoreError> {
    if tx.postgres().is_some() {
        // Each change of a session begins with this table: what it has counted stays what there is.
        tx.run_script("LOCK TABLE sessions IN SHARE ROW EXCLUSIVE MODE")?;
    }
    let mut repaired = Vec::new();
    for part in PARTS {
        let rows = part.repair.map_or(Ok(0), |repair| repair(tx))?;
        if rows > 0 {
            repaired.push(Repaired { check: part.check, rows });
        }
    }
    Ok(repaired)
}

/// Each row's first column as a finding.
fn found(
    conn: &Conn,
    check: &'static str,
    is_repairable: bool,
    sql: &str,
) -> Result<Vec<Finding>, StoreError> {
    // The mark at the beginning says that it looks at everything on purpose.
    let sql = format!("/* check */ SELECT what FROM ({sql}) found LIMIT {MOST_FINDINGS}");
    conn.query(&sql, &[], |row| Ok(Finding { check, what: row.get(0)?, is_repairable }))
}

/// As [`found`], for what no repair may touch.
fn facts(conn: &Conn, check: &'static str, sql: &str) -> Result<Vec<Finding>, StoreError> {
    found(conn, check, false, sql)
}
