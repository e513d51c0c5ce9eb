//! Seals over the audit log: one sealer at a time numbers the lines of a team and chains them; anybody verifies.

use domain::{
    audit::AuditEntry,
    audit_seal::{AuditBreak, AuditFault, AuditSeal, AuditVerification},
    digest::Sha256Digest,
    id::TeamId,
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

/// How many lines or seals verification reads at once.
const PAGE: i64 = 500;

/// Signs the digest of a seal: the name of the key and the signature; `None` leaves it unsigned.
pub type Signer<'s> = &'s dyn Fn(&Sha256Digest) -> Option<(String, Vec<u8>)>;

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
        self.lines(after, i64::MAX, i64::from(limit))
    }

    /// Looks at every sealed line and every seal, page by page, and says where the log is broken first. `is_signed` judges
    /// signatures, unsigned seals included.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn verify(&self, is_signed: impl Fn(&AuditSeal) -> bool) -> Result<AuditVerification, StoreError> {
        let mut verification = AuditVerification::default();
        let mut before: Option<AuditSeal> = None;
        loop {
            let (number, last) = before.as_ref().map_or((0, 0), |seal| (seal.number, seal.last_number));
            let seals = self.list(number, u32::try_from(PAGE).unwrap_or(u32::MAX))?;
            if seals.is_empty() {
                let stray = self.lines(last, i64::MAX, 1)?;
                // A sealer may have been at work between the two looks.
                if !stray.is_empty() && !self.list(number, 1)?.is_empty() {
                    continue;
                }
                let number = stray.first().and_then(|line| line.number);
                verification.broken =
                    number.map(|number| AuditBreak { number, fault: AuditFault::LineUnsealed });
                return Ok(verification);
            }
            for seal in seals {
                let broken = self.verify_seal(&seal, before.as_ref(), &is_signed, &mut verification)?;
                if broken.is_some() {
                    return Ok(AuditVerification { broken, ..verification });
                }
                verification.seals += 1;
                before = Some(seal);
            }
        }
    }

    fn verify_seal(
        &self,
        seal: &AuditSeal,
        before: Option<&AuditSeal>,
        is_signed: &impl Fn(&AuditSeal) -> bool,
        verification: &mut AuditVerification,
    ) -> Result<Option<AuditBreak>, StoreError> {
        let first = before.map_or(1, |before| before.last_number + 1);
        let at_first = |fault| Ok(Some(AuditBreak { number: first, fault }));
        if !seal.follows(before) {
            return at_first(AuditFault::SealMissing);
        }
        let mut digests = Vec::new();
        let mut next = seal.first_number;
        while next <= seal.last_number {
            let lines = self.lines(next - 1, seal.last_number, PAGE)?;
            if lines.is_empty() {
                return Ok(Some(AuditBreak { number: next, fault: AuditFault::LineMissing }));
            }
            for line in lines {
                let fault = match line.number {
                    Some(number) if number != next => Some(AuditFault::LineMissing),
                    _ if !line.is_intact() => Some(AuditFault::LineChanged),
                    _ => None,
                };
                if let Some(fault) = fault {
                    return Ok(Some(AuditBreak { number: next, fault }));
                }
                verification.lines += 1;
                verification.redacted += i64::from(line.is_redacted());
                digests.push(line.digest);
                next += 1;
            }
        }
        if seal.digest_over(&digests) != seal.digest {
            return at_first(AuditFault::SealChanged);
        }
        if is_signed(seal) { Ok(None) } else { at_first(AuditFault::SignatureWrong) }
    }

    /// The lines numbered after one number up to another, in order.
    fn lines(&self, after: i64, up_to: i64, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM audit_log WHERE team_id = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4",
            AuditEntry::COLUMNS
        );
        let values = params![after, up_to, limit];
        self.scope.query(&sql, values, |row| AuditEntry::from_columns(&mut row.columns()))
    }
}

impl AuditSeals<'_, Tx<'_>> {
    /// Seals the lines that are not sealed yet, by time and id, at most `limit`: numbers them on from the last seal and
    /// chains them to it. Gives the seal; `None` when there are no such lines. Of several sealers, one is at work at a time.
    ///
    /// # Errors
    /// When the database cannot be written; [`StoreError::Missing`] when there is no such team.
    pub fn seal(&self, at: Timestamp, limit: u32, sign: Signer<'_>) -> Result<Option<AuditSeal>, StoreError> {
        self.scope.hold()?;
        let before = self.find_last()?;
        let lines = self.number(before.as_ref().map_or(0, |seal| seal.last_number), limit)?;
        let Some(mut seal) = AuditSeal::over(self.scope.team(), before.as_ref(), &lines, at) else {
            return Ok(None);
        };
        if let Some((key_id, signature)) = sign(&seal.digest) {
            seal = AuditSeal { key_id: Some(key_id), signature: Some(signature), ..seal };
        }
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
