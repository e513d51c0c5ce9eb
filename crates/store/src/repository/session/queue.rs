//! The background queue: which session a worker takes next, over all teams.

use domain::{
    id::SessionId,
    priority::Priority,
    session::{Lease, Session},
    session_status::SessionStatus,
    time::Timestamp,
};

use super::{Sessions, conflict, status_in};
use crate::{
    conn::Tx,
    error::StoreError,
    record::Record as _,
    repository::{Reads, reference::of_live_team},
    scope::missing,
    value::{ToValue as _, Value, params},
};

/// Sessions that wait for a worker.
#[derive(Debug, Clone, Copy)]
pub struct SessionQueue<'c, C> {
    pub(in crate::repository) conn: &'c C,
}

impl<C: Reads> SessionQueue<'_, C> {
    /// Whether nothing waits for a worker, not even for a later time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_empty(&self) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT 1 FROM sessions WHERE queued_at IS NOT NULL AND lease_owner IS NULL AND deleted_at IS NULL AND {}
             ORDER BY priority, queued_at, id LIMIT 1",
            of_live_team("sessions")
        );
        Ok(self.conn.conn().find(&sql, &[], |_| Ok(()))?.is_none())
    }
}

impl SessionQueue<'_, Tx<'_>> {
    /// Makes `lease.owner` the owner, with the next fence, of the first session that waits and may be tried now, by priority and
    /// then by how long it waits. Of many workers at once no two get the same, and none waits for another. It leaves the queue
    /// when it connects: should the worker die before, [`Sessions::vacate`] lets it wait again where it was.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn claim_next(&self, lease: &Lease, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let sql = format!(
            "UPDATE sessions SET lease_owner = $1, lease_expires_at = $2, fence = fence + 1
             WHERE id = (SELECT id FROM sessions WHERE queued_at IS NOT NULL AND lease_owner IS NULL
             AND deleted_at IS NULL AND (next_attempt_at IS NULL OR next_attempt_at <= $3) AND {}
             ORDER BY priority, queued_at, id LIMIT 1{}) RETURNING {}",
            of_live_team("sessions"),
            self.conn.pick("", " FOR UPDATE SKIP LOCKED"),
            Session::COLUMNS
        );
        let owner = lease.owner.to_string();
        self.conn.find(&sql, params![owner, lease.expires_at, now], |row| {
            Session::from_columns(&mut row.columns())
        })
    }
}

impl Sessions<'_, Tx<'_>> {
    /// Puts a session at rest into the queue, with no attempt counted.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it runs, waits already or is archived.
    pub fn enqueue(&self, id: SessionId, priority: Priority, at: Timestamp) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE sessions SET priority = $1, queued_at = $2, attempts = 0, next_attempt_at = NULL, updated_at = $2
             WHERE id = $3 AND queued_at IS NULL AND lease_owner IS NULL AND {}
             AND (team_id = $4 AND deleted_at IS NULL) IS TRUE",
            can_wait()
        );
        let values = [Value::Int(i64::from(priority.get())), at.to_value(), id.to_value()];
        match self.scope.execute(&sql, &values)? {
            0 => Err(self.refusal(id, "queued")),
            _ => Ok(()),
        }
    }

    /// Gives a session that the owner of this fence could not run back to the queue, not to be tried before `next_attempt_at`;
    /// says how often that happened. The lease is free. It waits behind those of its priority that wait already.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process took it over; [`StoreError::Conflict`] when it is not at rest.
    pub fn requeue(
        &self,
        id: SessionId,
        fence: i64,
        next_attempt_at: Timestamp,
        at: Timestamp,
    ) -> Result<u32, StoreError> {
        let sql = format!(
            "UPDATE sessions SET queued_at = $1, attempts = attempts + 1, next_attempt_at = $2, lease_owner = NULL,
             lease_expires_at = NULL, updated_at = $1
             WHERE id = $3 AND fence = $4 AND lease_owner IS NOT NULL AND {}
             AND (team_id = $5 AND deleted_at IS NULL) IS TRUE RETURNING attempts",
            can_wait()
        );
        let attempts = self.scope.change(&sql, params![at, next_attempt_at, id, fence], |row| row.get(0))?;
        attempts.map_or_else(
            || match self.find(id)? {
                Some(session) if session.fence == fence && session.lease.is_some() => {
                    Err(self.refusal(id, "queued"))
                }
                _ => Err(StoreError::Fenced),
            },
            Ok,
        )
    }

    /// Gives a claimed session back that its owner, of this fence, did not begin on: it waits in its place, but is not tried before
    /// `next_attempt_at`. That counts as no try.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process took it over, or it does not wait.
    pub fn postpone(
        &self,
        id: SessionId,
        fence: i64,
        next_attempt_at: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET next_attempt_at = $1, lease_owner = NULL, lease_expires_at = NULL, updated_at = $2
             WHERE id = $3 AND fence = $4 AND lease_owner IS NOT NULL AND queued_at IS NOT NULL
             AND (team_id = $5 AND deleted_at IS NULL) IS TRUE";
        match self.scope.execute(sql, params![next_attempt_at, at, id, fence])? {
            0 => Err(StoreError::Fenced),
            _ => Ok(()),
        }
    }

    /// Takes a session that nobody runs yet out of the queue.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there; [`StoreError::Conflict`] when it does not wait, because a worker was
    /// faster perhaps.
    pub fn cancel_queued(&self, id: SessionId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET queued_at = NULL, next_attempt_at = NULL, updated_at = $1
             WHERE id = $2 AND queued_at IS NOT NULL AND lease_owner IS NULL AND (team_id = $3 AND deleted_at IS NULL) IS TRUE";
        match self.scope.execute(sql, params![at, id])? {
            0 => match self.find(id)? {
                Some(session) if session.queued_at.is_none() => {
                    Err(StoreError::Conflict { what: format!("session {id} is not in the queue") })
                }
                Some(session) => Err(conflict(&session, "taken out of the queue")),
                None => Err(missing::<Session>(id)),
            },
            _ => Ok(()),
        }
    }
}

/// The condition that a worker could begin it.
fn can_wait() -> String {
    status_in(|status| !status.is_running() && status != SessionStatus::Archived)
}
