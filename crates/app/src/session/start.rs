//! Starting a session, new or again.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agent::{Environment, Limits, Runtime, SettingSources, StartError};
use domain::{
    actor::Actor,
    audit_action::AuditAction,
    id::{AgentId, SessionId, SessionTemplateId},
    money::MicroUsd,
    runtime::RuntimeKind,
    session::{Lease, Session, SessionOptions, name_from_prompt},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
    transition::Transition,
};
use store::{Guard, SessionChange, SessionUpdate as RowUpdate, StoreError};
use tokio::sync::mpsc;

use super::{
    Asker,
    actor::{SessionActor, Start},
    connect::Connecting,
    handle::SessionHandle,
    held::LEASE,
    hooks::Hooks,
    queue::WORKER,
    record::{self, Recorder},
    tell::is_elsewhere,
    update::SessionUpdate,
};
use crate::{
    App, Caller,
    hook::{DefaultHooks, Place, Source},
    owner,
    permission::{Decider, DefaultPolicies, Source as PolicySource, UnusablePolicies},
};

/// A session to start.
#[derive(Debug)]
pub struct StartSession {
    /// For whom.
    pub caller: Caller,
    /// Which session.
    pub target: Target,
    /// How its agent is started.
    pub launch: LaunchSettings,
    /// Who is asked.
    pub asker: Arc<dyn Asker>,
}

/// Which session to start.
#[derive(Debug)]
pub enum Target {
    /// A new one.
    New(Box<NewSession>),
    /// One that has no process; it keeps its options, and its folder unless another one is given.
    Resume {
        /// The session.
        id: SessionId,
        /// Where its agent works from now on: an absolute path.
        working_directory: Option<PathBuf>,
    },
    /// One from the queue, which this process owns since it was claimed.
    Claimed(Box<Session>),
}

/// A session that does not exist yet.
#[derive(Debug)]
pub struct NewSession {
    /// For people; the first prompt names it otherwise.
    pub name: Option<String>,
    /// What it is to work on first, if that is known.
    pub prompt: Option<String>,
    /// Where its agent works: an absolute path.
    pub working_directory: PathBuf,
    /// The agent it runs as, in which version.
    pub agent: Option<(AgentId, i64)>,
    /// The template its options came from.
    pub template_id: Option<SessionTemplateId>,
    /// What it is asked to be.
    pub options: SessionOptions,
}

/// How an agent program is started here, whatever the session.
#[derive(Debug, Clone)]
pub struct LaunchSettings {
    /// The program.
    pub runtime: Runtime,
    /// The variables it sees.
    pub environment: Environment,
    /// How long and how much it may take.
    pub limits: Limits,
    /// Which settings files of the program apply.
    pub setting_sources: SettingSources,
    /// Whether somebody watches text being written.
    pub include_partial_messages: bool,
    /// Put behind all other arguments.
    pub extra_arguments: Vec<String>,
    /// How long a session keeps its process without anything to do.
    pub idle: Duration,
    /// The built-in hooks that run without being added.
    pub default_hooks: DefaultHooks,
    /// The policies that hold without being added.
    pub default_policies: DefaultPolicies,
    /// How long a question to a person waits for its answer.
    pub approval_wait: Duration,
}

/// A session with a process that is ready for prompts.
#[derive(Debug)]
pub struct RunningSession {
    /// As it was recorded when it became ready.
    pub session: Session,
    /// What it is told.
    pub handle: SessionHandle,
    /// What happens in it, after it was recorded; the last one is [`SessionUpdate::Ended`].
    pub updates: mpsc::Receiver<SessionUpdate>,
}

