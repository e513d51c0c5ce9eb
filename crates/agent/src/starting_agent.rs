//! An agent program that is getting ready, as its owner sees it.

use domain::{
    agent_event::{AgentEvent, AgentInput},
    hook::HookAnswer,
};
use tokio::sync::{mpsc, oneshot};

use crate::{Account, InputSender, RunningAgent, StartError, supervisor::exit};

/// An agent program that was started and is not ready yet. It may wait for the hooks of its session's start until then.
///
/// Dropping it ends the program at once, children included.
#[derive(Debug)]
pub struct StartingAgent {
    pub(crate) pid: u32,
    pub(crate) input: InputSender,
    /// What it tells until it is ready; what comes later is in `events`.
    pub(crate) told: mpsc::Receiver<AgentEvent>,
    pub(crate) events: mpsc::Receiver<AgentEvent>,
    pub(crate) outcome: oneshot::Receiver<Result<Greeted, StartError>>,
    pub(crate) settled: Option<Result<Greeted, StartError>>,
}

/// What a program said about itself when it got ready.
#[derive(Debug)]
pub(crate) struct Greeted {
    pub(crate) version: Option<String>,
    pub(crate) account: Account,
}

impl StartingAgent {
    /// What it tells before it is ready: [`AgentEvent::Hook`], and [`AgentEvent::RequestCancelled`] about one. `None` once it is
    /// ready or will never be, which [`ready`](Self::ready) says. Cancel safe.
    pub async fn next(&mut self) -> Option<AgentEvent> {
        if self.settled.is_none() {
            tokio::select! {
                biased;
                Some(event) = self.told.recv() => return Some(event),
                outcome = &mut self.outcome => self.settled = Some(outcome.unwrap_or_else(|_| Err(lost()))),
            }
        }
        // It may have been told in the last moment.
        self.told.try_recv().ok()
    }

    /// Says what hooks say to an event. Nothing happens when nobody waits for it any more.
    pub async fn answer(&self, request_id: String, answer: HookAnswer) {
        let _gone = self.input.send(AgentInput::AnswerHook { request_id, answer }).await;
    }

    /// Waits until it is ready. Hooks have nothing to say meanwhile.
    ///
    /// # Errors
    /// See [`StartError`]; in each case no process is left.
    pub async fn ready(mut self) -> Result<RunningAgent, StartError> {
        while let Some(event) = self.next().await {
            if let AgentEvent::Hook(call) = event {
                self.answer(call.request_id, HookAnswer::default()).await;
            }
        }
        let Greeted { version, account } = self.settled.unwrap_or_else(|| Err(lost()))?;
        Ok(RunningAgent { pid: self.pid, version, account, input: self.input, events: self.events })
    }
}

/// Whoever watched the program is gone, and the program with it.
fn lost() -> StartError {
    StartError::ExitedEarly(exit(None, false, String::new()))
}
