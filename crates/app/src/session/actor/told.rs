//! What a running session is told by commands in the store.

use domain::{
    agent_event::AgentInput,
    command::{Command, CommandKind, CommandStatus},
    session_status::SessionStatus,
};
use serde_json::Value;
use store::{SessionUpdate as RowUpdate, StoreError};
use tokio::time::Instant;

use super::{Ending, SessionActor, Told};

impl SessionActor {
    /// A command that somebody left in the store, from another process perhaps.
    pub(super) async fn on_told(&mut self, told: Told) -> Result<(), StoreError> {
        let Told { command, text } = told;
        // Its own prompts stand there too.
        if self.recorder.is_known(command.id) {
            return Ok(());
        }
        if self.ending.is_some() && command.kind != CommandKind::Terminate {
            // It comes too late. A prompt waits for the next process; the rest is for this one, and closed with it.
            return Ok(());
        }
        match (command.kind, text) {
            (CommandKind::Prompt, Some(text)) => {
                let id = command.id;
                let entries = self.recorder.take_up(command).await?;
                self.publish(entries).await;
                self.last_sign_of_life = Instant::now();
                self.tell_agent(AgentInput::Prompt { id, text }).await;
                Ok(())
            }
            (CommandKind::Interrupt, _) => {
                self.tell_agent(AgentInput::Interrupt).await;
                self.settle(command, CommandStatus::Done, RowUpdate::default()).await
            }
            (CommandKind::Pause, _) => {
                self.settle(command, CommandStatus::Done, RowUpdate::default()).await?;
                self.pause(Ending::Paused).await;
                Ok(())
            }
            (CommandKind::Terminate, _) => {
                self.settle(command, CommandStatus::Done, RowUpdate::default()).await?;
                // Also when it is paused already: it is not to be gone on with.
                self.ending = Some(Ending::Terminated);
                self.end_agent(Ending::Terminated, AgentInput::Kill).await;
                Ok(())
            }
            // It runs.
            (CommandKind::Resume, _) => self.settle(command, CommandStatus::Done, RowUpdate::default()).await,
            (CommandKind::SetMode, _) => self.set_mode(command).await,
            (CommandKind::SetModel, _) => self.set_model(command).await,
            (CommandKind::Answer, _) => self.on_answer_told(command).await,
            (CommandKind::Prompt, None) => self.refuse(command).await,
        }
    }

    async fn set_mode(&mut self, command: Command) -> Result<(), StoreError> {
        let named = command.payload.get("mode").and_then(Value::as_str).and_then(|mode| mode.parse().ok());
        let Some(mode) = named else { return self.refuse(command).await };
        self.decider.set_mode(mode);
        self.tell_agent(AgentInput::SetMode(mode)).await;
        let update = RowUpdate { permission_mode: Some(mode), ..RowUpdate::default() };
        self.settle(command, CommandStatus::Done, update).await
    }

    async fn set_model(&mut self, command: Command) -> Result<(), StoreError> {
        let model = match command.payload.get("model") {
            Some(Value::String(model)) => Some(model.clone()),
            Some(Value::Null) => None,
            _ => return self.refuse(command).await,
        };
        self.tell_agent(AgentInput::SetModel(model.clone())).await;
        let update = RowUpdate { model, ..RowUpdate::default() };
        self.settle(command, CommandStatus::Done, update).await
    }

    pub(super) async fn refuse(&mut self, command: Command) -> Result<(), StoreError> {
        self.settle(command, CommandStatus::Refused, RowUpdate::default()).await
    }

    pub(super) async fn settle(
        &mut self,
        command: Command,
        status: CommandStatus,
        update: RowUpdate,
    ) -> Result<(), StoreError> {
        let entries = self.recorder.settle(command, status, update).await?;
        self.publish(entries).await;
        Ok(())
    }

    /// Ends the process and keeps the session; what it works on is interrupted.
    pub(super) async fn pause(&mut self, ending: Ending) {
        if matches!(self.recorder.status(), SessionStatus::Processing | SessionStatus::Waiting) {
            self.tell_agent(AgentInput::Interrupt).await;
        }
        self.end_agent(ending, AgentInput::Close).await;
    }
}
