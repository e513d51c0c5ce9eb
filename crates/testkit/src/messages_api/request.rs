//! What the server was asked, kept for the test to read.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};
use serde_json::Value;

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// A turn of the conversation: a message request that offers tools. Takes a turn of the script.
    Main,
    /// The CLI's own small questions (a title, a probe): no tools, or one token at most. Gets a fixed text.
    Helper,
    CountTokens,
    /// Anything else; `HEAD` is answered with 200, the rest with 404.
    Other,
}

impl RequestKind {
    fn of(method: &Method, path: &str, body: &Value) -> Self {
        match (method, path) {
            (&Method::POST, "/v1/messages") if offers_tools(body) && body["max_tokens"] != 1 => Self::Main,
            (&Method::POST, "/v1/messages") => Self::Helper,
            (&Method::POST, "/v1/messages/count_tokens") => Self::CountTokens,
            _ => Self::Other,
        }
    }
}

fn offers_tools(body: &Value) -> bool {
    body["tools"].as_array().is_some_and(|tools| !tools.is_empty())
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    pub kind: RequestKind,
    /// `POST`, `HEAD`, …
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Without the question mark; empty when there is none.
    pub query: String,
    /// The JSON that was sent; a JSON string when it was no JSON, null when there was none.
    pub body: Value,
    /// Whether the client closed the connection before the streamed answer was complete.
    pub client_hung_up: bool,
    headers: HeaderMap,
}

impl RecordedRequest {
    pub(super) fn new(parts: &Parts, bytes: &[u8]) -> Self {
        let body = parse_body(bytes);
        Self {
            kind: RequestKind::of(&parts.method, parts.uri.path(), &body),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            body,
            client_hung_up: false,
            headers: parts.headers.clone(),
        }
    }

    /// The first value of a header, whatever the case of its name; `None` also when it is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer was asked for as a stream of events.
    pub fn wants_stream(&self) -> bool {
        self.body["stream"] == true
    }

    /// What the model was told of the tool use with this id, in the newest place of the conversation.
    pub fn tool_result(&self, tool_use_id: &str) -> Option<ToolResult> {
        let messages = self.body["messages"].as_array()?;
        messages
            .iter()
            .rev()
            .filter_map(|message| message["content"].as_array())
            .flatten()
            .find(|block| block["type"] == "tool_result" && block["tool_use_id"] == tool_use_id)
            .map(ToolResult::from_block)
    }
}

fn parse_body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

/// The outcome of a tool use as the CLI reported it to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolResult {
    /// All text blocks, joined by line ends.
    pub text: String,
    pub is_error: bool,
}

impl ToolResult {
    fn from_block(block: &Value) -> Self {
        let text = match &block["content"] {
            Value::Array(parts) => {
                parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n")
            }
            whole => whole.as_str().unwrap_or_default().to_owned(),
        };
        Self { text, is_error: block["is_error"] == true }
    }
}

/// The requests so far, shared by the server's thread and the test's.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    requests: Mutex<Vec<RecordedRequest>>,
    changed: Condvar,
}

impl RequestLog {
    /// Keeps a request and gives its number, counted from 0.
    pub(super) fn push(&self, request: RecordedRequest) -> usize {
        let mut requests = self.lock();
        requests.push(request);
        self.changed.notify_all();
        requests.len() - 1
    }

    pub(super) fn mark_client_hung_up(&self, number: usize) {
        self.lock()[number].client_hung_up = true;
        self.changed.notify_all();
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.lock().clone()
    }

    pub(super) fn wait_until(
        &self,
        limit: Duration,
        mut condition: impl FnMut(&[RecordedRequest]) -> bool,
    ) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |requests| !condition(requests));
        let (_requests, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RecordedRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn kind(path: &str, body: &Value) -> RequestKind {
        RequestKind::of(&Method::POST, path, body)
    }

    #[test]
    fn only_a_message_request_with_tools_and_room_is_a_main_request() {
        let tools = json!([{"name": "Bash"}]);
        assert_eq!(kind("/v1/messages", &json!({"tools": tools, "max_tokens": 32000})), RequestKind::Main);
        assert_eq!(kind("/v1/messages", &json!({"tools": tools, "max_tokens": 1})), RequestKind::Helper);
        assert_eq!(kind("/v1/messages", &json!({"tools": [], "max_tokens": 9})), RequestKind::Helper);
        assert_eq!(kind("/v1/messages", &json!({"max_tokens": 9})), RequestKind::Helper);
        assert_eq!(kind("/v1/messages/count_tokens", &json!({})), RequestKind::CountTokens);
        assert_eq!(kind("/api/hello", &json!({})), RequestKind::Other);
    }

    #[test]
    fn a_tool_result_is_found_as_text_or_as_blocks() {
        let block = json!({"type": "tool_result", "tool_use_id": "t", "is_error": true,
            "content": [{"type": "text", "text": "no"}, {"type": "text", "text": "way"}]});
        let expected = ToolResult { text: "no\nway".into(), is_error: true };
        assert_eq!(ToolResult::from_block(&block), expected);
        let block = json!({"type": "tool_result", "tool_use_id": "t", "content": "done"});
        assert_eq!(ToolResult::from_block(&block), ToolResult { text: "done".into(), is_error: false });
    }
}
