//! Reading the transcripts that the Claude Code CLI keeps of its sessions: one JSON object a line, in a format of its own that
//! grows with it. What a line of this version means is said here; everything else in it is kept with its message.

use domain::{agent_event::AgentMessage, money::MicroUsd, time::Timestamp, usage::TokenUsage};
use serde_json::Value;

use crate::claude;

/// What a line of a transcript says.
#[derive(Debug, Clone, PartialEq)]
pub enum TranscriptLine {
    /// Something was said.
    Said(Box<SaidLine>),
    /// What the session cost so far.
    Cost(CostLine),
    /// Bookkeeping of the program.
    Other,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct SaidLine {
    /// What was said, with the tools it asks for and the results it brings.
    pub message: AgentMessage,
    /// When.
    pub at: Option<Timestamp>,
    /// The folder the agent worked in.
    pub working_directory: Option<String>,
    /// What the model's message took so far.
    pub metered: Option<Metered>,
}

/// Tokens of a message of the model. Its pieces come on lines of their own, each with all of its tokens so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered {
    /// The message, by the model's own id; empty when it has none.
    pub message: String,
    /// Its tokens.
    pub usage: TokenUsage,
}

/// The tools with which an agent starts another.
pub const AGENT_TOOLS: [&str; 2] = ["Agent", "Task"];

/// The subagent that a tool call started, by what came of the call.
#[must_use]
pub fn started_subagent(output: &Value) -> Option<&str> {
    output["detail"]["agentId"].as_str()
}

/// What a session cost up to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostLine {
    /// Money.
    pub cost: MicroUsd,
    /// Tokens of all models.
    pub usage: TokenUsage,
}

/// Why a line says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableLine {
    /// It is no JSON.
    #[error("not a JSON object")]
    NoObject,
    /// It has no type.
    #[error("without a type")]
    NoType,
}

/// Reads a line.
///
/// # Errors
/// See [`UnreadableLine`].
pub fn read_line(line: &str) -> Result<TranscriptLine, UnreadableLine> {
    let mut fields = claude::parse_object(line).ok_or(UnreadableLine::NoObject)?;
    let kind = fields.get("type").and_then(Value::as_str).ok_or(UnreadableLine::NoType)?.to_owned();
    match kind.as_str() {
        "user" | "assistant" => {}
        "cost-state" => return Ok(cost(&fields).map_or(TranscriptLine::Other, TranscriptLine::Cost)),
        _ => return Ok(TranscriptLine::Other),
    }
    // Those stand with the session, or say the same on every line.
    fields.remove("sessionId");
    let working_directory = fields.remove("cwd").and_then(text);
    let at = fields.get("timestamp").and_then(Value::as_str).and_then(|time| time.parse().ok());
    if fields.remove("isSidechain") == Some(Value::Bool(true)) && !fields.contains_key("parent_tool_use_id") {
        // A subagent said it; older programs do not say which, nor for which call it works.
        let subagent = fields.get("agentId").and_then(Value::as_str).map(|agent| format!("agent-{agent}"));
        let call = fields.remove("parentToolUseID").and_then(text);
        let parent = call.or(subagent).unwrap_or_else(|| "sidechain".to_owned());
        fields.insert("parent_tool_use_id".to_owned(), parent.into());
    }
    if let Some(result) = fields.remove("toolUseResult") {
        fields.insert("tool_use_result".to_owned(), result);
    }
    let metered = fields.get("message").and_then(metered);
    let message = claude::said(fields, kind == "assistant");
    Ok(TranscriptLine::Said(Box::new(SaidLine { message, at, working_directory, metered })))
}

fn metered(message: &Value) -> Option<Metered> {
    let usage = claude::usage_of_message(message.get("usage")?);
    let id = message.get("id").and_then(Value::as_str).unwrap_or_default();
    (usage != TokenUsage::default()).then(|| Metered { message: id.to_owned(), usage })
}

