//! Taking a session along: all its rows as lines, and back.

use std::io::{BufRead, Write};

use domain::{audit_action::AuditAction, id::SessionId, session::Session, session_status::SessionStatus};
use store::{
    StoreError, Tx,
    transfer::{self, Receiver, Summary, TransferError},
};

use super::recover::{put_to_rest, stays};
use crate::{App, Caller};

impl App {
    /// Writes a session as it is at this moment, with everything that belongs to it.
    ///
    /// # Errors
    /// See [`TransferError`].
    pub async fn export_session(
        &self,
        caller: Caller,
        session: SessionId,
        mut out: impl Write + Send + 'static,
    ) -> Result<Summary, TransferError> {
        let now = self.now();
        let team = caller.team_id;
        let export = move |conn: &store::Conn| transfer::export_session(conn, team, session, &mut out, now);
        let summary = self.store().scan(export).await?;
        let deed = self.deed(caller, AuditAction::SessionExport).on_session(session);
        self.note(deed.with("rows", summary.rows)).await;
        Ok(summary)
    }

    /// Reads a session that was exported, here or elsewhere, into the caller's team. One that ran is paused. Its agent works in
    /// `working_directory` from then on, if that is given.
    ///
    /// # Errors
    /// See [`TransferError`]; then nothing of it is left.
    pub async fn import_session(
        &self,
        caller: Caller,
        mut input: impl BufRead + Send + 'static,
        working_directory: Option<String>,
    ) -> Result<Session, TransferError> {
        let app = self.clone();
        let Caller { team_id, user_id } = caller;
        let receiver = Receiver { team_id, user_id, working_directory };
        let import = move |tx: &Tx<'_>| {
            let id = transfer::import_session(tx, &receiver, &mut input)?;
            let find = || {
                let found = tx.team(team_id).sessions().find(id)?;
                found.ok_or_else(|| StoreError::Missing { what: format!("session {id}") })
            };
            let session = find()?;
            app.deed(caller, AuditAction::SessionImport).on_session(id).append(tx)?;
            if !session.status.is_running() {
                return Ok::<_, TransferError>(session);
            }
            let reason = "it ran elsewhere when it was exported".to_owned();
            put_to_rest(&app, tx, &session, SessionStatus::Paused, reason, stays)?;
            Ok(find()?)
        };
        let session = self.store().write(import).await?;
        self.index_waiting().await?;
        Ok(session)
    }
}
