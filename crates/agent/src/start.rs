//! From a launch to an agent program that is ready for prompts.

use std::{process::ExitStatus, time::Duration};

use domain::agent_event::{AgentEvent, AgentInput, Exit};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use crate::{
    InputSender, Launch, MINIMUM_VERSION, Runtime, StartError, StartingAgent, Version,
    claude::{Greeting, Handshake, HandshakeFailure, UNKNOWN, initialize},
    command_line::CommandLine,
    process::Process,
    running_agent::Stop,
    scripted::Scenario,
    session_hook::{HookSocket, Told, next_of, prepare},
    starting_agent::Greeted,
    supervisor::{DRAIN, OwnerSide, Supervisor, Wires, exit},
    version,
};

const INITIALIZE: &str = "provost-0";
/// Events and inputs that wait for the other side.
const EVENTS_AHEAD: usize = 32;
const INPUTS_AHEAD: usize = 32;

/// Starts an agent program, which is not ready yet. Every tool call will be asked about, by
/// [`Gate`](domain::agent_event::AgentEvent::Gate).
///
/// # Errors
/// See [`StartError`]; in each case no process is left.
pub async fn start(mut launch: Launch) -> Result<StartingAgent, StartError> {
    check_scenario(&launch.runtime)?;
    if let Some(switch) = launch.ungating_switch() {
        return Err(StartError::Ungated { switch });
    }
    let socket = prepare(&mut launch)?;
    let command_line = CommandLine::of(&launch);
    let (process, streams) =
        Process::spawn(command_line, &launch.working_directory, &launch.environment).await?;
    let wires = Wires::connect(streams, &launch.limits);
    let (input_sender, inputs) = mpsc::channel(INPUTS_AHEAD);
    let (stop_sender, stop) = watch::channel(Stop::No);
    let (event_sender, events) = mpsc::channel(EVENTS_AHEAD + 1);
    let (told_sender, told) = mpsc::channel(EVENTS_AHEAD);
    let (outcome_sender, outcome) = oneshot::channel();
    let place_of_exit = event_sender.clone().try_reserve_owned().ok();
    let pid = process.pid();
    let owner = OwnerSide { inputs, stop, events: event_sender, place_of_exit };
    let start = Start { launch, process, wires, socket, owner, told: told_sender };
    tokio::spawn(start.run(outcome_sender));
    let input = InputSender { inputs: input_sender, stop: stop_sender };
    Ok(StartingAgent { pid, input, told, events, outcome, settled: None })
}

/// A program on its way to being ready.
struct Start {
    launch: Launch,
    process: Process,
    wires: Wires,
    socket: Option<HookSocket>,
    owner: OwnerSide,
    told: mpsc::Sender<AgentEvent>,
}

enum Outcome {
    Ready(Greeting),
    Failed(HandshakeFailure),
    Ended(Option<ExitStatus>),
    TimedOut,
    NobodyListens,
}

enum Failure {
    Known(StartError),
    Ended(Option<ExitStatus>),
}

impl Start {
    /// Says whether it is ready, and goes on with it until it ends.
    async fn run(mut self, outcome: oneshot::Sender<Result<Greeted, StartError>>) {
        let failure = match self.shake_hands().await {
            Outcome::Ready(greeting) => match too_old(&self.launch.runtime, &greeting) {
                None => return self.supervise(greeting, outcome).await,
                Some(error) => Failure::Known(error),
            },
            Outcome::Failed(failure) => Failure::Known(from_handshake(failure, &self.launch)),
            Outcome::Ended(status) => Failure::Ended(status),
            Outcome::TimedOut => {
                Failure::Known(StartError::HandshakeTimeout { after: self.launch.limits.handshake })
            }
            // Dropping the process ends it.
            Outcome::NobodyListens => return,
        };
        let _ended_by_us = self.process.kill_and_wait().await;
        let error = match failure {
            Failure::Known(error) => error,
            Failure::Ended(status) => {
                explain(exit(status, false, self.wires.stderr.finish().await), &self.launch).await
            }
        };
        drop(outcome.send(Err(error)));
    }

    async fn supervise(self, greeting: Greeting, outcome: oneshot::Sender<Result<Greeted, StartError>>) {
        let Greeting { version, account, backlog } = greeting;
        drop(self.told);
        // Nobody who listens is heard of by the supervisor as well.
        drop(outcome.send(Ok(Greeted { version, account })));
        let grace = self.launch.limits.shutdown_grace;
        Supervisor::new(self.process, self.wires, self.socket, self.owner, grace).run(backlog).await;
    }

