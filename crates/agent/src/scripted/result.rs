//! The `result` frame at the end of a turn.

use std::io::Write;

use domain::{money::MicroUsd, usage::TokenUsage};
use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    turn::{Progress, TurnEnd},
};

impl<W: Write> Child<W> {
    pub(super) fn send_result(&mut self, progress: &Progress, end: &TurnEnd) -> Result<(), Halt> {
        let mut frame = verdict(end, progress, &self.cast.arguments);
        let duration_ms = u64::try_from(progress.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let common = json!({
            "type": "result",
            "is_error": *end != TurnEnd::Completed,
            "num_turns": progress.round_trips,
            "duration_ms": duration_ms,
            "duration_api_ms": 0,
            "total_cost_usd": dollars(self.cast.state.cost),
            "usage": usage(progress.usage),
            "modelUsage": { &self.model: model_usage(self.spent, self.usage) },
            "model_usage_since_last_result": { &self.model: model_usage(progress.cost, progress.usage) },
            "permission_denials": progress.denials,
            "queued_turn_count": self.queue.len(),
            "result_index": self.results,
        });
        merge(&mut frame, common);
        if let Some(id) = &progress.prompt_id {
            merge(&mut frame, json!({ "user_message_uuid": id, "user_message_uuids": [id] }));
        }
        self.results += 1;
        Ok(self.frames.send(frame)?)
    }
}

/// The line the agent CLI writes instead of starting.
pub(super) fn refusal(reason: &str) -> Value {
    json!({
        "type": "result",
        "subtype": "error_during_execution",
        "is_error": true,
        "duration_ms": 0,
        "num_turns": 0,
        "total_cost_usd": 0,
        "errors": [reason],
    })
}

fn verdict(end: &TurnEnd, progress: &Progress, arguments: &super::ChildArguments) -> Value {
    let error = |subtype: &str, reason: &str, text: String| json!({ "subtype": subtype, "terminal_reason": reason, "errors": [text] });
    match end {
        TurnEnd::Completed => {
            json!({ "subtype": "success", "terminal_reason": "completed", "result": progress.last_text })
        }
        TurnEnd::ApiError { status, message } => json!({
            "subtype": "success", "terminal_reason": "api_error", "result": message, "api_error_status": status,
        }),
        TurnEnd::Aborted { in_tool } => {
            let reason = if *in_tool { "aborted_tools" } else { "aborted_streaming" };
            error("error_during_execution", reason, "the turn was interrupted".to_owned())
        }
        TurnEnd::MaxTurns => {
            let most = arguments.max_turns.unwrap_or(0);
            error("error_max_turns", "max_turns", format!("Reached maximum number of turns ({most})"))
        }
        TurnEnd::BudgetExhausted => {
            let budget = arguments.budget.unwrap_or_default();
            error("error_max_budget_usd", "budget_exhausted", format!("Reached maximum budget ({budget})"))
        }
        TurnEnd::Unexpected(problem) => error("error_during_execution", "scenario", problem.clone()),
    }
}

fn usage(usage: TokenUsage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_creation_input_tokens": usage.cache_creation_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
    })
}

fn model_usage(cost: MicroUsd, usage: TokenUsage) -> Value {
    json!({
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cacheCreationInputTokens": usage.cache_creation_tokens,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "costUSD": dollars(cost),
    })
}

/// A JSON number of dollars.
fn dollars(amount: MicroUsd) -> Value {
    serde_json::from_str(&amount.to_decimal()).unwrap_or_default()
}

fn merge(frame: &mut Value, more: Value) {
    if let (Value::Object(frame), Value::Object(more)) = (frame, more) {
        frame.extend(more);
    }
}
