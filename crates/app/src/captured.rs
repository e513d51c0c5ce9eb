//! Sessions that Provost did not start: an agent program elsewhere tells of them, event by event, through its command hooks.
//! Each event is judged by the same hooks and policies as in a session that Provost runs, and recorded before it is answered.
//!
//! Knows nothing of exit codes and standard streams, and keeps nothing from one event to the next but what is stored.

mod event;
mod row;

use std::{
    fmt, mem,
    path::{Path, PathBuf},
    sync::Arc,
};

use agent::{
    Environment,
    command_hook::{CommandHook, HookMoment},
};
use domain::{
    agent_event::ToolRequest,
    hook::{HookAnswer, HookEvent},
    permission::{Decision, PermissionMode},
    session::Session,
};
use serde_json::Value;
use store::StoreError;
use tokio::{
    sync::oneshot,
    time::{Instant, sleep_until},
};

use self::{event::Happening, row::Seen};
use crate::{
    App, Caller,
    hook::{Conclusion, DefaultHooks, HookedEvent, Place, Source, Verdict, run_chain},
    permission::{Asking, Decider, DefaultPolicies, Ruling, Source as PolicySource, UnusablePolicies},
};

/// An event, and what it is judged and recorded with.
#[derive(Debug)]
pub struct Capture {
    /// The event.
    pub hook: CommandHook,
    /// The project's folder, where the agent program says which; otherwise it is where the session began.
    pub project: Option<PathBuf>,
    /// What hooks see of the environment: the basic variables.
    pub environment: Environment,
    /// The built-in hooks that run without being added.
    pub default_hooks: DefaultHooks,
    /// The policies that hold without being added.
    pub default_policies: DefaultPolicies,
    /// When hooks that are still at work are ended, so that there is an answer in time.
    pub until: Instant,
    /// Whether a tool runs whose hooks were ended like that.
    pub fails_open: bool,
    /// Whether anybody waits for the answer.
    pub wanted: Wanted,
}

/// Whether anybody waits for the answer to an event. Once nobody does, it is not recorded any more: what it would say did not happen.
#[derive(Clone)]
pub struct Wanted(Arc<dyn Fn() -> bool + Send + Sync>);

impl Wanted {
    /// As long as this does not say that whoever asked is gone. It is asked right before the event is recorded.
    pub fn unless(is_gone: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_gone))
    }

    fn check(&self) -> Result<(), StoreError> {
        if (self.0)() {
            return Err(StoreError::Unavailable { what: "nobody waits for it any more".to_owned() });
        }
        Ok(())
    }
}

impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted").finish_non_exhaustive()
    }
}

/// What an event is answered, once it is on record.
#[derive(Debug, Clone, PartialEq)]
pub enum CapturedAnswer {
    /// Nothing: Provost runs this session, and judges and records it there.
    Elsewhere,
    /// To a tool that is about to run.
    Gate {
        /// What becomes of it and why; `None` leaves that to the agent program.
        decision: Option<(Decision, String)>,
        /// What the tool is given instead.
        input: Option<Value>,
        /// What the model is told besides.
        context: Option<String>,
    },
    /// To anything else.
    Event(HookEvent, HookAnswer),
}

