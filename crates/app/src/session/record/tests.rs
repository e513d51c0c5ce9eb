use std::time::Duration;

use domain::{
    agent_event::{PartialText, ReportedCost, ToolResult, ToolUse},
    approval::ApprovalStatus,
    decision::DecidedBy,
    message::{ContentBlock, MessageContent},
    permission::{Decision, Judgement},
    usage::TokenUsage,
};
use serde_json::{Map, json};

use super::{commit::find_recorded, *};
use crate::{
    fixture::{AUTHOR, Fixture},
    prices::NewPrice,
    session::Words,
};

fn turn(cost: ReportedCost, prompts: &[CommandId], queued_prompts: u32) -> TurnEnded {
    TurnEnded {
        outcome: TurnOutcome::Completed,
        text: "done".into(),
        usage: TokenUsage { input_tokens: 100, output_tokens: 20, ..TokenUsage::default() },
        cost,
        duration_ms: 5,
        prompts: prompts.to_vec(),
        queued_prompts,
        message: MessageBody::text(MessageType::Result, "done"),
    }
}

fn cumulative(micros: i64) -> ReportedCost {
    ReportedCost { since_last_result: None, cumulative: Some(MicroUsd::from_micros(micros)) }
}

fn tool_message(tool_uses: Vec<ToolUse>, tool_results: Vec<ToolResult>) -> AgentMessage {
    let named = tool_uses.iter().map(|call| ContentBlock::ToolUse { tool_use_id: call.tool_use_id.clone() });
    let body = MessageBody {
        content: MessageContent { blocks: named.collect(), extra: Map::new() },
        ..MessageBody::text(MessageType::Assistant, "")
    };
    AgentMessage { body, tool_uses, tool_results }
}

fn bash(id: &str) -> ToolUse {
    ToolUse { tool_use_id: id.into(), tool_name: "Bash".into(), input: json!({"command": "make"}) }
}

fn request(id: &str) -> ToolRequest {
    let ToolUse { tool_use_id, tool_name, input } = bash(id);
    ToolRequest {
        request_id: "r".into(),
        tool_use_id,
        tool_name,
        input,
        description: None,
        requires_person: false,
        extra: Map::new(),
    }
}

fn ruling(decision: Decision) -> Ruling {
    Ruling::new(DecidedBy::Mode, Judgement { decision, reason: "because".into() })
}

fn result(id: &str, is_error: bool, did_not_run: bool) -> ToolResult {
    ToolResult { tool_use_id: id.into(), output: json!({"content": "words"}), is_error, did_not_run }
}

#[tokio::test]
async fn a_running_total_is_billed_by_its_growth_and_a_reset_counts_from_zero() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let mut costs = Vec::new();
    for total in [1600, 2400] {
        costs.push(
            recorder
                .turn_ended(turn(cumulative(total), &[], 0))
                .await
                .expect("recorded")
                .0
                .expect("a cost")
                .as_micros(),
        );
    }
    recorder.conversation_reset(MessageBody::text(MessageType::System, "")).await.expect("recorded");
    costs.push(
        recorder
            .turn_ended(turn(cumulative(3000), &[], 0))
            .await
            .expect("recorded")
            .0
            .expect("a cost")
            .as_micros(),
    );
    assert_eq!(costs, [1600, 800, 3000]);
    assert_eq!(fixture.get(recorder.session_id()).await.totals.cost, MicroUsd::from_micros(5400));
}

#[tokio::test]
async fn what_the_program_says_a_turn_cost_goes_before_the_running_total() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let cost = ReportedCost { since_last_result: Some(MicroUsd::from_micros(800)), ..cumulative(9900) };
    let (billed, _) = recorder.turn_ended(turn(cost, &[], 0)).await.expect("recorded");
    assert_eq!(billed, Some(MicroUsd::from_micros(800)));
}

