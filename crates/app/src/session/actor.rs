//! One actor per running session: it hears the agent and the person, records, answers, and ends.

mod asked;
mod ending;
mod hooked;
mod told;

use std::{collections::HashMap, sync::Arc, time::Duration};

use agent::{InputSender, RunningAgent};
use domain::{
    actor::Actor,
    agent_event::{Activity, AgentEvent, AgentInput, Exit, TurnEnded},
    session_status::SessionStatus,
    timeline::TimelineEntry,
};
use serde_json::Value;
use store::StoreError;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use self::ending::Ending;
use super::{
    Asker,
    handle::{Input, SessionHandle},
    held::{Heard, Hold},
    hooks::Hooks,
    inbox::Told,
    questions::Questions,
    record::Recorder,
    update::{SessionUpdate, TurnSummary},
};
use crate::permission::{Decider, Ruled};

/// The agent CLI bounds its own tools at ten minutes; silence while one runs counts only beyond that.
const TOOL_CEILING: Duration = Duration::from_secs(11 * 60);
/// How long a finished turn waits for what it started in the background.
const IDLE_CEILING: Duration = Duration::from_secs(10 * 60);
/// How long the agent may leave what it is told unread.
const AGENT_PATIENCE: Duration = Duration::from_secs(5);
/// How many updates wait for whoever watches before the session waits for them.
const UPDATES: usize = 256;

/// The owner of a running session.
#[derive(Debug)]
pub(super) struct SessionActor {
    recorder: Recorder,
    decider: Decider,
    asker: Arc<dyn Asker>,
    questions: Questions,
    /// What was decided about calls that the agent program has yet to ask about, by their use, with their input then.
    asked_at_gate: HashMap<String, (Value, Ruled)>,
    /// How long a question waits for its answer.
    approval_wait: Duration,
    hooks: Hooks,
    agent: InputSender,
    updates: mpsc::Sender<SessionUpdate>,
    author: Actor,
    timeout: Duration,
    /// How long it keeps its process without anything to do.
    idle: Duration,
    last_sign_of_life: Instant,
    activity: Option<Activity>,
    last_turn: Option<TurnSummary>,
    wants_to_finish: bool,
    ending: Option<Ending>,
}

/// What an actor begins with.
#[derive(Debug)]
pub(super) struct Start {
    /// Who gives prompts through its handle.
    pub(super) author: Actor,
    pub(super) idle: Duration,
    /// How long a question waits for its answer.
    pub(super) approval_wait: Duration,
    pub(super) hold: Hold,
    pub(super) decider: Decider,
    pub(super) hooks: Hooks,
    /// Recorded before anybody could watch.
    pub(super) entries: Vec<TimelineEntry>,
    /// What waited for the session to have a process.
    pub(super) told: Vec<Told>,
}

impl SessionActor {
    /// Starts the actor on an agent that is ready.
    pub(super) fn spawn(
        recorder: Recorder,
        running: RunningAgent,
        asker: Arc<dyn Asker>,
        timeout: Duration,
        start: Start,
    ) -> (SessionHandle, mpsc::Receiver<SessionUpdate>) {
        let (inputs, waiting) = mpsc::channel(16);
        let (updates, watched) = mpsc::channel(UPDATES);
        let actor = Self {
            recorder,
            decider: start.decider,
            asker,
            questions: Questions::default(),
            asked_at_gate: HashMap::new(),
            approval_wait: start.approval_wait,
            hooks: start.hooks,
            agent: running.input,
            updates,
            author: start.author,
            timeout,
            idle: start.idle,
            last_sign_of_life: Instant::now(),
            activity: None,
            last_turn: None,
            wants_to_finish: false,
            ending: None,
        };
        let begin = (start.entries, start.told);
        tokio::spawn(actor.run(running.events, waiting, start.hold, begin));
        (SessionHandle::new(inputs), watched)
    }

    async fn run(
        mut self,
        mut events: mpsc::Receiver<AgentEvent>,
        mut inputs: mpsc::Receiver<Input>,
        mut hold: Hold,
        (entries, told): (Vec<TimelineEntry>, Vec<Told>),
    ) {
        self.publish(entries).await;
        let end = match self.serve(&mut events, &mut inputs, &mut hold, told).await {
            Ok(exit) => self.end(exit).await,
            Err(error) => self.abandon(error, &mut events).await,
        };
        drop((inputs, hold));
        self.tell(SessionUpdate::Ended(end)).await;
    }

