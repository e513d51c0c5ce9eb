//! Driving a running session from a terminal: prompts in, the transcript out, Ctrl-C in between.

use app::session::{RunningSession, SessionEnd, SessionHandle, SessionUpdate};
use domain::{session_status::SessionStatus, timeline::TimelineItem};

use crate::{
    failure::{Code, Failure},
    signals::{Interruption, Signals},
    terminal::{Terminal, keyboard::Keyboard, transcript::Transcript},
};

/// Where prompts come from.
#[derive(Debug)]
pub(crate) struct Prompts {
    pub(crate) first: Option<String>,
    /// The person types further ones.
    pub(crate) keyboard: Option<Keyboard>,
}

/// Drives a session to its end.
pub(crate) async fn drive(
    terminal: Terminal,
    running: RunningSession,
    prompts: Prompts,
) -> Result<SessionEnd, Failure> {
    let RunningSession { session, handle, mut updates } = running;
    let mut driver = Driver { terminal, handle, keyboard: prompts.keyboard, state: State::Idle };
    let mut transcript = Transcript::new(terminal);
    let mut signals = Signals::listen()?;
    let mut unwritten = transcript.begin(&session).err();
    match prompts.first {
        _ if unwritten.is_some() => driver.interrupted(Interruption::End),
        Some(prompt) => driver.prompt(prompt),
        None => driver.next_prompt(),
    }
    loop {
        tokio::select! {
            update = updates.recv() => {
                let Some(update) = update else {
                    return Err(Failure::new(Code::Internal, "the session's actor stopped without a word"));
                };
                if unwritten.is_none() && let Err(failure) = transcript.update(&update) {
                    // A session nobody can follow does not go on, and is ended in order.
                    unwritten = Some(failure);
                    driver.interrupted(Interruption::End);
                }
                driver.notice(&update);
                match update {
                    SessionUpdate::Ended(end) => return unwritten.map_or(Ok(end), Err),
                    SessionUpdate::TurnEnded(_) => driver.next_prompt(),
                    SessionUpdate::Entry(_) | SessionUpdate::Partial(_) => {}
                }
            }
            line = next_line(driver.keyboard.as_ref()), if driver.state == State::Typing => driver.typed(line),
            interruption = signals.next() => driver.interrupted(interruption),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was asked of the agent yet.
    Idle,
    /// The agent works.
    Working,
    /// It was interrupted and has not stopped yet.
    Interrupted,
    /// The person types the next prompt.
    Typing,
    /// The session is about to end.
    Ending,
}

struct Driver {
    terminal: Terminal,
    handle: SessionHandle,
    keyboard: Option<Keyboard>,
    state: State,
}

impl Driver {
    fn prompt(&mut self, text: String) {
        self.state = State::Working;
        self.tell(Words::Prompt(text));
    }

    fn next_prompt(&mut self) {
        match (self.state, &self.keyboard) {
            (State::Ending, _) => {}
            (_, Some(_)) => {
                self.state = State::Typing;
                self.terminal.say("\ntype the next prompt, or press Ctrl-D to end:");
            }
            (_, None) => self.finish(),
        }
    }

    /// An agent that begins to work by itself may ask something, and then what is typed must be the answer, no prompt.
    fn notice(&mut self, update: &SessionUpdate) {
        let SessionUpdate::Entry(entry) = update else { return };
        let TimelineItem::Transition(transition) = &entry.item else { return };
        let works = matches!(transition.to, SessionStatus::Processing | SessionStatus::Waiting);
        if works && self.state == State::Typing {
            self.state = State::Working;
            self.terminal.say("the agent goes on by itself");
        }
    }

    fn typed(&mut self, line: Option<String>) {
        match line {
            Some(line) if line.trim().is_empty() => {}
            Some(line) => self.prompt(line),
            None => self.finish(),
        }
    }

    /// Ctrl-C interrupts a working agent once and ends the session the second time; without work it ends at once.
    fn interrupted(&mut self, interruption: Interruption) {
        match (interruption, self.state) {
            (Interruption::CtrlC, State::Working) => {
                self.state = State::Interrupted;
                self.terminal.say("\ninterrupting; press Ctrl-C again to end the session");
                self.tell(Words::Interrupt);
            }
            (Interruption::CtrlC, State::Typing | State::Idle) => self.finish(),
            (Interruption::CtrlC | Interruption::End, _) => {
                self.state = State::Ending;
                self.tell(Words::Terminate);
            }
        }
    }

    fn finish(&mut self) {
        self.state = State::Ending;
        self.tell(Words::Finish);
    }

    /// Tells the session without waiting for it: it may itself wait for its updates to be read. A session that ended
    /// meanwhile says so itself.
    fn tell(&self, words: Words) {
        let handle = self.handle.clone();
        tokio::spawn(async move {
            let told = match words {
                Words::Prompt(text) => handle.prompt(text).await.map(drop),
                Words::Interrupt => handle.interrupt().await,
                Words::Finish => handle.finish().await,
                Words::Terminate => handle.terminate().await,
            };
            if let Err(gone) = told {
                tracing::debug!(error = %gone, "nobody was there to be told");
            }
        });
    }
}

/// What a session is told.
enum Words {
    Prompt(String),
    Interrupt,
    Finish,
    Terminate,
}

async fn next_line(keyboard: Option<&Keyboard>) -> Option<String> {
    keyboard?.line().await
}
