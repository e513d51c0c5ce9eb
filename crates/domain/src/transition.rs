//! A session's changes of status.

use crate::{
    id::{SessionId, TransitionId},
    session_status::SessionStatus,
    time::Timestamp,
};

/// One change of status, with who made it and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Transition {
    /// Identity.
    pub id: TransitionId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// Status before; `None` at creation.
    pub from: Option<SessionStatus>,
    /// Status after.
    pub to: SessionStatus,
    /// Why.
    pub reason: String,
    /// Who, as `user:ID` or `system:PART`.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
}
