//! What reaches the scripted agent while it plays: lines of the host and ends of tools.

use std::{
    io::BufRead,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Instant,
};

use serde_json::Value;

use super::tool::ToolOutput;

/// Something that reached the agent.
#[derive(Debug)]
pub(super) enum Input {
    Prompt(Prompt),
    /// The host asks for something.
    Control {
        request_id: String,
        request: Value,
    },
    /// The host answers a question.
    Answer {
        request_id: String,
        result: Result<Value, String>,
    },
    /// A line that is none of these.
    Unreadable,
    /// The host closed the input.
    End,
    /// The command with this number ended.
    CommandEnded {
        number: u64,
        output: ToolOutput,
    },
}

/// Something to work on.
#[derive(Debug)]
pub(super) struct Prompt {
    pub(super) id: Option<String>,
    pub(super) text: String,
}

/// A bounded queue of inputs, filled by threads.
#[derive(Debug)]
pub(super) struct Inbox {
    receiver: Receiver<Input>,
    sender: SyncSender<Input>,
}

impl Inbox {
    /// Reads lines until the input ends or one cannot be read.
    pub(super) fn read(stdin: impl BufRead + Send + 'static) -> Self {
        const WAITING: usize = 16;
        let (sender, receiver) = sync_channel(WAITING);
        let lines = sender.clone();
        thread::spawn(move || {
            for line in stdin.lines() {
                let input = line.map_or(Input::Unreadable, |line| parse(&line));
                if lines.send(input).is_err() {
                    return;
                }
            }
            let _nobody_waits = lines.send(Input::End);
        });
        Self { receiver, sender }
    }

    /// Where a command's end is reported.
    pub(super) fn sender(&self) -> SyncSender<Input> {
        self.sender.clone()
    }

    /// The next input; `None` when the deadline passes first.
    pub(super) fn next(&self, deadline: Option<Instant>) -> Option<Input> {
        let Some(deadline) = deadline else { return Some(self.receiver.recv().unwrap_or(Input::End)) };
        match self.receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(input) => Some(input),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Input::End),
        }
    }
}

fn parse(line: &str) -> Input {
    serde_json::from_str(line).ok().and_then(|line: Value| input(&line)).unwrap_or(Input::Unreadable)
}

fn input(line: &Value) -> Option<Input> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match line["type"].as_str()? {
        "user" => {
            let prompt = Prompt { id: text(&line["uuid"]), text: text(&line["message"]["content"])? };
            Some(Input::Prompt(prompt))
        }
        "control_request" => {
            Some(Input::Control { request_id: text(&line["request_id"])?, request: line["request"].clone() })
        }
        "control_response" => {
            let response = &line["response"];
            let result = match response["subtype"].as_str()? {
                "success" => Ok(response["response"].clone()),
                _ => Err(text(&response["error"]).unwrap_or_default()),
            };
            Some(Input::Answer { request_id: text(&response["request_id"])?, result })
        }
        _ => None,
    }
}
