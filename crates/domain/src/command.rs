//! Durable input to a session, wherever it runs.

use serde_json::Value;

use crate::{
    id::{CommandId, SessionId},
    time::Timestamp,
};

text_enum! {
    /// What a session is told.
    pub enum CommandKind: "command" {
        /// Something to work on; the payload is `{"message_id": …}`, where its words stand.
        Prompt = "prompt",
        /// Stop the turn, keep the session.
        Interrupt = "interrupt",
        /// End the process, keep the session resumable.
        Pause = "pause",
        /// Start the process again.
        Resume = "resume",
        /// End the session.
        Terminate = "terminate",
        /// Change the permission mode; the payload is `{"mode": …}`.
        SetMode = "set_mode",
        /// Change the model; the payload is `{"model": …}`.
        SetModel = "set_model",
        /// A person's answer to what the agent asked.
        Answer = "answer",
    }
}

text_enum! {
    /// How far a command got.
    pub enum CommandStatus: "command status" {
        /// Recorded.
        Queued = "queued",
        /// Handed to the agent process.
        Delivered = "delivered",
        /// The agent finished with it.
        Done = "done",
        /// Its author took it back, or the session ended first.
        Cancelled = "cancelled",
        /// The session could not take it.
        Refused = "refused",
    }
}

/// A command as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Command {
    /// Identity; a prompt carries it to the agent process, which names it in its result.
    pub id: CommandId,
    /// The session it is for.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// What the session is told.
    pub kind: CommandKind,
    /// Details by kind.
    pub payload: Value,
    /// Who, as `user:ID` or `system:PART`.
    pub author: String,
    /// How far it got.
    pub status: CommandStatus,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
