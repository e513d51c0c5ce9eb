//! Tokens and money in a `result` frame.

use domain::{agent_event::ReportedCost, money::MicroUsd, usage::TokenUsage};
use serde_json::Value;

use super::Frame;

/// Tokens of the turn. Per model since the last result where the agent CLI says so: its `usage` leaves out what
/// subagents and interrupted requests took.
pub(super) fn token_usage(frame: &Frame) -> TokenUsage {
    if let Some(models) = since_last_result(frame) {
        return usage_of_models(models);
    }
    frame.get("usage").map(usage_of_message).unwrap_or_default()
}

/// Tokens as a message of the model says them.
pub(crate) fn usage_of_message(usage: &Value) -> TokenUsage {
    let usage = TokenUsage {
        input_tokens: count(usage, "input_tokens"),
        output_tokens: count(usage, "output_tokens"),
        cache_creation_tokens: count(usage, "cache_creation_input_tokens"),
        cache_read_tokens: count(usage, "cache_read_input_tokens"),
    };
    usage.within_measure()
}

/// Tokens as the program sums them up, of all models.
pub(crate) fn usage_of_models<'m>(models: impl Iterator<Item = &'m Value>) -> TokenUsage {
    models.map(model_usage).fold(TokenUsage::default(), TokenUsage::saturating_add).within_measure()
}

/// What the agent CLI says about money; a model without a price makes the sum unknown rather than too small.
pub(super) fn reported_cost(frame: &Frame) -> ReportedCost {
    let dollars =
        since_last_result(frame).and_then(|models| models.map(|model| model["costUSD"].as_f64()).sum());
    ReportedCost {
        since_last_result: dollars.and_then(amount),
        cumulative: frame.get("total_cost_usd").and_then(Value::as_f64).and_then(amount),
    }
}

fn since_last_result(frame: &Frame) -> Option<impl Iterator<Item = &Value>> {
    Some(frame.get("model_usage_since_last_result")?.as_object()?.values())
}

fn model_usage(model: &Value) -> TokenUsage {
    TokenUsage {
        input_tokens: count(model, "inputTokens"),
        output_tokens: count(model, "outputTokens"),
        cache_creation_tokens: count(model, "cacheCreationInputTokens"),
        cache_read_tokens: count(model, "cacheReadInputTokens"),
    }
}

fn count(usage: &Value, field: &str) -> i64 {
    usage[field].as_i64().unwrap_or(0)
}

fn amount(dollars: f64) -> Option<MicroUsd> {
    MicroUsd::from_dollars(dollars).ok()
}