/// Why a session was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartSessionError {
    /// There is none of this id in the caller's team.
    #[error("there is no session {0}")]
    NotFound(SessionId),
    /// It runs, or it is archived.
    #[error("session {id} is {status}; only one without a process can be resumed")]
    NotResumable {
        /// The session.
        id: SessionId,
        /// Where it is in its life.
        status: SessionStatus,
    },
    /// An agent program that Provost did not start has it open, or ended without a word.
    #[error("session {0} is open in an agent program that Provost did not start")]
    Elsewhere(SessionId),
    /// It belongs to another program than the one to start.
    #[error("session {id} belongs to the runtime {runtime}")]
    OtherRuntime {
        /// The session.
        id: SessionId,
        /// Its runtime.
        runtime: RuntimeKind,
    },
    /// Its budget is spent.
    #[error("session {id} has spent {spent} of its budget of {budget}")]
    BudgetSpent {
        /// The session.
        id: SessionId,
        /// Its limit.
        budget: MicroUsd,
        /// What it spent.
        spent: MicroUsd,
    },
    /// It cannot have the policies that it is to have; it is recorded as failed with this reason.
    #[error(transparent)]
    Policies(#[from] UnusablePolicies),
    /// Its agent did not start; the session is recorded as failed with this reason.
    #[error(transparent)]
    Agent(#[from] StartError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Starts a session's agent and records everything that happens from here on. Returns once the agent is ready for
    /// prompts.
    ///
    /// # Errors
    /// See [`StartSessionError`].
    pub async fn start_session(&self, request: StartSession) -> Result<RunningSession, StartSessionError> {
        let StartSession { caller, target, launch, asker } = request;
        let author = if let Target::Claimed(_) = &target { WORKER } else { Actor::User(caller.user_id) };
        let (idle, approval_wait) = (launch.idle, launch.approval_wait);
        let (default_hooks, default_policies) = (launch.default_hooks, launch.default_policies.clone());
        let environment = launch.environment.basic();
        // As long as the agent may take to start, and a little more.
        let lease = Lease {
            owner: self.owner().clone(),
            expires_at: self.now().plus(launch.limits.handshake + LEASE),
        };
        let (session, fence, mut entries) = match target {
            Target::New(new) => {
                self.create_session(caller, *new, runtime_kind(&launch.runtime), &author, lease).await?
            }
            Target::Resume { id, working_directory } => {
                let found = self.find_resumable(caller, id, &launch.runtime).await;
                self.note_refusal(caller, id, found.as_ref().err()).await;
                let session = found?;
                refuse_absent(working_directory.as_deref())?;
                self.take_up(session, working_directory, &author, lease).await?
            }
            Target::Claimed(session) => self.begin_claimed(*session, &author, lease.expires_at).await?,
        };
        let mut recorder = Recorder::new(self.clone(), &session, fence);
        let hold = self.hold(recorder.held());
        let decider = match self.decider_of(&session, &default_policies, &environment) {
            Ok(decider) => decider,
            Err(error) => {
                self.not_started(&mut recorder, &author, error.to_string()).await?;
                return Err(error.into());
            }
        };
        let mut hooks = self.hooks_of(&session, default_hooks, environment);
        let connecting = Connecting { recorder: &mut recorder, hooks: &mut hooks, entries: &mut entries };
        let running = match self.connect(&session, launch, connecting).await? {
            Ok(running) => running,
            Err(error) => {
                self.not_started(&mut recorder, &author, full_text(&error)).await?;
                return Err(error.into());
            }
        };
        entries.extend(recorder.transition(SessionStatus::Active, "the agent is ready", &author).await?);
        let session = self.get_session(caller, session.id).await.map_err(|error| match error {
            super::GetSessionError::NotFound(id) => StartSessionError::NotFound(id),
            super::GetSessionError::Store(error) => error.into(),
        })?;
        let told = self.list_told(session.team_id, session.id).await?;
        let start = Start { author, idle, approval_wait, hold, decider, hooks, entries, told };
        let (handle, updates) = SessionActor::spawn(recorder, running, asker, session.options.timeout, start);
        Ok(RunningSession { session, handle, updates })
    }

    /// A session rests as failed that has no agent.
    async fn not_started(
        &self,
        recorder: &mut Recorder,
        author: &Actor,
        message: String,
    ) -> Result<(), StoreError> {
        recorder.fails_to_start(author, &message);
        let (status, reason) = (SessionStatus::Failed, "the agent did not start");
        recorder.ended(status, reason, Some(message), author, false).await.map(drop)
    }

    /// What decides the tool calls of a session.
    fn decider_of(
        &self,
        session: &Session,
        defaults: &DefaultPolicies,
        environment: &Environment,
    ) -> Result<Decider, UnusablePolicies> {
        let source = self.policy_source_of(session, defaults, environment)?;
        let folder = folder_of(session);
        Ok(Decider::new(session.id, session.options.permission_mode, folder, source))
    }

    /// The policies of a session.
    pub(crate) fn policy_source_of(
        &self,
        session: &Session,
        defaults: &DefaultPolicies,
        environment: &Environment,
    ) -> Result<PolicySource, UnusablePolicies> {
        let said = (defaults, &session.options);
        PolicySource::new(self.clone(), session.team_id, said, (&folder_of(session), environment))
    }

    /// The hooks of a session; none when it is not to have any.
    fn hooks_of(&self, session: &Session, defaults: DefaultHooks, environment: Environment) -> Hooks {
        let source = Source::new(self.clone(), session.team_id, defaults);
        let place = Place {
            app: self.clone(),
            team_id: session.team_id,
            session_id: Some(session.id),
            working_directory: PathBuf::from(&session.working_directory),
            environment,
        };
        Hooks::new(session.options.hooks_enabled.then_some(source), place)
    }

    /// What is recorded of a session that does not exist yet.
    pub(super) fn session_of(&self, caller: Caller, new: NewSession, runtime: RuntimeKind) -> Session {
        let id = SessionId::from_uuid(self.next_id());
        let prompt = new.prompt.as_deref().unwrap_or_default();
        Session {
            user_id: Some(caller.user_id),
            agent_id: new.agent.map(|(id, _)| id),
            agent_version: new.agent.map(|(_, version)| version),
            template_id: new.template_id,
            name: new.name.unwrap_or_else(|| name_from_prompt(prompt)),
            working_directory: new.working_directory.to_string_lossy().into_owned(),
            ..Session::new(id, caller.team_id, runtime, new.options, self.now())
        }
    }

    /// Records the session, owned and connecting from its first moment, so that it cannot be lost in between.
    async fn create_session(
        &self,
        caller: Caller,
        new: NewSession,
        runtime: RuntimeKind,
        author: &Actor,
        lease: Lease,
    ) -> Result<(Session, i64, Vec<TimelineEntry>), StoreError> {
        let now = self.now();
        let session = self.session_of(caller, new, runtime);
        let id = session.id;
        let transitions = vec![
            record::transition(self, id, None, SessionStatus::Created, "created", author),
            self.connecting(&session, author),
        ];
        let row = session.clone();
        let deed = self.deed((session.team_id, author), AuditAction::SessionStart).on_session(id);
        let deed = deed.with("runtime", runtime.as_str());
        let create = move |tx: &store::Tx<'_>| {
            record_new(tx, &row)?;
            deed.append(tx)?;
            connect(tx, &row, &lease, transitions, RowUpdate::default(), now)
        };
        let (fence, entries) = self.store().write(create).await?;
        Ok((Session { status: SessionStatus::Connecting, ..session }, fence, entries))
    }

    /// Makes this process the owner of a session at rest, which connects.
    async fn take_up(
        &self,
        session: Session,
        folder: Option<PathBuf>,
        author: &Actor,
        lease: Lease,
    ) -> Result<(Session, i64, Vec<TimelineEntry>), StoreError> {
        let (seen, now) = (session.clone(), self.now());
        let folder = folder.map(|folder| folder.to_string_lossy().into_owned());
        let folder = folder.filter(|folder| *folder != session.working_directory);
        let mut connecting = self.connecting(&session, author);
        if let Some(folder) = &folder {
            connecting.reason.push_str(" in ");
            connecting.reason.push_str(folder);
        }
        let update = RowUpdate { working_directory: folder.clone(), ..RowUpdate::default() };
        let deed = self.deed((session.team_id, author), AuditAction::SessionResume).on_session(session.id);
        let take = move |tx: &store::Tx<'_>| {
            deed.append(tx)?;
            connect(tx, &seen, &lease, vec![connecting], update, now)
        };
        let (fence, entries) = self.store().write(take).await?;
        let working_directory = folder.unwrap_or(session.working_directory);
        Ok((Session { status: SessionStatus::Connecting, working_directory, ..session }, fence, entries))
    }

    /// Begins on a session that came out of the queue with this process as its owner.
    async fn begin_claimed(
        &self,
        session: Session,
        author: &Actor,
        until: Timestamp,
    ) -> Result<(Session, i64, Vec<TimelineEntry>), StoreError> {
        let (now, fence) = (self.now(), session.fence);
        let connecting = self.connecting(&session, author);
        let change = SessionChange {
            session_id: session.id,
            guard: Guard::Fence(fence),
            at: now,
            update: RowUpdate::default(),
            items: vec![(Change::Created, TimelineItem::Transition(connecting))],
        };
        let team = session.team_id;
        let deed = self.deed((team, author), AuditAction::SessionStart).on_session(session.id);
        let begin = move |tx: &store::Tx<'_>| {
            deed.append(tx)?;
            let sessions = tx.team(team).sessions();
            sessions.renew(change.session_id, fence, until)?;
            sessions.change(change)
        };
        let entries = self.store().write(begin).await?;
        Ok((Session { status: SessionStatus::Connecting, ..session }, fence, entries))
    }

    /// A rule that keeps somebody from resuming a session is audited; a session that is not there is not.
    async fn note_refusal(&self, caller: Caller, id: SessionId, error: Option<&StartSessionError>) {
        let Some(error @ (StartSessionError::NotResumable { .. } | StartSessionError::BudgetSpent { .. })) =
            error
        else {
            return;
        };
        let deed = self.deed(caller, AuditAction::SessionResume).on_session(id);
        self.note(deed.denied(error)).await;
    }

    fn connecting(&self, session: &Session, author: &Actor) -> Transition {
        let reason = if session.started_at.is_some() { "resuming" } else { "starting the agent" };
        let (id, from) = (session.id, Some(session.status));
        record::transition(self, id, from, SessionStatus::Connecting, reason, author)
    }

    async fn find_resumable(
        &self,
        caller: Caller,
        id: SessionId,
        runtime: &Runtime,
    ) -> Result<Session, StartSessionError> {
        let found = self.store().read(move |conn| conn.team(caller.team_id).sessions().find(id)).await?;
        let session = found.ok_or(StartSessionError::NotFound(id))?;
        if session.status.is_running() && is_elsewhere(&session) {
            return Err(StartSessionError::Elsewhere(id));
        }
        if !session.status.is_resumable() {
            return Err(StartSessionError::NotResumable { id, status: session.status });
        }
        // Whoever owns it already is about to connect; taking it over would end both.
        if session.lease.as_ref().is_some_and(|lease| !owner::is_gone(lease, self.owner(), self.now())) {
            return Err(StartSessionError::NotResumable { id, status: SessionStatus::Connecting });
        }
        if session.runtime != runtime_kind(runtime) {
            return Err(StartSessionError::OtherRuntime { id, runtime: session.runtime });
        }
        match session.options.budget {
            Some(budget) if session.totals.cost >= budget => {
                Err(StartSessionError::BudgetSpent { id, budget, spent: session.totals.cost })
            }
            _ => Ok(session),
        }
    }
}

