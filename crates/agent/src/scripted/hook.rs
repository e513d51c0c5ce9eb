//! The hooks that the host registered: when they are called, and what the agent does with what they say.

use std::{collections::BTreeMap, io::Write, time::Duration};

use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    permission::{Answer, Call},
    tool::ToolOutput,
    turn::Progress,
};

/// How often in a row the end of a turn may be refused.
const MOST_REFUSED_ENDS: u32 = 8;

/// The hooks that the host registered, by event: of each the first that is for everything.
#[derive(Debug, Default)]
pub(super) struct Hooks(BTreeMap<String, Callback>);

#[derive(Debug, Clone)]
struct Callback {
    id: String,
    timeout: Duration,
}

impl Hooks {
    /// Reads what stands in `initialize`.
    pub(super) fn read(hooks: &Value) -> Self {
        let events = hooks.as_object().into_iter().flatten();
        Self(events.filter_map(|(event, matchers)| Some((event.clone(), callback(matchers)?))).collect())
    }
}

fn callback(matchers: &Value) -> Option<Callback> {
    let is_for_everything = |hook: &&Value| matches!(hook["matcher"].as_str(), None | Some("" | "*"));
    let hook = matchers.as_array()?.iter().find(is_for_everything)?;
    let timeout = Duration::from_secs(hook["timeout"].as_u64().unwrap_or(60));
    Some(Callback { id: hook["hookCallbackIds"][0].as_str()?.to_owned(), timeout })
}

impl<W: Write> Child<W> {
    /// Calls the host's hook of an event with the event's own fields; `None` when it has none.
    pub(super) fn call_hook(&mut self, event: &str, fields: Value) -> Result<Option<Answer>, Halt> {
        let Some(Callback { id, timeout }) = self.hooks.0.get(event).cloned() else { return Ok(None) };
        self.call_back(&id, event, fields, timeout).map(Some)
    }

    fn call_back(&mut self, id: &str, event: &str, fields: Value, timeout: Duration) -> Result<Answer, Halt> {
        let mut input = json!({
            "session_id": self.frames.session_id(),
            "cwd": self.cast.arguments.working_directory,
            "permission_mode": self.permission_mode,
            "hook_event_name": event,
        });
        if let (Value::Object(input), Value::Object(fields)) = (&mut input, fields) {
            input.extend(fields);
        }
        let tool_use_id = input["tool_use_id"].clone();
        let request = json!({
            "subtype": "hook_callback", "callback_id": id, "input": input, "tool_use_id": tool_use_id,
        });
        self.ask(&request, Some(timeout))
    }

    /// Calls the hook of an event that can be refused; gives the reason when it is. Silence and errors refuse nothing.
    pub(super) fn call_observer(&mut self, event: &str, fields: Value) -> Result<Option<String>, Halt> {
        match self.call_hook(event, fields)? {
            Some(Answer::Given(answer)) => self.heed(event, &answer),
            Some(Answer::Error(_) | Answer::TimedOut) | None => Ok(None),
        }
    }

    fn heed(&mut self, event: &str, answer: &Value) -> Result<Option<String>, Halt> {
        self.tell_context(event, answer)?;
        let is_refused = answer["decision"] == "block";
        Ok(is_refused.then(|| answer["reason"].as_str().unwrap_or("Blocked by hook").to_owned()))
    }

    /// A step of a scenario that plays an event which this agent has no other reason to name.
    pub(super) fn play_hook(&mut self, event: &str, fields: Value) -> Result<(), Halt> {
        let answer = match self.hooks.0.get(event).cloned() {
            Some(Callback { id, timeout }) => self.call_back(&id, event, fields, timeout)?,
            // As a later agent program might, which calls what nobody registered for.
            None => self.call_back(event, event, fields, Duration::from_secs(60))?,
        };
        if let Answer::Given(answer) = answer
            && let Some(reason) = self.heed(event, &answer)?
        {
            self.tell_model(&format!("{event} hook feedback:\n{reason}"))?;
        }
        Ok(())
    }

    /// What a hook tells the model. The agent CLI keeps this to itself; here the host can see it.
    pub(super) fn tell_context(&mut self, event: &str, answer: &Value) -> Result<(), Halt> {
        match answer["hookSpecificOutput"]["additionalContext"].as_str() {
            Some(context) => self.tell_model(&format!("{event} hook additional context: {context}")),
            None => Ok(()),
        }
    }

    fn tell_model(&mut self, text: &str) -> Result<(), Halt> {
        let message = json!({ "role": "user", "content": [{ "type": "text", "text": text }] });
        let frame =
            json!({ "type": "user", "message": message, "parent_tool_use_id": null, "isSynthetic": true });
        Ok(self.frames.send(frame)?)
    }

    /// After a tool ran. A reason not to go on is told to the model.
    pub(super) fn call_after_tool(
        &mut self,
        call: &Call,
        output: &ToolOutput,
        took: Duration,
    ) -> Result<(), Halt> {
        let mut fields = json!({
            "tool_name": call.tool_name,
            "tool_input": call.input,
            "tool_use_id": call.tool_use_id,
            "duration_ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        let event = if output.is_error {
            fields["error"] = json!(output.content);
            fields["is_interrupt"] = json!(false);
            "PostToolUseFailure"
        } else {
            fields["tool_response"] = output.detail.clone();
            "PostToolUse"
        };
        match self.call_observer(event, fields)? {
            Some(reason) => self.tell_model(&format!("{event}:{} hook feedback:\n{reason}", call.tool_name)),
            None => Ok(()),
        }
    }

    /// Plays the steps of a turn, and those of the next one as long as the end is refused.
    pub(super) fn play_until_stopped(&mut self, progress: &mut Progress) -> Result<(), Halt> {
        self.play_steps(progress)?;
        for refused in 0..MOST_REFUSED_ENDS {
            let fields =
                json!({ "stop_hook_active": refused > 0, "last_assistant_message": progress.last_text });
            let Some(reason) = self.call_observer("Stop", fields)? else { break };
            self.tell_model(&format!("Stop hook feedback:\n{reason}"))?;
            progress.go_on(self.take_turn()?);
            self.play_steps(progress)?;
        }
        Ok(())
    }
}
