//! Whether progress and counters of the backlog say what the tasks say.

use domain::id::TeamId;

use super::{Finding, MOST_FINDINGS};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    repository::backlog::{
        derived::{self, Wrong},
        workflow::Workflows,
    },
};

/// What is wrong in any team.
pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    for team in teams(conn)? {
        let workflow = Workflows { scope: conn.team(team) }.active()?;
        let lost = derived::lost(conn, team, &workflow, MOST_FINDINGS)?;
        findings.extend(lost.into_iter().map(|(key, status)| Finding {
            check: "backlog",
            what: format!("task {key}: is in status {status}, which the team's workflow does not have"),
            is_repairable: false,
        }));
        findings.extend(derived::find(conn, team, &workflow)?.iter().take(MOST_FINDINGS).map(finding));
    }
    Ok(findings)
}

/// Sets right what is wrong in any team. Only what follows from the tasks is changed.
pub(super) fn repair(tx: &Tx<'_>) -> Result<u64, StoreError> {
    derived::hold_off(tx)?;
    let mut repaired = 0;
    for team in teams(tx)? {
        let workflow = Workflows { scope: tx.team(team) }.active()?;
        repaired += derived::repair(tx, team, &workflow)?.len() as u64;
    }
    Ok(repaired)
}

fn teams(conn: &Conn) -> Result<Vec<TeamId>, StoreError> {
    conn.query("/* check */ SELECT id FROM teams ORDER BY id", &[], |row| row.get(0))
}

fn finding(wrong: &Wrong) -> Finding {
    Finding { check: "backlog", what: wrong.to_string(), is_repairable: true }
}
