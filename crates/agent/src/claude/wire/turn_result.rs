//! `result` frames: how a turn ended.

use domain::{
    agent_event::{AgentEvent, TurnEnded, TurnOutcome},
    id::CommandId,
    message::{ContentBlock, MessageType},
};
use serde_json::Value;

use super::{
    Frame,
    model_usage::{reported_cost, token_usage},
};

/// A turn ended.
pub(in crate::claude) fn turn_result(mut frame: Frame) -> AgentEvent {
    let outcome = outcome(&frame);
    let usage = token_usage(&frame);
    let cost = reported_cost(&frame);
    let prompts = prompts(&frame);
    let duration_ms = frame.get("duration_ms").and_then(Value::as_i64).unwrap_or(0).max(0);
    let queued_prompts = frame.get("queued_turn_count").and_then(Value::as_u64).unwrap_or(0);
    let errors = errors(&frame);
    forget_denied_inputs(&mut frame);
    let said = frame.take_text("result").filter(|text| !text.is_empty());
    let subtype = frame.take_text("subtype");
    let reported_usage = frame.take("usage");

    let blocks = said.iter().map(|text| ContentBlock::Text { text: text.clone() }).collect();
    let mut message = frame.into_body(MessageType::Result, blocks);
    message.subtype = subtype;
    message.usage = reported_usage;
    AgentEvent::TurnEnded(Box::new(TurnEnded {
        outcome,
        text: said.unwrap_or(errors),
        usage,
        cost,
        duration_ms,
        prompts,
        queued_prompts: u32::try_from(queued_prompts).unwrap_or(u32::MAX),
        message,
    }))
}

/// The agent CLI reports a failed model request as `success` with `is_error`, and an interruption as an error during
/// execution.
fn outcome(frame: &Frame) -> TurnOutcome {
    let is_error = frame.get("is_error").is_some_and(|value| value == true);
    let was_aborted = frame.text("terminal_reason").is_some_and(|reason| reason.starts_with("aborted"));
    match frame.text("subtype") {
        Some("success") if is_error => {
            let status = frame.get("api_error_status").and_then(Value::as_u64);
            TurnOutcome::ApiError { status: status.and_then(|status| u16::try_from(status).ok()) }
        }
        Some("success") => TurnOutcome::Completed,
        Some("error_during_execution") if was_aborted => TurnOutcome::Interrupted,
        Some("error_max_turns") => TurnOutcome::MaxTurns,
        Some("error_max_budget_usd") => TurnOutcome::BudgetExhausted,
        _ => TurnOutcome::Failed,
    }
}

/// Several prompts can be answered by one turn; older releases name only one.
fn prompts(frame: &Frame) -> Vec<CommandId> {
    let id = |value: &Value| value.as_str()?.parse().ok();
    match frame.get("user_message_uuids").and_then(Value::as_array) {
        Some(ids) => ids.iter().filter_map(id).collect(),
        None => frame.get("user_message_uuid").and_then(id).into_iter().collect(),
    }
}

fn errors(frame: &Frame) -> String {
    let errors = frame.get("errors").and_then(Value::as_array);
    errors.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// The input of a denied call stands in its tool call.
fn forget_denied_inputs(frame: &mut Frame) {
    if let Some(mut denials) = frame.take("permission_denials") {
        for denial in denials.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            denial.remove("tool_input");
        }
        frame.keep("permission_denials", denials);
    }
}
