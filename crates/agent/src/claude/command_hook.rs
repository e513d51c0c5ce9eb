//! Command hooks: the agent CLI starts a program of somebody else's at an event, tells it of the event on its standard input,
//! and reads what it says from its standard output. This is the program's side.

use domain::{
    agent_event::{HookCall, ToolRequest},
    hook::{HookAnswer, HookEvent},
    permission::{Decision, PermissionMode},
};
use serde_json::Value;

use super::{
    outgoing::{event_output, gate_output},
    surrogates,
    wire::{Frame, Question, gate},
};

/// The most that an event may be, in bytes.
pub const LONGEST_EVENT: u64 = 16 * 1024 * 1024;
/// There is no request to answer to: the program is started for one event.
const NO_REQUEST: &str = "";
/// The longest session id that is believed.
const LONGEST_ID: usize = 200;

/// An event as a command hook is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandHook {
    /// The agent program's own session id.
    pub external_id: String,
    /// The folder it works in.
    pub cwd: Option<String>,
    /// How it decides what nobody else decides, where that is a mode we know.
    pub permission_mode: Option<PermissionMode>,
    /// What happened.
    pub moment: HookMoment,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum HookMoment {
    /// A tool is about to run.
    Gate(ToolRequest),
    /// Anything else.
    Event(HookCall),
}

/// What was given is no event.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableCommandHook {
    /// There is nothing.
    #[error("standard input is empty; accepted: one JSON object, as an agent CLI gives its command hooks")]
    Empty,
    /// Not JSON.
    #[error("standard input is no JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("standard input is JSON, but no object")]
    NoObject,
    /// A field is missing or cannot be what it is.
    #[error("{field} is {found}; accepted: {accepted}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is there, in short.
        found: String,
        /// What could be.
        accepted: &'static str,
    },
}

impl CommandHook {
    /// Reads an event.
    ///
    /// # Errors
    /// See [`UnreadableCommandHook`].
    pub fn read(input: &[u8]) -> Result<Self, UnreadableCommandHook> {
        if input.trim_ascii().is_empty() {
            return Err(UnreadableCommandHook::Empty);
        }
        let Value::Object(fields) = parse(input)? else { return Err(UnreadableCommandHook::NoObject) };
        let refuse = |field, accepted| UnreadableCommandHook::Field {
            field,
            found: fields.get(field).map_or_else(|| "missing".to_owned(), shown),
            accepted,
        };
        let text = |field: &str| fields.get(field).and_then(Value::as_str);
        let event: HookEvent = text("hook_event_name")
            .and_then(|name| name.parse().ok())
            .ok_or_else(|| refuse("hook_event_name", "the name of an event, such as PreToolUse"))?;
        let external_id = text("session_id")
            .filter(|id| !id.trim().is_empty() && id.len() <= LONGEST_ID)
            .ok_or_else(|| refuse("session_id", "a text of 1 to 200 bytes"))?
            .to_owned();
        let cwd = text("cwd").map(str::to_owned);
        let permission_mode = text("permission_mode").and_then(|mode| mode.parse().ok());
        let tool_use_id = text("tool_use_id").filter(|id| !id.is_empty()).map(str::to_owned);
        let moment = if event == HookEvent::pre_tool_use() {
            for field in ["tool_name", "tool_use_id"] {
                text(field).filter(|text| !text.is_empty()).ok_or_else(|| refuse(field, "a text"))?;
            }
            let is_object = fields.get("tool_input").is_some_and(Value::is_object);
            let wrong = (!is_object).then(|| refuse("tool_input", "an object"));
            let none = Frame::new(serde_json::Map::new());
            match (wrong, gate(NO_REQUEST, none, Frame::new(fields))) {
                (None, Some(Question::Gate(request))) => HookMoment::Gate(request),
                (Some(wrong), _) => return Err(wrong),
                (None, _) => return Err(UnreadableCommandHook::NoObject),
            }
        } else {
            let (request_id, input) = (NO_REQUEST.to_owned(), Value::Object(fields));
            HookMoment::Event(HookCall { request_id, event, tool_use_id, input })
        };
        Ok(Self { external_id, cwd, permission_mode, moment })
    }

