//! One step of a turn.

use std::{
    borrow::Cow,
    io::Write,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use domain::{money::MicroUsd, usage::TokenUsage};
use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    scenario::{Action, Crash, Outcome},
    turn::{Progress, TurnEnd},
};

/// Stands for the time in words that are said.
const NOW: &str = "{now}";

impl<W: Write> Child<W> {
    pub(super) fn perform(&mut self, action: &Action, progress: &mut Progress) -> Result<(), Halt> {
        match action {
            Action::Say(text) => self.say(&with_time(text), progress),
            Action::Think(text) => self.think(text, progress),
            Action::Tool { name, input, expect } => {
                let outcome = self.use_tool(name, input, progress)?;
                progress.last_outcome = Some(outcome);
                progress.owes_a_round_trip = true;
                check(name, *expect, outcome)
            }
            Action::Wait(duration) => self.wait_until(Some(Instant::now() + *duration)),
            Action::Hang => self.wait_until(None),
            Action::Hook { event, input } => self.play_hook(event, input.clone()),
            Action::Crash(crash) => Err(Halt::Exit(die(*crash))),
            Action::Garble(line) => Ok(self.frames.raw(line)?),
            Action::Spend { cost, usage } => self.spend(*cost, *usage, progress),
            Action::Fail { status, message, retries } => self.fail(*status, message, *retries, progress),
        }
    }

    fn say(&mut self, text: &str, progress: &mut Progress) -> Result<(), Halt> {
        text.clone_into(&mut progress.last_text);
        let delta = |piece: &str| json!({ "type": "text_delta", "text": piece });
        self.stream(text, &json!({ "type": "text", "text": "" }), delta, progress)?;
        self.send_assistant(&json!({ "type": "text", "text": text }), progress)?;
        self.stream_event(&json!({ "type": "content_block_stop", "index": 0 }))
    }

    fn think(&mut self, text: &str, progress: &Progress) -> Result<(), Halt> {
        let delta = |piece: &str| json!({ "type": "thinking_delta", "thinking": piece });
        self.stream(text, &json!({ "type": "thinking", "thinking": "", "signature": "" }), delta, progress)?;
        self.send_assistant(
            &json!({ "type": "thinking", "thinking": text, "signature": "c2NyaXB0ZWQ=" }),
            progress,
        )?;
        self.stream_event(&json!({ "type": "content_block_stop", "index": 0 }))
    }

    pub(super) fn send_assistant(&mut self, block: &Value, progress: &Progress) -> Result<(), Halt> {
        let message = json!({
            "id": progress.message_id(),
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [block],
            "stop_reason": null,
            "usage": { "input_tokens": 0, "output_tokens": 0 },
        });
        Ok(self
            .frames
            .send(json!({ "type": "assistant", "message": message, "parent_tool_use_id": null }))?)
    }

    /// Sends a block word by word, when the host asked for that.
    fn stream(
        &mut self,
        text: &str,
        block: &Value,
        delta: impl Fn(&str) -> Value,
        progress: &Progress,
    ) -> Result<(), Halt> {
        if !self.cast.arguments.include_partial_messages {
            return Ok(());
        }
        let message =
            json!({ "id": progress.message_id(), "type": "message", "role": "assistant", "content": [] });
        self.stream_event(&json!({ "type": "message_start", "message": message }))?;
        self.stream_event(&json!({ "type": "content_block_start", "index": 0, "content_block": block }))?;
        for piece in text.split_inclusive(' ') {
            self.stream_event(&json!({ "type": "content_block_delta", "index": 0, "delta": delta(piece) }))?;
            let delay = self.cast.scenario.delta_delay;
            if !delay.is_zero() {
                self.wait_until(Some(Instant::now() + delay))?;
            }
        }
        Ok(())
    }

    fn stream_event(&mut self, event: &Value) -> Result<(), Halt> {
        if self.cast.arguments.include_partial_messages {
            let frame = json!({ "type": "stream_event", "event": event, "parent_tool_use_id": null });
            self.frames.send(frame)?;
        }
        Ok(())
    }

