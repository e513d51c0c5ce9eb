use std::{thread, time::Duration};

use provost_agent::scripted::Scenario;
use serde_json::{Value, json};

use crate::{
    fake_agent::is_alive,
    host::{Host, Stage},
};

const ONE: &str = "c0000000-0000-7000-8000-000000000001";
const TWO: &str = "c0000000-0000-7000-8000-000000000002";

fn kinds(host: &Host) -> Vec<&str> {
    let kind = |frame: &'_ Value| -> &'static str {
        match (frame["type"].as_str(), frame["subtype"].as_str(), frame["state"].as_str()) {
            (Some("system"), Some("init"), _) => "init",
            (Some("system"), _, Some("running")) => "running",
            (Some("system"), _, Some("idle")) => "idle",
            (Some("command_lifecycle"), _, Some("queued")) => "queued",
            (Some("command_lifecycle"), _, Some("started")) => "started",
            (Some("command_lifecycle"), _, _) => "completed",
            (Some("assistant"), ..) => "assistant",
            (Some("user"), ..) => "user",
            (Some("result"), ..) => "result",
            (Some("control_response"), ..) => "answer",
            _ => "other",
        }
    };
    host.seen.iter().map(kind).collect()
}

fn until_gone(pid: &str) {
    for _ in 0..2000 {
        if !is_alive(pid) {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("process {pid} is still there");
}

/// The number a running command wrote into a file.
fn pid_in(stage: &Stage, name: &str) -> String {
    for _ in 0..2000 {
        let text = stage.read(name);
        if text.ends_with('\n') {
            return text;
        }
        thread::sleep(Duration::from_millis(5));
    }
    panic!("{name} was not written");
}

#[test]
fn each_prompt_plays_one_turn() {
    let stage = Stage::new(
        "[[turn]]\nstep = [{ think = 'hm' }, { say = 'one' }]\n[[turn]]\nstep = [{ say = 'two' }]",
    );
    let mut host = stage.start(&["--model=m1"]);
    host.prompt(ONE);
    let result = host.result();
    assert_eq!((&result["result"], &result["subtype"]), (&json!("one"), &json!("success")));
    assert_eq!(result["user_message_uuids"], json!([ONE]));
    host.until(|frame| frame["state"] == "idle");
    let expected = [
        "answer",
        "queued",
        "running",
        "started",
        "init",
        "assistant",
        "assistant",
        "result",
        "completed",
        "idle",
    ];
    assert_eq!(kinds(&host), expected);
    assert!(host.seen.iter().any(|frame| frame["subtype"] == "init" && frame["model"] == "m1"));
    host.prompt(TWO);
    assert_eq!(host.result()["result"], "two");
    host.prompt(TWO);
    assert!(host.result()["result"].as_str().is_some_and(|text| text.contains("no more turns")));
    assert_eq!(host.close(), 0);
}

#[test]
fn queued_prompts_are_answered_one_by_one() {
    let stage =
        Stage::new("[[turn]]\nstep = [{ wait = '50ms' }, { say = 'a' }]\n[[turn]]\nstep = [{ say = 'b' }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.prompt(TWO);
    let first = host.result();
    assert_eq!((&first["result"], &first["queued_turn_count"]), (&json!("a"), &json!(1)));
    let replay = host.until_kind("user");
    assert_eq!((&replay["isReplay"], &replay["uuid"]), (&json!(true), &json!(TWO)));
    assert_eq!(host.result()["user_message_uuid"], TWO);
}

#[test]
fn an_allowed_tool_really_runs() {
    let stage = Stage::new(
        "[[turn]]
        step = [
          { tool = 'Write', input = { file_path = 'a.sh', content = 'echo found' } },
          { tool = 'Bash', input = { command = 'sh a.sh; exit 3' }, expect = 'failed' },
          { when = 'failed', tool = 'Bash', input = { command = 'sh a.sh' }, expect = 'succeeded' },
          { when = 'succeeded', say = 'good' },
          { when = 'denied', say = 'bad' },
        ]",
    );
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("allow");
    assert!(host.tool_result().0.contains("created"));
    assert_eq!(stage.read("a.sh"), "echo found");
    host.decide("allow");
    assert_eq!(host.tool_result(), ("Exit code 3\nfound".to_owned(), true));
    host.decide("allow");
    assert_eq!(host.tool_result(), ("found".to_owned(), false));
    let result = host.result();
    assert_eq!((&result["result"], &result["num_turns"]), (&json!("good"), &json!(4)));
}

#[test]
fn a_denied_tool_does_not_run_and_the_turn_goes_on() {
    let scenario = "[[turn]]\nstep = [{ tool = 'Write', input = { file_path = 'a', content = 'x' } }, { when = 'denied', say = 'ok' }]";
    let stage = Stage::new(scenario);
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("deny");
    assert_eq!(host.tool_result(), ("PreToolUse:Write hook error: house rule".to_owned(), true));
    let result = host.result();
    assert_eq!(
        (&result["result"], &result["permission_denials"][0]["tool_name"]),
        (&json!("ok"), &json!("Write"))
    );
    assert!(!stage.folder.path().join("a").exists());
}

#[test]
fn a_person_can_change_the_input_or_stop_the_turn() {
    let write = "{ tool = 'Write', input = { file_path = 'a', content = 'x' } }";
    let stage = Stage::new(&format!("[[turn]]\nstep = [{write}, {write}, {{ say = 'never' }}]"));
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("ask");
    let question = host.until(|frame| frame["request"]["subtype"] == "can_use_tool");
    let input = json!({ "file_path": "b", "content": "y" });
    host.answer(&question, &json!({ "behavior": "allow", "updatedInput": input }));
    host.tool_result();
    assert_eq!(stage.read("b"), "y");
    host.decide("ask");
    let question = host.until(|frame| frame["request"]["subtype"] == "can_use_tool");
    host.answer(&question, &json!({ "behavior": "deny", "message": "enough", "interrupt": true }));
    assert_eq!(host.tool_result(), ("enough".to_owned(), true));
    assert_eq!(host.result()["terminal_reason"], "aborted_tools");
}

#[test]
fn a_question_goes_to_a_person_even_when_the_gate_allows_it() {
    let stage = Stage::new(
        "[[turn]]\nstep = [{ ask = 'Colour?', options = ['red', 'blue'] }, { when = 'allowed', say = 'thanks' }]",
    );
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("allow");
    let question = host.until(|frame| frame["request"]["subtype"] == "can_use_tool");
    assert_eq!(question["request"]["requires_user_interaction"], true);
    let mut input = question["request"]["input"].clone();
    assert_eq!(input["questions"][0]["options"][1]["label"], "blue");
    input["answers"] = json!({ "Colour?": "blue" });
    host.answer(&question, &json!({ "behavior": "allow", "updatedInput": input }));
    assert_eq!(host.tool_result().0, r#"Your questions have been answered: "Colour?"="blue"."#);
    assert_eq!(host.result()["result"], "thanks");
}

#[test]
fn an_interrupt_ends_the_turn_and_keeps_the_session() {
    let stage = Stage::new("[[turn]]\nstep = [{ hang = true }]\n[[turn]]\nstep = [{ say = 'back' }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.until(|frame| frame["subtype"] == "init");
    host.control(&json!({ "subtype": "interrupt" }));
    let result = host.result();
    assert_eq!(
        (&result["subtype"], &result["terminal_reason"]),
        (&json!("error_during_execution"), &json!("aborted_streaming"))
    );
    host.prompt(TWO);
    assert_eq!(host.result()["result"], "back");
}

#[test]
fn an_interrupt_takes_an_open_question_back() {
    let stage = Stage::new("[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'true' } }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("ask");
    let question = host.until(|frame| frame["request"]["subtype"] == "can_use_tool");
    host.control(&json!({ "subtype": "interrupt" }));
    let cancelled = host.until_kind("control_cancel_request");
    assert_eq!(cancelled["request_id"], question["request_id"]);
    assert_eq!(host.result()["terminal_reason"], "aborted_tools");
}

#[test]
fn an_interrupted_command_is_gone_with_all_it_started() {
    let stage = Stage::new(
        "[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'sleep 1000 & echo $! > pid; wait' } }]",
    );
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("allow");
    let pid = pid_in(&stage, "pid");
    host.control(&json!({ "subtype": "interrupt" }));
    assert!(host.tool_result().1);
    assert_eq!(host.result()["terminal_reason"], "aborted_tools");
    until_gone(&pid);
}

#[test]
fn the_end_of_input_ends_the_agent_and_its_command() {
    let stage =
        Stage::new("[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'echo $$ > pid; sleep 1000' } }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("allow");
    let pid = pid_in(&stage, "pid");
    assert_eq!(host.close(), 0);
    until_gone(&pid);
}

#[test]
fn a_command_over_its_time_is_ended_and_long_output_is_cut() {
    let stage = Stage::new(
        "[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'sleep 1000', timeout = 50 } },
        { tool = 'Bash', input = { command = 'head -c 50000 /dev/zero' } }, { tool = 'Nonsense' }]",
    );
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("allow");
    assert_eq!(host.tool_result(), ("Command timed out after 50 ms".to_owned(), true));
    host.decide("allow");
    assert!(host.tool_result().0.ends_with("[20000 more bytes were cut]"));
    host.decide("allow");
    assert!(host.tool_result().0.contains("No such tool"));
}

#[test]
fn turns_and_money_have_limits() {
    let steps = "{ spend = { usd = 0.3, input_tokens = 7 } }, { tool = 'Read', input = { file_path = 'x' } }, { say = 'more' }";
    let stage = Stage::new(&format!("[[turn]]\nstep = [{steps}]\n[[turn]]\nstep = [{steps}]"));
    let mut host = stage.start(&["--max-turns=1", "--max-budget-usd=0.5"]);
    host.prompt(ONE);
    host.decide("allow");
    let first = host.result();
    assert_eq!((&first["subtype"], &first["total_cost_usd"]), (&json!("error_max_turns"), &json!(0.3)));
    host.prompt(TWO);
    let second = host.result();
    assert_eq!(
        (&second["subtype"], &second["total_cost_usd"]),
        (&json!("error_max_budget_usd"), &json!(0.6))
    );
    let since = &second["model_usage_since_last_result"]["scripted"];
    assert_eq!((&since["costUSD"], &since["inputTokens"]), (&json!(0.3), &json!(7)));
    assert_eq!(second["modelUsage"]["scripted"]["inputTokens"], 14);
}

#[test]
fn a_failed_model_request_looks_like_the_real_one() {
    let stage =
        Stage::new("[[turn]]\nstep = [{ fail = { status = 529, message = 'overloaded', retries = 2 } }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    let result = host.result();
    assert_eq!(
        (&result["subtype"], &result["is_error"], &result["api_error_status"]),
        (&json!("success"), &json!(true), &json!(529))
    );
    assert_eq!(host.seen.iter().filter(|frame| frame["subtype"] == "api_retry").count(), 2);
    assert!(host.seen.iter().any(|frame| frame["is_api_error_message"] == true));
}

#[test]
fn an_outcome_the_scenario_does_not_expect_fails_the_turn() {
    let stage = Stage::new(
        "[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'false' }, expect = 'succeeded' }]",
    );
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.decide("allow");
    let result = host.result();
    assert_eq!(
        result["errors"][0],
        "the scenario expects the call of Bash to be succeeded, but it is failed"
    );
}

#[test]
fn a_resumed_session_goes_on_where_it_was() {
    let turns = "[[turn]]\nstep = [{ spend = { usd = 0.1 } }, { say = 'one' }]\n[[turn]]\nstep = [{ spend = { usd = 0.1 } }, { say = 'two' }]";
    let stage = Stage::new(turns);
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    let id = host.result()["session_id"].as_str().expect("an id").to_owned();
    let frames: Vec<_> =
        host.seen.iter().map(|frame| frame["uuid"].clone()).filter(|id| !id.is_null()).collect();
    assert_eq!(host.close(), 0);

    let mut host = stage.start(&[&format!("--resume={id}")]);
    host.prompt(TWO);
    let result = host.result();
    assert_eq!((&result["result"], &result["session_id"]), (&json!("two"), &json!(id)));
    assert_eq!(result["total_cost_usd"], 0.2);
    assert!(host.seen.iter().all(|frame| !frames.contains(&frame["uuid"])), "no id comes twice");
}

#[test]
fn an_unknown_session_is_refused_as_the_real_program_does() {
    let stage = Stage::new("");
    let mut host = stage.start_silent(&["--resume=00000000-0000-4000-8000-000000000000"]);
    let result = host.result();
    assert_eq!(result["subtype"], "error_during_execution");
    assert_eq!(
        result["errors"][0],
        "No conversation found with session ID: 00000000-0000-4000-8000-000000000000"
    );
    assert_eq!(host.exit_code(), 1);
}

#[test]
fn settings_change_and_nonsense_is_refused() {
    let stage = Stage::new("[[turn]]\nstep = [{ say = 'x' }]");
    let mut host = stage.start(&[]);
    let mut control = |request: Value| {
        host.control(&request);
        host.until_kind("control_response")["response"].clone()
    };
    assert_eq!(control(json!({ "subtype": "set_model", "model": "m2" }))["response"]["model"], "m2");
    assert_eq!(control(json!({ "subtype": "set_permission_mode", "mode": "plan" }))["subtype"], "success");
    let invalid = control(json!({ "subtype": "set_permission_mode", "mode": "chaos" }));
    assert_eq!(invalid["error_code"], "invalid_mode");
    assert_eq!(control(json!({ "subtype": "nonsense" }))["error_code"], "unsupported_request");
    assert_eq!(control(json!({ "subtype": "interrupt" }))["subtype"], "success");
    host.prompt(ONE);
    let init = host.until(|frame| frame["subtype"] == "init");
    assert_eq!((&init["model"], &init["permissionMode"]), (&json!("m2"), &json!("plan")));
    host.control(&json!({ "subtype": "end_session" }));
    assert_eq!(host.exit_code(), 0);
}

#[test]
fn a_line_it_cannot_read_ends_it() {
    let stage = Stage::new("");
    let mut host = stage.start(&[]);
    host.line("what?");
    assert_eq!(host.exit_code(), 1);
}

#[test]
fn it_can_garble_and_crash() {
    let stage = Stage::new("[[turn]]\nstep = [{ garble = '{\"type\": broken' }, { crash = 7 }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    host.until(|frame| frame["subtype"] == "init");
    assert_eq!(host.next_line(), "{\"type\": broken");
    assert_eq!(host.exit_code(), 7);
}

#[test]
fn words_are_streamed_when_asked_for() {
    let stage = Stage::new("delta_delay = '1ms'\n[[turn]]\nstep = [{ say = 'one two' }]");
    let mut host = stage.start(&["--include-partial-messages"]);
    host.prompt(ONE);
    host.result();
    let deltas = host.seen.iter().filter_map(|frame| frame["event"]["delta"]["text"].as_str());
    assert_eq!(deltas.collect::<Vec<_>>(), ["one ", "two"]);
}

#[test]
fn without_a_gate_a_person_is_asked_at_once() {
    let stage = Stage::new("[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'true' } }]");
    let mut host = stage.start_silent(&[]);
    host.prompt(ONE);
    let question = host.until_kind("control_request");
    assert_eq!(question["request"]["subtype"], "can_use_tool");
    assert!(!host.is_over());
}

#[test]
fn a_wrong_scenario_names_the_place_and_what_is_accepted() {
    let cases = [
        ("colour = 1", "scenario: unknown field colour; accepted: model, delta_delay, turn"),
        (
            "[[turn]]\nstep = [{}]",
            "turn 1, step 1: a step has exactly one of say, think, tool, ask, wait, crash, garble, spend, hang, hook, fail; found: none",
        ),
        ("[[turn]]\nstep = [{ say = 'a', wait = '1s' }]", "found: say, wait"),
        ("[[turn]]\nstep = [{ say = 1 }]", "turn 1, step 1: say = 1 is not accepted; it must be a text"),
        ("[[turn]]\nstep = [{ say = 'a', loud = true }]", "unknown field loud; accepted: say, when"),
        ("[[turn]]\nstep = [{ wait = 'soon' }]", "it must be a time such as \"200ms\", \"2s\" or \"1m\""),
        ("[[turn]]\nstep = [{ when = 'denied', say = 'a' }]", "when needs a tool or ask step before it"),
        (
            "[[turn]]\nstep = [{ tool = 'Bash', expect = 'luck' }]",
            "one of: allowed, denied, succeeded, failed",
        ),
        ("[[turn]]\nstep = [{ crash = 'SIGNOPE' }]", "an exit code from 0 to 255"),
        (
            "[[turn]]\nstep = [{ fail = { status = 200 } }]",
            "fail: status must be an HTTP status from 400 to 599",
        ),
        ("[[turn]]\nstep = [{ spend = { usd = -1 } }]", "an amount in dollars"),
        ("[[turn", "TOML parse error"),
    ];
    for (text, expected) in cases {
        let error = Scenario::from_toml(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(Scenario::from_json(r#"{"turn": [{"step": [{"say": "a"}]}]}"#).is_ok());
    assert!(
        Scenario::read("a.yaml".as_ref()).expect_err("no scenario").to_string().contains(".toml or .json")
    );
}

/// Every hook callback from here on, answered by event; events without an answer hear no opinion.
fn play_hooks(host: &mut Host, answers: &[(&str, Value)]) -> Vec<Value> {
    let mut inputs = Vec::new();
    loop {
        let is_it =
            |frame: &Value| frame["request"]["subtype"] == "hook_callback" || frame["type"] == "result";
        let frame = host.until(is_it);
        if frame["type"] == "result" {
            return inputs;
        }
        let input = frame["request"]["input"].clone();
        let event = input["hook_event_name"].as_str().expect("an event").to_owned();
        let seen = inputs.iter().filter(|input: &&Value| input["hook_event_name"] == *event).count();
        let answer = answers.iter().filter(|(name, _)| *name == event).nth(seen);
        host.answer(&frame, &answer.map_or_else(|| json!({}), |(_, answer)| answer.clone()));
        inputs.push(input);
    }
}

fn with_hooks(stage: &Stage, events: &[&str]) -> Host {
    let mut host = stage.start_silent(&[]);
    let callback = |event: &&str| (*event).to_owned();
    let hooks: serde_json::Map<_, _> = events
        .iter()
        .map(|event| {
            (callback(event), json!([{ "matcher": "*", "hookCallbackIds": [event], "timeout": 60 }]))
        })
        .collect();
    host.control(&json!({ "subtype": "initialize", "hooks": hooks }));
    host.until(|frame| frame["type"] == "control_response");
    host
}

const ALL_EVENTS: [&str; 5] = ["UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "Stop"];

fn allowing() -> Value {
    json!({ "hookSpecificOutput": { "permissionDecision": "allow" } })
}

#[test]
fn hooks_are_called_in_the_order_of_the_agent_cli_with_its_inputs() {
    let steps = "{ tool = 'Bash', input = { command = 'echo hi' } }, { tool = 'Bash', input = { command = 'exit 3' } }, { say = 'done' }";
    let stage = Stage::new(&format!("[[turn]]\nstep = [{steps}]"));
    let mut host = with_hooks(&stage, &ALL_EVENTS);
    host.prompt(ONE);
    let inputs = play_hooks(&mut host, &[("PreToolUse", allowing()), ("PreToolUse", allowing())]);
    let events: Vec<_> =
        inputs.iter().map(|input| input["hook_event_name"].as_str().expect("an event")).collect();
    let expected =
        ["UserPromptSubmit", "PreToolUse", "PostToolUse", "PreToolUse", "PostToolUseFailure", "Stop"];
    assert_eq!(events, expected);
    assert!(inputs.iter().all(|input| input["session_id"].is_string() && input["cwd"].is_string()));
    assert_eq!(inputs[0]["prompt"], format!("prompt {ONE}"));
    assert_eq!(
        (&inputs[2]["tool_input"]["command"], &inputs[2]["tool_use_id"]),
        (&json!("echo hi"), &json!("toolu_0_1"))
    );
    assert!(inputs[2]["tool_response"].to_string().contains("hi") && inputs[2]["duration_ms"].is_u64());
    assert_eq!((&inputs[4]["error"], &inputs[4]["is_interrupt"]), (&json!("Exit code 3"), &json!(false)));
    assert_eq!(
        (&inputs[5]["stop_hook_active"], &inputs[5]["last_assistant_message"]),
        (&json!(false), &json!("done"))
    );
    // The prompt's hook comes before the turn is announced, and a tool's before its result is told.
    let at = |is_it: &dyn Fn(&Value) -> bool| host.seen.iter().position(is_it).expect("a frame");
    let of = |event: &'static str| move |frame: &Value| frame["request"]["input"]["hook_event_name"] == event;
    assert!(at(&of("UserPromptSubmit")) < at(&|frame| frame["subtype"] == "init"));
    assert!(at(&of("PostToolUse")) < at(&|frame| frame["message"]["content"][0]["type"] == "tool_result"));
}

#[test]
fn an_input_that_a_hook_rewrote_is_what_a_person_is_asked_about() {
    let stage = Stage::new("[[turn]]\nstep = [{ tool = 'Bash', input = { command = 'touch a' } }]");
    let mut host = stage.start(&[]);
    host.prompt(ONE);
    let gate = host.until(|frame| frame["request"]["subtype"] == "hook_callback");
    let output = json!({ "permissionDecision": "ask", "updatedInput": { "command": "touch b" }, "additionalContext": "hm" });
    host.answer(&gate, &json!({ "hookSpecificOutput": output }));
    let question = host.until(|frame| frame["request"]["subtype"] == "can_use_tool");
    assert_eq!(question["request"]["input"], json!({ "command": "touch b" }));
    host.answer(&question, &json!({ "behavior": "allow", "updatedInput": question["request"]["input"] }));
    host.result();
    assert!(stage.folder.path().join("b").exists() && !stage.folder.path().join("a").exists());
    let told = host.seen.iter().find(|frame| frame["isSynthetic"] == true).expect("context");
    assert_eq!(told["message"]["content"][0]["text"], "PreToolUse hook additional context: hm");
}

#[test]
fn a_refused_prompt_ends_its_turn_and_a_refused_end_goes_on() {
    let stage = Stage::new(
        "[[turn]]\nstep = [{ say = 'a' }]\n[[turn]]\nstep = [{ say = 'b' }]\n[[turn]]\nstep = [{ say = 'c' }]",
    );
    let mut host = with_hooks(&stage, &ALL_EVENTS);
    let block = |reason: &str| json!({ "decision": "block", "reason": reason });
    host.prompt(ONE);
    let inputs = play_hooks(&mut host, &[("UserPromptSubmit", block("closed"))]);
    assert_eq!(inputs.len(), 1);
    assert!(host.seen.iter().any(|frame| frame.to_string().contains("blocked by hook:\\nclosed")));
    host.prompt(TWO);
    let inputs = play_hooks(&mut host, &[("Stop", block("not yet"))]);
    let active: Vec<_> = inputs.iter().skip(1).map(|input| input["stop_hook_active"].clone()).collect();
    assert_eq!(active, [false, true]);
    assert_eq!(host.seen.last().map(|frame| &frame["result"]), Some(&json!("c")));
}

#[test]
fn a_scenario_can_name_any_event() {
    let stage = Stage::new("[[turn]]\nstep = [{ hook = 'MoonPhase', input = { phase = 'full' } }]");
    let mut host = with_hooks(&stage, &[]);
    host.prompt(ONE);
    let inputs = play_hooks(&mut host, &[]);
    assert_eq!((&inputs[0]["hook_event_name"], &inputs[0]["phase"]), (&json!("MoonPhase"), &json!("full")));
}
