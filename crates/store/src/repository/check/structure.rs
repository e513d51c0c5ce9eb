//! The file itself, on SQLite: its pages, its indexes, its references. A PostgreSQL server looks after its own.

use super::{Finding, MOST_FINDINGS};
use crate::{conn::Conn, error::StoreError};

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    if conn.sqlite().is_none() {
        return Ok(Vec::new());
    }
    let finding = |check, what| Finding { check, what, is_repairable: false };
    let broken = conn.query("PRAGMA integrity_check", &[], |row| row.get::<String>(0))?;
    let mut findings: Vec<_> =
        broken.into_iter().filter(|line| line != "ok").map(|what| finding("integrity", what)).collect();
    let dangling = conn.query("PRAGMA foreign_key_check", &[], |row| {
        Ok((row.get::<String>(0)?, row.get::<Option<i64>>(1)?, row.get::<String>(2)?))
    })?;
    findings.extend(dangling.into_iter().take(MOST_FINDINGS).map(|(table, row, parent)| {
        let which = row.map_or_else(String::new, |row| format!(" {row}"));
        finding("references", format!("row{which} of {table} refers to a row of {parent} that is not there"))
    }));
    Ok(findings)
}
