//! How a running session is told what to do.

use domain::id::CommandId;
use tokio::sync::{mpsc, oneshot};

/// Tells a running session what to do. When the last handle is dropped, the session finishes.
#[derive(Debug, Clone)]
pub struct SessionHandle {
    inputs: mpsc::Sender<Input>,
}

/// The session has ended, so nothing can be told to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session has ended")]
pub struct SessionGone;

#[derive(Debug)]
pub(super) enum Input {
    Prompt { text: String, recorded: oneshot::Sender<CommandId> },
    Interrupt,
    Finish,
    Stop,
    Terminate,
}

impl SessionHandle {
    pub(super) const fn new(inputs: mpsc::Sender<Input>) -> Self {
        Self { inputs }
    }

    /// Gives the agent something to work on. Returns when it is recorded.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn prompt(&self, text: String) -> Result<CommandId, SessionGone> {
        let (recorded, id) = oneshot::channel();
        self.send(Input::Prompt { text, recorded }).await?;
        id.await.map_err(|_| SessionGone)
    }

    /// Stops the turn and keeps the session.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn interrupt(&self) -> Result<(), SessionGone> {
        self.send(Input::Interrupt).await
    }

    /// Ends the session when its turn and what it started in the background have ended.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn finish(&self) -> Result<(), SessionGone> {
        self.send(Input::Finish).await
    }

    /// Ends the process and keeps the session; what it works on is interrupted.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn stop(&self) -> Result<(), SessionGone> {
        self.send(Input::Stop).await
    }

    /// Ends the session at once.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn terminate(&self) -> Result<(), SessionGone> {
        self.send(Input::Terminate).await
    }

    async fn send(&self, input: Input) -> Result<(), SessionGone> {
        self.inputs.send(input).await.map_err(|_| SessionGone)
    }
}
