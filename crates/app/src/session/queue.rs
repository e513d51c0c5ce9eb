//! Background sessions: waiting for a worker, for the first time or again.

use std::time::Duration;

use domain::{
    actor::Actor,
    audit_action::AuditAction,
    command::{Command, CommandKind, CommandStatus},
    id::{CommandId, MessageId, SessionId},
    message::{Message, MessageBody, MessageType},
    priority::Priority,
    retry::Backoff,
    runtime::RuntimeKind,
    session::{Lease, Session, SessionMode, SessionTotals},
    session_status::SessionStatus,
    timeline::{Change, TimelineItem},
};
use serde_json::json;
use store::{Guard, SessionChange, SessionUpdate, StoreError, Tx};

use super::{NewSession, record, start::record_new};
use crate::{App, Caller};

/// What an agent is told that takes up work whose process was lost.
pub(super) const GO_ON: &str = "The process that ran you ended before you were done. Look at what is done already, \
    then go on with the task.";
/// The author of what workers do.
pub(crate) const WORKER: Actor = Actor::System("worker");

impl App {
    /// Records a session that a worker will run: it waits, by priority and then by age.
    ///
    /// # Errors
    /// When the database cannot be written, or refuses what the session refers to.
    pub async fn queue_session(
        &self,
        caller: Caller,
        new: NewSession,
        prompt: String,
        runtime: RuntimeKind,
        priority: Priority,
    ) -> Result<Session, StoreError> {
        let (now, author) = (self.now(), Actor::User(caller.user_id));
        let new = NewSession { prompt: Some(prompt.clone()), ..new };
        let session = Session { mode: SessionMode::Background, ..self.session_of(caller, new, runtime) };
        let id = session.id;
        let created = record::transition(self, id, None, SessionStatus::Created, "created", &author);
        let mut items = vec![(Change::Created, TimelineItem::Transition(created))];
        items.extend(self.prompt_rows(id, &prompt, &author).1);
        let deed = self.deed(caller, AuditAction::SessionQueue).on_session(id);
        let deed = deed.with("runtime", runtime.as_str()).with("priority", priority.to_string());
        let queue = move |tx: &Tx<'_>| {
            let sessions = tx.team(session.team_id).sessions();
            record_new(tx, &session)?;
            deed.append(tx)?;
            sessions.change(SessionChange {
                session_id: id,
                guard: Guard::Anyone,
                at: now,
                update: one_message(),
                items,
            })?;
            sessions.enqueue(id, priority, now)?;
            sessions.find(id)?.ok_or_else(|| StoreError::Missing { what: format!("session {id}") })
        };
        self.store().write(queue).await
    }

    /// Gives a session that failed back to the queue, to be tried again after a while; says when. `None` when its retries are
    /// spent, or somebody else took it up. The prompts that the failed turn was to answer are given again.
    pub(crate) async fn try_again(
        &self,
        session: Session,
        prompts: Vec<MessageId>,
    ) -> Result<Option<Duration>, StoreError> {
        if session.attempts >= session.options.max_retries {
            return Ok(None);
        }
        let backoff = Backoff { base: session.options.retry_delay };
        let pause = backoff.pause(session.attempts + 1, self.chance());
        let now = self.now();
        let note = format!("tries again in {:.1} s", pause.as_secs_f64());
        let body =
            MessageBody { subtype: Some("retry".into()), ..MessageBody::text(MessageType::System, note) };
        let note = Message::new(MessageId::from_uuid(self.next_id()), session.id, body, now);
        let mut items = vec![(Change::Created, TimelineItem::Message(note))];
        let repeated = prompts.into_iter().map(|message| self.prompt_command(session.id, message, &WORKER));
        items.extend(repeated.map(|command| (Change::Created, TimelineItem::Command(command))));
        let lease = Lease { owner: self.owner().clone(), expires_at: now };
        let requeue = move |tx: &Tx<'_>| {
            let sessions = tx.team(session.team_id).sessions();
            let fence = sessions.acquire(&session, &lease)?;
            let guard = Guard::Fence(fence);
            sessions.change(SessionChange {
                session_id: session.id,
                guard,
                at: now,
                update: one_message(),
                items,
            })?;
            sessions.requeue(session.id, fence, now.plus(pause), now)
        };
        match self.store().write(requeue).await {
            Ok(_) => Ok(Some(pause)),
            Err(StoreError::Fenced | StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lets another worker go on with a session that was paused in the middle of its work.
    pub(crate) async fn go_on_later(&self, session: Session) -> Result<(), StoreError> {
        let items: Vec<_> = self.prompt_rows(session.id, GO_ON, &WORKER).1.into();
        let now = self.now();
        let queue = move |tx: &Tx<'_>| {
            let sessions = tx.team(session.team_id).sessions();
            let id = session.id;
            sessions.change(SessionChange {
                session_id: id,
                guard: Guard::Fence(session.fence),
                at: now,
                update: one_message(),
                items,
            })?;
            sessions.enqueue(id, session.priority, now)
        };
        unless_taken(self.store().write(queue).await)
    }

    /// Lets a worker go on with a session that was told something while its process ended.
    pub(crate) async fn wait_if_told(&self, session: Session) -> Result<(), StoreError> {
        let now = self.now();
        let queue = move |tx: &Tx<'_>| {
            let team = tx.team(session.team_id);
            let open = team.timeline().list_open_commands(session.id)?;
            if !open.iter().any(|command| command.kind == CommandKind::Prompt) {
                return Ok(());
            }
            team.sessions().enqueue(session.id, session.priority, now)
        };
        unless_taken(self.store().write(queue).await)
    }

    /// A claimed session that cannot be begun here.
    pub(crate) async fn fail_claimed(&self, session: &Session, reason: String) -> Result<(), StoreError> {
        let (now, seen) = (self.now(), session.clone());
        let to = SessionStatus::Failed;
        let failed =
            record::transition(self, seen.id, Some(seen.status), to, "it could not be begun", &WORKER);
        let fail = move |tx: &Tx<'_>| {
            let team = tx.team(seen.team_id);
            let mut items = record::open_items_closed([], team.timeline().list_open_commands(seen.id)?, now);
            if !seen.status.is_final() {
                items.push((Change::Created, TimelineItem::Transition(failed)));
            }
            let update = SessionUpdate {
                error_message: Some(reason),
                release_lease: true,
                ..SessionUpdate::default()
            };
            let guard = Guard::Fence(seen.fence);
            team.sessions().change(SessionChange { session_id: seen.id, guard, at: now, update, items })?;
            if seen.status.is_final() {
                // A change of status takes others out of the queue.
                team.sessions().cancel_queued(seen.id, now)?;
            }
            Ok(())
        };
        self.store().write(fail).await
    }

    /// A prompt that is to be given: what was said, and the command that carries it to the agent.
    pub(super) fn prompt_rows(
        &self,
        session: SessionId,
        text: &str,
        author: &Actor,
    ) -> (Command, [(Change, TimelineItem); 2]) {
        let id = MessageId::from_uuid(self.next_id());
        let message = Message::new(id, session, MessageBody::text(MessageType::User, text), self.now());
        let command = self.prompt_command(session, id, author);
        let rows = [TimelineItem::Message(message), TimelineItem::Command(command.clone())];
        (command, rows.map(|row| (Change::Created, row)))
    }

    /// The command that carries a message to the agent.
    pub(super) fn prompt_command(&self, session: SessionId, message: MessageId, author: &Actor) -> Command {
        let payload = json!({ "message_id": message });
        self.command(session, CommandKind::Prompt, payload, CommandStatus::Queued, author)
    }

    pub(crate) fn command(
        &self,
        session_id: SessionId,
        kind: CommandKind,
        payload: serde_json::Value,
        status: CommandStatus,
        author: &Actor,
    ) -> Command {
        let now = self.now();
        Command {
            id: CommandId::from_uuid(self.next_id()),
            session_id,
            sequence: 0,
            kind,
            payload,
            author: author.to_string(),
            status,
            created_at: now,
            updated_at: now,
        }
    }

    /// A number between 0 and 1, from the random part of an id.
    fn chance(&self) -> f64 {
        let [.., high, low] = self.next_id().into_bytes();
        f64::from(u16::from_be_bytes([high, low])) / f64::from(u16::MAX)
    }
}

