//! References from one row of a team to another: the database knows that the other exists, not whose it is.

use std::fmt::Display;

use domain::{id::MessageId, session::Session};

use crate::{
    conn::Tx,
    error::StoreError,
    scope::{Scope, below},
    value::{ToValue, params},
};

/// Refuses a reference to a row that is not a live one of the team's, if there is one.
pub(super) fn require<I: ToValue + Display>(
    scope: &Scope<'_, Tx<'_>>,
    table: &str,
    noun: &str,
    id: Option<I>,
) -> Result<(), StoreError> {
    let Some(id) = id else { return Ok(()) };
    let sql =
        format!("SELECT 1 FROM {table} WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id = $2");
    match scope.query(&sql, params![id], |_| Ok(()))?.is_empty() {
        false => Ok(()),
        true => Err(StoreError::Missing { what: format!("{noun} {id}") }),
    }
}

/// The condition that the team of a row of this table was not deleted: for what goes through the rows of all teams.
pub(super) fn of_live_team(table: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM teams live WHERE live.id = {table}.team_id AND (live.deleted_at IS NULL) IS TRUE)"
    )
}

/// Refuses a reference to a message that is not one of a live session of the team's, if there is one.
pub(super) fn require_message(scope: &Scope<'_, Tx<'_>>, id: Option<MessageId>) -> Result<(), StoreError> {
    let Some(id) = id else { return Ok(()) };
    let sql = format!("SELECT 1 FROM messages m WHERE {} AND m.id = $2", below::<Session>("m.session_id"));
    match scope.query(&sql, params![id], |_| Ok(()))?.is_empty() {
        false => Ok(()),
        true => Err(StoreError::Missing { what: format!("message {id}") }),
    }
}
