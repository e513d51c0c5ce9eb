//! Who runs which session, of all teams: what the processes of an installation agree on.

use domain::{session::Session, time::Timestamp};

use super::Reads;
use crate::{error::StoreError, record::Record as _, value::params};

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

    /// The sessions whose owner is not trusted to live at this time, the longest ago first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_expired(&self, at: Timestamp, limit: u32) -> Result<Vec<Session>, StoreError> {
        let sql = format!(
            "SELECT {} FROM sessions WHERE lease_owner IS NOT NULL AND lease_expires_at < $1
             ORDER BY lease_expires_at LIMIT $2",
            Session::COLUMNS
        );
        self.conn.conn().query(&sql, params![at, limit], |row| Session::from_columns(&mut row.columns()))
    }
}
