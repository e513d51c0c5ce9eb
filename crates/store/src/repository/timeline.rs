//! The timeline: what was recorded in a session, in one numbered order, each entry joined with its row.

use domain::{
    approval::Approval,
    command::Command,
    decision::PermissionDecision,
    hook_execution::HookExecution,
    id::{CommandId, SessionId},
    session::Session,
    time::Timestamp,
    timeline::{Change, EntryKind, TimelineEntry, TimelineItem},
    tool_call::{ToolCall, ToolCallStatus},
};

use uuid::Uuid;

use super::{Reads, approval, command, message, tool_call, transition};
use crate::{
    conn::Tx,
    error::StoreError,
    record::Record,
    scope::{Scope, below},
    value::{Columns, Row, params, stored_words},
};

stored_words! { Change, EntryKind, ToolCallStatus }

/// What was recorded in sessions.
#[derive(Debug, Clone, Copy)]
pub struct Timeline<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> Timeline<'_, C> {
    /// The entries after a sequence number, at most `limit`, in order; rows as they stand now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self, session: SessionId, after: i64, limit: u32) -> Result<Vec<TimelineEntry>, StoreError> {
        let mut entries = Vec::new();
        for (kind, last) in self.kinds_of_page(session, after, limit)? {
            entries.extend(self.entries_of(kind, session, after, last)?);
        }
        entries.sort_unstable_by_key(|entry| entry.sequence);
        Ok(entries)
    }

    /// The number a change of a row got at this time, if it was recorded: how a writer that lost the answer of its commit
    /// finds out what became of it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_sequence(
        &self,
        session: SessionId,
        row: Uuid,
        at: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let sql = format!(
            "SELECT sequence FROM session_events e WHERE {} AND e.session_id = $2 AND row_id = $3 AND at = $4
             ORDER BY sequence LIMIT 1",
            below::<Session>("e.session_id")
        );
        self.scope.find(&sql, params![session, row, at], |row| row.get(0))
    }

    /// The tool calls that have no result yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_open_tool_calls(&self, session: SessionId) -> Result<Vec<ToolCall>, StoreError> {
        let sql = format!(
            "SELECT {} FROM tool_calls t
             WHERE {} AND t.session_id = $2 AND t.status IN ('{}', '{}') ORDER BY +t.sequence",
            tool_call::COLUMNS,
            below::<Session>("t.session_id"),
            ToolCallStatus::Pending,
            ToolCallStatus::Running,
        );
        self.scope.query(&sql, params![session], |row| tool_call::from_columns(&mut row.columns()))
    }

    /// The tool call of this use, with or without a result; the newest if there are several, which the open one always is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_tool_call(
        &self,
        session: SessionId,
        tool_use_id: &str,
    ) -> Result<Option<ToolCall>, StoreError> {
        let sql = format!(
            "SELECT {} FROM tool_calls t WHERE {} AND t.session_id = $2 AND t.tool_use_id = $3
             ORDER BY +t.sequence DESC LIMIT 1",
            tool_call::COLUMNS,
            below::<Session>("t.session_id"),
        );
        self.scope
            .find(&sql, params![session, tool_use_id], |row| tool_call::from_columns(&mut row.columns()))
    }

    /// The commands no process has finished with.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_open_commands(&self, session: SessionId) -> Result<Vec<Command>, StoreError> {
        let sql = format!(
            "SELECT {} FROM session_commands t
             WHERE {} AND t.session_id = $2 AND t.status IN ('queued', 'delivered') ORDER BY +t.sequence",
            Command::columns_of("t"),
            below::<Session>("t.session_id"),
        );
        self.scope.query(&sql, params![session], |row| Command::from_columns(&mut row.columns()))
    }

    /// A command of a session.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_command(&self, session: SessionId, id: CommandId) -> Result<Option<Command>, StoreError> {
        let sql = format!(
            "SELECT {} FROM session_commands t WHERE {} AND t.session_id = $2 AND t.id = $3",
            Command::columns_of("t"),
            below::<Session>("t.session_id"),
        );
        self.scope.find(&sql, params![session, id], |row| Command::from_columns(&mut row.columns()))
    }

    /// The kinds of entries in a page, each with its last number there: most pages have few of them.
    fn kinds_of_page(
        &self,
        session: SessionId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(EntryKind, i64)>, StoreError> {
        let sql = format!(
            "SELECT kind, max(sequence) FROM (SELECT kind, sequence FROM session_events e WHERE {} AND e.session_id = $2
             AND sequence > $3 ORDER BY sequence LIMIT $4) AS page GROUP BY kind",
            below::<Session>("e.session_id")
        );
        self.scope.query(&sql, params![session, after, limit], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn entries_of(
        &self,
        kind: EntryKind,
        session: SessionId,
        after: i64,
        last: i64,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let (table, columns, read) = source(kind);
        let sql = format!(
            "SELECT e.sequence, e.change, e.at, {columns} FROM session_events e JOIN {table} t ON t.id = e.row_id
             WHERE {} AND e.session_id = $2 AND e.sequence > $3 AND e.sequence <= $4 AND e.kind = '{kind}'",
            below::<Session>("e.session_id")
        );
        self.scope.query(&sql, params![session, after, last], |row| entry(row, read))
    }
}

/// Reads the row of an entry from the columns after the entry's own.
type ReadItem = fn(&mut Columns<'_>) -> Result<TimelineItem, StoreError>;

/// Where the rows of a kind are: their table, its columns as those of `t`, and how they are read.
fn source(kind: EntryKind) -> (&'static str, String, ReadItem) {
    match kind {
        EntryKind::Message => ("messages", message::COLUMNS.to_owned(), |columns| {
            message::from_columns(columns).map(TimelineItem::Message)
        }),
        EntryKind::ToolCall => ("tool_calls", tool_call::COLUMNS.to_owned(), |columns| {
            tool_call::from_columns(columns).map(TimelineItem::ToolCall)
        }),
        EntryKind::Transition => ("session_transitions", transition::COLUMNS.to_owned(), |columns| {
            transition::from_columns(columns).map(TimelineItem::Transition)
        }),
        EntryKind::Command => (Command::TABLE, Command::columns_of("t"), |columns| {
            Command::from_columns(columns).map(TimelineItem::Command)
        }),
        EntryKind::HookExecution => (HookExecution::TABLE, HookExecution::columns_of("t"), |columns| {
            HookExecution::from_columns(columns).map(TimelineItem::HookExecution)
        }),
        EntryKind::Decision => (PermissionDecision::TABLE, PermissionDecision::columns_of("t"), |columns| {
            PermissionDecision::from_columns(columns).map(TimelineItem::Decision)
        }),
        EntryKind::Approval => (Approval::TABLE, Approval::columns_of("t"), |columns| {
            Approval::from_columns(columns).map(TimelineItem::Approval)
        }),
    }
}

fn entry(row: &Row<'_>, read: ReadItem) -> Result<TimelineEntry, StoreError> {
    let mut columns = row.columns();
    Ok(TimelineEntry {
        sequence: columns.next()?,
        change: columns.next()?,
        at: columns.next()?,
        item: read(&mut columns)?,
    })
}

/// A new row takes the number of its entry as its own.
pub(super) fn number(item: &mut TimelineItem, sequence: i64) {
    match item {
        TimelineItem::Message(message) => message.sequence = sequence,
        TimelineItem::ToolCall(call) => call.sequence = sequence,
        TimelineItem::Transition(transition) => transition.sequence = sequence,
        TimelineItem::Command(command) => command.sequence = sequence,
        TimelineItem::HookExecution(execution) => execution.sequence = sequence,
        TimelineItem::Decision(decision) => decision.sequence = sequence,
        TimelineItem::Approval(approval) => approval.sequence = sequence,
    }
}

/// Writes the row of an entry; new messages are written many at once, elsewhere.
pub(super) fn write_row(tx: &Tx<'_>, change: Change, item: &TimelineItem) -> Result<(), StoreError> {
    match (change, item) {
        (Change::Updated, TimelineItem::Message(message)) => message::update_feedback(tx, message),
        (Change::Replaced, TimelineItem::Message(message)) => message::replace(tx, message),
        (Change::Created, TimelineItem::ToolCall(call)) => tool_call::insert(tx, call),
        (Change::Created, TimelineItem::Transition(transition)) => transition::insert(tx, transition),
        (Change::Created, TimelineItem::Command(command)) => tx.insert(command),
        (Change::Created, TimelineItem::HookExecution(execution)) => tx.insert(execution),
        (Change::Created, TimelineItem::Decision(decision)) => tx.insert(decision),
        (Change::Created, TimelineItem::Approval(approval)) => approval::insert(tx, approval),
        (Change::Updated, TimelineItem::Approval(approval)) => approval::update(tx, approval),
        (Change::Updated, TimelineItem::ToolCall(call)) => tool_call::update(tx, call),
        (Change::Updated, TimelineItem::Command(command)) => command::update(tx, command),
        (change, item) => Err(StoreError::Other { what: format!("a {} is never {change}", item.kind()) }),
    }
}
