//! How a session comes to rest: why its process ended, where that leaves the session, and what is told of it.

use std::time::Duration;

use domain::{
    agent_event::{AgentEvent, AgentInput, Exit, TurnOutcome},
    session_status::SessionStatus,
};
use store::StoreError;
use tokio::sync::mpsc;

use super::{AGENT_PATIENCE, SessionActor};
use crate::session::update::{SessionEnd, TurnSummary};

/// Why the process was asked to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    Finished,
    Terminated,
    Paused,
    /// Whoever runs it lets go of it; what it was told waits for the next process.
    Stopped,
    Idle(Duration),
    Silent(Duration),
    Deaf,
}

impl SessionActor {
    pub(super) async fn end_agent(&mut self, ending: Ending, how: AgentInput) {
        // The first reason stands; a person may still end sooner what is already ending.
        self.ending.get_or_insert(ending);
        self.tell_agent(how).await;
    }

    /// Records where the session comes to rest.
    pub(super) async fn end(&mut self, exit: Option<Exit>) -> SessionEnd {
        if let Err(error) = self.cancel_questions().await {
            tracing::error!(session.id = %self.recorder.session_id(), error = %error, "questions wait that nobody asks any more");
        }
        if let Err(error) = self.withdraw_hooks().await {
            tracing::error!(session.id = %self.recorder.session_id(), error = %error, "runs of hooks are not recorded");
        }
        let (status, reason, error) = self.resting_place(exit);
        let author = self.author.clone();
        let is_stopped = self.ending == Some(Ending::Stopped);
        let was_interrupted = |turn: &TurnSummary| turn.outcome == TurnOutcome::Interrupted;
        let is_unfinished =
            self.recorder.has_begun_prompt() || self.last_turn.as_ref().is_some_and(was_interrupted);
        let outcome = self.recorder.ended(status, &reason, error.clone(), &author, is_stopped).await;
        let rest = SessionEnd {
            status: self.recorder.status(),
            error,
            last_outcome: self
                .last_turn
                .take_if(|_| self.ending == Some(Ending::Finished))
                .map(|turn| turn.outcome),
            has_used_tools: self.recorder.has_used_tools(),
            answered: self.recorder.last_answered(),
            is_stopped,
            is_unfinished,
        };
        match outcome {
            Ok(entries) => {
                self.publish(entries).await;
                rest
            }
            Err(store) => {
                let error = Some(format!("the end could not be recorded: {store}"));
                SessionEnd { status, error, has_used_tools: true, ..rest }
            }
        }
    }

    fn resting_place(&self, exit: Option<Exit>) -> (SessionStatus, String, Option<String>) {
        let failed = |text: String| (SessionStatus::Failed, "the session failed".to_owned(), Some(text));
        match (&self.ending, exit) {
            (Some(Ending::Terminated), _) => {
                (SessionStatus::Terminated, "ended by a person".to_owned(), None)
            }
            (Some(Ending::Paused | Ending::Stopped), _) => {
                (SessionStatus::Paused, "paused; the next prompt resumes".to_owned(), None)
            }
            (Some(Ending::Idle(idle)), _) => {
                let reason = format!("nothing to do for {} s; the next prompt resumes", idle.as_secs());
                (SessionStatus::Paused, reason, None)
            }
            (Some(Ending::Silent(silence)), _) => {
                failed(format!("no sign of life from the agent for {} s", silence.as_secs()))
            }
            (Some(Ending::Deaf), _) => {
                failed(format!("the agent did not read what it was told for {} s", AGENT_PATIENCE.as_secs()))
            }
            (Some(Ending::Finished), _) => match &self.last_turn {
                Some(turn) => resting_place_after(turn),
                None => (SessionStatus::Completed, "finished without a prompt".to_owned(), None),
            },
            (None, Some(exit)) => failed(format!("the agent program {exit}")),
            (None, None) => failed("the agent program was lost".to_owned()),
        }
    }

    /// The session cannot be recorded, so it must not go on: ends the agent and says why.
    pub(super) async fn abandon(
        &mut self,
        error: StoreError,
        events: &mut mpsc::Receiver<AgentEvent>,
    ) -> SessionEnd {
        tracing::error!(session.id = %self.recorder.session_id(), error = %error, "the session cannot be recorded");
        drop(self.questions.withdraw_all());
        self.tell_agent(AgentInput::Kill).await;
        while events.recv().await.is_some() {}
        let text = format!("the session could not be recorded: {error}");
        let (app, held) = (self.recorder.app(), self.recorder.held());
        match app.abandon(held, text.clone()).await {
            Ok(entries) => self.publish(entries).await,
            Err(error) => {
                tracing::error!(session.id = %held.id, error = %error, "its end could not be recorded either");
            }
        }
        SessionEnd::lost(text)
    }
}

/// A finished session rests where its last turn left it.
fn resting_place_after(turn: &TurnSummary) -> (SessionStatus, String, Option<String>) {
    let failed = |reason: &str| (SessionStatus::Failed, reason.to_owned(), Some(turn.text.clone()));
    match turn.outcome {
        TurnOutcome::Completed => (SessionStatus::Completed, "finished".to_owned(), None),
        TurnOutcome::Interrupted => {
            (SessionStatus::Paused, "interrupted by a person; the next prompt resumes".to_owned(), None)
        }
        TurnOutcome::ApiError { .. } => failed("the model service failed"),
        TurnOutcome::MaxTurns => failed("the largest number of turns was reached"),
        TurnOutcome::BudgetExhausted => failed("budget"),
        TurnOutcome::Failed => failed("the last turn failed"),
    }
}
