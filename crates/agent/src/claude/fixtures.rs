//! Golden tests of the translation, on hand-written lines in the shapes of the agent CLI.

use domain::{
    agent_event::{Activity, AgentEvent, AgentMessage, PartialText, TurnEnded, TurnOutcome},
    message::{ContentBlock, MessageBody, MessageType},
    money::MicroUsd,
    usage::TokenUsage,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    heard::{Heard, hear},
    lines::{GARBAGE_BYTES, Line},
    wire::Question,
};

const MESSAGES: &str = include_str!("../../fixtures/messages.jsonl");
const RESULTS: &str = include_str!("../../fixtures/results.jsonl");
const SYSTEM: &str = include_str!("../../fixtures/system.jsonl");
const NOISE: &str = include_str!("../../fixtures/noise.jsonl");
const CONTROL: &str = include_str!("../../fixtures/control.jsonl");

fn hear_text(line: &str) -> Heard {
    hear(&Line::Whole(line.as_bytes().to_vec()))
}

fn nth(fixture: &str, index: usize) -> Heard {
    hear_text(fixture.lines().nth(index).expect("a line"))
}

fn event(fixture: &str, index: usize) -> AgentEvent {
    match nth(fixture, index) {
        Heard::Event(event) => event,
        other => panic!("no event: {other:?}"),
    }
}

fn message(fixture: &str, index: usize) -> AgentMessage {
    match event(fixture, index) {
        AgentEvent::Message(message) => message,
        other => panic!("no message: {other:?}"),
    }
}

fn turn_ended(index: usize) -> TurnEnded {
    match event(RESULTS, index) {
        AgentEvent::TurnEnded(ended) => *ended,
        other => panic!("no result: {other:?}"),
    }
}

fn extra(body: &MessageBody) -> Value {
    Value::Object(body.content.extra.clone())
}

#[test]
fn a_text_keeps_everything_that_has_no_column() {
    let body = message(MESSAGES, 0).body;
    assert_eq!(body.message_type, MessageType::Assistant);
    assert_eq!(body.content.blocks, [ContentBlock::Text { text: "Looking.".into() }]);
    assert_eq!(body.model.as_deref(), Some("claude-test-1"));
    assert_eq!(body.external_id.as_deref(), Some("a0000000-0000-4000-8000-000000000001"));
    assert_eq!(body.usage, Some(json!({ "input_tokens": 10, "output_tokens": 1 })));
    assert_eq!(
        extra(&body),
        json!({ "message": { "id": "msg_1" }, "timestamp": "2026-11-21T01:00:00.000Z", "request_id": "req_1" })
    );
}

#[test]
fn thinking_has_its_own_column_and_keeps_its_signature() {
    let body = message(MESSAGES, 1).body;
    assert_eq!(body.thinking_content.as_deref(), Some("Which file?"));
    assert!(body.content.blocks.is_empty());
    assert_eq!(
        extra(&body),
        json!({ "message": { "id": "msg_1" }, "block_fields": { "0": { "signature": "c2ln" } } })
    );
}

#[test]
fn a_tool_use_is_told_once_and_unknown_blocks_are_kept_whole() {
    let AgentMessage { body, tool_uses, .. } = message(MESSAGES, 2);
    let image = json!({ "type": "image", "source": { "kind": "x" } });
    let blocks =
        [ContentBlock::ToolUse { tool_use_id: "toolu_1".into() }, ContentBlock::Other { block: image }];
    assert_eq!(body.content.blocks, blocks);
    assert_eq!((tool_uses[0].tool_name.as_str(), &tool_uses[0].input), ("Bash", &json!({ "command": "ls" })));
    assert_eq!(body.parent_tool_use_id.as_deref(), Some("toolu_0"));
    assert_eq!(extra(&body)["block_fields"], json!({ "0": { "caller": "direct" } }));
}

#[test]
fn a_tool_result_carries_its_detail_and_is_not_repeated() {
    let AgentMessage { body, tool_results, .. } = message(MESSAGES, 3);
    let output = json!({ "content": "a.txt", "detail": { "stdout": "a.txt", "stderr": "" } });
    assert_eq!((&tool_results[0].output, tool_results[0].is_error), (&output, false));
    assert!(!tool_results[0].did_not_run);
    assert_eq!(body.content.extra.keys().collect::<Vec<_>>(), ["tool_result_meta"]);
}

#[test]
fn a_call_that_did_not_run_is_told_apart_from_one_that_failed() {
    for index in [4, 5] {
        let result = &message(MESSAGES, index).tool_results[0];
        assert!(result.is_error && result.did_not_run, "line {index}");
    }
}

#[test]
fn words_put_in_the_users_mouth_are_kept_as_such() {
    let body = message(MESSAGES, 6).body;
    assert_eq!((body.message_type, body.content.text().as_str()), (MessageType::User, "A summary."));
    assert_eq!(extra(&body), json!({ "isSynthetic": true }));
}

#[test]
fn an_api_error_is_a_message_that_says_so() {
    let body = message(MESSAGES, 7).body;
    assert_eq!(body.model.as_deref(), Some("<synthetic>"));
    assert_eq!(extra(&body)["is_api_error_message"], json!(true));
    assert_eq!(extra(&body)["api_error_status"], json!(401));
}

