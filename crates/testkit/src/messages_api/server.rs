//! The HTTP side: accepts connections, records each request and answers it.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Channel, Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::answer::{Message, error_json, not_found_json};
use super::request::{RecordedRequest, RequestKind, RequestLog};
use super::script::Script;
use super::stream;
use super::turn::{Answer, Block, StopReason, Turn, Usage};

/// What the CLI's small questions get, in the shape that one of them (a title for the session) asks for.
const HELPER_TEXT: &str = r#"{"title": "scripted title"}"#;

/// What every request for a count of tokens gets.
const COUNTED_TOKENS: u64 = 42;

type Body = Either<Full<Bytes>, Channel<Bytes>>;

struct State {
    script: Mutex<Script>,
    log: Arc<RequestLog>,
}

/// Serves until `stopped` fires or its sender is gone; open connections are cut then.
pub(super) fn run(
    listener: TcpListener,
    script: Script,
    log: Arc<RequestLog>,
    stopped: oneshot::Receiver<()>,
) {
    let state = Arc::new(State { script: Mutex::new(script), log });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime for the Messages API").block_on(async {
        tokio::select! {
            () = accept(listener, state) => {}
            _ = stopped => {}
        }
    });
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    listener.set_nonblocking(true).expect("a listener can be made non-blocking");
    let listener = tokio::net::TcpListener::from_std(listener).expect("the runtime has I/O enabled");
    while let Ok((connection, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        let service = service_fn(move |request| answer(request, Arc::clone(&state)));
        // A connection that breaks is the client's affair; the log shows what it had asked.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(connection), service));
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Response<Body>, hyper::Error> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let request = RecordedRequest::new(&parts, &bytes);
    let number = state.log.push(request.clone());
    let mut response = match request.kind {
        RequestKind::Main => {
            let turn = state.script.lock().unwrap_or_else(PoisonError::into_inner).next_turn();
            play(turn, &request, number, &state).await
        }
        RequestKind::Helper => play(Turn::text(HELPER_TEXT), &request, number, &state).await,
        RequestKind::CountTokens => json_response(StatusCode::OK, &json!({"input_tokens": COUNTED_TOKENS})),
        RequestKind::Other if parts.method == Method::HEAD => Response::new(Either::Left(Full::default())),
        RequestKind::Other => json_response(StatusCode::NOT_FOUND, &not_found_json()),
    };
    let id = HeaderValue::try_from(format!("req_scripted_{number:04}")).expect("letters and digits");
    response.headers_mut().insert("request-id", id);
    Ok(response)
}

async fn play(turn: Turn, request: &RecordedRequest, number: usize, state: &State) -> Response<Body> {
    let (blocks, stop_reason, usage) = match turn.answer {
        Answer::Message { blocks, stop_reason, usage } => (blocks, stop_reason, usage),
        Answer::Error { error, .. } => {
            tokio::time::sleep(turn.delay_per_event).await;
            let status = StatusCode::from_u16(error.status()).expect("every scripted status is a valid one");
            return json_response(status, &error_json(error));
        }
    };
    let message = message(blocks, stop_reason, usage, request, number);
    if request.wants_stream() {
        return stream_response(&message, turn.delay_per_event, number, Arc::clone(&state.log));
    }
    tokio::time::sleep(turn.delay_per_event).await;
    json_response(StatusCode::OK, &message.to_json())
}

fn message(
    blocks: Vec<Block>,
    stop_reason: Option<StopReason>,
    usage: Usage,
    request: &RecordedRequest,
    number: usize,
) -> Message {
    Message {
        id: format!("msg_scripted_{number:04}"),
        model: request.body["model"].as_str().unwrap_or("scripted").to_owned(),
        stop_reason: stop_reason.unwrap_or_else(|| StopReason::after(&blocks)),
        blocks,
        usage,
    }
}

fn stream_response(
    message: &Message,
    delay: Duration,
    number: usize,
    log: Arc<RequestLog>,
) -> Response<Body> {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(1);
    let events = stream::events(message);
    tokio::spawn(async move {
        for event in events {
            if sender.send_data(Bytes::from(event)).await.is_err() {
                log.mark_client_hung_up(number);
                return;
            }
            tokio::time::sleep(delay).await;
        }
    });
    with_content_type(Response::new(Either::Right(body)), "text/event-stream")
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::from(body.to_string())));
    *response.status_mut() = status;
    with_content_type(response, "application/json")
}

fn with_content_type(mut response: Response<Body>, content_type: &'static str) -> Response<Body> {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
