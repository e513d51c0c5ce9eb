//! Looking at the audit log.

use domain::audit::AuditEntry;
use store::{AuditFilter, Conn, Cursor, Page, StoreError};

use crate::{App, Caller};

impl App {
    /// A page of the team's audit log, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_audit(
        &self,
        caller: Caller,
        filter: AuditFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<AuditEntry>, StoreError> {
        let list = move |conn: &Conn| conn.team(caller.team_id).audit_log().list(&filter, after, limit);
        self.store().read(list).await
    }
}
