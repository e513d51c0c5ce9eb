//! Who runs which session, of all teams: what the processes of an installation agree on.

use domain::{command::Command, id::SessionId, session::Session, time::Timestamp};

use super::Reads;
use crate::{conn::in_few_sizes, error::StoreError, record::Record, statement::Statement, value::params};

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

    /// What these sessions were told and no process took up yet, in the order of each, with the fence of who may take it up.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_queued_commands(&self, sessions: &[SessionId]) -> Result<Vec<(Command, i64)>, StoreError> {
        let mut commands = Vec::new();
        in_few_sizes(sessions, |sessions| {
            let columns = Command::columns_of("c");
            let text = format!(
                "SELECT s.fence, {columns} FROM session_commands c JOIN sessions s ON s.id = c.session_id WHERE c.session_id IN ("
            );
            let mut statement = Statement::new(&text, []);
            statement.push_list(sessions);
            // Said twice: the index of open commands holds those that were delivered as well.
            let queued = ") AND c.status IN ('queued', 'delivered') AND (c.status = 'queued') IS TRUE
                 ORDER BY c.session_id, +c.sequence";
            statement.push(queued, []);
            commands.extend(statement.query(self.conn.conn(), |row| {
                let mut columns = row.columns();
                let fence = columns.next()?;
                Ok((Command::from_columns(&mut columns)?, fence))
            })?);
            Ok(())
        })?;
        Ok(commands)
    }
}
