//! What whoever watches a running session is told.

use domain::{
    agent_event::{PartialText, TurnOutcome},
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
    /// What it cost.
    pub cost: MicroUsd,
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
    /// How its last turn ended, if there was one.
    pub last_outcome: Option<TurnOutcome>,
    /// Its last turn used tools, so that trying it again would do something twice.
    pub has_used_tools: bool,
}
