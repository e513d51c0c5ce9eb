//! From a TOML or JSON value to a scenario.

use domain::{money::MicroUsd, usage::TokenUsage};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{Action, Crash, Scenario, ScenarioError, Step, Turn, fields::Fields};

const ACTIONS: [&str; 11] =
    ["say", "think", "tool", "ask", "wait", "crash", "garble", "spend", "hang", "hook", "fail"];

pub(super) fn scenario(value: Value) -> Result<Scenario, ScenarioError> {
    let mut fields = Fields::new("scenario", value)?;
    let model = fields.text("model")?.unwrap_or_else(|| "scripted".to_owned());
    let delta_delay = fields.duration("delta_delay")?.unwrap_or_default();
    let turns = fields.list("turn")?;
    fields.finish("model, delta_delay, turn")?;
    let turns = turns.into_iter().enumerate().map(|(index, value)| turn(index + 1, value));
    Ok(Scenario { model, delta_delay, turns: turns.collect::<Result<_, _>>()? })
}

fn turn(number: usize, value: Value) -> Result<Turn, ScenarioError> {
    let place = format!("turn {number}");
    let mut fields = Fields::new(&place, value)?;
    let values = fields.list("step")?;
    fields.finish("step")?;
    let mut steps: Vec<Step> = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let fields = Fields::new(format!("{place}, step {}", index + 1), value)?;
        let has_tool = steps.iter().any(|step| matches!(step.action, Action::Tool { .. }));
        if fields.has("when") && !has_tool {
            return Err(fields.error("when needs a tool or ask step before it in the same turn"));
        }
        steps.push(step(fields)?);
    }
    Ok(Turn { steps })
}

fn step(mut fields: Fields) -> Result<Step, ScenarioError> {
    let when = fields.outcome("when")?;
    let present: Vec<_> = ACTIONS.into_iter().filter(|action| fields.has(action)).collect();
    let &[action] = present.as_slice() else {
        let found = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
        return Err(fields.error(format!("a step has exactly one of {}; found: {found}", ACTIONS.join(", "))));
    };
    let (parsed, others) = parse_action(action, &mut fields)?;
    fields.finish(&format!("{action}, {others}when"))?;
    Ok(Step { when, action: parsed })
}

/// The action and which other fields its step can have.
fn parse_action(action: &str, fields: &mut Fields) -> Result<(Action, &'static str), ScenarioError> {
    Ok(match action {
        "say" => (Action::Say(text(fields, action)?), ""),
        "think" => (Action::Think(text(fields, action)?), ""),
        "tool" => (tool(fields)?, "input, expect, "),
        "ask" => (ask(fields)?, "header, options, expect, "),
        "wait" => (Action::Wait(fields.duration(action)?.unwrap_or_default()), ""),
        "crash" => (Action::Crash(crash(fields)?), ""),
        "garble" => (Action::Garble(text(fields, action)?), ""),
        "spend" => (spend(fields)?, ""),
        "hang" => (hang(fields)?, ""),
        "hook" => (hook(fields)?, "input, "),
        _ => (fail(fields)?, ""),
    })
}

fn text(fields: &mut Fields, field: &str) -> Result<String, ScenarioError> {
    Ok(fields.text(field)?.unwrap_or_default())
}

fn hook(fields: &mut Fields) -> Result<Action, ScenarioError> {
    Ok(Action::Hook { event: text(fields, "hook")?, input: input(fields)? })
}

fn input(fields: &mut Fields) -> Result<Value, ScenarioError> {
    let input = fields.take("input").unwrap_or_else(|| json!({}));
    if input.is_object() { Ok(input) } else { Err(fields.wrong("input", &input, "a table")) }
}

fn tool(fields: &mut Fields) -> Result<Action, ScenarioError> {
    let (name, input) = (text(fields, "tool")?, input(fields)?);
    Ok(Action::Tool { name, input, expect: fields.outcome("expect")? })
}

fn ask(fields: &mut Fields) -> Result<Action, ScenarioError> {
    let question = text(fields, "ask")?;
    let header = fields.text("header")?.unwrap_or_else(|| "Question".to_owned());
    let mut options = Vec::new();
    for option in fields.list("options")? {
        match option {
            Value::String(label) => options.push(json!({ "label": label, "description": "" })),
            other => return Err(fields.wrong("options", &other, "a list of texts")),
        }
    }
    let question =
        json!({ "question": question, "header": header, "options": options, "multiSelect": false });
    let input = json!({ "questions": [question] });
    Ok(Action::Tool { name: "AskUserQuestion".to_owned(), input, expect: fields.outcome("expect")? })
}

fn crash(fields: &mut Fields) -> Result<Crash, ScenarioError> {
    let value = fields.take("crash").unwrap_or_default();
    let signal = match value.as_str() {
        Some("SIGABRT") => Some(Signal::ABORT),
        Some("SIGKILL") => Some(Signal::KILL),
        Some("SIGSEGV") => Some(Signal::SEGV),
        Some("SIGTERM") => Some(Signal::TERM),
        _ => None,
    };
    let code =
        value.as_i64().filter(|code| (0..256).contains(code)).and_then(|code| i32::try_from(code).ok());
    let accepted = "an exit code from 0 to 255, or SIGABRT, SIGKILL, SIGSEGV or SIGTERM";
    signal.map(Crash::Signal).or(code.map(Crash::Exit)).ok_or_else(|| fields.wrong("crash", &value, accepted))
}

fn spend(fields: &mut Fields) -> Result<Action, ScenarioError> {
    const MOST_TOKENS: u64 = 1_000_000_000;
    let mut spend = Fields::new("spend", fields.take("spend").unwrap_or_default())?;
    let dollars = spend.take("usd").unwrap_or_else(|| json!(0));
    let cost = dollars.as_f64().and_then(|dollars| MicroUsd::from_dollars(dollars).ok());
    let cost =
        cost.ok_or_else(|| fields.wrong("spend.usd", &dollars, "an amount in dollars such as 0.25"))?;
    let mut tokens = |field| {
        let count = spend.count(field, MOST_TOKENS)?.unwrap_or(0);
        Ok::<_, ScenarioError>(i64::try_from(count).unwrap_or(i64::MAX))
    };
    let usage = TokenUsage {
        input_tokens: tokens("input_tokens")?,
        output_tokens: tokens("output_tokens")?,
        cache_creation_tokens: tokens("cache_creation_tokens")?,
        cache_read_tokens: tokens("cache_read_tokens")?,
    };
    spend.finish("usd, input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens")?;
    Ok(Action::Spend { cost, usage })
}

fn hang(fields: &mut Fields) -> Result<Action, ScenarioError> {
    match fields.take("hang") {
        Some(Value::Bool(true)) => Ok(Action::Hang),
        other => Err(fields.wrong("hang", &other.unwrap_or_default(), "true")),
    }
}

fn fail(fields: &mut Fields) -> Result<Action, ScenarioError> {
    let mut fail = Fields::new("fail", fields.take("fail").unwrap_or_default())?;
    let status = fail.count("status", 599)?.and_then(|status| u16::try_from(status).ok());
    let status = status.filter(|&status| status >= 400);
    let status = status.ok_or_else(|| fail.error("status must be an HTTP status from 400 to 599"))?;
    let message = fail.text("message")?.unwrap_or_else(|| "scripted failure".to_owned());
    let retries = fail.count("retries", 100)?.and_then(|retries| u32::try_from(retries).ok()).unwrap_or(0);
    fail.finish("status, message, retries")?;
    Ok(Action::Fail { status, message, retries })
}