#[tokio::test]
async fn a_cost_that_the_program_does_not_say_is_computed_and_without_a_price_unknown() {
    let fixture = Fixture::new().await;
    let app = fixture.app_on("here");
    let mut recorder = fixture.active_session(&app).await;
    let began = |model: &str| TurnStarted {
        external_id: "x".to_owned(),
        model: Some(model.to_owned()),
        message: MessageBody::text(MessageType::System, ""),
    };
    let usage = TokenUsage { input_tokens: 1_000_000, output_tokens: 2, ..TokenUsage::default() };
    let unsaid = || TurnEnded { usage, ..turn(ReportedCost::default(), &[], 0) };
    let dollars = MicroUsd::from_micros(3_000_000);
    let new = NewPrice {
        model: "priced".to_owned(),
        input: dollars,
        output: MicroUsd::ZERO,
        cache_write: MicroUsd::ZERO,
        cache_read: MicroUsd::ZERO,
        valid_from: None,
    };
    app.set_price(fixture.caller, new).await.expect("set");
    recorder.turn_started(began("priced")).await.expect("recorded");
    assert_eq!(recorder.turn_ended(unsaid()).await.expect("recorded").0, Some(dollars));
    recorder.turn_started(began("another")).await.expect("recorded");
    assert_eq!(recorder.turn_ended(unsaid()).await.expect("recorded").0, None);
    recorder.turn_ended(turn(cumulative(500), &[], 0)).await.expect("recorded");
    let id = recorder.session_id();
    let total = app.sum_costs(fixture.caller, id).await.expect("read");
    assert_eq!((total.entries, total.unknown_costs), (3, 1));
    assert_eq!(total.cost, MicroUsd::from_micros(3_000_500));
    assert_eq!(fixture.get(id).await.totals.cost, total.cost);
}

#[tokio::test]
async fn a_result_answers_the_prompts_it_names() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let (first, _) = recorder.prompt("one", &AUTHOR).await.expect("recorded");
    let (second, _) = recorder.prompt("two", &AUTHOR).await.expect("recorded");
    recorder.turn_ended(turn(ReportedCost::default(), &[first], 1)).await.expect("recorded");
    assert!(recorder.has_open_prompt());
    assert_eq!(recorder.status(), SessionStatus::Processing, "a prompt is still owed");
    recorder.turn_ended(turn(ReportedCost::default(), &[second], 0)).await.expect("recorded");
    assert_eq!(recorder.status(), SessionStatus::Active);
}

#[tokio::test]
async fn a_result_that_names_no_prompt_answers_all_that_are_not_queued() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    for text in ["one", "two", "three"] {
        recorder.prompt(text, &AUTHOR).await.expect("recorded");
    }
    recorder.turn_ended(turn(ReportedCost::default(), &[], 1)).await.expect("recorded");
    assert_eq!(recorder.open_prompts.len(), 1);
}

#[tokio::test]
async fn the_beginning_of_a_turn_is_kept_once_unless_it_says_something_new() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    for (uuid, words) in [("u1", "same"), ("u2", "same"), ("u3", "new")] {
        let message =
            MessageBody { external_id: Some(uuid.into()), ..MessageBody::text(MessageType::System, words) };
        let turn = TurnStarted { external_id: "session".into(), model: Some("m".into()), message };
        recorder.turn_started(turn).await.expect("recorded");
    }
    let session = fixture.get(recorder.session_id()).await;
    assert_eq!(session.totals.total_messages, 2);
    assert_eq!(session.external_id.as_deref(), Some("session"));
}

#[tokio::test]
async fn another_id_of_the_agents_own_is_kept_even_if_it_says_nothing_else_new() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    for external_id in ["before", "after"] {
        let message = MessageBody::text(MessageType::System, "same");
        let turn = TurnStarted { external_id: external_id.into(), model: None, message };
        recorder.turn_started(turn).await.expect("recorded");
    }
    assert_eq!(fixture.get(recorder.session_id()).await.external_id.as_deref(), Some("after"));
}

