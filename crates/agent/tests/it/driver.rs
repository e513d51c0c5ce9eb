use std::{
    fs,
    time::{Duration, Instant},
};

use domain::{
    agent_event::{AgentEvent, AgentInput, PermissionAnswer},
    permission::Decision,
};
use provost_agent::{Runtime, StartError};

use crate::fake_agent::{FakeAgent, PATIENCE, next, rest, text_of, until_gone};

fn with_command(command: impl Into<std::path::PathBuf>) -> FakeAgent {
    let mut agent = FakeAgent::new("");
    agent.launch.runtime = Runtime::Claude { command: command.into(), session_hooks: None };
    agent
}

#[tokio::test]
async fn a_missing_program_is_not_found() {
    for command in ["/nowhere/claude", "no-such-agent-program"] {
        let error = with_command(command).refusal().await;
        assert!(
            matches!(&error, StartError::NotFound { command: found } if found.as_os_str() == command),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_file_without_permission_or_format_is_not_executable() {
    let agent = FakeAgent::new("");
    let file = agent.path("plain");
    fs::write(&file, "no program").expect("a file");
    assert!(matches!(with_command(&file).refusal().await, StartError::NotExecutable { .. }));
}

#[tokio::test]
async fn a_missing_working_directory_is_named() {
    let mut agent = FakeAgent::new("greet; until_end_of_input");
    agent.launch.working_directory = "/nowhere".into();
    let error = agent.refusal().await;
    assert_eq!(error.to_string(), "/nowhere is not a folder an agent can work in");
}

#[tokio::test]
async fn a_program_that_ends_at_once_says_its_last_words() {
    let error = FakeAgent::new("echo 'license expired' >&2; exit 3").refusal().await;
    let StartError::ExitedEarly(exit) = error else { panic!("{error:?}") };
    assert_eq!((exit.code, exit.was_asked, exit.stderr_tail.as_str()), (Some(3), false, "license expired\n"));
}

#[tokio::test]
async fn a_program_that_never_answers_is_ended() {
    let mut agent = FakeAgent::new("echo $$ > pid; sleep 1000");
    agent.launch.limits.handshake = Duration::from_millis(500);
    let error = agent.refusal().await;
    assert!(matches!(error, StartError::HandshakeTimeout { .. }), "{error:?}");
    until_gone(&agent.written("pid").await).await;
}

#[tokio::test]
async fn an_old_program_is_refused_with_the_version_needed() {
    let error = FakeAgent::new("greet 2.0.5; until_end_of_input").refusal().await;
    assert_eq!(error.to_string(), "the agent program is version 2.0.5; 2.1.0 or newer is needed");
    let ancient = "if [ \"$1\" = --version ]; then echo '1.0.9 (Claude Code)'; exit; fi
        echo \"error: unknown option '--permission-prompt-tool'\" >&2; exit 1";
    let error = FakeAgent::new(ancient).refusal().await;
    assert!(matches!(error, StartError::TooOld { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unknown_session_to_resume_is_told_apart() {
    let mut agent = FakeAgent::new(
        r#"read -r line
        echo '{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["No conversation found with session ID: gone"]}'
        echo 'No conversation found' >&2; exit 1"#,
    );
    agent.launch.options.resume = Some("gone".into());
    let error = agent.refusal().await;
    assert!(
        matches!(&error, StartError::ResumeUnknown { external_id } if external_id == "gone"),
        "{error:?}"
    );

    let used = FakeAgent::new("echo 'Error: Session ID x is already in use.' >&2; exit 1").refusal().await;
    assert!(matches!(used, StartError::SessionIdInUse), "{used:?}");
}

#[tokio::test]
async fn a_refused_initialize_says_why() {
    let refuse = r#"read -r line
        echo '{"type":"control_response","response":{"subtype":"error","request_id":"provost-0","error":"not today"}}'
        until_end_of_input"#;
    let error = FakeAgent::new(refuse).refusal().await;
    assert_eq!(error.to_string(), "the agent program refused to start: not today");
}

#[tokio::test]
async fn garbage_before_the_greeting_is_told_and_does_no_harm() {
    let agent = FakeAgent::new("echo 'debugger attached'; greet; say hello; until_end_of_input");
    let mut running = agent.start().await;
    assert_eq!(running.version.as_deref(), Some("2.1.329"));
    assert!(running.account.has_login());
    let garbage = AgentEvent::Garbage { line: "debugger attached".into(), size_bytes: 17 };
    assert_eq!(next(&mut running).await, garbage);
    assert_eq!(text_of(&next(&mut running).await), "hello");
    running.input.send(AgentInput::Close).await.expect("a running agent");
    let (events, exit) = rest(&mut running).await;
    assert_eq!((events, exit.code, exit.was_asked), (vec![], Some(0), true));
    assert!(running.input.send(AgentInput::Interrupt).await.is_err());
}

#[tokio::test]
async fn a_program_that_ends_unasked_takes_back_its_questions() {
    let agent = FakeAgent::new(
        r#"greet
        echo '{"type":"control_request","request_id":"r1","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{},"tool_use_id":"t"}}'
        echo dying >&2; kill -9 $$"#,
    );
    let mut running = agent.start().await;
    let (events, exit) = rest(&mut running).await;
    assert!(matches!(&events[0], AgentEvent::Permission(request) if request.request_id == "r1"));
    assert_eq!(events[1..], [AgentEvent::RequestCancelled { request_id: "r1".into() }]);
    assert_eq!((exit.code, exit.signal, exit.was_asked), (None, Some(9), false));
    assert_eq!(exit.stderr_tail, "dying\n");
}

#[tokio::test]
async fn a_flood_is_taken_in_order_however_slowly() {
    let lines = 20_000;
    let line = r#"{"type":"assistant","message":{"content":"%d"},"uuid":"u"}"#;
    let flood = format!(
        "greet; awk 'BEGIN {{ for (i = 0; i < {lines}; i++) printf \"{}\\n\", i }}'",
        line.replace('"', "\\\"")
    );
    let agent = FakeAgent::new(&flood);
    let mut running = agent.start().await;
    let (events, exit) = rest(&mut running).await;
    assert_eq!((events.len(), exit.code), (lines, Some(0)));
    assert!(events.iter().enumerate().all(|(index, event)| text_of(event) == index.to_string()));
}

#[tokio::test]
async fn a_line_over_the_limit_is_skipped() {
    let agent =
        FakeAgent::new("greet; head -c 20000000 /dev/zero | tr '\\0' x; echo; say after; until_end_of_input");
    let mut running = agent.start().await;
    let AgentEvent::Garbage { line, size_bytes } = next(&mut running).await else { panic!("no garbage") };
    assert_eq!((line.len(), size_bytes), (4096, 20_000_000));
    assert_eq!(text_of(&next(&mut running).await), "after");
}

#[tokio::test]
async fn a_program_that_ignores_gentle_signals_is_ended_hard() {
    let agent = FakeAgent::new("trap '' TERM; greet; while :; do sleep 1; done");
    let mut running = agent.start().await;
    running.input.send(AgentInput::Close).await.expect("a running agent");
    let (_, exit) = rest(&mut running).await;
    assert_eq!((exit.signal, exit.was_asked), (Some(9), true));
}

#[tokio::test]
async fn nothing_the_program_started_stays_behind() {
    let agent = FakeAgent::new("greet; sleep 1000 & echo $! > pid; until_end_of_input");
    let mut running = agent.start().await;
    let pid = agent.written("pid").await;
    running.input.send(AgentInput::Close).await.expect("a running agent");
    rest(&mut running).await;
    until_gone(&pid).await;
}

#[tokio::test]
async fn a_killed_program_takes_along_what_runs_in_other_groups() {
    let agent = FakeAgent::new("greet; setsid sh -c 'echo $$ > pid; exec sleep 1000' & until_end_of_input");
    let mut running = agent.start().await;
    let pid = agent.written("pid").await;
    running.input.send(AgentInput::Kill).await.expect("a running agent");
    let (_, exit) = rest(&mut running).await;
    assert_eq!((exit.signal, exit.was_asked), (Some(9), true));
    until_gone(&pid).await;
}

#[tokio::test]
async fn an_owner_that_neither_reads_nor_is_read_can_still_kill() {
    let agent = FakeAgent::new("greet; while :; do say flood; done");
    let mut running = agent.start().await;
    let big = "x".repeat(1_000_000);
    for _ in 0..3 {
        let id = "c0000000-0000-7000-8000-000000000001".parse().expect("an id");
        running.input.send(AgentInput::Prompt { id, text: big.clone() }).await.expect("a running agent");
    }
    running.input.send(AgentInput::Kill).await.expect("a running agent");
    let (_, exit) = rest(&mut running).await;
    assert_eq!(exit.signal, Some(9));
}

#[tokio::test]
async fn an_owner_that_goes_away_ends_the_program() {
    let agent = FakeAgent::new("greet; sleep 1000 & echo $! > pid; until_end_of_input");
    let running = agent.start().await;
    let pid = agent.written("pid").await;
    let leader = running.pid.to_string();
    drop(running);
    until_gone(&leader).await;
    until_gone(&pid).await;
}

#[tokio::test]
async fn answers_go_to_the_program_unless_it_took_the_question_back() {
    let agent = FakeAgent::new(
        r#"greet
        ask() { echo '{"type":"control_request","request_id":"'$1'","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{"a":1},"tool_use_id":"t"}}'; }
        ask r1; ask r2
        echo '{"type":"control_cancel_request","request_id":"r1"}'
        read -r answer; echo "$answer" > answer
        until_end_of_input"#,
    );
    let mut running = agent.start().await;
    for _ in 0..3 {
        next(&mut running).await;
    }
    for request_id in ["r1", "unknown", "r2"] {
        let answer = PermissionAnswer::Allow { input: serde_json::json!({ "a": 2 }) };
        let input = AgentInput::AnswerPermission { request_id: request_id.into(), answer };
        running.input.send(input).await.expect("a running agent");
    }
    let answer: serde_json::Value = serde_json::from_str(&agent.written("answer").await).expect("JSON");
    assert_eq!(answer["response"]["request_id"], "r2");
    assert_eq!(answer["response"]["response"]["updatedInput"]["a"], 2);
}

#[tokio::test]
async fn a_gate_goes_both_ways() {
    let agent = FakeAgent::new(
        r#"greet
        echo '{"type":"control_request","request_id":"r1","request":{"subtype":"hook_callback","input":{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{},"tool_use_id":"t"}}}'
        read -r answer; echo "$answer" > answer; until_end_of_input"#,
    );
    let mut running = agent.start().await;
    let AgentEvent::Gate(request) = next(&mut running).await else { panic!("no gate") };
    let input = AgentInput::AnswerGate {
        request_id: request.request_id,
        decision: Decision::Ask,
        reason: "it writes".into(),
        input: None,
        context: None,
    };
    running.input.send(input).await.expect("a running agent");
    let answer = agent.written("answer").await;
    assert!(answer.contains(r#""permissionDecision":"ask""#), "{answer}");
}

#[tokio::test]
async fn the_program_sees_only_what_is_allowed_and_leads_its_own_group() {
    let agent = FakeAgent::new("env > variables; greet; until_end_of_input");
    let running = agent.start().await;
    let variables = fs::read_to_string(agent.path("variables")).expect("a file");
    assert!(variables.contains("CLAUDE_CODE_ENTRYPOINT=sdk-rs"), "{variables}");
    assert!(!variables.contains("SECRET"), "{variables}");
    assert!(variables.contains(&format!("PWD={}", agent.folder.path().display())), "{variables}");
    let pid = rustix::process::Pid::from_raw(i32::try_from(running.pid).expect("a pid"));
    assert_eq!(rustix::process::getpgid(pid), Ok(pid.expect("a pid")));
}

#[tokio::test]
async fn a_version_is_asked_for_without_a_session() {
    let agent = FakeAgent::new("[ \"$1\" = --version ] && echo '2.1.329 (Claude Code)'");
    let version = provost_agent::version(&agent.path("agent")).await.expect("a version");
    assert_eq!(version.to_string(), "2.1.329");
    let silent = FakeAgent::new("");
    assert!(matches!(provost_agent::version(&silent.path("agent")).await, Err(StartError::NoVersion { .. })));
}

/// The length of a file that a script appends to, once it no longer grows.
async fn settled_length(path: &std::path::Path) -> u64 {
    let length = || fs::metadata(path).map_or(0, |data| data.len());
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = length();
        if now > 0 && now == before {
            return now;
        }
        before = now;
    }
}

#[tokio::test]
async fn a_program_that_asks_and_never_reads_is_no_longer_heard_and_can_be_ended() {
    const ASKED_AT_MOST: u64 = 20_000;
    let flood = format!(
        r#"greet; id=$(head -c 1000 /dev/zero | tr '\0' r); asked=0
        while [ $asked -lt {ASKED_AT_MOST} ]; do
            echo '{{"type":"control_request","request_id":"'$id$asked'","request":{{"subtype":"mcp_message"}}}}'
            printf x >> asked; asked=$((asked + 1))
        done
        while :; do sleep 1; done"#
    );
    for end in [Some(AgentInput::Close), Some(AgentInput::Kill), None] {
        let agent = FakeAgent::new(&flood);
        let mut running = agent.start().await;
        let asked = settled_length(&agent.path("asked")).await;
        assert!(asked < ASKED_AT_MOST / 10, "{asked} requests were heard");
        let was_asked = end.is_some();
        match end {
            Some(input) => running.input.send(input).await.expect("a running agent"),
            None => {
                let pid = rustix::process::Pid::from_raw(i32::try_from(running.pid).expect("a pid"));
                rustix::process::kill_process(pid.expect("a pid"), rustix::process::Signal::KILL)
                    .expect("a process");
            }
        }
        let (events, exit) = rest(&mut running).await;
        assert_eq!((events, exit.was_asked), (vec![], was_asked));
        assert!(exit.signal.is_some(), "{exit:?}");
    }
}

/// Ends and leaves behind a process that holds its output, left its group and lost its parent.
const LEAVES_A_NOISY_STRAY: &str = "greet
    setsid sh -c 'echo $$ > stray; while :; do echo noise; sleep 0.05; done' &
    until [ -s stray ]; do sleep 0.01; done; exit 3";

#[tokio::test]
async fn a_stray_that_goes_on_writing_does_not_keep_a_dead_session() {
    let agent = FakeAgent::new(LEAVES_A_NOISY_STRAY);
    let mut running = agent.start().await;
    let began = Instant::now();
    let (events, exit) = rest(&mut running).await;
    assert_eq!((exit.code, exit.was_asked), (Some(3), false));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(events.iter().all(|event| matches!(event, AgentEvent::Garbage { .. })), "{events:?}");
    until_gone(&agent.written("stray").await).await;
}

#[tokio::test]
async fn a_kill_ends_the_wait_for_a_stray_at_once() {
    let agent = FakeAgent::new(LEAVES_A_NOISY_STRAY);
    let mut running = agent.start().await;
    agent.written("stray").await;
    until_gone(&running.pid.to_string()).await;
    let began = Instant::now();
    running.input.send(AgentInput::Kill).await.expect("an agent that is still heard");
    let (_, exit) = rest(&mut running).await;
    assert_eq!(exit.code, Some(3));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn after_a_kill_an_owner_that_takes_nothing_is_not_waited_for_but_told_the_exit() {
    let agent = FakeAgent::new("greet; for i in $(seq 200); do say $i; done; exit 3");
    let mut running = agent.start().await;
    until_gone(&running.pid.to_string()).await;
    let is_over = async {
        while running.input.send(AgentInput::Kill).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, is_over).await.expect("no end in time");
    let (events, exit) = rest(&mut running).await;
    assert!(events.len() < 200, "{}", events.len());
    assert_eq!(exit.code, Some(3));
}

#[tokio::test]
async fn what_a_known_process_in_another_group_starts_later_is_killed_too() {
    let mut agent = FakeAgent::new(
        "greet
        setsid sh -c 'echo $$ > shell; until [ -e closed ]; do sleep 0.05; done; sleep 100 & echo $! > late; wait' &
        until_end_of_input; touch closed; while :; do sleep 1; done",
    );
    agent.launch.limits.shutdown_grace = PATIENCE;
    let mut running = agent.start().await;
    let shell = agent.written("shell").await;
    running.input.send(AgentInput::Close).await.expect("a running agent");
    let late = agent.written("late").await;
    running.input.send(AgentInput::Kill).await.expect("a running agent");
    rest(&mut running).await;
    until_gone(&shell).await;
    until_gone(&late).await;
}