fn text(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn cost(fields: &serde_json::Map<String, Value>) -> Option<CostLine> {
    let cost = MicroUsd::from_dollars(fields.get("totalCostUSD")?.as_f64()?).ok()?;
    let models = fields.get("modelUsage").and_then(Value::as_object);
    let usage = claude::usage_of_models(models.into_iter().flat_map(|models| models.values()));
    Some(CostLine { cost, usage })
}

#[cfg(test)]
mod tests {
    use domain::message::MessageType;
    use serde_json::json;

    use super::*;

    fn said(line: &Value) -> SaidLine {
        match read_line(&line.to_string()) {
            Ok(TranscriptLine::Said(said)) => *said,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_said_is_read_with_its_time_and_folder() {
        let line = said(&json!({
            "type": "user", "uuid": "u1", "sessionId": "s", "cwd": "/work", "isSidechain": false, "version": "2.1.329",
            "timestamp": "2026-11-21T01:14:27.414Z", "message": { "role": "user", "content": "first" },
        }));
        assert_eq!(
            (line.message.body.message_type, line.message.body.content.text().as_str()),
            (MessageType::User, "first")
        );
        assert_eq!(line.working_directory.as_deref(), Some("/work"));
        assert_eq!(line.at.map(|at| at.to_string()).as_deref(), Some("2026-11-21T01:14:27.414000Z"));
        assert_eq!(line.message.body.external_id.as_deref(), Some("u1"));
        let extra = Value::Object(line.message.body.content.extra);
        assert_eq!(extra, json!({ "version": "2.1.329", "timestamp": "2026-11-21T01:14:27.414Z" }));
    }

    #[test]
    fn tools_and_subagents_are_told_apart() {
        let line = said(&json!({
            "type": "assistant", "isSidechain": true,
            "message": { "id": "m", "model": "x", "content": [{ "type": "tool_use", "id": "t", "name": "Bash", "input": {} }] },
        }));
        assert_eq!(line.message.tool_uses[0].tool_use_id, "t");
        assert_eq!(line.message.body.parent_tool_use_id.as_deref(), Some("sidechain"));
        let line = said(&json!({
            "type": "user", "toolUseResult": { "stdout": "x" },
            "message": { "content": [{ "type": "tool_result", "tool_use_id": "t", "content": "x" }] },
        }));
        assert_eq!(
            line.message.tool_results[0].output,
            json!({ "content": "x", "detail": { "stdout": "x" } })
        );
    }

    #[test]
    fn tokens_stand_with_the_models_own_message_and_nonsense_is_bounded() {
        let metered = |usage: Value| {
            said(&json!({ "type": "assistant", "message": { "id": "m", "model": "x", "content": [], "usage": usage } }))
                .metered
        };
        let usage =
            TokenUsage { input_tokens: 7, output_tokens: TokenUsage::LARGEST, ..TokenUsage::default() };
        let expected = Metered { message: "m".to_owned(), usage };
        assert_eq!(metered(json!({ "input_tokens": 7, "output_tokens": i64::MAX, "x": -1 })), Some(expected));
        assert_eq!(metered(json!({ "input_tokens": -7 })), None);
    }

    #[test]
    fn cost_is_a_sum_over_models() {
        let line = json!({
            "type": "cost-state", "totalCostUSD": 0.0016,
            "modelUsage": { "a": { "inputTokens": 200, "outputTokens": 40 }, "b": { "inputTokens": 1 } },
        });
        let usage = TokenUsage { input_tokens: 201, output_tokens: 40, ..TokenUsage::default() };
        let cost = CostLine { cost: MicroUsd::from_micros(1600), usage };
        assert_eq!(read_line(&line.to_string()), Ok(TranscriptLine::Cost(cost)));
    }

    #[test]
    fn the_rest_is_bookkeeping_or_unreadable() {
        assert_eq!(read_line(r#"{"type": "mode", "mode": "normal"}"#), Ok(TranscriptLine::Other));
        assert_eq!(read_line(r#"{"type": "cost-state"}"#), Ok(TranscriptLine::Other));
        assert_eq!(read_line("{}"), Err(UnreadableLine::NoType));
        for bad in ["", "[]", "{\"type\": ", "null"] {
            assert_eq!(read_line(bad), Err(UnreadableLine::NoObject), "{bad}");
        }
    }
}
