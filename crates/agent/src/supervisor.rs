//! The actor that owns a running agent program. A reader and a writer exchange typed messages with it, so that neither
//! a program that does not read nor an owner that does not listen can keep it from ending the program.

mod queue;
mod shutdown;
mod wires;

use std::{collections::VecDeque, io, process::ExitStatus, time::Duration};

use domain::agent_event::{AgentEvent, AgentInput, Exit};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

pub(crate) use self::wires::Wires;
use self::{
    queue::{hand_over_first, sleep_until},
    shutdown::{Shutdown, Urge},
};
use crate::{
    claude::{Conversation, Heard, Step},
    process::{Process, signal_of},
    running_agent::Stop,
    session_hook::{HookSocket, Told, next_of},
};

/// After the end of the process, how long a stray process may hold its output open without writing.
pub(crate) const DRAIN: Duration = Duration::from_millis(500);
/// How long a stray process may go on writing to the output of one that ended.
const MOST_NOISE: Duration = Duration::from_secs(5);
/// Lines heard after the end of the process: more than the buffers held when it ended.
const MOST_NOISE_LINES: usize = 16 * 1024;
/// After a kill, how long an owner may take no event before it gets only the exit.
const FAREWELL: Duration = Duration::from_secs(5);
/// Lines made and not yet taken by the writer; from here on no further input is accepted.
const MOST_UNSENT_INPUTS: usize = 16;
/// From here on nothing is heard, because what is heard may call for an answer. Above what inputs alone make, even
/// at a close: a program may write before it reads them.
const MOST_UNSENT: usize = 64;

/// A running agent program and what is on its way to and from its owner.
pub(crate) struct Supervisor {
    process: Process,
    wires: Wires,
    conversation: Conversation,
    socket: Option<HookSocket>,
    owner: OwnerSide,
    unsent: VecDeque<String>,
    untold: VecDeque<AgentEvent>,
    shutdown: Shutdown,
    has_heard_all: bool,
    has_all_inputs: bool,
}

/// The supervisor's ends of the channels to the owner.
pub(crate) struct OwnerSide {
    pub(crate) inputs: mpsc::Receiver<AgentInput>,
    pub(crate) stop: watch::Receiver<Stop>,
    pub(crate) events: mpsc::Sender<AgentEvent>,
    /// Kept free, so that the exit is told even to an owner that takes nothing.
    pub(crate) place_of_exit: Option<mpsc::OwnedPermit<AgentEvent>>,
}

/// What happens next.
enum Next {
    Stop(Stop),
    Deadline,
    Told,
    Sent,
    NobodyListens,
    InputClosed,
    Heard(Option<Heard>),
    HookTold(Told),
    Input(Option<AgentInput>),
    Ended(io::Result<ExitStatus>),
}

impl Supervisor {
    pub(crate) fn new(
        process: Process,
        wires: Wires,
        socket: Option<HookSocket>,
        owner: OwnerSide,
        grace: Duration,
    ) -> Self {
        Self {
            process,
            wires,
            conversation: Conversation::default(),
            socket,
            owner,
            unsent: VecDeque::new(),
            untold: VecDeque::new(),
            shutdown: Shutdown::new(grace),
            has_heard_all: false,
            has_all_inputs: false,
        }
    }

    /// Runs until the process has ended and what it said was told; takes in `backlog` first.
    pub(crate) async fn run(mut self, backlog: Vec<Heard>) {
        for heard in backlog {
            self.take_in(heard);
        }
        let status = loop {
            match self.next().await {
                Next::Ended(status) => break status,
                next => self.handle(next),
            }
        };
        self.owner.inputs.close();
        self.wires.close_input();
        let somebody_listens = self.drain().await;
        self.say_goodbye(status, somebody_listens).await;
    }

