//! What whoever watches a running session is told.

use domain::{
    agent_event::{PartialText, TurnOutcome},
    id::MessageId,
    money::MicroUsd,
    session_status::SessionStatus,
    timeline::TimelineEntry,
    usage::TokenUsage,
};

/// Something that happened in a session, for whoever watches. Entries were recorded before they are told.
#[derive(Debug)]
pub enum SessionUpdate {
    /// Recorded.
    Entry(Box<TimelineEntry>),
    /// Text being written; never recorded.
    Partial(PartialText),
    /// A turn ended and nothing is owed: the next prompt may come.
    TurnEnded(TurnSummary),
    /// The process is gone and the session rests. Always the last.
    Ended(SessionEnd),
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnSummary {
    /// How it ended.
    pub outcome: TurnOutcome,
    /// The last words, or the errors.
    pub text: String,
    /// What it cost; `None` is not known.
    pub cost: Option<MicroUsd>,
    /// Its tokens.
    pub usage: TokenUsage,
    /// Wall time in milliseconds.
    pub duration_ms: i64,
}

/// Where a session came to rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEnd {
    /// Its status.
    pub status: SessionStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// How its last turn ended, when that was the end.
    pub last_outcome: Option<TurnOutcome>,
    /// Its last turn used tools, so that trying it again would do something twice.
    pub has_used_tools: bool,
    /// The prompts that its last turn answered, or failed to.
    pub answered: Vec<MessageId>,
    /// The process was asked to end by whoever runs it, and not by a person.
    pub is_stopped: bool,
    /// A prompt that the agent had begun was not answered, or its last turn was interrupted.
    pub is_unfinished: bool,
}

impl SessionEnd {
    /// One of which nobody knows how far it got, so nothing of it is tried again.
    pub(crate) const fn lost(error: String) -> Self {
        Self {
            status: SessionStatus::Failed,
            error: Some(error),
            last_outcome: None,
            has_used_tools: true,
            answered: Vec::new(),
            is_stopped: false,
            is_unfinished: false,
        }
    }
}
