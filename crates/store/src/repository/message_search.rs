//! Finding what was said: the words of messages, the names and inputs of tool calls. The texts stay in their rows.

use domain::{
    full_text::{self, TextQuery},
    id::{MessageId, SessionId, ToolCallId},
    message::MessageContent,
    timeline::{Change, EntryKind, TimelineEntry, TimelineItem},
    tool_call,
};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{Reads, search::text::MOST_RANKED};
use crate::{
    conn::{Tx, in_few_sizes},
    error::StoreError,
    scope::Scope,
    statement::Statement,
    value::{Row, Value, params},
};

/// What was said in a team's sessions, by its words.
#[derive(Debug, Clone, Copy)]
pub struct MessageSearch<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// A place where something was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundText {
    /// The session.
    pub session_id: SessionId,
    /// Where in its timeline.
    pub sequence: i64,
    /// The row that says it.
    pub row: FoundRow,
    /// A piece of what it says, on one line.
    pub snippet: String,
}

/// A row with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FoundRow {
    /// A message of a person or the model.
    Message(MessageId),
    /// A tool call.
    ToolCall(ToolCallId),
}

impl<C: Reads> MessageSearch<'_, C> {
    /// The places that have all words of a query in some form, the best first, at most `limit`; in one session or in all. Of
    /// thousands of places the newest are ranked. Nothing is found by a query without words; PostgreSQL does not count those
    /// that every text is full of, such as `the`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn search(
        &self,
        query: &TextQuery,
        session: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<FoundText>, StoreError> {
        if query.words().is_empty() {
            return Ok(Vec::new());
        }
        let page = match self.scope.connection().sqlite() {
            Some(_) => self.page_by_fts5(query, session, limit),
            None => self.page_by_tsvector(query, session, limit),
        };
        page.query(self.scope.connection(), |row| found(row, query))
    }

    fn page_by_fts5(&self, query: &TextQuery, session: Option<SessionId>, limit: u32) -> Statement<'static> {
        let quoted: Vec<_> = query.words().iter().map(|word| format!("\"{word}\"")).collect();
        // CROSS JOIN: first the words, then their rows.
        let mut page = self.page_of(
            ("newest.hit", None),
            "-message_words.rank",
            "message_words CROSS JOIN message_search f ON f.number = message_words.rowid",
        );
        page.and("message_words MATCH ?", [Value::Text(quoted.join(" ").into())]);
        if let Some(session) = session {
            let session = || Value::Id(*session.as_uuid());
            let numbers =
                "message_words.rowid BETWEEN (SELECT min(number) FROM message_search WHERE session_id = ?)
                 AND (SELECT max(number) FROM message_search WHERE session_id = ?) AND f.session_id = ?";
            page.and(numbers, [session(), session(), session()]);
        }
        best_of_newest(page, "message_words.rowid", limit)
    }

    fn page_by_tsvector(
        &self,
        query: &TextQuery,
        session: Option<SessionId>,
        limit: u32,
    ) -> Statement<'static> {
        let wanted = Value::Text(query.words().join(" ").into());
        let rank = "ts_rank_cd(newest.hit, plainto_tsquery('english', ?))";
        let mut page = self.page_of((rank, Some(wanted.clone())), "f.words", "message_search f");
        page.and("f.words @@ plainto_tsquery('english', ?)", [wanted]);
        if let Some(session) = session {
            page.and("f.session_id = ?", [Value::Id(*session.as_uuid())]);
        }
        // `+ 0`: an order that no index has, or rare words would be looked for in all rows from the newest on.
        best_of_newest(page, "f.number + 0", limit)
    }

    /// The newest rows that match, of them the best, and only then what these say. `rank` is made of the column `hit`. The
    /// session is looked up by a subquery that gives a value, because PostgreSQL would rather begin with all sessions than
    /// with the words.
    fn page_of(
        &self,
        (rank, wanted): (&str, Option<Value<'static>>),
        hit: &str,
        source: &str,
    ) -> Statement<'static> {
        let mut page = Statement::new(
            &format!(
                "SELECT page.session_id, page.sequence, page.kind, page.row_id, m.content, c.tool_name, c.tool_input
                 FROM (SELECT newest.number, newest.session_id, newest.sequence, newest.kind, newest.row_id, {rank} AS score"
            ),
            wanted,
        );
        page.push(
            &format!(
                " FROM (SELECT f.number, f.session_id, f.sequence, f.kind, f.row_id, {hit} AS hit FROM {source}
                 WHERE f.team_id = ? AND (SELECT s.deleted_at IS NULL FROM sessions s WHERE s.id = f.session_id)"
            ),
            [Value::Id(*self.scope.team().as_uuid())],
        );
        page
    }
}

