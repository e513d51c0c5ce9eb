//! Rows of `session_commands`; written only through the timeline.

use domain::command::{Command, CommandKind, CommandStatus};

use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    value::{params, stored_words},
};

stored_words! { CommandKind, CommandStatus }

record! {
    Command in "session_commands" { id, session_id, sequence, kind, payload, author, status, created_at, updated_at }
}

pub(super) fn update(tx: &Tx<'_>, command: &Command) -> Result<(), StoreError> {
    let sql = "UPDATE session_commands SET status = $1, updated_at = $2 WHERE id = $3 AND session_id = $4";
    let values = params![command.status, command.updated_at, command.id, command.session_id];
    tx.execute_one("command", sql, values)
}
