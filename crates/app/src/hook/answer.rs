//! What a hook says: the JSON that the agent CLI's own hooks answer with.

use domain::hook::HookEvent;
use serde_json::{Map, Value};

/// What becomes of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    #[default]
    Continue,
    /// It goes on if a person says so.
    Ask(String),
    /// It does not go on, for this reason.
    Block(String),
}

/// What one hook says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Said {
    pub(super) verdict: Verdict,
    /// What the tool is given instead.
    pub(super) input: Option<Value>,
    /// What the model is told besides.
    pub(super) context: Option<String>,
}

impl Said {
    pub(super) fn block(reason: String) -> Self {
        Self { verdict: Verdict::Block(reason), ..Self::default() }
    }
}

/// Reads an answer. Nothing is no opinion; anything but an object, or a field of a kind it cannot have, is an error, and so is
/// what the event cannot take. A hook that allows a tool has no opinion: what is allowed is decided after the hooks.
pub(super) fn read(event: &HookEvent, output: &[u8]) -> Result<(Said, Option<Value>), String> {
    let text = std::str::from_utf8(output).map_err(|_| "its answer is not UTF-8".to_owned())?;
    if text.trim().is_empty() {
        return Ok((Said::default(), None));
    }
    let answer: Value =
        serde_json::from_str(text).map_err(|error| format!("its answer is not JSON: {error}"))?;
    let Value::Object(fields) = &answer else {
        return Err("its answer is JSON, but no object".to_owned());
    };
    let said = understand(event, fields)?;
    Ok((said, Some(answer)))
}

fn understand(event: &HookEvent, fields: &Map<String, Value>) -> Result<Said, String> {
    let none = Map::new();
    let specific = match fields.get("hookSpecificOutput") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(specific)) => specific,
        Some(_) => return Err("hookSpecificOutput is no object".to_owned()),
    };
    if let Some(name) = text(specific, "hookEventName")?.filter(|name| name != event.as_str()) {
        return Err(format!("hookEventName is {name:?}, and the event is {event}"));
    }
    let said = Said {
        verdict: verdict(fields, specific)?,
        input: rewrite(specific)?,
        context: text(specific, "additionalContext")?,
    };
    if said.input.is_some() && !event.takes_rewrites() {
        return Err(format!("the input of {event} cannot be rewritten"));
    }
    if said.context.is_some() && !event.takes_context() {
        return Err(format!("the model cannot be told anything at {event}"));
    }
    if matches!(said.verdict, Verdict::Ask(_)) && !event.takes_rewrites() {
        return Err(format!("nobody can be asked at {event}"));
    }
    Ok(said)
}

