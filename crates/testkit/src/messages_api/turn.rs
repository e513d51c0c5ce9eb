//! What a test writes: the turns that the model would have taken.

use std::time::Duration;

use serde_json::Value;

/// The answer to one main request.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    pub(super) answer: Answer,
    pub(super) delay_per_event: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Message {
        blocks: Vec<Block>,
        stop_reason: Option<StopReason>,
        usage: Usage,
    },
    /// `requests: None` is sticky: this error answers every request from here on.
    Error {
        error: ApiError,
        requests: Option<u32>,
    },
}

impl Turn {
    /// A message made of `blocks`, in order. It stops for `tool_use` when there is such a block, else as `end_turn`.
    pub fn of(blocks: Vec<Block>) -> Self {
        let answer = Answer::Message { blocks, stop_reason: None, usage: Usage::default() };
        Self { answer, delay_per_event: Duration::ZERO }
    }

    /// A message with one text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(vec![Block::text(text)])
    }

    /// A message with one tool use.
    pub fn tool_use(id: impl Into<String>, name: impl Into<String>, input: Value) -> Self {
        Self::of(vec![Block::tool_use(id, name, input)])
    }

    /// An error that answers this and every later request: the real CLI sends a failed request again, up to
    /// six times, so an error that passed after one request would never be seen by a person.
    pub fn error(error: ApiError) -> Self {
        Self { answer: Answer::Error { error, requests: None }, delay_per_event: Duration::ZERO }
    }

    /// An error that answers `requests` requests and then gives way to the next turn.
    pub fn passing_error(error: ApiError, requests: u32) -> Self {
        Self { answer: Answer::Error { error, requests: Some(requests) }, delay_per_event: Duration::ZERO }
    }

    /// The same turn with a pause after each streamed event; whole answers and errors wait once.
    #[must_use]
    pub fn with_delay_per_event(self, delay: Duration) -> Self {
        Self { delay_per_event: delay, ..self }
    }

    /// The same message with other token counts; an error has none and stays as it is.
    #[must_use]
    pub fn with_usage(mut self, wanted: Usage) -> Self {
        if let Answer::Message { usage, .. } = &mut self.answer {
            *usage = wanted;
        }
        self
    }

    /// The same message with another reason for its end; an error has none and stays as it is.
    #[must_use]
    pub fn with_stop_reason(mut self, wanted: StopReason) -> Self {
        if let Answer::Message { stop_reason, .. } = &mut self.answer {
            *stop_reason = Some(wanted);
        }
        self
    }
}

/// One content block of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// Streamed in one delta per word.
    Text(String),
    /// Streamed in one delta, followed by a made-up signature.
    Thinking(String),
    /// Streamed with its input in one delta.
    ToolUse { id: String, name: String, input: Value },
}

impl Block {
    /// A text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A thinking block.
    pub fn thinking(thinking: impl Into<String>) -> Self {
        Self::Thinking(thinking.into())
    }

    /// A tool use; `id` is the `toolu_…` by which the CLI sends the result back.
    pub fn tool_use(id: impl Into<String>, name: impl Into<String>, input: Value) -> Self {
        Self::ToolUse { id: id.into(), name: name.into(), input }
    }
}

/// Why a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    EndTurn,
    ToolUse,
    MaxTokens,
    Refusal,
}

impl StopReason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::ToolUse => "tool_use",
            Self::MaxTokens => "max_tokens",
            Self::Refusal => "refusal",
        }
    }

    /// The reason a real model would give after these blocks.
    pub(super) fn after(blocks: &[Block]) -> Self {
        let uses_a_tool = blocks.iter().any(|block| matches!(block, Block::ToolUse { .. }));
        if uses_a_tool { Self::ToolUse } else { Self::EndTurn }
    }
}

/// Token counts of one message; by default 100 in and 20 out, nothing cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub input_tokens: u64,
    pub cache_creation_input_tokens: u64,
    pub cache_read_input_tokens: u64,
    pub output_tokens: u64,
}

impl Default for Usage {
    fn default() -> Self {
        Self {
            input_tokens: 100,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            output_tokens: 20,
        }
    }
}

/// The API's own failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiError {
    InvalidRequest,
    Authentication,
    Permission,
    RateLimited,
    Internal,
    Overloaded,
}

impl ApiError {
    pub(super) fn status(self) -> u16 {
        match self {
            Self::InvalidRequest => 400,
            Self::Authentication => 401,
            Self::Permission => 403,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Overloaded => 529,
        }
    }

    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request_error",
            Self::Authentication => "authentication_error",
            Self::Permission => "permission_error",
            Self::RateLimited => "rate_limit_error",
            Self::Internal => "api_error",
            Self::Overloaded => "overloaded_error",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::InvalidRequest => "scripted: the request is invalid",
            Self::Authentication => "scripted: the key is invalid",
            Self::Permission => "scripted: the key may not do this",
            Self::RateLimited => "scripted: too many requests",
            Self::Internal => "scripted: internal error",
            Self::Overloaded => "scripted: overloaded",
        }
    }
}