    async fn next(&mut self) -> Next {
        let is_waited_for = self.socket.as_ref().is_some_and(HookSocket::is_waited_for);
        self.shutdown.note(is_waited_for, Instant::now());
        let deadlines = [self.shutdown.deadline(), self.conversation.next_deadline()];
        let may_hear = self.untold.is_empty() && self.unsent.len() < MOST_UNSENT && !self.has_heard_all;
        let may_hear_hooks = self.untold.is_empty();
        // Once the input is closed, nothing is sent any more; hooks may still be answered.
        let has_room = self.unsent.len() < MOST_UNSENT_INPUTS || self.shutdown.was_asked();
        let may_take_input = has_room && !self.has_all_inputs;
        let somebody_may_listen = !self.shutdown.is_last_stage();
        tokio::select! {
            biased;
            Ok(()) = self.owner.stop.changed() => Next::Stop(*self.owner.stop.borrow_and_update()),
            () = sleep_until(deadlines.into_iter().flatten().min()) => Next::Deadline,
            () = self.owner.events.closed(), if somebody_may_listen => Next::NobodyListens,
            Ok(()) = hand_over_first(&mut self.untold, Some(&self.owner.events)) => Next::Told,
            sent = hand_over_first(&mut self.unsent, self.wires.lines.as_ref()) => {
                if sent.is_ok() { Next::Sent } else { Next::InputClosed }
            }
            status = self.process.wait() => Next::Ended(status),
            told = next_of(&mut self.socket), if may_hear_hooks => Next::HookTold(told),
            heard = self.wires.heard.recv(), if may_hear => Next::Heard(heard),
            input = self.owner.inputs.recv(), if may_take_input => Next::Input(input),
        }
    }

    fn handle(&mut self, next: Next) {
        let now = Instant::now();
        match next {
            Next::Stop(Stop::No) | Next::Told | Next::Ended(_) => {}
            Next::Stop(Stop::Close) => self.close(now),
            Next::Stop(Stop::Kill) | Next::NobodyListens => self.kill(),
            Next::Deadline => self.pass_deadline(now),
            Next::Sent => self.close_input_when_all_is_sent(),
            Next::InputClosed => self.unsent.clear(),
            Next::Heard(Some(heard)) => self.take_in(heard),
            Next::Heard(None) => self.has_heard_all = true,
            Next::HookTold(told) => self.take_in_hook(told),
            Next::Input(Some(input)) => self.pass_on(input, now),
            Next::Input(None) => {
                self.has_all_inputs = true;
                self.socket.as_mut().map(HookSocket::end);
                self.close(now);
            }
        }
    }

    /// After the end was asked for, only hooks are answered.
    fn pass_on(&mut self, input: AgentInput, now: Instant) {
        let input = match (input, &mut self.socket) {
            (AgentInput::AnswerHook { request_id, answer }, Some(socket)) => {
                match socket.answer(&request_id, answer) {
                    Ok(()) => return,
                    Err(answer) => AgentInput::AnswerHook { request_id, answer },
                }
            }
            (input, _) => input,
        };
        if !self.shutdown.was_asked() {
            self.unsent.extend(self.conversation.tell(input, now));
        }
    }

    fn take_in_hook(&mut self, told: Told) {
        let Some(socket) = &mut self.socket else { return };
        match told {
            // Nobody is left who could answer, so there is nothing to say.
            Told::Call { .. } if self.has_all_inputs => {}
            Told::Call { call, answers } => {
                socket.owe(&call, answers);
                self.untold.push_back(AgentEvent::Hook(call));
            }
            Told::Withdrawn { request_id } if socket.withdraw(&request_id) => {
                self.untold.push_back(AgentEvent::RequestCancelled { request_id });
            }
            Told::Withdrawn { .. } => {}
        }
    }

    fn take_in(&mut self, heard: Heard) {
        if self.socket.as_mut().is_some_and(|socket| socket.is_repeated(&heard)) {
            return;
        }
        match self.conversation.hear(heard) {
            Step::Tell(event) => self.untold.push_back(*event),
            Step::Send(line) if self.wires.lines.is_some() => self.unsent.push_back(line),
            Step::Send(_) | Step::Nothing => {}
        }
    }