    /// Works until the process is gone or the session cannot be recorded any more.
    async fn serve(
        &mut self,
        events: &mut mpsc::Receiver<AgentEvent>,
        inputs: &mut mpsc::Receiver<Input>,
        hold: &mut Hold,
        told: Vec<Told>,
    ) -> Result<Option<Exit>, StoreError> {
        for told in told {
            self.on_told(told).await?;
        }
        let mut hears_inputs = true;
        loop {
            let (silence_ends, is_silence_counted) = (self.silence_ends(), self.is_silence_counted());
            tokio::select! {
                // In this order: a flood of events must not keep a person from ending it, and an agent that was kept
                // waiting by a slow reader of ours was not silent.
                biased;
                heard = hold.next() => match heard {
                    Heard::Lost(error) => return Err(error),
                    Heard::Told(told) => self.on_told(told).await?,
                },
                input = inputs.recv(), if hears_inputs => match input {
                    Some(input) => self.on_input(input).await?,
                    None => {
                        hears_inputs = false;
                        self.on_input(Input::Finish).await?;
                    }
                },
                Some((asked, reply)) = self.questions.next() => self.on_reply(asked, reply).await?,
                Some((about, conclusion)) = self.hooks.next() => self.on_concluded(about, conclusion).await?,
                event = events.recv() => match event {
                    Some(AgentEvent::Exited(exit)) => return Ok(Some(exit)),
                    Some(event) => self.on_event(event).await?,
                    None => return Ok(None),
                },
                () = sleep_until(silence_ends), if is_silence_counted => self.on_silence().await?,
            }
        }
    }

    async fn on_event(&mut self, event: AgentEvent) -> Result<(), StoreError> {
        self.last_sign_of_life = Instant::now();
        let entries = match event {
            AgentEvent::TurnStarted(turn) => self.recorder.turn_started(turn).await?,
            AgentEvent::PromptStarted(id) => self.recorder.prompt_started(id).await?,
            AgentEvent::Message(message) => self.recorder.message(message).await?,
            AgentEvent::Retry(body) => self.recorder.retry(body).await?,
            AgentEvent::ConversationReset(body) => self.recorder.conversation_reset(body).await?,
            AgentEvent::Garbage { line, size_bytes } => self.recorder.garbage(&line, size_bytes).await?,
            AgentEvent::Gate(request) => return self.on_gate(request).await,
            AgentEvent::Hook(call) => return self.on_hook(call).await,
            AgentEvent::Permission(request) => return self.on_permission(request).await,
            AgentEvent::RequestCancelled { request_id } => return self.on_cancelled(&request_id).await,
            AgentEvent::TurnEnded(turn) => return self.on_turn_ended(*turn).await,
            AgentEvent::Transcript(part) => return self.recorder.mirror(part).await,
            AgentEvent::Partial(partial) => {
                let entries = self.recorder.partial(&partial).await?;
                self.tell(SessionUpdate::Partial(partial)).await;
                entries
            }
            AgentEvent::Activity(activity) => {
                self.activity = Some(activity);
                self.finish_when_idle().await;
                return Ok(());
            }
            AgentEvent::Exited(_) => return Ok(()),
        };
        self.publish(entries).await;
        Ok(())
    }

    async fn on_input(&mut self, input: Input) -> Result<(), StoreError> {
        match input {
            Input::Prompt { text, recorded } => {
                let author = self.author.clone();
                let (id, entries) = self.recorder.prompt(&text, &author).await?;
                // Whoever gave the prompt may have gone away; it is recorded all the same.
                let _ = recorded.send(id);
                self.publish(entries).await;
                self.last_sign_of_life = Instant::now();
                self.tell_agent(AgentInput::Prompt { id, text }).await;
            }
            Input::Interrupt => {
                self.tell_agent(AgentInput::Interrupt).await;
                let author = self.author.clone();
                let entries = self.recorder.interrupt(&author).await?;
                self.publish(entries).await;
            }
            Input::Finish => {
                self.wants_to_finish = true;
                self.finish_when_idle().await;
            }
            Input::Stop => self.pause(Ending::Stopped).await,
            Input::Terminate => {
                self.recorder.end_by(&self.author);
                self.end_agent(Ending::Terminated, AgentInput::Kill).await;
            }
        }
        Ok(())
    }

