//! Rows of `session_commands`; written only through the timeline.

use domain::command::{Command, CommandKind, CommandStatus};

use crate::{
    conn::Tx,
    error::StoreError,
    value::{Columns, params, stored_words},
};

stored_words! { CommandKind, CommandStatus }

pub(super) const COLUMNS: &str =
    "t.id, t.session_id, t.sequence, t.kind, t.payload, t.author, t.status, t.created_at, t.updated_at";

pub(super) fn insert(tx: &Tx<'_>, command: &Command) -> Result<(), StoreError> {
    let sql = "INSERT INTO session_commands
         (id, session_id, sequence, kind, payload, author, status, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let Command { id, session_id, sequence, kind, payload, author, status, created_at, updated_at } = command;
    let values =
        params![*id, *session_id, *sequence, *kind, *payload, *author, *status, *created_at, *updated_at];
    tx.execute(sql, values).map(drop)
}

pub(super) fn update(tx: &Tx<'_>, command: &Command) -> Result<(), StoreError> {
    let sql = "UPDATE session_commands SET status = $1, updated_at = $2 WHERE id = $3 AND session_id = $4";
    let values = params![command.status, command.updated_at, command.id, command.session_id];
    tx.execute_one("command", sql, values)
}

pub(super) fn from_columns(columns: &mut Columns<'_>) -> Result<Command, StoreError> {
    Ok(Command {
        id: columns.next()?,
        session_id: columns.next()?,
        sequence: columns.next()?,
        kind: columns.next()?,
        payload: columns.next()?,
        author: columns.next()?,
        status: columns.next()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    })
}
