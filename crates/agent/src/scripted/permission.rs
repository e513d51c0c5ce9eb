//! Whether a tool call may run: the host's hook first, then a person.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    inbox::Input,
};

/// A tool call that wants to run.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) tool_use_id: String,
    pub(super) tool_name: String,
    pub(super) input: Value,
}

/// What the host said about a call.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// Run it with this input.
    Run(Value),
    /// Do not run it, and tell the model so.
    Refuse { message: String, interrupt: bool },
}

/// The hook the host registered for every tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gate {
    callback_id: String,
    timeout: Duration,
}

impl Gate {
    /// The first `PreToolUse` hook that matches every tool.
    pub(super) fn from_hooks(hooks: &Value) -> Option<Self> {
        let matchers = hooks["PreToolUse"].as_array()?;
        let every_tool = |hook: &&Value| matches!(hook["matcher"].as_str(), None | Some("" | "*"));
        let hook = matchers.iter().find(every_tool)?;
        let callback_id = hook["hookCallbackIds"][0].as_str()?.to_owned();
        let timeout = Duration::from_secs(hook["timeout"].as_u64().unwrap_or(60));
        Some(Self { callback_id, timeout })
    }
}

enum Answer {
    Given(Value),
    Error(String),
    TimedOut,
}

impl<W: Write> Child<W> {
    pub(super) fn ask_permission(&mut self, call: &Call) -> Result<Verdict, Halt> {
        match self.ask_gate(call)? {
            Some(verdict) => Ok(verdict),
            None => self.ask_person(call),
        }
    }

    /// `None` when a person decides.
    fn ask_gate(&mut self, call: &Call) -> Result<Option<Verdict>, Halt> {
        let Some(gate) = self.gate.clone() else { return Ok(None) };
        let input = json!({
            "session_id": self.frames.session_id(),
            "cwd": self.cast.arguments.working_directory,
            "permission_mode": self.permission_mode,
            "hook_event_name": "PreToolUse",
            "tool_name": call.tool_name,
            "tool_input": call.input,
            "tool_use_id": call.tool_use_id,
        });
        let request = json!({
            "subtype": "hook_callback",
            "callback_id": gate.callback_id,
            "input": input,
            "tool_use_id": call.tool_use_id,
        });
        let refuse = |message: String| Some(Verdict::Refuse { message, interrupt: false });
        Ok(match self.ask(&request, Some(gate.timeout))? {
            Answer::TimedOut => refuse("PreToolUse hook did not respond before its timeout".to_owned()),
            Answer::Error(error) => refuse(format!("PreToolUse:{} hook error: {error}", call.tool_name)),
            Answer::Given(answer) => {
                let output = &answer["hookSpecificOutput"];
                match output["permissionDecision"].as_str() {
                    Some("allow") if call.tool_name == "AskUserQuestion" => None,
                    Some("allow") => Some(Verdict::Run(updated(&output["updatedInput"], call))),
                    Some("deny") => {
                        let reason = output["permissionDecisionReason"].as_str().unwrap_or_default();
                        refuse(format!("PreToolUse:{} hook error: {reason}", call.tool_name))
                    }
                    _ => None,
                }
            }
        })
    }

    fn ask_person(&mut self, call: &Call) -> Result<Verdict, Halt> {
        let mut request = json!({
            "subtype": "can_use_tool",
            "tool_name": call.tool_name,
            "display_name": call.tool_name,
            "input": call.input,
            "tool_use_id": call.tool_use_id,
        });
        if let Some(description) = call.input["description"].as_str() {
            request["description"] = json!(description);
        }
        if call.tool_name == "AskUserQuestion" {
            request["requires_user_interaction"] = json!(true);
        }
        self.frames.session_state("requires_action")?;
        let answer = self.ask(&request, None)?;
        self.frames.session_state("running")?;
        let refuse = |message: String, interrupt| Verdict::Refuse { message, interrupt };
        Ok(match answer {
            Answer::Given(answer) if answer["behavior"] == "allow" => {
                Verdict::Run(updated(&answer["updatedInput"], call))
            }
            Answer::Given(answer) => {
                let message = answer["message"].as_str().unwrap_or("denied").to_owned();
                refuse(message, answer["interrupt"] == true)
            }
            Answer::Error(error) => refuse(format!("Tool permission request failed: Error: {error}"), false),
            Answer::TimedOut => refuse("Tool permission request timed out".to_owned(), false),
        })
    }

    /// Asks the host and waits. A question nobody waits for any more is taken back.
    fn ask(&mut self, request: &Value, timeout: Option<Duration>) -> Result<Answer, Halt> {
        let asked = self.frames.ask(request)?;
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        loop {
            match self.receive(deadline) {
                Ok(Some(Input::Answer { request_id, result })) if request_id == asked => {
                    return Ok(result.map_or_else(Answer::Error, Answer::Given));
                }
                Ok(Some(_)) => {}
                Ok(None) => {
                    self.frames.cancel(&asked)?;
                    return Ok(Answer::TimedOut);
                }
                Err(halt) => {
                    if matches!(halt, Halt::Interrupted) {
                        self.frames.cancel(&asked)?;
                    }
                    return Err(halt);
                }
            }
        }
    }
}

/// The input as the host changed it, or the model's own.
fn updated(input: &Value, call: &Call) -> Value {
    if input.is_object() { input.clone() } else { call.input.clone() }
}