fn verdict(fields: &Map<String, Value>, specific: &Map<String, Value>) -> Result<Verdict, String> {
    let reason = |given: Option<String>| given.unwrap_or_else(|| "it gave no reason".to_owned());
    match fields.get("continue") {
        None | Some(Value::Null | Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Ok(Verdict::Block(reason(text(fields, "stopReason")?))),
        Some(other) => return Err(format!("continue is {other}; accepted: true, false")),
    }
    match text(fields, "decision")?.as_deref() {
        None | Some("approve") => {}
        Some("block") => return Ok(Verdict::Block(reason(text(fields, "reason")?))),
        Some(other) => return Err(format!("decision is {other:?}; accepted: approve, block")),
    }
    let why = text(specific, "permissionDecisionReason")?;
    match text(specific, "permissionDecision")?.as_deref() {
        None | Some("allow") => Ok(Verdict::Continue),
        Some("ask") => Ok(Verdict::Ask(reason(why))),
        Some("deny") => Ok(Verdict::Block(reason(why))),
        Some(other) => Err(format!("permissionDecision is {other:?}; accepted: allow, ask, deny")),
    }
}

fn rewrite(specific: &Map<String, Value>) -> Result<Option<Value>, String> {
    match specific.get("updatedInput") {
        None | Some(Value::Null) => Ok(None),
        Some(input @ Value::Object(_)) => Ok(Some(input.clone())),
        Some(_) => Err("updatedInput is no object".to_owned()),
    }
}

fn text(fields: &Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{field} is no text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said_at(event: &str, answer: &Value) -> Result<Said, String> {
        read(&event.parse().expect("an event"), answer.to_string().as_bytes()).map(|(said, _)| said)
    }

    fn gate(answer: &Value) -> Result<Said, String> {
        said_at("PreToolUse", answer)
    }

    fn specific(fields: &Value) -> Value {
        json!({ "hookSpecificOutput": fields })
    }

    #[test]
    fn silence_and_approval_are_no_opinion() {
        assert_eq!(read(&HookEvent::pre_tool_use(), b" \n"), Ok((Said::default(), None)));
        for answer in [
            json!({}),
            json!({ "continue": true, "suppressOutput": true, "systemMessage": "hm", "later": [1] }),
            json!({ "decision": "approve", "reason": "fine" }),
            specific(&json!({ "hookEventName": "PreToolUse", "permissionDecision": "allow" })),
            json!({ "decision": null, "hookSpecificOutput": null }),
        ] {
            assert_eq!(gate(&answer), Ok(Said::default()), "{answer}");
        }
    }

    #[test]
    fn every_way_to_block_blocks() {
        for answer in [
            json!({ "decision": "block", "reason": "no" }),
            json!({ "continue": false, "stopReason": "no" }),
            specific(&json!({ "permissionDecision": "deny", "permissionDecisionReason": "no" })),
        ] {
            assert_eq!(gate(&answer), Ok(Said::block("no".to_owned())), "{answer}");
        }
        assert_eq!(gate(&json!({ "decision": "block" })), Ok(Said::block("it gave no reason".to_owned())));
    }

    #[test]
    fn a_gate_can_ask_rewrite_and_tell() {
        let said = gate(&specific(&json!({
            "permissionDecision": "ask", "permissionDecisionReason": "sure?",
            "updatedInput": { "command": "ls" }, "additionalContext": "by the way",
        })));
        let expected = Said {
            verdict: Verdict::Ask("sure?".to_owned()),
            input: Some(json!({ "command": "ls" })),
            context: Some("by the way".to_owned()),
        };
        assert_eq!(said, Ok(expected));
    }

    #[test]
    fn nonsense_is_an_error() {
        let event = HookEvent::pre_tool_use();
        assert_eq!(read(&event, b"\xff"), Err("its answer is not UTF-8".to_owned()));
        assert!(read(&event, b"all good").expect_err("text").starts_with("its answer is not JSON"));
        assert!(read(&event, b"{} {}").is_err());
        for answer in [
            json!([]),
            json!("block"),
            json!({ "decision": "deny" }),
            json!({ "decision": 1 }),
            json!({ "continue": "no" }),
            json!({ "hookSpecificOutput": "x" }),
            specific(&json!({ "permissionDecision": "defer" })),
            specific(&json!({ "updatedInput": "ls" })),
            specific(&json!({ "additionalContext": 7 })),
            specific(&json!({ "hookEventName": "Stop" })),
        ] {
            gate(&answer).expect_err(&answer.to_string());
        }
    }

    #[test]
    fn what_an_event_cannot_take_is_an_error() {
        let rewrite = specific(&json!({ "updatedInput": {} }));
        assert_eq!(
            said_at("UserPromptSubmit", &rewrite),
            Err("the input of UserPromptSubmit cannot be rewritten".into())
        );
        let context = specific(&json!({ "additionalContext": "x" }));
        assert_eq!(
            said_at("PreCompact", &context),
            Err("the model cannot be told anything at PreCompact".into())
        );
        assert!(said_at("Stop", &context).is_ok());
        let ask = specific(&json!({ "permissionDecision": "ask" }));
        assert_eq!(said_at("Stop", &ask), Err("nobody can be asked at Stop".into()));
    }
}