fn best_of_newest(mut page: Statement<'static>, newest: &str, limit: u32) -> Statement<'static> {
    page.push(
        &format!(
            " ORDER BY {newest} DESC LIMIT ?) AS newest ORDER BY score DESC, newest.number DESC LIMIT ?) AS page
             LEFT JOIN messages m ON page.kind = 'message' AND m.id = page.row_id
             LEFT JOIN tool_calls c ON page.kind = 'tool_call' AND c.id = page.row_id
             ORDER BY page.score DESC, page.number DESC"
        ),
        [Value::Int(i64::try_from(MOST_RANKED).unwrap_or(i64::MAX)), Value::Int(i64::from(limit))],
    );
    page
}

fn found(row: &Row<'_>, query: &TextQuery) -> Result<FoundText, StoreError> {
    let mut columns = row.columns();
    let (session_id, sequence) = (columns.next()?, columns.next()?);
    let (kind, id): (EntryKind, Uuid) = (columns.next()?, columns.next()?);
    let (content, tool): (Option<MessageContent>, Option<String>) = (columns.next()?, columns.next()?);
    let input: Option<Json> = columns.next()?;
    let (row, text) = match (kind, content, tool, input) {
        (EntryKind::Message, Some(content), ..) => {
            (FoundRow::Message(MessageId::from_uuid(id)), content.text())
        }
        (EntryKind::ToolCall, _, Some(tool), Some(input)) => {
            (FoundRow::ToolCall(ToolCallId::from_uuid(id)), tool_call::searched_text(&tool, &input))
        }
        _ => return Err(StoreError::corrupt(format!("the {kind} {id} was indexed and is not there"))),
    };
    Ok(FoundText { session_id, sequence, row, snippet: query.snippet(&text) })
}

/// A row of the index before it has a number there.
pub(super) struct Indexed {
    sequence: i64,
    kind: EntryKind,
    row_id: Uuid,
    text: String,
}

impl Indexed {
    pub(super) fn new(sequence: i64, kind: EntryKind, row_id: Uuid, text: &str) -> Self {
        Self { sequence, kind, row_id, text: full_text::indexed(text) }
    }

    /// Of an entry whose row is new and has words.
    fn of(entry: &TimelineEntry) -> Option<Self> {
        let text = match (entry.change, &entry.item) {
            (Change::Created, TimelineItem::Message(message)) if message.body.message_type.is_dialogue() => {
                message.body.content.text()
            }
            (Change::Created, TimelineItem::ToolCall(call)) => call.searched_text(),
            _ => return None,
        };
        Some(Self::new(entry.sequence, entry.item.kind(), *entry.item.row_id(), &text))
    }
}

/// Indexes the new rows of a change.
pub(super) fn index(
    scope: &Scope<'_, Tx<'_>>,
    session: SessionId,
    entries: &[TimelineEntry],
) -> Result<(), StoreError> {
    let rows: Vec<_> = entries.iter().filter_map(Indexed::of).collect();
    add(scope, session, &rows)
}

/// Adds rows to the index. On SQLite one by one: a statement of many rows takes longer to prepare than it saves.
pub(super) fn add(scope: &Scope<'_, Tx<'_>>, session: SessionId, rows: &[Indexed]) -> Result<(), StoreError> {
    match scope.connection().sqlite() {
        Some(_) => rows.iter().try_for_each(|row| index_by_fts5(scope, session, row)),
        None => in_few_sizes(rows, |rows| index_by_tsvector(scope, session, rows)),
    }
}

fn index_by_fts5(scope: &Scope<'_, Tx<'_>>, session: SessionId, row: &Indexed) -> Result<(), StoreError> {
    let sql = "INSERT INTO message_search (team_id, session_id, sequence, kind, row_id)
         VALUES ($1, $2, $3, $4, $5) RETURNING number";
    let numbers = scope.tx().query(sql, &place(scope, session, row), |row| row.get::<i64>(0))?;
    numbers.into_iter().try_for_each(|number| {
        let words = "INSERT INTO message_words (rowid, text) VALUES ($1, $2)";
        scope.tx().execute(words, &[Value::Int(number), Value::text(&row.text)]).map(drop)
    })
}

fn index_by_tsvector(
    scope: &Scope<'_, Tx<'_>>,
    session: SessionId,
    rows: &[Indexed],
) -> Result<(), StoreError> {
    let mut statement = Statement::new(
        "INSERT INTO message_search (team_id, session_id, sequence, kind, row_id, words) VALUES",
        [],
    );
    for (position, row) in rows.iter().enumerate() {
        statement.push(if position == 0 { "" } else { "," }, []);
        let text = Value::text(&row.text);
        statement.push(
            " (?, ?, ?, ?, ?, to_tsvector('english', ?))",
            place(scope, session, row).into_iter().chain([text]),
        );
    }
    scope.tx().execute(statement.text(), statement.values()).map(drop)
}

fn place(scope: &Scope<'_, Tx<'_>>, session: SessionId, row: &Indexed) -> [Value<'static>; 5] {
    [
        Value::Id(*scope.team().as_uuid()),
        Value::Id(*session.as_uuid()),
        Value::Int(row.sequence),
        Value::Text(row.kind.as_str().into()),
        Value::Id(row.row_id),
    ]
}

/// Indexes other words for a row that is indexed already.
pub(super) fn reindex(tx: &Tx<'_>, row_id: Uuid, text: &str) -> Result<(), StoreError> {
    let sql = tx.pick(
        "INSERT OR REPLACE INTO message_words (text, rowid) SELECT $1, number FROM message_search WHERE row_id = $2",
        "UPDATE message_search SET words = to_tsvector('english', $1) WHERE row_id = $2",
    );
    tx.execute(sql, params![full_text::indexed(text), row_id]).map(drop)
}