#[test]
fn a_result_counts_all_models_since_the_last_one() {
    let ended = turn_ended(0);
    let usage =
        TokenUsage { input_tokens: 105, output_tokens: 26, cache_creation_tokens: 4, cache_read_tokens: 3 };
    assert_eq!((ended.usage, ended.outcome, ended.text.as_str()), (usage, TurnOutcome::Completed, "done"));
    assert_eq!(ended.cost.since_last_result, Some(MicroUsd::from_micros(900)));
    assert_eq!(ended.cost.cumulative, Some(MicroUsd::from_micros(2400)));
    assert_eq!((ended.duration_ms, ended.prompts.len(), ended.queued_prompts), (192, 2, 3));
    assert_eq!(ended.message.subtype.as_deref(), Some("success"));
    let denials = json!([{ "tool_name": "Bash", "tool_use_id": "toolu_1" }]);
    assert_eq!(extra(&ended.message)["permission_denials"], denials);
}

#[test]
fn a_failed_model_request_is_reported_as_a_success_with_an_error() {
    let ended = turn_ended(1);
    assert_eq!(ended.outcome, TurnOutcome::ApiError { status: Some(529) });
    let usage =
        TokenUsage { input_tokens: 7, output_tokens: 8, cache_creation_tokens: 9, cache_read_tokens: 10 };
    assert_eq!(ended.usage, usage);
    assert_eq!((ended.cost.since_last_result, ended.cost.cumulative), (None, Some(MicroUsd::ZERO)));
    assert_eq!(ended.prompts.len(), 1);
}