#[tokio::test]
async fn a_session_that_ends_while_a_person_is_asked_comes_to_rest() {
    for to in
        [SessionStatus::Completed, SessionStatus::Paused, SessionStatus::Failed, SessionStatus::Terminated]
    {
        let fixture = Fixture::new().await;
        let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
        recorder.prompt("work", &AUTHOR).await.expect("recorded");
        let question = fixture.question(recorder.session_id(), "Bash", json!({ "command": "make" }));
        let id = question.id;
        recorder.asked(&request("toolu_1"), question).await.expect("recorded");
        assert_eq!(recorder.status(), SessionStatus::Waiting);
        recorder.ended(to, "the end", None, &AUTHOR, false).await.expect("recorded");
        let session = fixture.get(recorder.session_id()).await;
        assert_eq!((session.status, session.lease), (to, None));
        let row = fixture.app_on("here").find_approval_row(fixture.caller.team_id, id).await.expect("read");
        let expected =
            if to == SessionStatus::Paused { ApprovalStatus::Pending } else { ApprovalStatus::Cancelled };
        assert_eq!(
            row.expect("exists").status,
            expected,
            "{to}: only a session that goes on can use an answer"
        );
        assert_eq!(fixture.findings().await, vec![]);
    }
}

#[tokio::test]
async fn a_gate_ahead_of_its_message_records_the_call_once() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    recorder.judged(&request("toolu_1"), &ruling(Decision::Allow)).await.expect("recorded");
    recorder.message(tool_message(vec![bash("toolu_1")], vec![])).await.expect("recorded");
    recorder.message(tool_message(vec![], vec![result("toolu_1", false, false)])).await.expect("recorded");
    let session = fixture.get(recorder.session_id()).await;
    assert_eq!((session.totals.total_tool_calls, session.totals.total_permission_checks), (1, 1));
    assert_eq!(fixture.findings().await, vec![]);
}

#[tokio::test]
async fn a_call_ends_as_what_became_of_it() {
    let cases = [
        (Some(Decision::Allow), false, false, ToolCallStatus::Success),
        (Some(Decision::Allow), true, false, ToolCallStatus::Error),
        // It was running and was interrupted, so half of it may have happened.
        (Some(Decision::Allow), true, true, ToolCallStatus::Error),
        (Some(Decision::Deny), true, true, ToolCallStatus::Denied),
        (None, true, true, ToolCallStatus::Denied),
    ];
    let fixture = Fixture::new().await;
    for (decision, is_error, did_not_run, expected) in cases {
        let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
        recorder.message(tool_message(vec![bash("toolu_1")], vec![])).await.expect("recorded");
        if let Some(decision) = decision {
            recorder.judged(&request("toolu_1"), &ruling(decision)).await.expect("recorded");
        }
        let done = tool_message(vec![], vec![result("toolu_1", is_error, did_not_run)]);
        let entries = recorder.message(done).await.expect("recorded");
        let Some(TimelineItem::ToolCall(call)) = entries.last().map(|entry| &entry.item) else {
            panic!("a call")
        };
        assert_eq!(call.status, expected, "{decision:?} {is_error} {did_not_run}");
    }
}

#[tokio::test]
async fn a_result_without_a_call_is_kept_with_its_message() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let message = tool_message(vec![], vec![result("toolu_unknown", true, false)]);
    let entries = recorder.message(message).await.expect("recorded");
    let Some(TimelineItem::Message(message)) = entries.last().map(|entry| &entry.item) else {
        panic!("a message")
    };
    let kept = &message.body.content.extra["unmatched_results"];
    assert_eq!(kept, &json!({"toolu_unknown": {"content": "words"}}));
    assert_eq!(fixture.findings().await, vec![]);
}

#[tokio::test]
async fn a_tool_use_id_that_comes_again_is_a_call_of_its_own() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    for _ in 0..2 {
        recorder.message(tool_message(vec![bash("toolu_1")], vec![])).await.expect("recorded");
        recorder
            .message(tool_message(vec![], vec![result("toolu_1", false, false)]))
            .await
            .expect("recorded");
    }
    assert_eq!(fixture.get(recorder.session_id()).await.totals.total_tool_calls, 2);
    assert_eq!(fixture.findings().await, vec![]);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_found_again() {
    let fixture = Fixture::new().await;
    let app = fixture.app_on("here");
    let mut recorder = fixture.active_session(&app).await;
    // A call that its gate records first is two entries of one row in one change.
    let entries = recorder.judged(&request("toolu_1"), &ruling(Decision::Allow)).await.expect("recorded");
    let change = SessionChange {
        session_id: recorder.session_id(),
        guard: Guard::Fence(recorder.fence),
        at: entries[0].at,
        update: SessionUpdate::default(),
        items: entries.iter().map(|entry| (entry.change, entry.item.clone())).collect(),
    };
    let found = find_recorded(&app, fixture.caller.team_id, &change)
        .await
        .expect("can be read")
        .expect("was recorded");
    let numbers = |entries: &[TimelineEntry]| entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>();
    assert_eq!(numbers(&found), numbers(&entries));
    fixture.clock.advance(Duration::from_micros(1));
    let later = SessionChange { at: app.now(), ..change };
    assert_eq!(find_recorded(&app, fixture.caller.team_id, &later).await, Ok(None));
}

