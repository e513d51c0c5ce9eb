//! Listing sessions.

use domain::{session::Session, session_status::SessionStatus};
use store::{Cursor, Page, SessionFilter, StoreError};

use crate::{App, Caller};

impl App {
    /// A page of the caller's team's sessions, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_sessions(
        &self,
        caller: Caller,
        status: Option<SessionStatus>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Session>, StoreError> {
        let filter = SessionFilter { status, ..SessionFilter::default() };
        self.store().read(move |conn| conn.team(caller.team_id).sessions().list(filter, after, limit)).await
    }
}
