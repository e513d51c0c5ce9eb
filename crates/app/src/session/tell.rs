//! Telling a session something from wherever one is: the words wait in the store until whoever runs it takes them up.

use domain::{
    actor::Actor,
    audit_action::AuditAction,
    command::{Command, CommandKind, CommandStatus},
    id::SessionId,
    permission::PermissionMode,
    session::{Origin, Session, SessionMode},
    session_status::SessionStatus,
    timeline::{Change, TimelineItem},
};
use serde_json::json;
use store::{Guard, Scope, SessionChange, SessionUpdate, StoreError, Tx};

use super::{
    queue::{GO_ON, one_message},
    record,
};
use crate::{App, Caller};

/// What a session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// Work on this.
    Prompt(String),
    /// Stop the turn, keep the session.
    Interrupt,
    /// End the process, keep the session.
    Pause,
    /// Let a worker go on.
    Resume,
    /// End the session.
    Terminate,
    /// Decide tool calls in this mode from now on.
    SetMode(PermissionMode),
    /// Use this model from now on; `None` is the agent program's own choice.
    SetModel(Option<String>),
}

impl Words {
    const fn action(&self) -> AuditAction {
        match self {
            Self::Prompt(_) => AuditAction::SessionPrompt,
            Self::Interrupt => AuditAction::SessionInterrupt,
            Self::Pause => AuditAction::SessionPause,
            Self::Resume => AuditAction::SessionResume,
            Self::Terminate => AuditAction::SessionTerminate,
            Self::SetMode(_) => AuditAction::SessionSetMode,
            Self::SetModel(_) => AuditAction::SessionSetModel,
        }
    }

    /// What of them stands in the audit log; prompts stand in the session.
    fn detail(&self) -> Option<(&'static str, String)> {
        match self {
            Self::SetMode(mode) => Some(("mode", mode.to_string())),
            Self::SetModel(model) => Some(("model", model.clone().unwrap_or_default())),
            Self::Prompt(_) | Self::Interrupt | Self::Pause | Self::Resume | Self::Terminate => None,
        }
    }
}

/// What became of the words.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// Whoever runs the session takes it up; see [`App::find_command`] for how far it got.
    Running(Command),
    /// The session had no process; it waits for a worker now.
    Queued(Session),
    /// Done; no process was needed.
    Done(Session),
}

/// Why a session was not told.
#[derive(Debug, thiserror::Error)]
pub enum TellSessionError {
    /// There is none of this id in the caller's team.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// Nothing is done in it that this could concern.
    #[error("session {id} is {status}; only one with a process can be {done}")]
    NotRunning {
        /// The session.
        id: SessionId,
        /// Where it is in its life.
        status: SessionStatus,
        /// What was to be done, such as `interrupted`.
        done: &'static str,
    },
    /// It is over, or out of daily use.
    #[error("session {id} is {status} already")]
    Over {
        /// The session.
        id: SessionId,
        /// Where it is in its life.
        status: SessionStatus,
    },
    /// An agent program elsewhere runs it, or did, and tells of it without hearing anything.
    #[error(
        "session {0} belongs to an agent program that Provost did not start, which hears nothing from here"
    )]
    Elsewhere(SessionId),
    /// The database; [`StoreError::Conflict`] when the session changed meanwhile.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Tells a session something, whichever process runs it.
    ///
    /// # Errors
    /// See [`TellSessionError`].
    pub async fn tell_session(
        &self,
        caller: Caller,
        id: SessionId,
        words: Words,
    ) -> Result<Told, TellSessionError> {
        let app = self.clone();
        let deed = self.deed(caller, words.action()).on_session(id);
        let deed = words.detail().into_iter().fold(deed, |deed, (field, value)| deed.with(field, value));
        let refused = deed.clone();
        let tell = move |tx: &Tx<'_>| {
            let team = tx.team(caller.team_id);
            team.sessions().hold(id, Guard::Anyone).map_err(|error| not_found(error, id))?;
            let session = team.sessions().find(id)?.ok_or(TellSessionError::NotFound(id))?;
            let teller = Teller { app: &app, team, session: &session, author: Actor::User(caller.user_id) };
            let told = match (is_elsewhere(&session), session.status.is_running()) {
                (true, _) => teller.tell_elsewhere(&words),
                (false, true) => teller.tell_running(words),
                (false, false) => teller.tell_resting(words),
            }?;
            deed.append(tx)?;
            Ok(told)
        };
        let outcome = self.store().write(tell).await;
        if let Err(error) = &outcome
            && !matches!(error, TellSessionError::NotFound(_) | TellSessionError::Store(_))
        {
            self.note(refused.denied(error)).await;
        }
        outcome
    }

    /// A command of a session as it stands.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find_command(
        &self,
        caller: Caller,
        command: Command,
    ) -> Result<Option<Command>, StoreError> {
        let find = move |conn: &store::Conn| {
            let timeline = conn.team(caller.team_id).timeline();
            timeline.find_command(command.session_id, command.id)
        };
        self.store().read(find).await
    }
}

fn not_found(error: StoreError, id: SessionId) -> TellSessionError {
    if let StoreError::Missing { .. } = error { TellSessionError::NotFound(id) } else { error.into() }
}

/// Whether only an agent program that Provost did not start ever ran the session, or does so now.
pub(super) fn is_elsewhere(session: &Session) -> bool {
    let is_running_there = session.status.is_running() && session.lease.is_none();
    session.origin == Origin::Captured && (session.fence == 0 || is_running_there)
}

