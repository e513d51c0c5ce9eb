//! Everything recorded in a session, in one numbered order.

use uuid::Uuid;

use crate::{
    approval::Approval, command::Command, decision::PermissionDecision, hook_execution::HookExecution,
    id::SessionId, message::Message, time::Timestamp, tool_call::ToolCall, transition::Transition,
};

text_enum! {
    /// The kind of row a timeline entry points to.
    pub enum EntryKind: "timeline entry kind" {
        /// A message.
        Message = "message",
        /// A tool call.
        ToolCall = "tool_call",
        /// A change of the session's status.
        Transition = "transition",
        /// A command to the session.
        Command = "command",
        /// One run of a hook.
        HookExecution = "hook_execution",
        /// A decision on a tool call.
        Decision = "decision",
        /// A question to a person.
        Approval = "approval",
    }
}

text_enum! {
    /// What happened to the row.
    pub enum Change: "change" {
        /// It is new.
        Created = "created",
        /// Some of it changed.
        Updated = "updated",
        /// All of it changed.
        Replaced = "replaced",
        /// It is gone.
        Removed = "removed",
    }
}

/// One number of a session's timeline. It names a row and carries no payload, so nothing is stored twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SessionEvent {
    /// The session.
    pub session_id: SessionId,
    /// The number, from 1 without gaps.
    pub sequence: i64,
    /// The kind of row.
    pub kind: EntryKind,
    /// The row.
    pub row_id: Uuid,
    /// What happened to it.
    pub change: Change,
    /// When.
    pub at: Timestamp,
}

/// A timeline entry joined with its row as the row stands now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TimelineEntry {
    /// The number, from 1 without gaps.
    pub sequence: i64,
    /// What happened to the row.
    pub change: Change,
    /// When.
    pub at: Timestamp,
    /// The row.
    #[serde(flatten)]
    pub item: TimelineItem,
}

/// The row of a timeline entry.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(tag = "kind", content = "item", rename_all = "snake_case")]
pub enum TimelineItem {
    /// A message.
    Message(Message),
    /// A tool call.
    ToolCall(ToolCall),
    /// A change of the session's status.
    Transition(Transition),
    /// A command to the session.
    Command(Command),
    /// One run of a hook.
    HookExecution(HookExecution),
    /// A decision on a tool call.
    Decision(PermissionDecision),
    /// A question to a person.
    Approval(Approval),
}

impl TimelineItem {
    /// The kind of row.
    #[must_use]
    pub const fn kind(&self) -> EntryKind {
        match self {
            Self::Message(_) => EntryKind::Message,
            Self::ToolCall(_) => EntryKind::ToolCall,
            Self::Transition(_) => EntryKind::Transition,
            Self::Command(_) => EntryKind::Command,
            Self::HookExecution(_) => EntryKind::HookExecution,
            Self::Decision(_) => EntryKind::Decision,
            Self::Approval(_) => EntryKind::Approval,
        }
    }

    /// The row's id.
    #[must_use]
    pub const fn row_id(&self) -> &Uuid {
        match self {
            Self::Message(message) => message.id.as_uuid(),
            Self::ToolCall(call) => call.id.as_uuid(),
            Self::Transition(transition) => transition.id.as_uuid(),
            Self::Command(command) => command.id.as_uuid(),
            Self::HookExecution(execution) => execution.id.as_uuid(),
            Self::Decision(decision) => decision.id.as_uuid(),
            Self::Approval(approval) => approval.id.as_uuid(),
        }
    }

    /// The session the row belongs to.
    #[must_use]
    pub const fn session_id(&self) -> SessionId {
        match self {
            Self::Message(message) => message.session_id,
            Self::ToolCall(call) => call.session_id,
            Self::Transition(transition) => transition.session_id,
            Self::Command(command) => command.session_id,
            Self::HookExecution(execution) => execution.session_id,
            Self::Decision(decision) => decision.session_id,
            Self::Approval(approval) => approval.session_id,
        }
    }
}