#[test]
fn each_end_of_a_turn_has_its_own_outcome() {
    let outcomes: Vec<_> = (2..9).map(|index| turn_ended(index).outcome).collect();
    let expected = [
        TurnOutcome::Interrupted,
        TurnOutcome::Interrupted,
        TurnOutcome::MaxTurns,
        TurnOutcome::BudgetExhausted,
        TurnOutcome::Failed,
        TurnOutcome::Failed,
        TurnOutcome::Completed,
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(turn_ended(2).text, "first\nsecond");
}

#[test]
fn a_model_without_a_price_makes_the_cost_unknown_rather_than_zero() {
    assert_eq!(turn_ended(8).cost.since_last_result, None);
}

#[test]
fn a_turn_starts_with_the_id_to_resume() {
    let AgentEvent::TurnStarted(started) = event(SYSTEM, 0) else { panic!("no turn") };
    assert_eq!(started.external_id, "5e551011-0000-4000-8000-000000000001");
    assert_eq!(started.model.as_deref(), Some("claude-test-1"));
    assert_eq!(started.message.subtype.as_deref(), Some("init"));
    assert_eq!(
        extra(&started.message),
        json!({ "cwd": "/w", "tools": ["Bash"], "permissionMode": "default" })
    );
}

#[test]
fn small_frames_become_events_of_their_own() {
    assert_eq!(event(SYSTEM, 1), AgentEvent::Activity(Activity::RequiresAction));
    assert!(matches!(event(SYSTEM, 2), AgentEvent::Retry(body) if extra(&body)["error_status"] == 429));
    assert!(
        matches!(event(SYSTEM, 3), AgentEvent::ConversationReset(body) if extra(&body)["new_conversation_id"] == "n")
    );
    assert!(matches!(event(SYSTEM, 4), AgentEvent::PromptStarted(_)));
    let partial = |is_thinking, parent: Option<&str>, text: &str| {
        let parent_tool_use_id = parent.map(str::to_owned);
        AgentEvent::Partial(PartialText { is_thinking, parent_tool_use_id, text: text.to_owned() })
    };
    assert_eq!(event(SYSTEM, 5), partial(false, Some("toolu_9"), "wo"));
    assert_eq!(event(SYSTEM, 6), partial(true, None, "hm"));
    assert_eq!(message(SYSTEM, 7).body.subtype.as_deref(), Some("compact_boundary"));
    assert_eq!(message(SYSTEM, 8).body.subtype.as_deref(), Some("status"));
}

#[test]
fn an_unknown_frame_is_kept_whole() {
    let body = message(SYSTEM, 9).body;
    assert_eq!((body.message_type, body.subtype.as_deref()), (MessageType::System, Some("weather_report")));
    assert_eq!(body.external_id.as_deref(), Some("d0000000-0000-4000-8000-000000000008"));
    assert_eq!(extra(&body), json!({ "subtype": "rain", "_blocks": 3 }));
}

#[test]
fn noise_is_dropped() {
    for (index, line) in NOISE.lines().enumerate() {
        assert_eq!(nth(NOISE, index), Heard::Nothing, "{line}");
    }
}

#[test]
fn questions_are_told_apart() {
    let question = |index| match nth(CONTROL, index) {
        Heard::Question(question) => question,
        other => panic!("no question: {other:?}"),
    };
    let questions: Vec<_> = (0..6).map(question).collect();
    assert!(
        matches!(&questions[0], Question::Gate(gate) if gate.description.as_deref() == Some("list") && !gate.requires_person)
    );
    assert!(matches!(&questions[1], Question::Permission(request) if request.requires_person));
    assert!(matches!(&questions[2], Question::Hook(call) if call.request_id == "r3"));
    assert!(matches!(&questions[3], Question::UnreadableGate { request_id } if request_id == "r4"));
    assert!(matches!(&questions[4], Question::Unsupported { subtype, .. } if subtype == "mcp_message"));
    assert!(matches!(&questions[5], Question::Unsupported { subtype, .. } if subtype == "can_use_tool"));
}

#[test]
fn answers_and_withdrawals_name_their_request() {
    assert_eq!(nth(CONTROL, 6), Heard::Cancelled("r1".to_owned()));
    let Heard::Reply(refused) = nth(CONTROL, 7) else { panic!("no reply") };
    assert_eq!((refused.request_id.as_str(), refused.result), ("provost-1", Err("no".to_owned())));
    let Heard::Reply(answered) = nth(CONTROL, 8) else { panic!("no reply") };
    assert_eq!(answered.result, Ok(json!({ "mode": "plan" })));
    assert!(matches!(nth(CONTROL, 9), Heard::Event(AgentEvent::Message(_))), "kept, as it names no request");
}

#[test]
fn half_an_emoji_does_not_make_a_frame_garbage() {
    let line = r#"{"type":"user","message":{"role":"user","content":"cut \ud83d"}}"#;
    let Heard::Event(AgentEvent::Message(message)) = hear_text(line) else { panic!("no message") };
    assert_eq!(message.body.content.text(), "cut \u{fffd}");
}

#[test]
fn what_is_no_frame_is_garbage() {
    let deep = "[".repeat(200);
    let too_deep = format!("{{\"type\":\"user\",\"a\":{deep}");
    for line in ["warning: x", "[1]", "{\"type\":", "\u{1b}[31m", too_deep.as_str()] {
        let expected = AgentEvent::Garbage { line: line.to_owned(), size_bytes: line.len() as u64 };
        assert_eq!(hear_text(line), Heard::Event(expected));
    }
    let invalid = hear(&Line::Whole(b"a\xffb".to_vec()));
    assert_eq!(invalid, Heard::Event(AgentEvent::Garbage { line: "a\u{fffd}b".into(), size_bytes: 3 }));
    let too_long = hear(&Line::TooLong { beginning: b"{\"type\"".to_vec(), size_bytes: 99 });
    assert_eq!(too_long, Heard::Event(AgentEvent::Garbage { line: "{\"type\"".into(), size_bytes: 99 }));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        prop_oneof![Just("tool_use"), Just("text"), Just("tool_result"), Just("thinking")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let field = prop_oneof![
            Just("type".to_owned()),
            Just("subtype".to_owned()),
            Just("message".to_owned()),
            Just("content".to_owned()),
            Just("request".to_owned()),
            Just("request_id".to_owned()),
            Just("id".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(field, inner, 0..6)
                .prop_map(|map| Value::Object(Map::from_iter(map))),
        ]
    })
}

const KINDS: [&str; 12] = [
    "assistant",
    "user",
    "result",
    "system",
    "stream_event",
    "conversation_reset",
    "command_lifecycle",
    "control_request",
    "control_response",
    "control_cancel_request",
    "keep_alive",
    "something_new",
];

proptest! {
    #[test]
    fn any_bytes_are_garbage_or_a_frame_and_never_lost(bytes in proptest::collection::vec(any::<u8>(), 0..6000)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match hear(&Line::Whole(bytes.clone())) {
            Heard::Nothing => prop_assert!(text.trim().is_empty()),
            Heard::Event(AgentEvent::Garbage { line, size_bytes }) => {
                prop_assert_eq!(size_bytes, bytes.len() as u64);
                prop_assert!(text.starts_with(&line) && (line == text || line.len() > GARBAGE_BYTES - 4));
            }
            _ => prop_assert_eq!(text.trim().as_bytes().first(), Some(&123)),
        }
    }

    #[test]
    fn any_object_of_any_kind_is_read(kind in proptest::sample::select(&KINDS), mut frame in any_json()) {
        if let Some(fields) = frame.as_object_mut() {
            fields.insert("type".to_owned(), json!(kind));
            let heard = hear_text(&frame.to_string());
            let is_garbage = matches!(heard, Heard::Event(AgentEvent::Garbage { .. }));
            prop_assert!(!is_garbage);
        }
    }

    #[test]
    fn an_unknown_frame_loses_no_field(mut frame in any_json()) {
        if let Some(fields) = frame.as_object_mut() {
            fields.insert("type".to_owned(), json!("something_new"));
            let Heard::Event(AgentEvent::Message(message)) = hear_text(&frame.to_string()) else { panic!("no message") };
            let kept = &message.body.content.extra;
            for (field, value) in frame.as_object().into_iter().flatten() {
                prop_assert!(field == "type" || value.is_null() || kept.get(field) == Some(value), "{}", field);
            }
        }
    }
}
