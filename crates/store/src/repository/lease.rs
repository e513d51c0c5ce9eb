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

    /// What these sessions were told and no process took up yet, in the order of each: for the process that runs them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_queued_commands(&self, sessions: &[SessionId]) -> Result<Vec<Command>, StoreError> {
        let mut commands = Vec::new();
        in_few_sizes(sessions, |sessions| {
            let columns = Command::COLUMNS;
            let mut statement =
                Statement::new(&format!("SELECT {columns} FROM session_commands WHERE session_id IN ("), []);
            statement.push_list(sessions);
            statement.push(") AND status = 'queued' ORDER BY session_id, sequence", []);
            commands.extend(statement.rows::<Command>(self.conn.conn())?);
            Ok(())
        })?;
        Ok(commands)
    }
}
