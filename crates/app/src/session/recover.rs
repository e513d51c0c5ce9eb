//! Recovering sessions whose process died: no session is silently lost.

use domain::{
    actor::Actor,
    id::SessionId,
    session::{Lease, Session},
    session_status::SessionStatus,
    timeline::{Change, TimelineItem},
};
use store::{Guard, SessionChange, SessionUpdate, StoreError};

use super::record;
use crate::{App, owner};

/// The author of what recovery changes.
const RECOVERY: Actor = Actor::System("recovery");

/// A session that was found without its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredSession {
    /// The session.
    pub id: SessionId,
    /// Where it was.
    pub from: SessionStatus,
    /// Where it is now.
    pub to: SessionStatus,
}

impl App {
    /// Finds sessions whose owner is gone and puts them where they can be resumed, closing what was open. Safe to run in
    /// any number of processes at once: one of them wins each session.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn recover_sessions(&self) -> Result<Vec<RecoveredSession>, StoreError> {
        let leased = self.store().read(|conn| conn.sessions().list_leased()).await?;
        let mut recovered = Vec::new();
        for session in leased {
            let is_gone =
                session.lease.as_ref().is_some_and(|lease| owner::is_gone(lease, self.owner(), self.now()));
            let Some(to) = session.status.when_orphaned().filter(|_| is_gone) else { continue };
            match self.recover(&session, to).await {
                Ok(()) => recovered.push(RecoveredSession { id: session.id, from: session.status, to }),
                // Another process was faster, or the owner finished just now.
                Err(StoreError::Fenced | StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(recovered)
    }

    async fn recover(&self, session: &Session, to: SessionStatus) -> Result<(), StoreError> {
        let now = self.now();
        let (id, fence, from) = (session.id, session.fence, session.status);
        let pid = session.lease.as_ref().map_or(0, |lease| lease.owner.pid);
        let reason = format!("its process {pid} ended without a word");
        let transition = record::transition(self, id, Some(from), to, &reason, &RECOVERY);
        let lease = Lease { owner: self.owner().clone(), expires_at: now };
        let error_message = (to == SessionStatus::Failed).then_some(reason);
        let recover = move |tx: &store::Tx<'_>| {
            let fence = tx.sessions().acquire(id, fence, &lease)?;
            let calls = tx.timeline().list_open_tool_calls(id)?;
            let commands = tx.timeline().list_open_commands(id)?;
            let mut items = record::open_items_closed(calls, commands, now);
            items.push((Change::Created, TimelineItem::Transition(transition)));
            let update = SessionUpdate { error_message, release_lease: true, ..SessionUpdate::default() };
            tx.sessions().change(SessionChange {
                session_id: id,
                guard: Guard::Fence(fence),
                at: now,
                update,
                items,
            })
        };
        self.store().write(recover).await.map(drop)
    }
}
