//! Recovering sessions whose process died: no session is silently lost.

use domain::{
    actor::Actor,
    id::SessionId,
    session::{Lease, Session},
    session_status::SessionStatus,
    timeline::{Change, TimelineEntry, TimelineItem},
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
        let leased = self.store().read(|conn| conn.leases().list()).await?;
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
        let pid = session.lease.as_ref().map_or(0, |lease| lease.owner.pid);
        let reason = format!("its process {pid} ended without a word");
        self.put_to_rest(session, to, reason, &RECOVERY).await.map(drop)
    }

    /// Puts a session of this process to rest as failed when its recorder no longer knows what is stored of it.
    pub(super) async fn abandon(
        &self,
        id: SessionId,
        fence: i64,
        reason: String,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let leased = self.store().read(|conn| conn.leases().list()).await?;
        let own = leased.into_iter().find(|session| session.id == id && session.fence == fence);
        self.put_to_rest(&own.ok_or(StoreError::Fenced)?, SessionStatus::Failed, reason, &RECOVERY).await
    }

    /// Takes a session over from the owner it has in the store, closes what is open and lets go of it.
    async fn put_to_rest(
        &self,
        session: &Session,
        to: SessionStatus,
        reason: String,
        author: &Actor,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let now = self.now();
        let (team, id, fence) = (session.team_id, session.id, session.fence);
        let transition = record::transition(self, id, Some(session.status), to, &reason, author);
        let lease = Lease { owner: self.owner().clone(), expires_at: now };
        let error_message = (to == SessionStatus::Failed).then_some(reason);
        let put_to_rest = move |tx: &store::Tx<'_>| {
            let team = tx.team(team);
            let guard = Guard::Fence(team.sessions().acquire(id, fence, &lease)?);
            let calls = team.timeline().list_open_tool_calls(id)?;
            let commands = team.timeline().list_open_commands(id)?;
            let mut items = record::open_items_closed(calls, commands, now);
            items.push((Change::Created, TimelineItem::Transition(transition)));
            let update = SessionUpdate { error_message, release_lease: true, ..SessionUpdate::default() };
            team.sessions().change(SessionChange { session_id: id, guard, at: now, update, items })
        };
        self.store().write(put_to_rest).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{approval::ApprovalStatus, command::CommandStatus, tool_call::ToolCallStatus};
    use serde_json::json;

    use super::*;
    use crate::{
        fixture::{AUTHOR, Fixture},
        session::{
            lease::{self, HeldSession, LEASE},
            record::Recorder,
        },
    };

    async fn renew(fixture: &Fixture, recorder: &Recorder) -> Result<(), StoreError> {
        lease::renew(&fixture.app_on("elsewhere"), recorder.held()).await
    }

    #[tokio::test]
    async fn a_session_elsewhere_is_left_alone_until_its_lease_expires() {
        let fixture = Fixture::new().await;
        let recorder = fixture.active_session(&fixture.app_on("elsewhere")).await;
        let here = fixture.app_on("here");
        fixture.clock.advance(LEASE);
        assert_eq!(here.recover_sessions().await, Ok(vec![]));
        fixture.clock.advance(Duration::from_micros(1));
        let id = recorder.session_id();
        let expected = RecoveredSession { id, from: SessionStatus::Active, to: SessionStatus::Paused };
        assert_eq!(here.recover_sessions().await, Ok(vec![expected]));
        assert_eq!(here.recover_sessions().await, Ok(vec![]), "once is enough");
    }

    #[tokio::test]
    async fn a_renewed_lease_keeps_a_session() {
        let fixture = Fixture::new().await;
        let recorder = fixture.active_session(&fixture.app_on("elsewhere")).await;
        fixture.clock.advance(LEASE);
        renew(&fixture, &recorder).await.expect("still the owner");
        fixture.clock.advance(LEASE);
        assert_eq!(fixture.app_on("here").recover_sessions().await, Ok(vec![]));
    }

    #[tokio::test]
    async fn a_late_owner_is_refused_after_recovery() {
        let fixture = Fixture::new().await;
        let mut recorder = fixture.active_session(&fixture.app_on("elsewhere")).await;
        fixture.clock.advance(LEASE * 2);
        fixture.app_on("here").recover_sessions().await.expect("recovers");
        let before = fixture.timeline(recorder.session_id()).await;
        assert_eq!(renew(&fixture, &recorder).await, Err(StoreError::Fenced));
        assert_eq!(recorder.prompt("too late", &AUTHOR).await.map(drop), Err(StoreError::Fenced));
        assert_eq!(fixture.timeline(recorder.session_id()).await, before);
    }

    #[tokio::test]
    async fn what_was_open_is_closed_and_everything_stored_is_whole() {
        let fixture = Fixture::new().await;
        let mut recorder = fixture.active_session(&fixture.app_on("elsewhere")).await;
        recorder.prompt("work", &AUTHOR).await.expect("recorded");
        let request = domain::agent_event::ToolRequest {
            request_id: "r".into(),
            tool_use_id: "toolu_1".into(),
            tool_name: "Bash".into(),
            input: json!({"command": "make"}),
            description: None,
            requires_person: false,
        };
        recorder.asked(&request).await.expect("recorded");
        fixture.clock.advance(LEASE * 2);
        fixture.app_on("here").recover_sessions().await.expect("recovers");
        let entries = fixture.timeline(recorder.session_id()).await;
        let is_closed = |item: &TimelineItem| match item {
            TimelineItem::ToolCall(call) => call.status == ToolCallStatus::Error,
            TimelineItem::Command(command) => command.status == CommandStatus::Cancelled,
            TimelineItem::Approval(approval) => approval.status != ApprovalStatus::Pending,
            TimelineItem::Message(_)
            | TimelineItem::Transition(_)
            | TimelineItem::HookExecution(_)
            | TimelineItem::Decision(_) => true,
        };
        assert!(entries.iter().all(|entry| is_closed(&entry.item)));
        assert_eq!(fixture.get(recorder.session_id()).await.status, SessionStatus::Paused);
        assert_eq!(fixture.findings().await, vec![]);
    }

    #[tokio::test]
    async fn of_several_that_recover_at_once_one_wins() {
        let fixture = Fixture::new().await;
        fixture.active_session(&fixture.app_on("elsewhere")).await;
        fixture.clock.advance(LEASE * 2);
        let (a, b) = (fixture.app_on("a"), fixture.app_on("b"));
        let (a, b) = tokio::join!(a.recover_sessions(), b.recover_sessions());
        assert_eq!(a.expect("no error").len() + b.expect("no error").len(), 1);
    }

    #[tokio::test]
    async fn an_abandoned_session_rests_as_failed_whatever_its_recorder_believes() {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let mut recorder = fixture.active_session(&app).await;
        recorder.prompt("work", &AUTHOR).await.expect("recorded");
        let HeldSession { id, fence, .. } = recorder.held();
        app.abandon(id, fence, "the disk is full".into()).await.expect("recorded");
        let session = fixture.get(id).await;
        assert_eq!(
            (session.status, session.error_message.as_deref()),
            (SessionStatus::Failed, Some("the disk is full"))
        );
        assert_eq!(session.lease, None);
        assert_eq!(app.abandon(id, fence, "again".into()).await, Err(StoreError::Fenced));
        assert_eq!(fixture.findings().await, vec![]);
    }
}