    /// What was sent before is still handed over; then the input is closed.
    fn close(&mut self, now: Instant) {
        while let Ok(input) = self.owner.inputs.try_recv() {
            self.pass_on(input, now);
        }
        self.process.observe();
        self.shutdown.begin(now);
        self.close_input_when_all_is_sent();
    }

    fn close_input_when_all_is_sent(&mut self) {
        if self.shutdown.was_asked() && self.unsent.is_empty() {
            self.wires.close_input();
        }
    }

    fn kill(&mut self) {
        self.shutdown.skip_to_last_stage();
        self.process.kill();
    }

    fn pass_deadline(&mut self, now: Instant) {
        self.untold.extend(self.conversation.expire(now));
        match self.shutdown.pass(now) {
            Some(Urge::Terminate) => self.process.terminate(),
            Some(Urge::Kill) => self.process.kill(),
            None => {}
        }
    }

    /// Tells what the process wrote before it ended; whether the owner still listens. A stray process that goes on
    /// writing is heard for a while only. The time the owner takes does not count, so that a slow one loses nothing.
    async fn drain(&mut self) -> bool {
        let longest = if self.shutdown.is_last_stage() { DRAIN } else { MOST_NOISE };
        let mut noise = Duration::ZERO;
        for _ in 0..MOST_NOISE_LINES {
            if !self.tell_all().await {
                return false;
            }
            let began = Instant::now();
            let Some(heard) = self.hear_leftover(DRAIN.min(longest.saturating_sub(noise))).await else {
                break;
            };
            noise += began.elapsed();
            self.take_in(heard);
        }
        true
    }

    /// The next thing said; `None` when there is none in time or the owner asks for a kill now.
    async fn hear_leftover(&mut self, longest: Duration) -> Option<Heard> {
        let was_killed = self.shutdown.is_last_stage();
        tokio::select! {
            biased;
            () = killed(&mut self.owner.stop), if !was_killed => None,
            heard = self.wires.heard.recv() => heard,
            () = tokio::time::sleep(longest) => None,
        }
    }

    /// Tells what is untold; whether the owner took it all.
    async fn tell_all(&mut self) -> bool {
        while !self.untold.is_empty() {
            let was_told = tokio::select! {
                biased;
                told = hand_over_first(&mut self.untold, Some(&self.owner.events)) => told.is_ok(),
                () = lost_patience(&mut self.owner.stop) => false,
            };
            if !was_told {
                return false;
            }
        }
        true
    }

    async fn say_goodbye(mut self, status: io::Result<ExitStatus>, somebody_listens: bool) {
        if somebody_listens {
            let waited = self.socket.take().map(|mut socket| socket.end()).unwrap_or_default();
            let cancelled = waited.into_iter().map(|request_id| AgentEvent::RequestCancelled { request_id });
            self.untold.extend(self.conversation.end().into_iter().chain(cancelled));
            self.tell_all().await;
        }
        let was_asked = self.shutdown.was_asked();
        let exit = exit(status.ok(), was_asked, self.wires.stderr.finish().await);
        drop(self.owner.stop);
        if let Some(place) = self.owner.place_of_exit {
            place.send(AgentEvent::Exited(exit));
        }
    }
}

/// Waits until the owner asked for a kill; for ever when it cannot any more.
async fn killed(stop: &mut watch::Receiver<Stop>) {
    if stop.wait_for(|stop| *stop == Stop::Kill).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Waits until the owner asked for a kill and a while longer.
async fn lost_patience(stop: &mut watch::Receiver<Stop>) {
    killed(stop).await;
    tokio::time::sleep(FAREWELL).await;
}

/// How a process ended; a status is missing when the system lost it.
pub(crate) fn exit(status: Option<ExitStatus>, was_asked: bool, stderr_tail: String) -> Exit {
    Exit {
        code: status.and_then(|status| status.code()),
        signal: status.and_then(signal_of),
        was_asked,
        stderr_tail,
    }
}