/// Why an event was not recorded, and so not answered.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The policies of the settings cannot be used.
    #[error(transparent)]
    Policies(#[from] UnusablePolicies),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What was decided about a tool call.
#[derive(Debug, Clone)]
enum Judged {
    /// A hook or a policy decided, or mode *plan* did.
    Ruled(Ruling),
    /// None of them has anything to say, for this reason.
    Left(String),
}

impl App {
    /// Judges and records an event of a session that Provost did not start.
    ///
    /// # Errors
    /// See [`CaptureError`]: then nothing of the event is stored.
    pub async fn capture(&self, caller: Caller, capture: Capture) -> Result<CapturedAnswer, CaptureError> {
        let Seen::Captured(session) = self.see_captured(caller, &capture.hook.external_id).await? else {
            return Ok(CapturedAnswer::Elsewhere);
        };
        let folder = folder_of(session.as_deref(), &capture);
        match &capture.hook.moment {
            HookMoment::Gate(request) => {
                let request = request.clone();
                self.capture_gate(caller, &capture, request, folder).await
            }
            HookMoment::Event(call) => {
                let event = call.event.clone();
                let hooked = HookedEvent::of_call(call);
                let subject = event.subject(&call.input);
                let mut conclusion =
                    self.run_hooks(caller, &capture, (&event, subject), hooked, &folder).await?;
                let (runs, answer) = (mem::take(&mut conclusion.runs), conclusion.into_answer());
                let is_stopped = answer.block.is_some();
                let happening = Happening::event(&capture, call.clone(), runs, is_stopped, folder);
                match self.record_captured(caller, happening).await? {
                    true => Ok(CapturedAnswer::Event(event, answer)),
                    false => Ok(CapturedAnswer::Elsewhere),
                }
            }
        }
    }

    async fn capture_gate(
        &self,
        caller: Caller,
        capture: &Capture,
        mut request: ToolRequest,
        folder: PathBuf,
    ) -> Result<CapturedAnswer, CaptureError> {
        let (event, hooked) = (HookEvent::pre_tool_use(), HookedEvent::of_gate(&request));
        let subject = Some(request.tool_name.as_str());
        let conclusion = self.run_hooks(caller, capture, (&event, subject), hooked, &folder).await?;
        let Conclusion { verdict, input, context, runs, is_withdrawn } = conclusion;
        if let Some(input) = &input {
            request.input = input.clone();
        }
        let judged = match verdict {
            Verdict::Block(reason) => {
                let hook = runs.last().map(|run| run.hook_name.as_str());
                Judged::Ruled(Ruling::blocked(hook, reason))
            }
            _ if is_withdrawn && !capture.fails_open => {
                let reason = "its hooks took longer than there is time to answer";
                Judged::Ruled(Ruling::blocked(None, reason.to_owned()))
            }
            verdict => self.judge_captured(caller, capture, &request, &folder, verdict).await?,
        };
        let decision = match &judged {
            Judged::Ruled(ruling) => Some((ruling.decision, ruling.reason.clone())),
            Judged::Left(_) => None,
        };
        let happening = Happening::gate(capture, request, judged, runs, folder);
        match self.record_captured(caller, happening).await? {
            true => Ok(CapturedAnswer::Gate { decision, input, context }),
            false => Ok(CapturedAnswer::Elsewhere),
        }
    }

    /// What the policies say about the input that the hooks left. The permission mode is the agent program's own, which judges
    /// by it after us; only of *plan* nothing is let through here either.
    async fn judge_captured(
        &self,
        caller: Caller,
        capture: &Capture,
        request: &ToolRequest,
        folder: &Path,
        said: Verdict,
    ) -> Result<Judged, CaptureError> {
        let mode = capture.hook.permission_mode.unwrap_or(PermissionMode::Default);
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let options = domain::session::SessionOptions::default();
        let said_by = (&capture.default_policies, &options);
        let source = PolicySource::new(self.clone(), caller.team_id, said_by, (&root, &capture.environment))?;
        let id = row::session_id(caller.team_id, &capture.hook.external_id, 0);
        let mut decider = Decider::new(id, mode, root, source).judging_here();
        let ruled = decider.judge(&Asking::from(request)).await?;
        Ok(match said {
            Verdict::Ask(reason) if ruled.is_left_to_mode => {
                let nothing_against = Ruling { decision: Decision::Allow, ..ruled.ruling };
                Judged::Ruled(decider.ask_for_hook(nothing_against, reason))
            }
            Verdict::Ask(reason) => Judged::Ruled(decider.ask_for_hook(ruled.ruling, reason)),
            Verdict::Block(_) | Verdict::Continue if ruled.is_left_to_mode => Judged::Left(format!(
                "no policy says anything about it, so the agent program decides by itself; its mode is {}",
                capture.mode_as_it_says()
            )),
            Verdict::Block(_) | Verdict::Continue => Judged::Ruled(ruled.ruling),
        })
    }

    async fn run_hooks(
        &self,
        caller: Caller,
        capture: &Capture,
        (event, subject): (&HookEvent, Option<&str>),
        hooked: HookedEvent,
        folder: &Path,
    ) -> Result<Conclusion, CaptureError> {
        let mut source = Source::new(self.clone(), caller.team_id, capture.default_hooks);
        let chain = source.chain(event, subject).await?;
        if chain.is_empty() {
            return Ok(Conclusion::default());
        }
        let place = Place {
            app: self.clone(),
            team_id: caller.team_id,
            session_id: Some(row::session_id(caller.team_id, &capture.hook.external_id, 0)),
            working_directory: folder.to_owned(),
            environment: capture.environment.clone(),
        };
        let (wanted, withdrawn) = oneshot::channel::<()>();
        let running = run_chain(&place, &chain, hooked, withdrawn);
        tokio::pin!(running);
        tokio::select! {
            biased;
            conclusion = &mut running => return Ok(conclusion),
            () = sleep_until(capture.until) => drop(wanted),
        }
        Ok(running.await)
    }
}

impl Capture {
    /// The permission mode in the agent program's own word, known or not.
    fn mode_as_it_says(&self) -> &str {
        let said = match &self.hook.moment {
            HookMoment::Gate(request) => request.extra.get("permission_mode"),
            HookMoment::Event(call) => call.input.get("permission_mode"),
        };
        said.and_then(Value::as_str).unwrap_or("not said")
    }
}

/// Where a session's project is: where it began, or the project that the agent program names, or where it works now.
fn folder_of(session: Option<&Session>, capture: &Capture) -> PathBuf {
    let began = session.map(|session| PathBuf::from(&session.working_directory));
    let now = || capture.hook.cwd.as_ref().map(PathBuf::from).filter(|folder| folder.is_absolute());
    began.or_else(|| capture.project.clone()).or_else(now).unwrap_or_else(|| PathBuf::from("/"))
}
