//! Named states of a session or a task that work can go back to.

use serde_json::Value;

use crate::{
    id::{CheckpointId, SessionId, TaskId, TeamId},
    name::Name,
    time::Timestamp,
};

/// A checkpoint as it stands in the store; of a session, of a task, or of both.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Checkpoint {
    /// Identity.
    pub id: CheckpointId,
    /// The tenant.
    pub team_id: TeamId,
    /// The session whose state it is.
    pub session_id: Option<SessionId>,
    /// The task whose state it is.
    pub task_id: Option<TaskId>,
    /// For people; several may have the same.
    pub name: Name,
    /// Which round of the work it ends, from 0.
    pub iteration: i64,
    /// What is to be restored.
    pub state: Value,
    /// The last number of the session's timeline that belongs to it.
    pub message_sequence: Option<i64>,
    /// Where the files as they were are kept.
    pub file_snapshot: Option<String>,
    /// Who made it, as `user:ID` or `system:PART`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
}
