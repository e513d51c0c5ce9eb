//! Finding what was said in sessions.

use domain::{full_text::TextQuery, id::SessionId};
use store::{FoundText, StoreError};

use crate::{App, Caller};

impl App {
    /// Where people, models and tool calls used all words of a query, the best first; in one session or in all of the team's.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn search_sessions(
        &self,
        caller: Caller,
        query: TextQuery,
        session: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<FoundText>, StoreError> {
        let search = move |conn: &store::Conn| {
            conn.team(caller.team_id).message_search().search(&query, session, limit)
        };
        self.store().read(search).await
    }
}
