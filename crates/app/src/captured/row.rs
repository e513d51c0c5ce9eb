//! The row of a captured session: found again by the agent program's own session id, made once, whoever comes first.

use std::path::Path;

use domain::{
    actor::Actor,
    audit_action::AuditAction,
    id::{SessionId, TeamId},
    runtime::RuntimeKind,
    session::{Origin, Session, SessionOptions},
    session_status::SessionStatus,
};
use store::{Conn, Guard, StoreError, Tx};

use crate::{App, Caller, derived_id::derived_id, owner};

/// The author of what agent programs elsewhere tell.
pub(super) const CAPTURE: Actor = Actor::System("capture");
/// How many sessions of one agent program's id there can be: one more each time the last was archived or deleted.
pub(super) const MOST_ROWS: u32 = 16;

/// What is known of a session before its event is judged.
#[derive(Debug)]
pub(super) enum Seen {
    /// Provost runs it now.
    RunHere,
    /// It is recorded here, or will be.
    Captured(Option<Box<Session>>),
}

/// The id of the session that the agent program calls this; the next one when an earlier one is out of use.
pub(super) fn session_id(team: TeamId, external_id: &str, row: u32) -> SessionId {
    let text = match row {
        0 => format!("captured/{team}/{external_id}"),
        row => format!("captured/{team}/{external_id}/{row}"),
    };
    SessionId::from_uuid(derived_id(None, &text))
}

impl App {
    pub(super) async fn see_captured(&self, caller: Caller, external_id: &str) -> Result<Seen, StoreError> {
        let (app, external_id) = (self.clone(), external_id.to_owned());
        let see = move |conn: &Conn| {
            if conn.leases().list()?.iter().any(|session| app.is_run_here(session, &external_id)) {
                return Ok(Seen::RunHere);
            }
            let sessions = conn.team(caller.team_id).sessions();
            for row in 0..MOST_ROWS {
                let found = sessions.find(session_id(caller.team_id, &external_id, row))?;
                match found {
                    Some(session) if session.status == SessionStatus::Archived => {}
                    found => return Ok(Seen::Captured(found.map(Box::new))),
                }
            }
            Ok(Seen::Captured(None))
        };
        self.store().read(see).await
    }

    /// Whether a session that some process owns is the one whose agent program speaks: it calls itself by this id, or is a
    /// child of that process and has not said yet how it calls itself. An owner that is gone judges nothing any more.
    fn is_run_here(&self, session: &Session, external_id: &str) -> bool {
        let Some(lease) = &session.lease else { return false };
        if owner::is_gone(lease, self.owner(), self.now()) {
            return false;
        }
        session.external_id.as_deref() == Some(external_id)
            || owner::runs_our_agent(&lease.owner, self.owner())
    }

    /// The session's row, held until the transaction ends, and whether it is new. `None` when Provost took it up meanwhile.
    pub(super) fn hold_captured(
        &self,
        tx: &Tx<'_>,
        caller: Caller,
        external_id: &str,
        (first_row, folder): (u32, &Path),
    ) -> Result<Option<(Session, bool)>, StoreError> {
        let sessions = tx.team(caller.team_id).sessions();
        for row in first_row..MOST_ROWS {
            let id = session_id(caller.team_id, external_id, row);
            let found = match sessions.hold(id, Guard::Anyone) {
                Ok(()) => sessions.find(id)?,
                Err(StoreError::Missing { .. }) => None,
                Err(error) => return Err(error),
            };
            match found {
                Some(session) if session.status == SessionStatus::Archived => {}
                Some(session) if self.is_run_here(&session, external_id) => return Ok(None),
                Some(session) => return Ok(Some((session, false))),
                None => {
                    let session = self.new_captured(caller, external_id, id, folder);
                    sessions.insert(&session)?;
                    let deed =
                        self.deed((caller.team_id, &CAPTURE), AuditAction::SessionStart).on_session(id);
                    let deed = deed.with("runtime", session.runtime.as_str());
                    deed.with("origin", session.origin.as_str()).append(tx)?;
                    return Ok(Some((session, true)));
                }
            }
        }
        Err(StoreError::Conflict {
            what: format!("session {external_id} of the agent program was archived or deleted too often"),
        })
    }

    fn new_captured(&self, caller: Caller, external_id: &str, id: SessionId, folder: &Path) -> Session {
        let options = SessionOptions::default();
        Session {
            user_id: Some(caller.user_id),
            origin: Origin::Captured,
            external_id: Some(external_id.to_owned()),
            working_directory: folder.to_string_lossy().into_owned(),
            ..Session::new(id, caller.team_id, RuntimeKind::Claude, options, self.now())
        }
    }
}
