//! The server as a client sees it, over a plain TCP connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

const LONG: Duration = Duration::from_secs(10);

fn connect(api: &MessagesApi) -> TcpStream {
    let address = api.base_url().strip_prefix("http://").unwrap();
    let connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(LONG)).unwrap();
    connection
}

fn send(connection: &mut TcpStream, method: &str, path: &str, body: &str) {
    let length = body.len();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nhost: loopback\r\nx-api-key: invented\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
}

/// The head and the body of an answer; a chunked body is put together.
fn exchange(api: &MessagesApi, method: &str, path: &str, body: &str) -> (String, String) {
    let mut connection = connect(api);
    send(&mut connection, method, path, body);
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    let body = if head.contains("transfer-encoding: chunked") { dechunk(body) } else { body.to_owned() };
    (head, body)
}

fn dechunk(mut rest: &str) -> String {
    let mut body = String::new();
    loop {
        let (length, chunk) = rest.split_once("\r\n").unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            return body;
        }
        body.push_str(&chunk[..length]);
        rest = &chunk[length + 2..];
    }
}

fn prompt(stream: bool) -> String {
    json!({"model": "some-model", "max_tokens": 100, "stream": stream, "tools": [{"name": "Bash"}],
        "messages": [{"role": "user", "content": "hello"}]})
    .to_string()
}

fn ask(api: &MessagesApi) -> Value {
    let (_, body) = exchange(api, "POST", "/v1/messages?beta=true", &prompt(false));
    serde_json::from_str(&body).unwrap()
}

fn ask_for_events(api: &MessagesApi) -> Vec<Value> {
    let (head, body) = exchange(api, "POST", "/v1/messages?beta=true", &prompt(true));
    assert!(head.contains("content-type: text/event-stream"), "{head}");
    let records = body.split_terminator("\n\n");
    records
        .map(|record| {
            let (name, data) = record.split_once('\n').unwrap();
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
            data
        })
        .collect()
}

#[test]
fn a_streamed_message_is_complete_and_in_order() {
    let api = MessagesApi::start(vec![Turn::of(vec![
        Block::thinking("hm"),
        Block::text("two words"),
        Block::tool_use("toolu_1", "Bash", json!({"command": "true"})),
    ])]);
    let events = ask_for_events(&api);
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let block = |deltas: usize| {
        let mut kinds = vec!["content_block_start"];
        kinds.extend(std::iter::repeat_n("content_block_delta", deltas));
        kinds.push("content_block_stop");
        kinds
    };
    let expected =
        [vec!["message_start"], block(2), block(2), block(1), vec!["message_delta", "message_stop"]];
    assert_eq!(kinds, expected.concat());
    assert_eq!(events[0]["message"]["model"], "some-model");
    assert_eq!(events[0]["message"]["usage"]["output_tokens"], 1);
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "two words");
    let input = events.iter().find_map(|event| event["delta"]["partial_json"].as_str()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(input).unwrap(), json!({"command": "true"}));
    let end = &events[events.len() - 2];
    assert_eq!(end["delta"]["stop_reason"], "tool_use");
    assert_eq!(end["usage"]["output_tokens"], 20);
}

#[test]
fn a_message_without_stream_comes_whole() {
    let usage = Usage { input_tokens: 7, ..Usage::default() };
    let turn = Turn::text("hi").with_usage(usage).with_stop_reason(StopReason::MaxTokens);
    let api = MessagesApi::start(vec![turn]);
    let message = ask(&api);
    assert_eq!(message["content"], json!([{"type": "text", "text": "hi"}]));
    assert_eq!(message["usage"]["input_tokens"], 7);
    assert_eq!(message["stop_reason"], "max_tokens");
}

#[test]
fn small_questions_of_the_cli_take_no_turn() {
    let api = MessagesApi::start(vec![Turn::text("first"), Turn::text("second")]);
    let (_, title) = exchange(&api, "POST", "/v1/messages", r#"{"max_tokens": 64}"#);
    assert!(title.contains("scripted title"), "{title}");
    let (_, counted) = exchange(&api, "POST", "/v1/messages/count_tokens?beta=true", "{}");
    assert_eq!(counted, r#"{"input_tokens":42}"#);
    let (head, _) = exchange(&api, "HEAD", "/api/hello", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (head, _) = exchange(&api, "GET", "/v1/models", "");
    assert!(head.starts_with("http/1.1 404"), "{head}");
    assert_eq!(ask(&api)["content"][0]["text"], "first");
    let kinds: Vec<RequestKind> = api.requests().iter().map(|request| request.kind).collect();
    use RequestKind::{CountTokens, Helper, Main, Other};
    assert_eq!(kinds, [Helper, CountTokens, Other, Other, Main]);
}

#[test]
fn errors_carry_status_and_type_of_the_real_api() {
    for (error, status, kind) in [
        (ApiError::InvalidRequest, 400, "invalid_request_error"),
        (ApiError::Authentication, 401, "authentication_error"),
        (ApiError::Permission, 403, "permission_error"),
        (ApiError::RateLimited, 429, "rate_limit_error"),
        (ApiError::Internal, 500, "api_error"),
        (ApiError::Overloaded, 529, "overloaded_error"),
    ] {
        let api = MessagesApi::start(vec![Turn::error(error)]);
        let (head, body) = exchange(&api, "POST", "/v1/messages", &prompt(true));
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["error"]["type"], kind);
    }
}

#[test]
fn a_request_is_recorded_as_it_was_sent() {
    let api = MessagesApi::start(Vec::new());
    ask(&api);
    let request = api.main_requests().pop().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/messages"));
    assert_eq!(request.query, "beta=true");
    assert_eq!(request.header("X-Api-Key"), Some("invented"));
    assert_eq!(request.body["messages"][0]["content"], "hello");
    assert!(!request.wants_stream() && !request.client_hung_up);
}

#[test]
fn a_client_that_hangs_up_is_noticed() {
    let slow = Turn::text("many words that take their time").with_delay_per_event(Duration::from_millis(50));
    let api = MessagesApi::start(vec![slow]);
    let mut connection = connect(&api);
    send(&mut connection, "POST", "/v1/messages", &prompt(true));
    connection.read_exact(&mut [0; 20]).unwrap();
    drop(connection);
    assert!(api.wait_until(LONG, |requests| requests[0].client_hung_up));
}

#[test]
fn dropping_the_server_cuts_an_open_answer() {
    let slow = Turn::text("a b c").with_delay_per_event(Duration::from_secs(60));
    let api = MessagesApi::start(vec![slow]);
    let mut connection = connect(&api);
    send(&mut connection, "POST", "/v1/messages", &prompt(true));
    connection.read_exact(&mut [0; 20]).unwrap();
    let started = Instant::now();
    drop(api);
    let _ = connection.read_to_end(&mut Vec::new());
    assert!(started.elapsed() < LONG);
}

#[test]
fn waiting_ends_at_its_limit() {
    let api = MessagesApi::start(Vec::new());
    assert!(!api.wait_until(Duration::from_millis(20), |requests| !requests.is_empty()));
}