    /// Asks and listens until there is an answer, or the program ended and all its words are heard. The agent CLI runs the hooks of
    /// its session's start before it answers; its time begins anew after them, once.
    async fn shake_hands(&mut self) -> Outcome {
        self.wires.send(initialize(INITIALIZE)).await;
        let mut handshake = Handshake::new(INITIALIZE);
        let mut ended = None;
        let mut deadline = Instant::now() + self.launch.limits.handshake;
        let (mut was_waited_for, mut was_extended) = (false, false);
        loop {
            let is_waited_for = self.socket.as_ref().is_some_and(HookSocket::is_waited_for);
            if was_waited_for && !is_waited_for && !was_extended {
                deadline = Instant::now() + self.launch.limits.handshake;
                was_extended = true;
            }
            was_waited_for = is_waited_for;
            let heard = tokio::select! {
                biased;
                () = self.told.closed() => return Outcome::NobodyListens,
                // Before anything that takes room at the owner, who may wait for room here.
                Some(input) = self.owner.inputs.recv() => {
                    self.on_input(input);
                    continue;
                }
                told = next_of(&mut self.socket) => {
                    self.on_told(told).await;
                    continue;
                }
                heard = self.wires.heard.recv() => heard,
                status = self.process.wait(), if ended.is_none() => {
                    ended = Some(status.ok());
                    continue;
                }
                () = tokio::time::sleep(DRAIN), if ended.is_some() => None,
                () = sleep_until(deadline), if !is_waited_for => return Outcome::TimedOut,
            };
            let Some(heard) = heard else {
                return Outcome::Ended(match ended {
                    Some(status) => status,
                    None => ends_soon(&mut self.process).await,
                });
            };
            if self.socket.as_mut().is_some_and(|socket| socket.is_repeated(&heard)) {
                continue;
            }
            match handshake.hear(heard) {
                Some(Ok(greeting)) => return Outcome::Ready(greeting),
                Some(Err(failure)) => return Outcome::Failed(failure),
                None => {}
            }
        }
    }

    /// A session that has not begun has no end: what the agent CLI tells of one it did not find is left alone.
    async fn on_told(&mut self, told: Told) {
        let Some(socket) = &mut self.socket else { return };
        let event = match told {
            Told::Call { call, .. } if call.event.as_str() == "SessionEnd" => return,
            Told::Call { call, answers } => {
                socket.owe(&call, answers);
                AgentEvent::Hook(call)
            }
            Told::Withdrawn { request_id } if socket.withdraw(&request_id) => {
                AgentEvent::RequestCancelled { request_id }
            }
            Told::Withdrawn { .. } => return,
        };
        // Nobody listening is heard of at once.
        drop(self.told.send(event).await);
    }

    /// Before it is ready, a program is told nothing but what hooks say.
    fn on_input(&mut self, input: AgentInput) {
        if let (Some(socket), AgentInput::AnswerHook { request_id, answer }) = (&mut self.socket, input) {
            let _unknown = socket.answer(&request_id, answer);
        }
    }
}

fn check_scenario(runtime: &Runtime) -> Result<(), StartError> {
    match runtime {
        Runtime::Claude { .. } => Ok(()),
        Runtime::Scripted { scenario, .. } => match Scenario::read(scenario) {
            Ok(_) => Ok(()),
            Err(source) => Err(StartError::BadScenario { path: scenario.clone(), source }),
        },
    }
}

/// A program that closed its output is about to end; one that does not is ended.
async fn ends_soon(process: &mut Process) -> Option<ExitStatus> {
    const LONGEST_WAIT: Duration = Duration::from_secs(1);
    tokio::time::timeout(LONGEST_WAIT, process.wait()).await.ok()?.ok()
}

fn from_handshake(failure: HandshakeFailure, launch: &Launch) -> StartError {
    match (failure, &launch.options.resume) {
        (HandshakeFailure::ResumeUnknown, Some(id)) => StartError::ResumeUnknown { external_id: id.clone() },
        (HandshakeFailure::ResumeUnknown, None) => {
            StartError::Refused { message: "it has no such session".to_owned() }
        }
        (HandshakeFailure::Refused(message), _) => StartError::Refused { message },
    }
}

/// The scripted agent is this same binary, so it is never too old.
fn too_old(runtime: &Runtime, greeting: &Greeting) -> Option<StartError> {
    let Runtime::Claude { .. } = runtime else { return None };
    older_than_needed(greeting.version.as_deref()?.parse().ok()?)
}

fn older_than_needed(found: Version) -> Option<StartError> {
    (found < MINIMUM_VERSION).then_some(StartError::TooOld { found, needed: MINIMUM_VERSION })
}

/// Tells from its last words why a program ended before it was ready.
async fn explain(exit: Exit, launch: &Launch) -> StartError {
    let says = |words: &str| exit.stderr_tail.contains(words);
    if let Some(id) = launch.options.resume.as_ref().filter(|_| UNKNOWN.into_iter().any(says)) {
        return StartError::ResumeUnknown { external_id: id.clone() };
    }
    if says("already in use") {
        return StartError::SessionIdInUse;
    }
    if let Runtime::Claude { command, .. } = &launch.runtime
        && says("unknown option")
        && let Ok(found) = version(command).await
        && let Some(error) = older_than_needed(found)
    {
        return error;
    }
    StartError::ExitedEarly(exit)
}
