//! Sessions whose words are not in the search index yet: those from before there was one, and those that were imported.
//! They are added a few rows at a time, so that nobody has to wait for all of it.

use domain::{
    id::{SessionId, TeamId},
    message::MessageContent,
    timeline::EntryKind,
    tool_call,
};
use serde_json::Value as Json;

use super::message_search::{self, Indexed};
use crate::{
    conn::{Conn, Tx},
    error::StoreError,
    scope::Scope,
    value::{Row, params},
};

/// Rows that are added in one transaction.
const ROWS_AT_ONCE: usize = 2000;
/// Sessions that are looked at in one transaction; most are short.
const SESSIONS_AT_ONCE: i64 = 50;

/// What is to be added to the search index, of all teams.
#[derive(Debug, Clone, Copy)]
pub struct SearchBacklog<'c, C> {
    pub(super) conn: &'c C,
}

impl SearchBacklog<'_, Tx<'_>> {
    /// Adds the next rows and says how many; `None` when nothing waits that no other process is adding at this moment.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn index_next(&self) -> Result<Option<usize>, StoreError> {
        let sql = self.conn.pick(
            "SELECT team_id, session_id FROM search_pending ORDER BY session_id LIMIT $1",
            "SELECT team_id, session_id FROM search_pending ORDER BY session_id LIMIT $1 FOR UPDATE SKIP LOCKED",
        );
        let waiting: Vec<(TeamId, SessionId)> =
            self.conn.query(sql, params![SESSIONS_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if waiting.is_empty() {
            return Ok(None);
        }
        let mut added = 0;
        for (team, session) in waiting {
            let room = ROWS_AT_ONCE - added;
            let rows = self.find_unindexed(session, room)?;
            message_search::add(&self.conn.team(team), session, &rows)?;
            added += rows.len();
            if rows.len() == room {
                break;
            }
            self.conn.execute("DELETE FROM search_pending WHERE session_id = $1", params![session])?;
        }
        Ok(Some(added))
    }

    fn find_unindexed(&self, session: SessionId, most: usize) -> Result<Vec<Indexed>, StoreError> {
        let limit = |rows: usize| i64::try_from(rows).unwrap_or(i64::MAX);
        let mut rows = self.conn.query(MESSAGES, params![session, limit(most)], message)?;
        let room = most - rows.len();
        rows.extend(self.conn.query(TOOL_CALLS, params![session, limit(room)], called)?);
        Ok(rows)
    }
}

/// Lets what is new in a session wait.
pub(crate) fn enqueue(scope: &Scope<'_, Tx<'_>>, session: SessionId) -> Result<(), StoreError> {
    let sql = "INSERT INTO search_pending (session_id, team_id)
         SELECT s.id, s.team_id FROM sessions s WHERE s.id = $1 AND s.team_id = $2 ON CONFLICT (session_id) DO NOTHING";
    scope.execute(sql, params![session]).map(drop)
}

const MESSAGES: &str = "SELECT m.sequence, m.id, m.content FROM messages m
     WHERE m.session_id = $1 AND m.message_type IN ('user', 'assistant')
       AND NOT EXISTS (SELECT 1 FROM message_search i WHERE i.row_id = m.id)
     ORDER BY m.sequence LIMIT $2";
const TOOL_CALLS: &str = "SELECT c.sequence, c.id, c.tool_name, c.tool_input FROM tool_calls c
     WHERE c.session_id = $1 AND NOT EXISTS (SELECT 1 FROM message_search i WHERE i.row_id = c.id)
     ORDER BY c.sequence LIMIT $2";

/// A row that cannot be read has no words: it must not keep all that wait behind it from being found.
fn message(row: &Row<'_>) -> Result<Indexed, StoreError> {
    let text = row.get::<MessageContent>(2).map(|content| content.text()).unwrap_or_default();
    Ok(Indexed::new(row.get(0)?, EntryKind::Message, row.get(1)?, &text))
}

fn called(row: &Row<'_>) -> Result<Indexed, StoreError> {
    let (name, input): (String, Json) = (row.get(2)?, row.get(3)?);
    Ok(Indexed::new(row.get(0)?, EntryKind::ToolCall, row.get(1)?, &tool_call::searched_text(&name, &input)))
}

/// Adds all that waits, in short transactions of this connection's own. Nobody who writes is waited for when nothing does.
pub(crate) fn work_off(conn: &Conn) -> Result<(), StoreError> {
    if !conn.has_rows("search_pending")? {
        return Ok(());
    }
    while conn.in_transaction(|tx| tx.search_backlog().index_next())?.is_some() {}
    Ok(())
}