struct Teller<'a, 't> {
    app: &'a App,
    team: Scope<'a, Tx<'t>>,
    session: &'a Session,
    author: Actor,
}

impl Teller<'_, '_> {
    /// Nobody hears anything, but the record of a session whose end nobody told of can be closed.
    fn tell_elsewhere(&self, words: &Words) -> Result<Told, TellSessionError> {
        let Session { id, status, .. } = *self.session;
        match words {
            Words::Terminate if status.is_final() => Err(TellSessionError::Over { id, status }),
            Words::Terminate => {
                let now = self.app.now();
                let calls = self.team.timeline().list_open_tool_calls(id)?;
                let mut items = record::open_items_closed(calls, [], now);
                let (to, reason) = (SessionStatus::Terminated, "a person closed the record");
                let ended = record::transition(self.app, id, Some(status), to, reason, &self.author);
                items.push((Change::Created, TimelineItem::Transition(ended)));
                self.change(SessionUpdate::default(), items)?;
                Ok(Told::Done(self.current()?))
            }
            _ => Err(TellSessionError::Elsewhere(id)),
        }
    }

    fn tell_running(&self, words: Words) -> Result<Told, TellSessionError> {
        let id = self.session.id;
        let queued = |kind, payload| self.app.command(id, kind, payload, CommandStatus::Queued, &self.author);
        let command = match words {
            Words::Prompt(text) => {
                let (command, items) = self.app.prompt_rows(id, &text, &self.author);
                self.change(one_message(), items.into())?;
                return Ok(Told::Running(command));
            }
            Words::Interrupt => queued(CommandKind::Interrupt, json!({})),
            Words::Pause => queued(CommandKind::Pause, json!({})),
            Words::Resume => return Ok(Told::Done(self.session.clone())),
            Words::Terminate => queued(CommandKind::Terminate, json!({})),
            Words::SetMode(mode) => queued(CommandKind::SetMode, json!({ "mode": mode })),
            Words::SetModel(model) => queued(CommandKind::SetModel, json!({ "model": model })),
        };
        let item = (Change::Created, TimelineItem::Command(command.clone()));
        self.change(SessionUpdate::default(), vec![item])?;
        Ok(Told::Running(command))
    }

    fn tell_resting(&self, words: Words) -> Result<Told, TellSessionError> {
        let Session { id, status, .. } = *self.session;
        let not_running = |done| Err(TellSessionError::NotRunning { id, status, done });
        if status == SessionStatus::Archived {
            return Err(TellSessionError::Over { id, status });
        }
        match words {
            Words::Prompt(text) => {
                let (_, items) = self.app.prompt_rows(id, &text, &self.author);
                self.change(one_message(), items.into())?;
                self.wait()
            }
            Words::Resume => {
                if self.session.queued_at.is_none() && self.is_told_nothing()? {
                    let (_, items) = self.app.prompt_rows(id, GO_ON, &self.author);
                    self.change(one_message(), items.into())?;
                }
                self.wait()
            }
            Words::Terminate => self.terminate(),
            Words::Interrupt => not_running("interrupted"),
            Words::Pause => not_running("paused"),
            Words::SetMode(_) => not_running("given another mode"),
            Words::SetModel(_) => not_running("given another model"),
        }
    }

    /// Waits for a worker, unless it does already.
    fn wait(&self) -> Result<Told, TellSessionError> {
        let sessions = self.team.sessions();
        if self.session.queued_at.is_none() {
            sessions.enqueue(self.session.id, self.session.priority, self.app.now())?;
        }
        Ok(Told::Queued(self.current()?))
    }

    fn terminate(&self) -> Result<Told, TellSessionError> {
        let Session { id, status, mode, .. } = *self.session;
        let is_waiting = self.session.queued_at.is_some();
        if status.is_final() && !is_waiting {
            return Err(TellSessionError::Over { id, status });
        }
        let now = self.app.now();
        if is_waiting {
            self.team.sessions().cancel_queued(id, now)?;
        }
        let commands = self.team.timeline().list_open_commands(id)?;
        let mut items = record::open_items_closed([], commands, now);
        if !status.is_final() {
            let reason = if mode == SessionMode::Background && is_waiting {
                "cancelled by a person"
            } else {
                "ended by a person"
            };
            let to = SessionStatus::Terminated;
            let ended = record::transition(self.app, id, Some(status), to, reason, &self.author);
            items.push((Change::Created, TimelineItem::Transition(ended)));
        }
        self.change(SessionUpdate::default(), items)?;
        Ok(Told::Done(self.current()?))
    }

    fn is_told_nothing(&self) -> Result<bool, StoreError> {
        Ok(self.team.timeline().list_open_commands(self.session.id)?.is_empty())
    }

    fn change(&self, update: SessionUpdate, items: Vec<(Change, TimelineItem)>) -> Result<(), StoreError> {
        let (session_id, at) = (self.session.id, self.app.now());
        let change = SessionChange { session_id, guard: Guard::Anyone, at, update, items };
        self.team.sessions().change(change).map(drop)
    }

    fn current(&self) -> Result<Session, TellSessionError> {
        let id = self.session.id;
        self.team.sessions().find(id)?.ok_or(TellSessionError::NotFound(id))
    }
}
