//! Recovering sessions whose process died: no session is silently lost.

use domain::{
    actor::Actor,
    command::{Command, CommandKind, CommandStatus},
    id::SessionId,
    session::{Lease, Session, SessionMode},
    session_status::SessionStatus,
    timeline::{Change, TimelineEntry, TimelineItem},
};
use store::{Guard, SessionChange, SessionUpdate, StoreError, Tx};

use super::{held::HeldSession, queue::GO_ON, record};
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
    /// A worker will go on with it.
    pub is_queued: bool,
}

impl App {
    /// Finds sessions whose owner is gone. Those that ran are put where they can be resumed and what was open in them is closed;
    /// those at rest are owned by nobody again, and wait for a worker again if they did. Safe to run in any number of
    /// processes at once: one of them wins each session. Gives those whose status changed.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub async fn recover_sessions(&self) -> Result<Vec<RecoveredSession>, StoreError> {
        let leased = self.store().read(|conn| conn.leases().list()).await?;
        let now = self.now();
        // Of this process, what it does not run after all: the answer to a claim was lost, or the database was away for too
        // long when it ended.
        let is_left = |session: &Session, lease: &Lease| {
            lease.expires_at < now && !self.held_sessions().contains(session.id)
        };
        let is_orphan = |session: &Session| {
            session.lease.as_ref().is_some_and(|lease| match lease.owner == *self.owner() {
                true => is_left(session, lease),
                false => owner::is_gone(lease, self.owner(), now),
            })
        };
        let orphans = leased.into_iter().filter(is_orphan);
        let mut recovered = Vec::new();
        for orphan in orphans {
            let pid = orphan.lease.as_ref().map_or(0, |lease| lease.owner.pid);
            match self.recover(orphan, format!("its process {pid} ended without a word")).await {
                Ok(moved) => recovered.extend(moved),
                // Another process was faster, or the owner finished just now.
                Err(StoreError::Fenced | StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(recovered)
    }

    /// Lets go of a session that this process took from the queue and does not run after all.
    ///
    /// # Errors
    /// When the database cannot be read or written.
    pub(crate) async fn let_go(&self, taken: &Session) -> Result<(), StoreError> {
        let (team, id, own) = (taken.team_id, taken.id, self.owner());
        let found = self.store().read(move |conn| conn.team(team).sessions().find(id)).await?;
        let is_own = |session: &Session| session.lease.as_ref().is_some_and(|lease| lease.owner == *own);
        let Some(session) = found.filter(is_own) else { return Ok(()) };
        match self.recover(session, "the database was away while it began".to_owned()).await {
            Ok(_) | Err(StoreError::Fenced | StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn recover(&self, orphan: Session, reason: String) -> Result<Option<RecoveredSession>, StoreError> {
        let (app, now) = (self.clone(), self.now());
        let Some(to) = orphan.when_orphaned() else {
            let vacate = move |tx: &Tx<'_>| tx.team(orphan.team_id).sessions().vacate(&orphan, now);
            return self.store().write(vacate).await.map(|()| None);
        };
        let (id, from) = (orphan.id, orphan.status);
        let recover = move |tx: &Tx<'_>| {
            let entries = put_to_rest(&app, tx, &orphan, to, reason, goes_on)?;
            let to = record::last_status(&entries).unwrap_or(to);
            Ok(RecoveredSession { id, from, to, is_queued: goes_on(&orphan, to) })
        };
        self.store().write(recover).await.map(Some)
    }

    /// Puts a session of this process to rest as failed when its recorder no longer knows what is stored of it.
    pub(super) async fn abandon(
        &self,
        held: HeldSession,
        reason: String,
    ) -> Result<Vec<TimelineEntry>, StoreError> {
        let (app, HeldSession { team_id, id, fence }) = (self.clone(), held);
        let abandon = move |tx: &Tx<'_>| {
            let sessions = tx.team(team_id).sessions();
            // Its lease is still being renewed; not while this looks at it.
            sessions.hold(id, Guard::Fence(fence))?;
            let own = sessions.find(id)?.filter(|session| session.lease.is_some());
            put_to_rest(&app, tx, &own.ok_or(StoreError::Fenced)?, SessionStatus::Failed, reason, stays)
        };
        self.store().write(abandon).await
    }
}

/// Takes a session over from the owner it was seen with, closes what is open and lets go of it, or lets a worker go on.
pub(super) fn put_to_rest(
    app: &App,
    tx: &Tx<'_>,
    seen: &Session,
    to: SessionStatus,
    reason: String,
    goes_on: fn(&Session, SessionStatus) -> bool,
) -> Result<Vec<TimelineEntry>, StoreError> {
    let (team, id, now) = (tx.team(seen.team_id), seen.id, app.now());
    let lease = Lease { owner: app.owner().clone(), expires_at: now };
    let fence = team.sessions().acquire(seen, &lease)?;
    let guard = Guard::Fence(fence);
    let calls = team.timeline().list_open_tool_calls(id)?;
    let mut commands = team.timeline().list_open_commands(id)?;
    let is_ended = |command: &Command| command.kind == CommandKind::Terminate;
    // Somebody ended it, and nobody was there to hear it.
    let to = if to == SessionStatus::Paused && commands.iter().any(is_ended) {
        SessionStatus::Terminated
    } else {
        to
    };
    let goes_on = goes_on(seen, to);
    if goes_on {
        // What no agent was told yet is told to the next. What one was told is not told again: it may have done half of it.
        commands
            .retain(|command| command.kind != CommandKind::Prompt || command.status != CommandStatus::Queued);
    }
    let mut items = record::open_items_closed(calls, commands, now);
    let transition = record::transition(app, id, Some(seen.status), to, &reason, &RECOVERY);
    items.push((Change::Created, TimelineItem::Transition(transition)));
    let mut update = SessionUpdate { release_lease: !goes_on, ..SessionUpdate::default() };
    if to == SessionStatus::Failed {
        update.error_message = Some(reason);
    }
    if goes_on && was_begun(&items) {
        items.extend(app.prompt_rows(id, GO_ON, &RECOVERY).1);
        update.added.total_messages = 1;
    }
    let entries = team.sessions().change(SessionChange { session_id: id, guard, at: now, update, items })?;
    record::cancel_unanswered(&team, id, &entries, now)?;
    if goes_on {
        team.sessions().requeue(id, fence, now, now)?;
    }
    Ok(entries)
}

/// Whether a worker takes it up again: it did work for nobody who waits at a terminal, and did not lose too many processes.
fn goes_on(orphan: &Session, to: SessionStatus) -> bool {
    let is_background = orphan.mode == SessionMode::Background && to == SessionStatus::Paused;
    is_background && orphan.attempts < orphan.options.max_retries
}

/// Nobody takes it up by itself.
pub(super) const fn stays(_: &Session, _: SessionStatus) -> bool {
    false
}

/// Whether an agent was given a prompt that it did not finish.
fn was_begun(closed: &[(Change, TimelineItem)]) -> bool {
    closed.iter().any(
        |(_, item)| matches!(item, TimelineItem::Command(command) if command.kind == CommandKind::Prompt),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{
        approval::ApprovalStatus, command::CommandStatus, priority::Priority, runtime::RuntimeKind,
        session::SessionOptions, tool_call::ToolCallStatus,
    };
    use serde_json::json;

    use super::*;
    use crate::{
        fixture::{AUTHOR, Fixture},
        session::{
            NewSession,
            held::{self, LEASE},
            record::Recorder,
        },
    };

    /// Whether its owner could keep it.
    async fn is_kept(fixture: &Fixture, recorder: &Recorder) -> bool {
        let lost = held::renew_all(&fixture.app_on("elsewhere"), vec![recorder.held()]).await;
        lost.expect("renewed").is_empty()
    }

    /// A background session that a worker elsewhere claimed and whose agent is ready.
    async fn claimed(fixture: &Fixture, elsewhere: &App) -> Recorder {
        let new = NewSession {
            name: None,
            prompt: None,
            working_directory: "/work".into(),
            agent: None,
            template_id: None,
            options: SessionOptions::default(),
        };
        let runtime = RuntimeKind::Scripted;
        let queued =
            elsewhere.queue_session(fixture.caller, new, "do it".into(), runtime, Priority::DEFAULT).await;
        queued.expect("queued");
        let lease = Lease { owner: elsewhere.owner().clone(), expires_at: elsewhere.now().plus(LEASE) };
        let now = elsewhere.now();
        let session = elsewhere.store().write(move |tx| tx.session_queue().claim_next(&lease, now)).await;
        let session = session.expect("claims").expect("a session");
        let mut recorder = Recorder::new(elsewhere.clone(), &session, session.fence);
        recorder.transition(SessionStatus::Connecting, "starting", &AUTHOR).await.expect("connects");
        recorder.transition(SessionStatus::Active, "ready", &AUTHOR).await.expect("is ready");
        recorder
    }

    async fn prompts(fixture: &Fixture, id: SessionId) -> Vec<CommandStatus> {
        let timeline = fixture.timeline(id).await;
        let commands = timeline.iter().filter_map(|entry| match &entry.item {
            TimelineItem::Command(command) if entry.change == Change::Created => Some(command.status),
            _ => None,
        });
        commands.collect()
    }

    #[tokio::test]
    async fn another_node_goes_on_with_background_work_and_the_first_writes_no_more() {
        let fixture = Fixture::new().await;
        let (elsewhere, here) = (fixture.app_on("elsewhere"), fixture.app_on("here"));
        let mut recorder = claimed(&fixture, &elsewhere).await;
        let id = recorder.session_id();
        let told = elsewhere.list_told(fixture.caller.team_id, id).await.expect("read").remove(0);
        let prompt = told.command.id;
        recorder.take_up(told.command).await.expect("takes it up");
        recorder.prompt_started(prompt).await.expect("begins");
        fixture.clock.advance(LEASE + Duration::from_micros(1));
        let (from, to) = (SessionStatus::Processing, SessionStatus::Paused);
        let expected = RecoveredSession { id, from, to, is_queued: true };
        assert_eq!(here.recover_sessions().await, Ok(vec![expected]));
        // What the first agent was told is not told again; the next is told to look at what is done.
        assert_eq!(prompts(&fixture, id).await, [CommandStatus::Cancelled, CommandStatus::Queued]);
        assert_eq!(recorder.note_error("late", "too late".into()).await, Err(StoreError::Fenced));
        let lease = Lease { owner: here.owner().clone(), expires_at: here.now().plus(LEASE) };
        let now = here.now();
        let taken = here.store().write(move |tx| tx.session_queue().claim_next(&lease, now)).await;
        assert_eq!(taken.expect("claims").map(|session| (session.id, session.attempts)), Some((id, 1)));
        assert_eq!(fixture.findings().await, vec![]);
    }

    #[tokio::test]
    async fn what_no_agent_was_told_is_told_to_the_next_and_too_many_losses_end_it() {
        let fixture = Fixture::new().await;
        let (elsewhere, here) = (fixture.app_on("elsewhere"), fixture.app_on("here"));
        let id = claimed(&fixture, &elsewhere).await.session_id();
        for attempt in 1..=4 {
            fixture.clock.advance(LEASE + Duration::from_micros(1));
            let recovered = here.recover_sessions().await.expect("recovers");
            assert_eq!(recovered.iter().map(|session| session.is_queued).collect::<Vec<_>>(), [attempt <= 3]);
            let lease = Lease { owner: elsewhere.owner().clone(), expires_at: here.now().plus(LEASE) };
            let now = here.now();
            let next = here.store().write(move |tx| tx.session_queue().claim_next(&lease, now)).await;
            let Some(session) = next.expect("claims") else { continue };
            let mut recorder = Recorder::new(elsewhere.clone(), &session, session.fence);
            recorder.transition(SessionStatus::Connecting, "starting", &AUTHOR).await.expect("connects");
        }
        let session = fixture.get(id).await;
        assert_eq!((session.status, session.attempts, session.queued_at), (SessionStatus::Paused, 3, None));
        assert_eq!(prompts(&fixture, id).await, [CommandStatus::Cancelled]);
        assert_eq!(fixture.findings().await, vec![]);
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
        let expected =
            RecoveredSession { id, from: SessionStatus::Active, to: SessionStatus::Paused, is_queued: false };
        assert_eq!(here.recover_sessions().await, Ok(vec![expected]));
        assert_eq!(here.recover_sessions().await, Ok(vec![]), "once is enough");
    }

    #[tokio::test]
    async fn what_a_process_owns_and_does_not_run_is_recovered_by_itself() {
        let fixture = Fixture::new().await;
        let here = fixture.app_on("here");
        let (left, run) = (fixture.active_session(&here).await, fixture.active_session(&here).await);
        let hold = here.hold(run.held());
        // Also when the clock jumps: what it runs it knows.
        fixture.clock.advance(LEASE);
        assert_eq!(here.recover_sessions().await, Ok(vec![]));
        fixture.clock.advance(Duration::from_micros(1));
        let recovered = here.recover_sessions().await.expect("recovers");
        assert_eq!(recovered.iter().map(|session| session.id).collect::<Vec<_>>(), [left.session_id()]);
        drop(hold);
        // A renewal that was on its way is done by then: writes keep their order.
        here.store().write(|_| Ok::<_, StoreError>(())).await.expect("written");
        fixture.clock.advance(LEASE * 2);
        let recovered = here.recover_sessions().await.expect("recovers");
        assert_eq!(recovered.iter().map(|session| session.id).collect::<Vec<_>>(), [run.session_id()]);
    }

    #[tokio::test]
    async fn a_renewed_lease_keeps_a_session() {
        let fixture = Fixture::new().await;
        let recorder = fixture.active_session(&fixture.app_on("elsewhere")).await;
        fixture.clock.advance(LEASE);
        assert!(is_kept(&fixture, &recorder).await, "still the owner");
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
        assert!(!is_kept(&fixture, &recorder).await);
        assert_eq!(recorder.prompt("too late", &AUTHOR).await.map(drop), Err(StoreError::Fenced));
        assert_eq!(fixture.timeline(recorder.session_id()).await, before);
    }

    #[tokio::test]
    async fn a_lease_that_a_dead_process_left_on_a_session_at_rest_is_released() {
        let fixture = Fixture::new().await;
        let (here, elsewhere) = (fixture.app_on("here"), fixture.app_on("elsewhere"));
        let mut recorder = fixture.active_session(&elsewhere).await;
        recorder.ended(SessionStatus::Paused, "idle", None, &AUTHOR, false).await.expect("recorded");
        let paused = fixture.get(recorder.session_id()).await;
        let lease = Lease { owner: elsewhere.owner().clone(), expires_at: here.now().plus(LEASE) };
        let (team, seen) = (paused.team_id, paused.clone());
        let take = move |tx: &Tx<'_>| tx.team(team).sessions().acquire(&seen, &lease);
        here.store().write(take).await.expect("nobody owns it");
        assert_eq!(here.recover_sessions().await, Ok(vec![]));
        assert!(fixture.get(paused.id).await.lease.is_some(), "its owner may be alive");
        fixture.clock.advance(LEASE * 2);
        assert_eq!(here.recover_sessions().await, Ok(vec![]), "its status is well as it is");
        let left = fixture.get(paused.id).await;
        assert_eq!((left.status, left.lease), (SessionStatus::Paused, None));
    }

    #[tokio::test]
    async fn a_session_whose_worker_died_before_it_began_waits_again() {
        let fixture = Fixture::new().await;
        let (here, elsewhere) = (fixture.app_on("here"), fixture.app_on("elsewhere"));
        let (id, options) = (SessionId::from_uuid(here.next_id()), SessionOptions::default());
        let team = fixture.caller.team_id;
        let session = Session::new(id, team, RuntimeKind::Scripted, options, here.now());
        let (now, expires_at) = (here.now(), here.now().plus(LEASE));
        let lease = Lease { owner: elsewhere.owner().clone(), expires_at };
        let claim = move |tx: &Tx<'_>| {
            tx.team(team).sessions().insert(&session)?;
            tx.team(team).sessions().enqueue(id, Priority::DEFAULT, now)?;
            tx.session_queue().claim_next(&lease, now)
        };
        assert!(here.store().write(claim).await.expect("claims").is_some());
        fixture.clock.advance(LEASE * 2);
        assert_eq!(here.recover_sessions().await, Ok(vec![]));
        let waiting = fixture.get(id).await;
        assert_eq!((waiting.status, waiting.queued_at), (SessionStatus::Created, Some(now)));
        let lease = Lease { owner: here.owner().clone(), expires_at: here.now().plus(LEASE) };
        let again = here.now();
        let claimed = here.store().write(move |tx| tx.session_queue().claim_next(&lease, again)).await;
        assert_eq!(claimed.expect("claims").map(|session| session.id), Some(id));
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
            extra: serde_json::Map::new(),
        };
        let question = fixture.question(recorder.session_id(), "Bash", request.input.clone());
        recorder.asked(&request, question).await.expect("recorded");
        fixture.clock.advance(LEASE * 2);
        fixture.app_on("here").recover_sessions().await.expect("recovers");
        let entries = fixture.timeline(recorder.session_id()).await;
        let is_closed = |item: &TimelineItem| match item {
            TimelineItem::ToolCall(call) => call.status == ToolCallStatus::Error,
            TimelineItem::Command(command) => command.status == CommandStatus::Cancelled,
            // It can still be answered; the next process makes use of it.
            TimelineItem::Approval(approval) => approval.status == ApprovalStatus::Pending,
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
        let held = recorder.held();
        app.abandon(held, "the disk is full".into()).await.expect("recorded");
        let session = fixture.get(held.id).await;
        assert_eq!(
            (session.status, session.error_message.as_deref()),
            (SessionStatus::Failed, Some("the disk is full"))
        );
        assert_eq!(session.lease, None);
        assert_eq!(app.abandon(held, "again".into()).await, Err(StoreError::Fenced));
        assert_eq!(fixture.findings().await, vec![]);
    }
}
