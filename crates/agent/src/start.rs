//! From a launch to an agent program that is ready for prompts.

use std::{process::ExitStatus, time::Duration};

use domain::agent_event::Exit;
use tokio::sync::{mpsc, watch};

use crate::{
    InputSender, Launch, Limits, MINIMUM_VERSION, RunningAgent, Runtime, StartError, Version,
    claude::{Greeting, Handshake, HandshakeFailure, UNKNOWN, initialize},
    command_line::CommandLine,
    process::Process,
    running_agent::Stop,
    scripted::Scenario,
    supervisor::{DRAIN, OwnerSide, Supervisor, Wires, exit},
    version,
};

const INITIALIZE: &str = "provost-0";
/// Events and inputs that wait for the other side.
const EVENTS_AHEAD: usize = 32;
const INPUTS_AHEAD: usize = 32;

/// Starts an agent program and waits until it answered `initialize`. Every tool call will be asked about, by
/// [`Gate`](domain::agent_event::AgentEvent::Gate).
///
/// # Errors
/// See [`StartError`]; in each case no process is left.
pub async fn start(launch: Launch) -> Result<RunningAgent, StartError> {
    check_scenario(&launch.runtime)?;
    let command_line = CommandLine::of(&launch);
    let (mut process, streams) =
        Process::spawn(command_line, &launch.working_directory, &launch.environment).await?;
    let mut wires = Wires::connect(streams, &launch.limits);
    let outcome = tokio::time::timeout(launch.limits.handshake, shake_hands(&mut process, &mut wires)).await;
    let failure = match outcome {
        Ok(Outcome::Ready(greeting)) => match too_old(&launch.runtime, &greeting) {
            None => return Ok(supervise(process, wires, greeting, &launch.limits)),
            Some(error) => Failure::Known(error),
        },
        Ok(Outcome::Failed(failure)) => Failure::Known(from_handshake(failure, &launch)),
        Ok(Outcome::Ended(status)) => Failure::Ended(status),
        Err(_) => Failure::Known(StartError::HandshakeTimeout { after: launch.limits.handshake }),
    };
    let _ended_by_us = process.kill_and_wait().await;
    match failure {
        Failure::Known(error) => Err(error),
        Failure::Ended(status) => {
            Err(explain(exit(status, false, wires.stderr.finish().await), &launch).await)
        }
    }
}

enum Outcome {
    Ready(Greeting),
    Failed(HandshakeFailure),
    Ended(Option<ExitStatus>),
}

enum Failure {
    Known(StartError),
    Ended(Option<ExitStatus>),
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

/// Asks and listens until there is an answer, or the program ended and all its words are heard.
async fn shake_hands(process: &mut Process, wires: &mut Wires) -> Outcome {
    wires.send(initialize(INITIALIZE)).await;
    let mut handshake = Handshake::new(INITIALIZE);
    let mut ended = None;
    loop {
        let heard = tokio::select! {
            biased;
            heard = wires.heard.recv() => heard,
            status = process.wait(), if ended.is_none() => {
                ended = Some(status.ok());
                continue;
            }
            () = tokio::time::sleep(DRAIN), if ended.is_some() => None,
        };
        let Some(heard) = heard else {
            return Outcome::Ended(match ended {
                Some(status) => status,
                None => ends_soon(process).await,
            });
        };
        match handshake.hear(heard) {
            Some(Ok(greeting)) => return Outcome::Ready(greeting),
            Some(Err(failure)) => return Outcome::Failed(failure),
            None => {}
        }
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
    if let Runtime::Claude { command } = &launch.runtime
        && says("unknown option")
        && let Ok(found) = version(command).await
        && let Some(error) = older_than_needed(found)
    {
        return error;
    }
    StartError::ExitedEarly(exit)
}

fn supervise(process: Process, wires: Wires, greeting: Greeting, limits: &Limits) -> RunningAgent {
    let (input_sender, inputs) = mpsc::channel(INPUTS_AHEAD);
    let (stop_sender, stop) = watch::channel(Stop::No);
    let (event_sender, events) = mpsc::channel(EVENTS_AHEAD + 1);
    let place_of_exit = event_sender.clone().try_reserve_owned().ok();
    let pid = process.pid();
    let owner = OwnerSide { inputs, stop, events: event_sender, place_of_exit };
    let supervisor = Supervisor::new(process, wires, owner, limits.shutdown_grace);
    tokio::spawn(supervisor.run(greeting.backlog));
    RunningAgent {
        pid,
        version: greeting.version,
        account: greeting.account,
        input: InputSender { inputs: input_sender, stop: stop_sender },
        events,
    }
}
