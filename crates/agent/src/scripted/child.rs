//! The scripted agent between turns: prompts, control requests, the end.

use std::{collections::VecDeque, io, io::Write, time::Instant};

use domain::{money::MicroUsd, usage::TokenUsage};
use serde_json::{Value, json};

use super::{
    cast::Cast,
    frames::Frames,
    hook::Hooks,
    inbox::{Inbox, Input, Prompt},
    turn::TurnEnd,
};

/// A scripted agent at work.
#[derive(Debug)]
pub(super) struct Child<W> {
    pub(super) cast: Cast,
    pub(super) frames: Frames<W>,
    pub(super) inbox: Inbox,
    pub(super) queue: VecDeque<Prompt>,
    pub(super) model: String,
    pub(super) permission_mode: String,
    pub(super) hooks: Hooks,
    /// Spent by this process.
    pub(super) spent: MicroUsd,
    pub(super) usage: TokenUsage,
    pub(super) results: u32,
    pub(super) commands: u64,
}

/// Why the agent does not go on with what it is doing.
#[derive(Debug)]
pub(super) enum Halt {
    Exit(i32),
    Interrupted,
    TurnOver(TurnEnd),
}

impl From<io::Error> for Halt {
    /// Nobody reads what it writes, or its folder is gone.
    fn from(_: io::Error) -> Self {
        Self::Exit(1)
    }
}

impl<W: Write> Child<W> {
    pub(super) fn new(cast: Cast, mut frames: Frames<W>, inbox: Inbox) -> Self {
        frames.belong_to(cast.state.external_id.to_string(), cast.state.next_turn);
        let model = cast.arguments.model.clone().unwrap_or_else(|| cast.scenario.model.clone());
        let permission_mode = cast.arguments.permission_mode.clone();
        Self {
            cast,
            frames,
            inbox,
            queue: VecDeque::new(),
            model,
            permission_mode,
            hooks: Hooks::default(),
            spent: MicroUsd::ZERO,
            usage: TokenUsage::default(),
            results: 0,
            commands: 0,
        }
    }

    /// Works until something ends it; gives the exit code.
    pub(super) fn run(mut self) -> i32 {
        loop {
            if let Err(Halt::Exit(code)) = self.work() {
                return code;
            }
        }
    }

    /// Waits for prompts and plays a turn for each.
    fn work(&mut self) -> Result<(), Halt> {
        while self.queue.is_empty() {
            if let Some(input) = self.inbox.next(None) {
                self.take_in(input)?;
            }
        }
        self.frames.session_state("running")?;
        let mut has_waited = false;
        while let Some(prompt) = self.queue.pop_front() {
            self.play_turn(&prompt, has_waited)?;
            has_waited = true;
        }
        self.frames.session_state("idle")?;
        Ok(())
    }

    /// The next input that the current step may wait for; `None` when the deadline passes.
    pub(super) fn receive(&mut self, deadline: Option<Instant>) -> Result<Option<Input>, Halt> {
        while let Some(input) = self.inbox.next(deadline) {
            if let Some(input) = self.take_in(input)? {
                return Ok(Some(input));
            }
        }
        Ok(None)
    }

    /// Deals with what concerns the whole session and gives back the rest.
    fn take_in(&mut self, input: Input) -> Result<Option<Input>, Halt> {
        match input {
            Input::End => return Err(Halt::Exit(0)),
            Input::Unreadable => return Err(Halt::Exit(1)),
            Input::Prompt(prompt) => {
                self.frames.lifecycle(prompt.id.as_ref(), "queued")?;
                self.queue.push_back(prompt);
            }
            Input::Control { request_id, request } => self.control(&request_id, &request)?,
            Input::Answer { .. } | Input::CommandEnded { .. } => return Ok(Some(input)),
        }
        Ok(None)
    }

    fn control(&mut self, request_id: &str, request: &Value) -> Result<(), Halt> {
        match request["subtype"].as_str().unwrap_or_default() {
            "initialize" => {
                self.hooks = Hooks::read(&request["hooks"]);
                self.frames.answer(request_id, &self.introduction())?;
            }
            "interrupt" => {
                let waiting: Vec<_> = self.queue.iter().filter_map(|prompt| prompt.id.as_deref()).collect();
                self.frames.answer(request_id, &json!({ "still_queued": waiting }))?;
                return Err(Halt::Interrupted);
            }
            "set_permission_mode" => self.set_permission_mode(request_id, &request["mode"])?,
            "set_model" => {
                let model = request["model"].as_str().unwrap_or(&self.cast.scenario.model);
                self.model = model.to_owned();
                self.frames.answer(request_id, &json!({ "model": self.model }))?;
            }
            "end_session" => {
                self.frames.answer(request_id, &json!({}))?;
                return Err(Halt::Exit(0));
            }
            other => {
                let error = format!("Unsupported control request subtype: {other}");
                self.frames.refuse(request_id, &error, "unsupported_request")?;
            }
        }
        Ok(())
    }

    fn set_permission_mode(&mut self, request_id: &str, mode: &Value) -> io::Result<()> {
        let Some(mode @ ("default" | "plan" | "acceptEdits" | "dontAsk" | "bypassPermissions")) =
            mode.as_str()
        else {
            return self.frames.refuse(
                request_id,
                &format!("Invalid permission mode: {mode}"),
                "invalid_mode",
            );
        };
        self.permission_mode = mode.to_owned();
        self.frames.answer(request_id, &json!({ "mode": mode }))?;
        self.frames
            .send(json!({ "type": "system", "subtype": "status", "status": null, "permissionMode": mode }))
    }

    fn introduction(&self) -> Value {
        json!({
            "commands": [],
            "agents": [],
            "models": [],
            "account": { "tokenSource": "none", "apiKeySource": "none", "apiProvider": "scripted" },
            "output_style": "default",
            "pid": std::process::id(),
            "claude_code_version": env!("CARGO_PKG_VERSION"),
            "current_permission_mode": self.permission_mode,
            "session_state": "idle",
            "capabilities": [],
        })
    }
}
