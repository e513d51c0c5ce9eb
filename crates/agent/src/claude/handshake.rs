//! From the first line to the answer to `initialize`.

use serde_json::Value;

use super::heard::Heard;
use crate::Account;
use domain::agent_event::AgentEvent;

/// Waits for the answer to `initialize` and keeps everything that came before it.
#[derive(Debug)]
pub(crate) struct Handshake {
    request_id: &'static str,
    backlog: Vec<Heard>,
}

/// What the agent CLI said about itself.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) version: Option<String>,
    pub(crate) account: Account,
    /// What it said before; to be taken in first.
    pub(crate) backlog: Vec<Heard>,
}

/// Why there will be no conversation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum HandshakeFailure {
    /// The session to resume does not exist.
    ResumeUnknown,
    /// It answered with an error, or with a result before there was a prompt.
    Refused(String),
}

/// A program that says more than this before its answer is not waited for.
const LARGEST_BACKLOG: usize = 1000;

impl Handshake {
    pub(crate) const fn new(request_id: &'static str) -> Self {
        Self { request_id, backlog: Vec::new() }
    }

    /// Takes in one line; the outcome ends the handshake. A failed resume is never answered: the agent CLI only sends
    /// a `result` and ends.
    pub(crate) fn hear(&mut self, heard: Heard) -> Option<Result<Greeting, HandshakeFailure>> {
        match heard {
            Heard::Reply(reply) if reply.request_id == self.request_id => {
                let backlog = std::mem::take(&mut self.backlog);
                let greeting = reply.result.map(|answer| greeting(&answer, backlog));
                Some(greeting.map_err(HandshakeFailure::Refused))
            }
            Heard::Event(AgentEvent::TurnEnded(ended)) => Some(Err(failure(ended.text))),
            Heard::Nothing => None,
            _ if self.backlog.len() >= LARGEST_BACKLOG => {
                let message = format!("it wrote {LARGEST_BACKLOG} lines without answering");
                Some(Err(HandshakeFailure::Refused(message)))
            }
            other => {
                self.backlog.push(other);
                None
            }
        }
    }
}

/// What the agent CLI says when it lost a conversation, or the message in it at which it is to be cut.
pub(crate) const UNKNOWN: [&str; 2] = ["No conversation found", "No message found"];

fn failure(text: String) -> HandshakeFailure {
    if UNKNOWN.iter().any(|words| text.contains(words)) {
        HandshakeFailure::ResumeUnknown
    } else {
        HandshakeFailure::Refused(text)
    }
}

fn greeting(answer: &Value, backlog: Vec<Heard>) -> Greeting {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let account = &answer["account"];
    Greeting {
        version: text(&answer["claude_code_version"]),
        account: Account {
            token_source: text(&account["tokenSource"]),
            api_key_source: text(&account["apiKeySource"]),
            api_provider: text(&account["apiProvider"]),
        },
        backlog,
    }
}
