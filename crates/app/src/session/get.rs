//! Looking at one session.

use domain::{id::SessionId, session::Session};
use store::StoreError;

use crate::{App, Caller};

/// Why a session could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum GetSessionError {
    /// There is none of this id in the caller's team.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// The session as it stands.
    ///
    /// # Errors
    /// See [`GetSessionError`].
    pub async fn get_session(&self, caller: Caller, id: SessionId) -> Result<Session, GetSessionError> {
        let found = self.store().read(move |conn| conn.team(caller.team_id).sessions().find(id)).await?;
        found.ok_or(GetSessionError::NotFound(id))
    }
}
