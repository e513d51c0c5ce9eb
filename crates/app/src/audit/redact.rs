//! Blanking the details of a line.

use domain::{
    audit_action::AuditAction,
    id::{AuditEntryId, MaintenanceRunId},
};
use store::{Maintenance, StoreError, Tx};

use crate::{App, Caller};

/// Why nothing was blanked.
#[derive(Debug, thiserror::Error)]
pub enum RedactAuditError {
    /// The team has no line of this id.
    #[error("there is no audit line {0}")]
    NotFound(AuditEntryId),
    /// There is nothing in it that could be blanked.
    #[error("audit line {0} has no details")]
    Blank(AuditEntryId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Blanks the details of a line, which is audited. The log verifies as before.
    ///
    /// # Errors
    /// See [`RedactAuditError`].
    pub async fn redact_audit(
        &self,
        caller: Caller,
        id: AuditEntryId,
        reason: String,
    ) -> Result<(), RedactAuditError> {
        let deed = self.deed(caller, AuditAction::AuditRedact).on(id).with("reason", reason.clone());
        let maintenance = Maintenance {
            id: MaintenanceRunId::from_uuid(self.next_id()),
            team_id: Some(caller.team_id),
            actor: caller.to_string(),
            reason,
            at: self.now(),
        };
        let redact = move |tx: &Tx<'_>| {
            let log = tx.team(caller.team_id).audit_log();
            let line = log.find(id)?.ok_or(RedactAuditError::NotFound(id))?;
            if line.event.detail.is_none() {
                return Err(RedactAuditError::Blank(id));
            }
            log.redact(id, &maintenance)?;
            Ok(deed.append(tx)?)
        };
        self.store().write(redact).await
    }
}
