//! Reading a session's timeline.

use domain::{id::SessionId, timeline::TimelineEntry};
use store::StoreError;

use super::GetSessionError;
use crate::{App, Caller};

impl App {
    /// The entries after a sequence number, at most `limit`, in order.
    ///
    /// # Errors
    /// See [`GetSessionError`].
    pub async fn list_timeline(
        &self,
        caller: Caller,
        id: SessionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<TimelineEntry>, GetSessionError> {
        let read = move |conn: &store::Conn| {
            let Some(session) = conn.team(caller.team_id).sessions().find(id)? else {
                return Ok::<_, StoreError>(None);
            };
            conn.team(caller.team_id).timeline().list(session.id, after, limit).map(Some)
        };
        self.store().read(read).await?.ok_or(GetSessionError::NotFound(id))
    }
}