async fn commands(fixture: &Fixture, id: SessionId) -> Vec<(CommandKind, CommandStatus)> {
    let entries = fixture.timeline(id).await;
    let created = entries.into_iter().filter(|entry| entry.change == Change::Created);
    let commands = created.filter_map(|entry| match entry.item {
        TimelineItem::Command(command) => Some((command.kind, command.status)),
        _ => None,
    });
    commands.collect()
}

#[tokio::test]
async fn who_ended_a_session_while_it_was_paused_is_obeyed() {
    use CommandStatus::{Cancelled, Done, Queued};
    for (to, rests_in, terminate) in [
        (SessionStatus::Paused, SessionStatus::Terminated, Done),
        (SessionStatus::Completed, SessionStatus::Completed, Cancelled),
    ] {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let mut recorder = fixture.active_session(&app).await;
        let id = recorder.session_id();
        let prompt = || Words::Prompt("and this".to_owned());
        for words in [prompt(), Words::Terminate, Words::Interrupt, prompt()] {
            app.tell_session(fixture.caller, id, words).await.expect("told");
        }
        recorder.ended(to, "the end", None, &AUTHOR, false).await.expect("recorded");
        assert_eq!((fixture.get(id).await.status, recorder.status()), (rests_in, rests_in));
        let before = if to == rests_in { Queued } else { Cancelled };
        let expected = [
            (CommandKind::Prompt, before),
            (CommandKind::Terminate, terminate),
            (CommandKind::Interrupt, Cancelled),
            // It is for the next process.
            (CommandKind::Prompt, Queued),
        ];
        assert_eq!(commands(&fixture, id).await, expected);
        assert_eq!(fixture.findings().await, vec![]);
    }
}

#[tokio::test]
async fn a_stop_leaves_what_was_not_begun_to_the_next_process() {
    use CommandStatus::{Cancelled, Queued};
    for (keeps_waiting, second) in [(true, Queued), (false, Cancelled)] {
        let fixture = Fixture::new().await;
        let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
        let (begun, _) = recorder.prompt("first", &AUTHOR).await.expect("recorded");
        recorder.prompt("second", &AUTHOR).await.expect("recorded");
        recorder.prompt_started(begun).await.expect("recorded");
        assert!(recorder.has_begun_prompt());
        recorder
            .ended(SessionStatus::Paused, "the end", None, &AUTHOR, keeps_waiting)
            .await
            .expect("recorded");
        let expected = [(CommandKind::Prompt, Cancelled), (CommandKind::Prompt, second)];
        assert_eq!(commands(&fixture, recorder.session_id()).await, expected);
        assert_eq!(fixture.findings().await, vec![]);
    }
}

#[tokio::test]
async fn the_prompts_that_a_turn_answered_are_known_and_others_are_not() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let (first, _) = recorder.prompt("first", &AUTHOR).await.expect("recorded");
    recorder.prompt("second", &AUTHOR).await.expect("recorded");
    recorder.turn_ended(turn(cumulative(0), &[first], 1)).await.expect("recorded");
    let entries = fixture.timeline(recorder.session_id()).await;
    let first_message = entries.iter().find_map(|entry| match &entry.item {
        TimelineItem::Command(command) if command.id == first => super::super::inbox::message_of(command),
        _ => None,
    });
    assert_eq!(recorder.last_answered(), Vec::from_iter(first_message));
    // A turn that the agent began by itself answers nobody.
    recorder.turn_ended(turn(cumulative(0), &[first], 1)).await.expect("recorded");
    assert_eq!(recorder.last_answered(), vec![]);
}