    /// Whether what cannot be read may be an event that decides if something happens.
    #[must_use]
    pub fn may_be_gate(input: &[u8]) -> bool {
        let name =
            parse(input).ok().and_then(|fields| fields.get("hook_event_name")?.as_str().map(str::to_owned));
        name.is_none_or(|name| name == HookEvent::pre_tool_use().as_str())
    }
}

/// What a gate is answered: `None` leaves the decision to the agent program. `None` as a whole when there is nothing to say.
#[must_use]
pub fn answer_gate(
    decision: Option<(Decision, &str)>,
    input: Option<Value>,
    context: Option<String>,
) -> Option<String> {
    let is_silent = decision.is_none() && input.is_none() && context.is_none();
    (!is_silent).then(|| gate_output(decision, input, context).to_string())
}

/// What another event is answered; `None` when there is nothing to say.
#[must_use]
pub fn answer_event(event: &HookEvent, answer: HookAnswer) -> Option<String> {
    let output = event_output(event, answer);
    output.as_object().is_some_and(|fields| !fields.is_empty()).then(|| output.to_string())
}

/// The agent CLI cuts texts between the halves of a character, and what it wrote of that is read all the same.
fn parse(input: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(input).or_else(|error| {
        let repaired = std::str::from_utf8(input).ok().and_then(surrogates::repair);
        repaired.map_or(Err(error), |repaired| serde_json::from_str(&repaired))
    })
}

/// A value in short.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    let end = text.floor_char_boundary(LONGEST);
    if end == text.len() { text } else { format!("{}…", &text[..end]) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: &Value) -> Result<CommandHook, String> {
        CommandHook::read(event.to_string().as_bytes()).map_err(|error| error.to_string())
    }

    fn gate_event() -> Value {
        json!({
            "hook_event_name": "PreToolUse", "session_id": "s", "cwd": "/work", "permission_mode": "plan",
            "tool_name": "Bash", "tool_input": { "command": "ls" }, "tool_use_id": "toolu_1", "later": 1,
        })
    }

    #[test]
    fn a_gate_is_read_with_all_that_came() {
        let hook = read(&gate_event()).expect("an event");
        assert_eq!((hook.external_id.as_str(), hook.permission_mode), ("s", Some(PermissionMode::Plan)));
        let HookMoment::Gate(request) = hook.moment else { panic!("a gate") };
        assert_eq!(request.input, json!({ "command": "ls" }));
        assert_eq!((&request.extra["cwd"], &request.extra["later"]), (&json!("/work"), &json!(1)));
    }

    #[test]
    fn what_is_no_event_is_refused_by_field() {
        assert!(CommandHook::read(b" \n").expect_err("empty").to_string().contains("empty"));
        assert!(CommandHook::read(b"{\"a\":\xff}").is_err());
        assert!(CommandHook::read(b"[]").is_err());
        for (field, value, found) in [
            ("hook_event_name", json!(7), "hook_event_name is 7"),
            ("session_id", json!(""), "session_id is \"\""),
            ("session_id", json!("x".repeat(201)), "session_id is \"xxx"),
            ("tool_name", json!(null), "tool_name is null"),
            ("tool_input", json!("ls"), "tool_input is \"ls\""),
            ("tool_use_id", json!([]), "tool_use_id is []"),
        ] {
            let mut event = gate_event();
            event[field] = value;
            let error = read(&event).expect_err(field);
            assert!(error.starts_with(found) && error.contains("accepted: "), "{error}");
        }
    }

    #[test]
    fn half_a_character_does_not_make_it_unreadable() {
        let text = gate_event().to_string().replace("\"ls\"", r#""ls \ud83d""#);
        assert!(CommandHook::read(text.as_bytes()).is_ok());
    }

    #[test]
    fn there_is_no_answer_when_there_is_nothing_to_say() {
        assert_eq!(answer_gate(None, None, None), None);
        let input = answer_gate(None, Some(json!({})), None).expect("an answer");
        assert_eq!(input, r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","updatedInput":{}}}"#);
        let stop: HookEvent = "Stop".parse().expect("an event");
        assert_eq!(answer_event(&stop, HookAnswer::default()), None);
        let block = HookAnswer { block: Some("no".into()), context: None };
        assert_eq!(
            answer_event(&stop, block.clone()).as_deref(),
            Some(r#"{"decision":"block","reason":"no"}"#)
        );
        assert_eq!(answer_event(&"SessionEnd".parse().expect("an event"), block), None);
    }
}
