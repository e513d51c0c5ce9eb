//! A host that talks to the scripted agent over pipes.

use std::{
    fs,
    io::{BufRead, BufReader, PipeWriter, Write},
    sync::mpsc::{Receiver, channel},
    thread::{self, JoinHandle},
    time::Duration,
};

use provost_agent::scripted::{ChildArguments, run_child};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than any test needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder with a scenario, in which agents can be started one after the other.
pub(crate) struct Stage {
    pub(crate) folder: TempDir,
}

impl Stage {
    pub(crate) fn new(scenario: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("scenario.toml"), scenario).expect("a file");
        Self { folder }
    }

    pub(crate) fn arguments(&self, flags: &[&str]) -> ChildArguments {
        let path = self.folder.path().display();
        let own = [format!("--scenario={path}/scenario.toml"), format!("--state-directory={path}/state")];
        let all = own.into_iter().chain(flags.iter().map(|&flag| flag.to_owned()));
        ChildArguments::parse(all.map(Into::into), self.folder.path().to_owned()).expect("arguments")
    }

    /// An agent that has been greeted with a gate for every tool call.
    pub(crate) fn start(&self, flags: &[&str]) -> Host {
        let mut host = self.start_silent(flags);
        let gate = json!({ "matcher": "*", "hookCallbackIds": ["gate"], "timeout": 60 });
        host.control(&json!({ "subtype": "initialize", "hooks": { "PreToolUse": [gate] } }));
        host.until(|frame| frame["type"] == "control_response");
        host
    }

    /// An agent nobody has spoken to.
    pub(crate) fn start_silent(&self, flags: &[&str]) -> Host {
        let arguments = self.arguments(flags);
        let (child_input, input) = std::io::pipe().expect("a pipe");
        let (output, child_output) = std::io::pipe().expect("a pipe");
        let child = thread::spawn(move || run_child(arguments, BufReader::new(child_input), child_output));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Host { input: Some(input), lines, child, seen: Vec::new(), controls: 0 }
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

/// The host's side of a conversation.
pub(crate) struct Host {
    input: Option<PipeWriter>,
    lines: Receiver<String>,
    child: JoinHandle<i32>,
    /// Every frame so far.
    pub(crate) seen: Vec<Value>,
    controls: u32,
}

impl Host {
    pub(crate) fn line(&mut self, line: &str) {
        writeln!(self.input.as_ref().expect("an open input"), "{line}").expect("a reader");
    }

    pub(crate) fn prompt(&mut self, id: &str) {
        let message = json!({ "role": "user", "content": format!("prompt {id}") });
        self.line(&json!({ "type": "user", "message": message, "uuid": id }).to_string());
    }

    pub(crate) fn control(&mut self, request: &Value) {
        self.controls += 1;
        let id = format!("c{}", self.controls);
        self.line(&json!({ "type": "control_request", "request_id": id, "request": request }).to_string());
    }

    pub(crate) fn answer(&mut self, question: &Value, response: &Value) {
        let response =
            json!({ "subtype": "success", "request_id": question["request_id"], "response": response });
        self.line(&json!({ "type": "control_response", "response": response }).to_string());
    }

    /// Answers the next gate.
    pub(crate) fn decide(&mut self, decision: &str) -> Value {
        let gate = self.until(|frame| frame["request"]["subtype"] == "hook_callback");
        let output = json!({ "permissionDecision": decision, "permissionDecisionReason": "house rule" });
        self.answer(&gate, &json!({ "hookSpecificOutput": output }));
        gate
    }

    pub(crate) fn next_line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    /// Reads on until a frame that is looked for.
    pub(crate) fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.next_line();
            let frame: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no frame: {line}"));
            self.seen.push(frame.clone());
            if is_it(&frame) {
                return frame;
            }
        }
    }

    pub(crate) fn until_kind(&mut self, kind: &str) -> Value {
        self.until(|frame| frame["type"] == kind)
    }

    pub(crate) fn result(&mut self) -> Value {
        self.until_kind("result")
    }

    /// The next tool result: its words and whether it is an error.
    pub(crate) fn tool_result(&mut self) -> (String, bool) {
        let frame = self.until(|frame| frame["message"]["content"][0]["type"] == "tool_result");
        let block = &frame["message"]["content"][0];
        (block["content"].as_str().unwrap_or_default().to_owned(), block["is_error"] == true)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.child.is_finished()
    }

    /// Closes the input and gives the exit code.
    pub(crate) fn close(mut self) -> i32 {
        self.input = None;
        self.exit_code()
    }

    pub(crate) fn exit_code(self) -> i32 {
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        self.child.join().expect("no panic")
    }
}