    /// Does nothing until then, but stays open to the host.
    fn wait_until(&mut self, deadline: Option<Instant>) -> Result<(), Halt> {
        while self.receive(deadline)?.is_some() {}
        Ok(())
    }

    fn spend(&mut self, cost: MicroUsd, usage: TokenUsage, progress: &mut Progress) -> Result<(), Halt> {
        progress.cost = progress.cost.saturating_add(cost);
        progress.usage = progress.usage.saturating_add(usage);
        self.spent = self.spent.saturating_add(cost);
        self.usage = self.usage.saturating_add(usage);
        self.cast.state.cost = self.cast.state.cost.saturating_add(cost);
        self.cast.state.save(&self.cast.arguments.state_directory)?;
        self.check_budget()
    }

    fn fail(
        &mut self,
        status: u16,
        message: &str,
        retries: u32,
        progress: &mut Progress,
    ) -> Result<(), Halt> {
        for attempt in 1..=retries {
            self.frames.send(json!({
                "type": "system",
                "subtype": "api_retry",
                "attempt": attempt,
                "max_retries": retries,
                "retry_delay_ms": 0,
                "error_status": status,
                "error": error_kind(status),
            }))?;
        }
        progress.last_text = format!("API Error: {status} {message}");
        self.frames.send(json!({
            "type": "assistant",
            "message": {
                "id": progress.message_id(),
                "type": "message",
                "role": "assistant",
                "model": "<synthetic>",
                "content": [{ "type": "text", "text": progress.last_text }],
                "stop_reason": "stop_sequence",
                "usage": { "input_tokens": 0, "output_tokens": 0 },
            },
            "parent_tool_use_id": null,
            "error": error_kind(status),
            "is_api_error_message": true,
            "api_error_status": status,
        }))?;
        Err(Halt::TurnOver(TurnEnd::ApiError { status, message: progress.last_text.clone() }))
    }
}

fn check(tool: &str, expected: Option<Outcome>, actual: Outcome) -> Result<(), Halt> {
    match expected {
        Some(expected) if !expected.covers(actual) => {
            let (expected, actual) = (expected.as_str(), actual.as_str());
            let problem =
                format!("the scenario expects the call of {tool} to be {expected}, but it is {actual}");
            Err(Halt::TurnOver(TurnEnd::Unexpected(problem)))
        }
        _ => Ok(()),
    }
}

/// Dies by a signal, or gives the code to exit with.
fn die(crash: Crash) -> i32 {
    let signal = match crash {
        Crash::Exit(code) => return code,
        Crash::Signal(signal) => signal,
    };
    // Rust catches a first SIGSEGV to look for a stack overflow, finds none, and steps aside for the next one.
    loop {
        let _cannot_fail = rustix::process::kill_process(rustix::process::getpid(), signal);
        thread::sleep(Duration::from_millis(10));
    }
}

const fn error_kind(status: u16) -> &'static str {
    match status {
        401 | 403 => "authentication_failed",
        402 => "billing_error",
        429 => "rate_limit",
        400..=499 => "invalid_request",
        _ => "server_error",
    }
}

/// `{now}` becomes the time in microseconds since 1970: so that it can be measured when words arrive.
fn with_time(text: &str) -> Cow<'_, str> {
    if !text.contains(NOW) {
        return Cow::Borrowed(text);
    }
    #[expect(clippy::disallowed_methods, reason = "a child process has no clock but the machine's")]
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Cow::Owned(text.replace(NOW, &since_1970.as_micros().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_mark_becomes_the_time() {
        assert!(matches!(with_time("now {then}"), Cow::Borrowed("now {then}")));
        let said = with_time("at {now}.").into_owned();
        let time = said.strip_prefix("at ").and_then(|rest| rest.strip_suffix('.')).expect("a time");
        assert!(time.parse::<u64>().is_ok_and(|micros| micros > 1_700_000_000_000_000), "{said}");
    }
}
