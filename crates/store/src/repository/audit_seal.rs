//! Seals over the audit log: one sealer at a time numbers the lines of a team and chains them; anybody verifies.

use domain::{
    audit::AuditEntry, audit_key::SigningKey, audit_seal::AuditSeal, digest::Sha256Digest, id::TeamId,
    time::Timestamp,
};

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::Scope,
    value::params,
};

record! {
    AuditSeal in "audit_seals" {
        team_id, number, first_number, last_number, previous, digest, key_id, signature, sealed_at,
    }
}

/// The seals over a team's audit log.
#[derive(Debug, Clone, Copy)]
pub struct AuditSeals<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> AuditSeals<'_, C> {
    /// The newest seal.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_last(&self) -> Result<Option<AuditSeal>, StoreError> {
        let sql = format!(
            "SELECT {} FROM audit_seals WHERE team_id = $1 ORDER BY number DESC LIMIT 1",
            AuditSeal::COLUMNS
        );
        self.scope.find(&sql, &[], |row| AuditSeal::from_columns(&mut row.columns()))
    }

    /// The seals after this number, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, after: i64, limit: u32) -> Result<Vec<AuditSeal>, StoreError> {
        let sql = format!(
            "SELECT {} FROM audit_seals WHERE team_id = $1 AND number > $2 ORDER BY number LIMIT $3",
            AuditSeal::COLUMNS
        );
        self.scope.query(&sql, params![after, limit], |row| AuditSeal::from_columns(&mut row.columns()))
    }

    /// The sealed lines after this number, in order, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_lines(&self, after: i64, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM audit_log WHERE team_id = $1 AND number > $2 ORDER BY number LIMIT $3",
            AuditEntry::COLUMNS
        );
        self.scope.query(&sql, params![after, limit], |row| AuditEntry::from_columns(&mut row.columns()))
    }
}

impl AuditSeals<'_, Tx<'_>> {
    /// Seals the lines that are not sealed yet, by time and id, at most `limit`: numbers them on from the last seal, chains
    /// them to it, signs that, and keeps the public half of the key. Gives the seal; `None` when there are no such lines. Of
    /// several sealers, one is at work at a time.
    ///
    /// # Errors
    /// When the database cannot be written; [`StoreError::Missing`] when there is no such team.
    pub fn seal(&self, at: Timestamp, limit: u32, key: &SigningKey) -> Result<Option<AuditSeal>, StoreError> {
        self.scope.hold()?;
        let before = self.find_last()?;
        let lines = self.number(before.as_ref().map_or(0, |seal| seal.last_number), limit)?;
        let Some(seal) = AuditSeal::over(self.scope.team(), before.as_ref(), &lines, at) else {
            return Ok(None);
        };
        let seal = seal.signed(key);
        self.scope.tx().audit_keys().keep(&key.public(at))?;
        self.scope.tx().insert(&seal)?;
        Ok(Some(seal))
    }

    /// Numbers lines on from `last` and gives their digests in order.
    fn number(&self, last: i64, limit: u32) -> Result<Vec<Sha256Digest>, StoreError> {
        let sql = "UPDATE audit_log SET number = page.number FROM (
               SELECT id, $1 + row_number() OVER (ORDER BY at, id) AS number FROM (
                 SELECT id, at FROM audit_log WHERE team_id = $2 AND number IS NULL ORDER BY at, id LIMIT $3) AS page
             ) AS page
             WHERE audit_log.id = page.id RETURNING audit_log.number, digest";
        let team = self.scope.team();
        let values = params![last, team, limit];
        let mut numbered: Vec<(i64, Sha256Digest)> =
            self.scope.tx().query(sql, values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        numbered.sort_unstable();
        Ok(numbered.into_iter().map(|(_, digest)| digest).collect())
    }
}

/// Teams whose audit log has lines that are not sealed yet, for the process that seals.
#[derive(Debug, Clone, Copy)]
pub struct UnsealedAudit<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> UnsealedAudit<'_, C> {
    /// The teams, at most `limit`, by id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_teams(&self, limit: u32) -> Result<Vec<TeamId>, StoreError> {
        // One search a team instead of a walk through all of their lines.
        let sql =
            "SELECT team_id FROM audit_log WHERE number IS NULL AND team_id > $1 ORDER BY team_id LIMIT 1";
        let mut teams = Vec::new();
        let mut last = TeamId::from_uuid(uuid::Uuid::nil());
        while teams.len() < limit as usize {
            let Some(next) = self.conn.conn().find(sql, params![last], |row| row.get(0))? else { break };
            teams.push(next);
            last = next;
        }
        Ok(teams)
    }
}
