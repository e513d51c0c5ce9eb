//! Who runs which session, of all teams: what the processes of an installation agree on.

use domain::session::Session;

use super::Reads;
use crate::{error::StoreError, record::Record as _};

/// Sessions that some process owns.
#[derive(Debug, Clone, Copy)]
pub struct Leases<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> Leases<'_, C> {
    /// Every session that some process owns or owned until it died, of all teams.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self) -> Result<Vec<Session>, StoreError> {
        let sql = format!(
            "SELECT {} FROM sessions WHERE lease_owner IS NOT NULL ORDER BY lease_expires_at",
            Session::COLUMNS
        );
        self.conn.conn().query(&sql, &[], |row| Session::from_columns(&mut row.columns()))
    }
}
