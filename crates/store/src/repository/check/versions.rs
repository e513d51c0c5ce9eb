//! Numbered versions: without gaps, and the head names the last.

use super::{Finding, facts};
use crate::{conn::Conn, error::StoreError};

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let memories = broken("memory", "memories", "memory_versions", "version", "h.version <> v.last");
    // An agent may have gone back to an earlier version.
    let is_gone = "h.current_version NOT BETWEEN v.first AND v.last";
    let agents = broken("agent", "agents", "agent_versions", "current_version", is_gone);
    let mut findings = facts(conn, "versions", &memories)?;
    findings.extend(facts(conn, "versions", &agents)?);
    Ok(findings)
}

/// `is_wrong` compares the head `h` with the versions `v`. Retention may have removed the oldest.
fn broken(noun: &str, heads: &str, versions: &str, current: &str, is_wrong: &str) -> String {
    format!(
        "SELECT '{noun} ' || h.id || ': version ' || h.{current} || ' is current, but it has '
            || coalesce(v.versions, 0) || ' versions up to ' || coalesce(v.last, 0) AS what
         FROM {heads} h
         LEFT JOIN (SELECT {noun}_id, count(*) AS versions, min(version) AS first, max(version) AS last
                    FROM {versions} GROUP BY {noun}_id) v ON v.{noun}_id = h.id
         WHERE v.last IS NULL OR {is_wrong} OR v.versions <> v.last - v.first + 1"
    )
}
