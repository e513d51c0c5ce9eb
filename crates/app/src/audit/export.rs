//! Writing the audit log out.

use std::io::Write;

use domain::{audit_action::AuditAction, audit_export::ExportEnd};
use store::{AuditExportError, Conn};

use crate::{App, Caller};

impl App {
    /// Writes the team's audit log with its seals and keys, so that it can be verified without the database.
    ///
    /// # Errors
    /// See [`AuditExportError`].
    pub async fn export_audit(
        &self,
        caller: Caller,
        mut out: impl Write + Send + 'static,
    ) -> Result<ExportEnd, AuditExportError> {
        let now = self.now();
        let export = move |conn: &Conn| conn.team(caller.team_id).audit_seals().export(&mut out, now);
        let end = self.store().scan(export).await?;
        let deed = self.deed(caller, AuditAction::AuditExport).on(caller.team_id);
        self.note(deed.with("lines", end.lines).with("seals", end.seals)).await;
        Ok(end)
    }
}
