//! Who runs a session: taken, kept, and given back when the owner is gone.

use domain::{
    id::SessionId,
    session::{Lease, Session},
    time::Timestamp,
};

use super::{Sessions, status_in};
use crate::{
    conn::Tx,
    error::StoreError,
    value::{ToValue as _, Value, params},
};

/// Nobody took, kept or let go of the session since it was seen: its fence and its lease are `$3` and `$4`.
const AS_SEEN: &str = "fence = $3 AND lease_expires_at IS NOT DISTINCT FROM $4";

impl Sessions<'_, Tx<'_>> {
    /// Makes `lease.owner` the owner of a session that nobody owns, or whose owner was judged dead as it was `seen`, and gives
    /// the new fence. Of several who try, one wins; an owner that was not dead and renewed its lease meanwhile stays.
    ///
    /// To be done in the same transaction as what the owner does first, so that nobody owns a session without a reason. One
    /// that waits for a worker waits on until it connects: should its owner die before, it has lost nothing.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when somebody else was faster.
    pub fn acquire(&self, seen: &Session, lease: &Lease) -> Result<i64, StoreError> {
        let sql = format!(
            "UPDATE sessions SET lease_owner = $1, lease_expires_at = $2, fence = fence + 1
             WHERE {AS_SEEN} AND id = $5 AND (team_id = $6 AND deleted_at IS NULL) IS TRUE RETURNING fence"
        );
        let owner = lease.owner.to_string();
        let values = [owner.to_value(), Value::Time(lease.expires_at), Value::Int(seen.fence), expiry(seen)];
        let values = [values.as_slice(), params![seen.id]].concat();
        self.scope.change(&sql, &values, |row| row.get(0))?.ok_or(StoreError::Fenced)
    }

    /// Keeps a session for longer.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process took it over.
    pub fn renew(&self, id: SessionId, fence: i64, expires_at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET lease_expires_at = $1 WHERE id = $2 AND fence = $3 AND team_id = $4
             AND lease_owner IS NOT NULL";
        match self.scope.execute(sql, params![expires_at, id, fence])? {
            0 => Err(StoreError::Fenced),
            _ => Ok(()),
        }
    }

    /// Gives a session at rest, whose owner was judged dead as it was `seen`, to nobody. One that waited for a worker when that
    /// owner took it waits again, in its place. The fence grows, so that the owner is refused should it not be dead.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when somebody else was faster, or it is not at rest.
    pub fn vacate(&self, seen: &Session, at: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE sessions SET lease_owner = NULL, lease_expires_at = NULL, fence = fence + 1, updated_at = $1
             WHERE id = $2 AND {AS_SEEN} AND lease_owner IS NOT NULL AND {}
             AND (team_id = $5 AND deleted_at IS NULL) IS TRUE",
            status_in(|status| !status.is_running())
        );
        let values = [Value::Time(at), seen.id.to_value(), Value::Int(seen.fence), expiry(seen)];
        match self.scope.execute(&sql, &values)? {
            0 => Err(StoreError::Fenced),
            _ => Ok(()),
        }
    }
}

/// When the lease that was seen expires.
fn expiry(seen: &Session) -> Value<'_> {
    seen.lease.as_ref().map_or(Value::Null, |lease| Value::Time(lease.expires_at))
}
