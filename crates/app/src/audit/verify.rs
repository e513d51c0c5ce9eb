//! Verifying the audit log.

use domain::{
    audit_export::ExportVerification,
    audit_key::KeyRing,
    audit_seal::{AuditBreak, AuditFault, AuditSeal, AuditVerification},
};
use store::{Conn, StoreError};

use crate::{App, Caller};

impl App {
    /// Looks at the team's whole audit log. Of the keys that are known, only those of `trusted` count, or all when it names
    /// none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verify_audit(
        &self,
        caller: Caller,
        trusted: Vec<String>,
    ) -> Result<AuditVerification, StoreError> {
        let now = self.now();
        let verify = move |conn: &Conn| {
            let keys: KeyRing = conn.audit_keys().list()?.into_iter().collect();
            conn.team(caller.team_id).audit_seals().verify(keys.only(&trusted), now)
        };
        self.store().scan(verify).await
    }

    /// Whether the team's audit log is the one that was exported, grown at most: its seals go as far at least, and the last one
    /// of the export is among them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn compare_audit(
        &self,
        caller: Caller,
        earlier: &ExportVerification,
    ) -> Result<Option<AuditBreak>, StoreError> {
        let Some(AuditSeal { number, first_number, digest, .. }) = earlier.last_seal else { return Ok(None) };
        let find = move |conn: &Conn| conn.team(caller.team_id).audit_seals().list(number - 1, 1);
        let found = self.store().read(find).await?;
        let fault = match found.first().filter(|seal| seal.number == number) {
            None => AuditFault::SealMissing,
            Some(seal) if seal.digest != digest => AuditFault::SealChanged,
            Some(_) => return Ok(None),
        };
        Ok(Some(AuditBreak { fault, seal: Some(number), line: Some(first_number), id: None }))
    }
}