/// Somebody else who took it up meanwhile goes on with it.
fn unless_taken(outcome: Result<(), StoreError>) -> Result<(), StoreError> {
    match outcome {
        Err(StoreError::Fenced | StoreError::Conflict { .. }) => Ok(()),
        outcome => outcome,
    }
}

/// What a change with one message adds to a session.
pub(super) fn one_message() -> SessionUpdate {
    SessionUpdate {
        added: SessionTotals { total_messages: 1, ..SessionTotals::default() },
        ..SessionUpdate::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fixture::{AUTHOR, Fixture},
        session::{Words, held::LEASE},
    };

    async fn claim(app: &App) -> Option<Session> {
        let now = app.now();
        let lease = Lease { owner: app.owner().clone(), expires_at: now.plus(LEASE) };
        app.store().write(move |tx| tx.session_queue().claim_next(&lease, now)).await.expect("claims")
    }

    #[tokio::test]
    async fn a_finished_session_that_cannot_be_begun_again_leaves_the_queue() {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let mut recorder = fixture.active_session(&app).await;
        let id = recorder.session_id();
        recorder.ended(SessionStatus::Completed, "the end", None, &AUTHOR, false).await.expect("recorded");
        app.tell_session(fixture.caller, id, Words::Prompt("more".to_owned())).await.expect("told");
        let claimed = claim(&app).await.expect("it waits");
        app.fail_claimed(&claimed, "no program".to_owned()).await.expect("recorded");
        let left = fixture.get(id).await;
        assert_eq!((left.status, left.queued_at, left.lease), (SessionStatus::Completed, None, None));
        assert_eq!(left.error_message.as_deref(), Some("no program"));
        assert_eq!(claim(&app).await, None);
        assert_eq!(fixture.findings().await, vec![]);
    }

    #[tokio::test]
    async fn what_was_taken_and_cannot_be_begun_for_now_waits_again() {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let mut recorder = fixture.active_session(&app).await;
        let id = recorder.session_id();
        recorder.ended(SessionStatus::Paused, "idle", None, &AUTHOR, false).await.expect("recorded");
        app.tell_session(fixture.caller, id, Words::Prompt("more".to_owned())).await.expect("told");
        let claimed = claim(&app).await.expect("it waits");
        assert_eq!(claim(&app).await, None);
        app.let_go(&claimed).await.expect("released");
        assert_eq!(claim(&app).await.map(|session| session.id), Some(id));
    }
}