    async fn on_turn_ended(&mut self, turn: TurnEnded) -> Result<(), StoreError> {
        let summary = TurnSummary {
            outcome: turn.outcome.clone(),
            text: turn.text.clone(),
            cost: None,
            usage: turn.usage,
            duration_ms: turn.duration_ms,
        };
        let (cost, entries) = self.recorder.turn_ended(turn).await?;
        let summary = TurnSummary { cost, ..summary };
        self.last_turn = Some(summary.clone());
        self.asked_at_gate.clear();
        self.publish(entries).await;
        if !self.recorder.has_open_prompt() {
            self.tell(SessionUpdate::TurnEnded(summary)).await;
        }
        self.finish_when_idle().await;
        Ok(())
    }

    /// The agent said nothing for too long while it should work, or while the session waits to finish.
    async fn on_silence(&mut self) -> Result<(), StoreError> {
        if self.recorder.status() == SessionStatus::Active {
            let ending = if self.wants_to_finish { Ending::Finished } else { Ending::Idle(self.idle) };
            self.end_agent(ending, AgentInput::Close).await;
            return Ok(());
        }
        let silence = self.last_sign_of_life.elapsed();
        let text = format!("no sign of life from the agent for {} s", silence.as_secs());
        let entries = self.recorder.note_error("timeout", text).await?;
        self.publish(entries).await;
        self.tell_agent(AgentInput::Interrupt).await;
        self.end_agent(Ending::Silent(silence), AgentInput::Close).await;
        Ok(())
    }

    fn is_silence_counted(&self) -> bool {
        let is_owed = match self.recorder.status() {
            SessionStatus::Processing => true,
            SessionStatus::Active => self.wants_to_finish || self.is_idle(),
            _ => false,
        };
        // While hooks run, it is the agent that waits.
        is_owed && self.ending.is_none() && self.hooks.is_empty()
    }

    fn silence_ends(&self) -> Instant {
        let limit = match self.recorder.status() {
            SessionStatus::Active if self.wants_to_finish => IDLE_CEILING,
            SessionStatus::Active => self.idle,
            _ if self.recorder.has_running_tool() => self.timeout.max(TOOL_CEILING),
            _ => self.timeout,
        };
        self.last_sign_of_life + limit
    }

    /// Ends the process once nothing is owed: the turn is over and the agent is idle, or never says whether it is.
    async fn finish_when_idle(&mut self) {
        let is_ready = self.recorder.status() == SessionStatus::Active && !self.recorder.has_open_prompt();
        if self.wants_to_finish && is_ready && self.is_idle() {
            self.end_agent(Ending::Finished, AgentInput::Close).await;
        }
    }

    /// Whether the agent does nothing, as far as it says.
    const fn is_idle(&self) -> bool {
        matches!(self.activity, None | Some(Activity::Idle))
    }

    async fn publish(&self, entries: Vec<TimelineEntry>) {
        for entry in entries {
            self.tell(SessionUpdate::Entry(Box::new(entry))).await;
        }
    }

    async fn tell(&self, update: SessionUpdate) {
        // Nobody has to watch.
        drop(self.updates.send(update).await);
    }

    /// Tells the agent. One that reads nothing is ended, for the session must not wait for it forever.
    async fn tell_agent(&mut self, input: AgentInput) {
        match timeout(AGENT_PATIENCE, self.agent.send(input)).await {
            Ok(Ok(())) => {}
            Ok(Err(gone)) => {
                tracing::debug!(session.id = %self.recorder.session_id(), error = %gone, "nobody was told");
            }
            Err(_) => {
                self.ending.get_or_insert(Ending::Deaf);
                // Being killed passes by the queue of what is unread.
                let _ = self.agent.send(AgentInput::Kill).await;
            }
        }
    }
}
