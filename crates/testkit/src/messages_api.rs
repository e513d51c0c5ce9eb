//! A loopback imitation of the Anthropic Messages API, so that an agent CLI runs without account or network.
//!
//! It answers each main request with the next [`Turn`] of a script and remembers every request. It speaks the
//! part of the API that the CLI uses: streamed and whole messages, token counting, errors.

mod answer;
mod request;
mod script;
mod server;
mod stream;
mod turn;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub use request::{RecordedRequest, RequestKind, ToolResult};
pub use turn::{ApiError, Block, StopReason, Turn, Usage};

use request::RequestLog;
use script::Script;

/// A running server on its own thread; dropping it closes its port and every open answer.
#[derive(Debug)]
pub struct MessagesApi {
    base_url: String,
    log: Arc<RequestLog>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl MessagesApi {
    /// Starts a server on a free loopback port that plays `turns` in order and then repeats the last one.
    /// Without any turn it answers every prompt with the text `ok`.
    ///
    /// # Panics
    /// When no loopback port or thread can be had.
    pub fn start(turns: Vec<Turn>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free loopback port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let log = Arc::new(RequestLog::default());
        let (stop, stopped) = oneshot::channel();
        let thread = {
            let (script, log) = (Script::new(turns), Arc::clone(&log));
            std::thread::Builder::new()
                .name("messages-api".into())
                .spawn(move || server::run(listener, script, log, stopped))
                .expect("a thread for the Messages API")
        };
        Self { base_url: format!("http://{address}"), log, stop: Some(stop), thread: Some(thread) }
    }

    /// What to give the agent CLI as `ANTHROPIC_BASE_URL`; without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.log.all()
    }

    /// The requests that took a turn of the script, in the order of arrival.
    pub fn main_requests(&self) -> Vec<RecordedRequest> {
        self.requests().into_iter().filter(|request| request.kind == RequestKind::Main).collect()
    }

    /// Waits until what was recorded satisfies `condition`; false when `limit` passes first.
    pub fn wait_until(&self, limit: Duration, condition: impl FnMut(&[RecordedRequest]) -> bool) -> bool {
        self.log.wait_until(limit, condition)
    }
}

impl Drop for MessagesApi {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
