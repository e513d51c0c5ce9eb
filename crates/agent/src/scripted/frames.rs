//! The lines the scripted agent writes.

use std::io::{self, Write};

use serde_json::{Value, json};
use uuid::Uuid;

use super::state::uuid_from;

/// Writes frames with the session's id and an id of their own.
#[derive(Debug)]
pub(super) struct Frames<W> {
    out: W,
    session_id: String,
    /// Makes the frames of a resumed process differ from those of the one before.
    first_turn: usize,
    sent: u64,
    /// How many turns were begun, which ids of frames tell: a fork goes on after the turn of the message it is cut at.
    turns: u32,
}

/// How many turns were begun when the frame of this id was sent.
pub(super) fn turn_of(id: &str) -> Option<usize> {
    let id: Uuid = id.parse().ok()?;
    let [.., a, b, c, d] = id.into_bytes();
    usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()
}

impl<W: Write> Frames<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, session_id: String::new(), first_turn: 0, sent: 0, turns: 0 }
    }

    pub(super) fn belong_to(&mut self, session_id: String, first_turn: usize) {
        self.session_id = session_id;
        self.first_turn = first_turn;
    }

    /// A turn begins, the one of this index.
    pub(super) fn begin_turn(&mut self, index: usize) {
        self.turns = u32::try_from(index + 1).unwrap_or(u32::MAX);
    }

    pub(super) fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Sends a message frame; a repeated prompt keeps the id it came with.
    pub(super) fn send(&mut self, mut frame: Value) -> io::Result<()> {
        if frame["uuid"].is_null() {
            frame["uuid"] = json!(self.next_id());
        }
        if frame["session_id"].is_null() {
            frame["session_id"] = json!(self.session_id);
        }
        self.line(&frame)
    }

    /// Asks the host; gives the id it must name in its answer.
    pub(super) fn ask(&mut self, request: &Value) -> io::Result<String> {
        let request_id = self.next_id().to_string();
        self.line(&json!({ "type": "control_request", "request_id": request_id, "request": request }))?;
        Ok(request_id)
    }

    /// No longer waits for the answer to a question.
    pub(super) fn cancel(&mut self, request_id: &str) -> io::Result<()> {
        self.line(&json!({ "type": "control_cancel_request", "request_id": request_id }))
    }

    /// Answers a request of the host.
    pub(super) fn answer(&mut self, request_id: &str, response: &Value) -> io::Result<()> {
        let response = json!({ "subtype": "success", "request_id": request_id, "response": response });
        self.line(&json!({ "type": "control_response", "response": response }))
    }

    /// Refuses a request of the host.
    pub(super) fn refuse(&mut self, request_id: &str, error: &str, code: &str) -> io::Result<()> {
        let response =
            json!({ "subtype": "error", "request_id": request_id, "error": error, "error_code": code });
        self.line(&json!({ "type": "control_response", "response": response }))
    }

    pub(super) fn session_state(&mut self, state: &str) -> io::Result<()> {
        self.send(json!({ "type": "system", "subtype": "session_state_changed", "state": state, "sdk_host_only": true }))
    }

    pub(super) fn lifecycle(&mut self, prompt: Option<&String>, state: &str) -> io::Result<()> {
        match prompt {
            Some(id) => self.send(json!({ "type": "command_lifecycle", "command_uuid": id, "state": state })),
            None => Ok(()),
        }
    }

    /// Writes something that is no frame.
    pub(super) fn raw(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")?;
        self.out.flush()
    }

    fn line(&mut self, frame: &Value) -> io::Result<()> {
        self.raw(&frame.to_string())
    }

    fn next_id(&mut self) -> Uuid {
        self.sent += 1;
        let id = uuid_from(&format!("{}/{}/{}", self.session_id, self.first_turn, self.sent));
        let mut bytes = id.into_bytes();
        bytes[12..].copy_from_slice(&self.turns.to_be_bytes());
        Uuid::from_bytes(bytes)
    }
}
