//! Trying a hook out on an event that does not happen.

use std::{path::PathBuf, time::Duration};

use agent::Environment;
use domain::{hook::HookEvent, name::Name};
use serde_json::{Value, json};

use super::{HookError, HookedEvent, Place, ReadyHook, answer::Verdict};
use crate::{App, Caller};

/// A hook to try out.
#[derive(Debug, Clone)]
pub struct TryHook {
    /// The hook; it need not be enabled.
    pub name: Name,
    /// What it is given; `None` is an example of its event.
    pub input: Option<Value>,
    /// Where it runs: an absolute path.
    pub working_directory: PathBuf,
    /// What it sees if it is a script; only what every program needs is taken from it.
    pub environment: Environment,
}

/// What a hook would do.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TriedHook {
    /// The event.
    pub event: HookEvent,
    /// Whether its matcher is for this event at all. It was run either way.
    pub matches: bool,
    /// What it was given.
    pub input: Value,
    /// What would become of the event: `continue`, `ask` or `block`.
    pub outcome: &'static str,
    /// Why it would be asked about or blocked.
    pub reason: Option<String>,
    /// What the tool would be given instead.
    pub updated_input: Option<Value>,
    /// What the model would be told.
    pub additional_context: Option<String>,
    /// The answer as it came.
    pub output: Option<Value>,
    /// How it failed.
    pub error: Option<String>,
    /// How long it took.
    #[serde(rename = "duration_us", serialize_with = "micros")]
    pub duration: Duration,
}

impl App {
    /// Runs a hook and tells what it would do. Nothing is recorded, but what the hook itself does is done.
    ///
    /// # Errors
    /// See [`HookError`]. That the hook fails is none.
    pub async fn try_hook(&self, caller: Caller, request: TryHook) -> Result<TriedHook, HookError> {
        let TryHook { name, input, working_directory, environment } = request;
        let hook = self.find_hook(caller, name).await?;
        let event = hook.event.clone();
        let input = input.unwrap_or_else(|| example(&event, &working_directory.to_string_lossy()));
        let place = Place {
            app: self.clone(),
            team_id: caller.team_id,
            session_id: None,
            working_directory,
            environment: environment.basic(),
        };
        let ready = ReadyHook::new(hook);
        let matches = ready.is_for(event.subject(&input));
        let hooked = HookedEvent::new(event.clone(), input.clone());
        let (said, run) = ready.run(&place, &hooked).await;
        let (outcome, reason) = match said.verdict {
            Verdict::Continue => ("continue", None),
            Verdict::Ask(reason) => ("ask", Some(reason)),
            Verdict::Block(reason) => ("block", Some(reason)),
        };
        Ok(TriedHook {
            event,
            matches,
            input,
            outcome,
            reason,
            updated_input: said.input,
            additional_context: said.context,
            output: run.output,
            error: run.error,
            duration: run.duration,
        })
    }
}

/// An event as an agent program would tell of it.
fn example(event: &HookEvent, cwd: &str) -> Value {
    let mut input = json!({
        "session_id": "00000000-0000-0000-0000-000000000000",
        "cwd": cwd,
        "permission_mode": "default",
        "hook_event_name": event,
    });
    let bash = json!({ "command": "echo hello", "description": "say hello" });
    let fields = match event.as_str() {
        "PreToolUse" => json!({ "tool_name": "Bash", "tool_input": bash, "tool_use_id": "toolu_example" }),
        "PostToolUse" => json!({
            "tool_name": "Bash", "tool_input": bash, "tool_use_id": "toolu_example", "duration_ms": 12,
            "tool_response": { "stdout": "hello\n", "stderr": "", "interrupted": false },
        }),
        "PostToolUseFailure" => json!({
            "tool_name": "Bash", "tool_input": bash, "tool_use_id": "toolu_example", "duration_ms": 12,
            "error": "Exit code 1", "is_interrupt": false,
        }),
        "UserPromptSubmit" => json!({ "prompt": "say hello" }),
        "Stop" => json!({ "stop_hook_active": false, "last_assistant_message": "hello" }),
        "SubagentStart" => json!({ "agent_id": "a1", "agent_type": "general-purpose" }),
        "SubagentStop" => json!({
            "agent_id": "a1", "agent_type": "general-purpose", "stop_hook_active": false,
            "last_assistant_message": "hello",
        }),
        "PreCompact" => json!({ "trigger": "auto", "custom_instructions": "" }),
        "Notification" => json!({ "message": "it waits for you", "notification_type": "idle_prompt" }),
        _ => json!({}),
    };
    if let (Value::Object(input), Value::Object(fields)) = (&mut input, fields) {
        input.extend(fields);
    }
    input
}

fn micros<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
