//! Rows of `session_transitions`; written only through the timeline.

use domain::transition::Transition;

use crate::{
    conn::Tx,
    error::StoreError,
    value::{Columns, params},
};

pub(super) const COLUMNS: &str =
    "t.id, t.session_id, t.sequence, t.from_status, t.to_status, t.reason, t.actor, t.forced, t.created_at";

pub(super) fn insert(tx: &Tx<'_>, transition: &Transition) -> Result<(), StoreError> {
    let sql = "INSERT INTO session_transitions
         (id, session_id, sequence, from_status, to_status, reason, actor, forced, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let Transition { id, session_id, sequence, from, to, reason, actor, forced, created_at } = transition;
    let values = params![*id, *session_id, *sequence, *from, *to, *reason, *actor, *forced, *created_at];
    tx.execute(sql, values).map(drop)
}

pub(super) fn from_columns(columns: &mut Columns<'_>) -> Result<Transition, StoreError> {
    Ok(Transition {
        id: columns.next()?,
        session_id: columns.next()?,
        sequence: columns.next()?,
        from: columns.next()?,
        to: columns.next()?,
        reason: columns.next()?,
        actor: columns.next()?,
        forced: columns.next()?,
        created_at: columns.next()?,
    })
}
