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

/// What came of a question to the host.
pub(super) enum Answer {
    Given(Value),
    Error(String),
    TimedOut,
}

impl<W: Write> Child<W> {
    /// Asks the host's hook, then a person unless the hook decides. The hook may put another input in the place of the model's.
    pub(super) fn ask_permission(&mut self, call: &mut Call) -> Result<Verdict, Halt> {
        let fields = json!({
            "tool_name": call.tool_name, "tool_input": call.input, "tool_use_id": call.tool_use_id,
        });
        let Some(answer) = self.call_hook("PreToolUse", fields)? else { return self.ask_person(call) };
        let answer = match answer {
            Answer::TimedOut => {
                return Ok(refused("PreToolUse hook did not respond before its timeout".to_owned()));
            }
            Answer::Error(error) => {
                return Ok(refused(format!("PreToolUse:{} hook error: {error}", call.tool_name)));
            }
            Answer::Given(answer) => answer,
        };
        self.tell_context("PreToolUse", &answer)?;
        let output = &answer["hookSpecificOutput"];
        call.input = updated(&output["updatedInput"], call);
        match output["permissionDecision"].as_str() {
            Some("allow") if call.tool_name != "AskUserQuestion" => Ok(Verdict::Run(call.input.clone())),
            Some("deny") => {
                let reason = output["permissionDecisionReason"].as_str().unwrap_or_default();
                Ok(refused(format!("PreToolUse:{} hook error: {reason}", call.tool_name)))
            }
            _ => self.ask_person(call),
        }
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
        Ok(match answer {
            Answer::Given(answer) if answer["behavior"] == "allow" => {
                Verdict::Run(updated(&answer["updatedInput"], call))
            }
            Answer::Given(answer) => {
                let message = answer["message"].as_str().unwrap_or("denied").to_owned();
                Verdict::Refuse { message, interrupt: answer["interrupt"] == true }
            }
            Answer::Error(error) => refused(format!("Tool permission request failed: Error: {error}")),
            Answer::TimedOut => refused("Tool permission request timed out".to_owned()),
        })
    }

    /// Asks the host and waits. A question nobody waits for any more is taken back.
    pub(super) fn ask(&mut self, request: &Value, timeout: Option<Duration>) -> Result<Answer, Halt> {
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

const fn refused(message: String) -> Verdict {
    Verdict::Refuse { message, interrupt: false }
}

/// The input as the host changed it, or the model's own.
fn updated(input: &Value, call: &Call) -> Value {
    if input.is_object() { input.clone() } else { call.input.clone() }
}