#[tokio::test]
async fn what_is_being_written_is_stored_once_a_second_and_replaced_when_it_is_whole() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let id = recorder.session_id();
    let piece =
        |text: &str| PartialText { is_thinking: false, parent_tool_use_id: None, text: text.to_owned() };
    let before = fixture.timeline(id).await.len();
    for number in 0..30 {
        recorder.partial(&piece(&format!("{number} "))).await.expect("recorded");
        fixture.clock.advance(Duration::from_millis(100));
    }
    let thought = PartialText { is_thinking: true, ..piece("hm") };
    recorder.partial(&thought).await.expect("nothing to record");
    let entries = fixture.timeline(id).await.split_off(before);
    let changes: Vec<_> = entries.iter().map(|entry| entry.change).collect();
    assert_eq!(changes, [Change::Created, Change::Replaced], "after one second and after two");
    let text = |entries: &[TimelineEntry]| match &entries.last().expect("one").item {
        TimelineItem::Message(message) => (message.is_partial, message.body.content.text()),
        other => panic!("{other:?}"),
    };
    let (is_partial, so_far) = text(&entries);
    assert!(is_partial && so_far.starts_with("0 1 ") && so_far.ends_with(" 20 "), "{so_far}");
    let whole = AgentMessage {
        body: MessageBody::text(MessageType::Assistant, "all of it"),
        tool_uses: Vec::new(),
        tool_results: Vec::new(),
    };
    recorder.message(whole.clone()).await.expect("recorded");
    let entries = fixture.timeline(id).await.split_off(before);
    assert_eq!((entries.len(), text(&entries)), (3, (false, "all of it".to_owned())));
    // One that is quick is stored as a whole only.
    recorder.partial(&piece("short")).await.expect("nothing to record");
    recorder.message(whole).await.expect("recorded");
    assert_eq!(fixture.timeline(id).await.last().expect("one").change, Change::Created);
    assert_eq!(fixture.get(id).await.totals.total_messages, 2);
    assert_eq!(fixture.findings().await, vec![]);
}

#[tokio::test]
async fn a_clock_that_jumps_tears_no_session() {
    let fixture = Fixture::new().await;
    let mut recorder = fixture.active_session(&fixture.app_on("here")).await;
    let id = recorder.session_id();
    let request = ToolRequest {
        request_id: "r".into(),
        tool_use_id: "toolu_1".into(),
        tool_name: "Bash".into(),
        input: json!({ "command": "make" }),
        description: None,
        requires_person: false,
        extra: Map::new(),
    };
    recorder.prompt("work", &AUTHOR).await.expect("recorded");
    recorder.judged(&request, &ruling(Decision::Allow)).await.expect("recorded");
    fixture.clock.jump_back(Duration::from_secs(600));
    let result = ToolResult {
        tool_use_id: "toolu_1".into(),
        output: json!({ "content": "done" }),
        is_error: false,
        did_not_run: false,
    };
    let message = AgentMessage {
        body: MessageBody::text(MessageType::User, ""),
        tool_uses: Vec::new(),
        tool_results: vec![result],
    };
    recorder.message(message).await.expect("recorded");
    fixture.clock.advance(Duration::from_secs(7200));
    recorder.turn_ended(turn(cumulative(10), &[], 0)).await.expect("recorded");
    recorder.ended(SessionStatus::Completed, "done", None, &AUTHOR, false).await.expect("recorded");
    let timeline = fixture.timeline(id).await;
    assert!((1..).zip(&timeline).all(|(number, entry)| entry.sequence == number));
    let took = timeline.iter().find_map(|entry| match &entry.item {
        TimelineItem::ToolCall(call) => Some(call.duration_ms),
        _ => None,
    });
    assert_eq!(took, Some(Some(0)), "nothing takes less than no time");
    assert_eq!(fixture.get(id).await.status, SessionStatus::Completed);
    assert_eq!(fixture.findings().await, vec![]);
}
