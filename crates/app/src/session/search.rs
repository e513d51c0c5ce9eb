//! Finding what was said in sessions.

use domain::{full_text::TextQuery, id::SessionId};
use store::{FoundText, StoreError};

use crate::{App, Caller};

impl App {
    /// Lets what came in bulk be found by its words: forks, imported sessions.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn index_waiting(&self) -> Result<(), StoreError> {
        self.store().index_waiting().await
    }

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
        self.index_waiting().await?;
        let search = move |conn: &store::Conn| {
            conn.team(caller.team_id).message_search().search(&query, session, limit)
        };
        self.store().read(search).await
    }
}