/// Where a session works, as its agent program names it, which asks the system where it is.
fn folder_of(session: &Session) -> PathBuf {
    let folder = PathBuf::from(&session.working_directory);
    folder.canonicalize().unwrap_or(folder)
}

/// Before a session is sent there for good.
fn refuse_absent(folder: Option<&Path>) -> Result<(), StartError> {
    match folder {
        Some(folder) if !folder.is_dir() => {
            let source = std::io::ErrorKind::NotFound.into();
            Err(StartError::WorkingDirectory { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Adds a session, and counts the use of its template.
pub(super) fn record_new(tx: &store::Tx<'_>, session: &Session) -> Result<(), StoreError> {
    let team = tx.team(session.team_id);
    team.sessions().insert(session)?;
    session.template_id.map_or(Ok(()), |id| team.session_templates().count_use(id).map(drop))
}

/// Makes the lease's owner the owner of a session and makes its transitions, in one transaction: whoever dies before leaves it
/// at rest, whoever dies after leaves it connecting, and both are found.
fn connect(
    tx: &store::Tx<'_>,
    seen: &Session,
    lease: &Lease,
    transitions: Vec<Transition>,
    update: RowUpdate,
    at: Timestamp,
) -> Result<(i64, Vec<TimelineEntry>), StoreError> {
    let sessions = tx.team(seen.team_id).sessions();
    let fence = sessions.acquire(seen, lease)?;
    let items = transitions.into_iter().map(|made| (Change::Created, TimelineItem::Transition(made)));
    let change =
        SessionChange { session_id: seen.id, guard: Guard::Fence(fence), at, update, items: items.collect() };
    Ok((fence, sessions.change(change)?))
}

const fn runtime_kind(runtime: &Runtime) -> RuntimeKind {
    match runtime {
        Runtime::Claude { .. } => RuntimeKind::Claude,
        Runtime::Scripted { .. } => RuntimeKind::Scripted,
    }
}

/// The keys under which a session keeps what its agent asks of the agent program.
pub(super) const FALLBACK_MODEL: &str = "fallback_model";
pub(super) const MAX_OUTPUT_TOKENS: &str = "max_output_tokens";
/// The keys under which a fork keeps whose conversation it continues, by the agent program's own ids, and where that is cut.
pub(super) const FORK_OF: &str = "fork_of";
pub(super) const FORK_AT: &str = "fork_at";
/// The key under which a fork keeps that its history must be told to the agent program, which cannot cut it there.
pub(super) const FORK_TOLD: &str = "fork_told";

pub(super) fn text_option(options: &SessionOptions, key: &str) -> Option<String> {
    options.sdk_options.get(key).and_then(|value| value.as_str()).map(str::to_owned)
}

/// An error with its causes, for the record.
fn full_text(error: &StartError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
