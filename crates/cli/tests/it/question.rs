//! Questions to the person at a terminal, and prompts typed there.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::fixture::{GREETING, Home, OnTerminal, Signal, fake_agent};

fn bash(command: &str) -> Value {
    json!({ "tool": "Bash", "input": { "command": command } })
}

fn on_terminal(home: &Home, steps: &Value) -> OnTerminal {
    home.play(&json!([steps])).on_terminal()
}

#[test]
fn once_allows_one_call_and_the_next_is_asked_again() {
    let home = Home::new();
    let mut run = on_terminal(&home, &json!([bash("touch one"), bash("touch two")]));
    run.expect("command: touch one").expect("y = once");
    assert!(!home.work("one").exists(), "nothing runs before the answer");
    run.write("y").expect("command: touch two").expect("y = once").write("n");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!((home.work("one").exists(), home.work("two").exists()), (true, false));
    let calls = home.tool_calls();
    let reason = calls[0]["permission_reason"].as_str().expect("a reason");
    assert!(reason.contains("the person at the terminal"), "{reason}");
    home.assert_well();
}

#[test]
fn for_this_session_covers_the_same_command_and_no_other() {
    let home = Home::new();
    let steps = json!([bash("echo x >> log"), bash("echo x >> log"), bash("echo y >> log")]);
    let mut run = on_terminal(&home, &steps);
    run.expect("s = for this session (Bash with exactly this input)").write("s");
    run.expect("command: echo y >> log").expect("y = once").write("n");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(fs::read_to_string(home.work("log")).expect("it ran"), "x\nx\n");
    home.assert_well();
}

#[test]
fn for_this_session_covers_edits_inside_the_folder() {
    let home = Home::new();
    let write = |path: &str| json!({ "tool": "Write", "input": { "file_path": path, "content": "x" } });
    let mut run = on_terminal(&home, &json!([write("a.txt"), write("b.txt"), write("../outside.txt")]));
    run.expect("a.txt").expect("edits of files inside").write("s");
    run.expect("outside the working directory").expect("y = once").write("n");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(home.work("a.txt").exists() && home.work("b.txt").exists());
    assert!(!home.path("outside.txt").exists());
}

#[test]
fn a_typed_reason_is_a_no_that_the_agent_sees() {
    let home = Home::new();
    let steps = json!([bash("touch ran"), { "when": "denied", "say": "understood" }]);
    let mut run = on_terminal(&home, &steps);
    run.expect("type why not").write("use make instead").expect("understood");
    assert_eq!(run.finish().0, Some(0));
    let call = &home.tool_calls()[0];
    assert_eq!((&call["status"], &call["permission_reason"]), (&json!("denied"), &json!("use make instead")));
    assert!(call["tool_output"]["content"].to_string().contains("use make instead"), "{call:#}");
    assert!(!home.work("ran").exists());
}

#[test]
fn an_empty_line_is_no_answer() {
    let home = Home::new();
    let mut run = on_terminal(&home, &json!([bash("touch ran")]));
    run.expect("y = once").write("").expect("please answer").expect("y = once").write("y");
    assert_eq!(run.finish().0, Some(0));
    assert!(home.work("ran").exists());
}

#[test]
fn a_person_may_think_longer_than_an_agent_may_be_silent() {
    let home = Home::new();
    let mut run = home.play(&json!([[bash("touch ran")]])).args(&["--timeout", "1"]).on_terminal();
    run.expect("type why not").expect_silence(Duration::from_millis(1500)).write("y");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(home.work("ran").exists());
}

#[test]
fn a_person_who_leaves_has_not_agreed() {
    let home = Home::new();
    let mut run = on_terminal(&home, &json!([bash("touch ran")]));
    run.expect("y = once").end_input();
    run.finish();
    assert!(!home.work("ran").exists());
    assert_eq!(home.tool_calls()[0]["status"], "denied");
}

#[test]
fn ctrl_c_at_a_question_withdraws_it() {
    let home = Home::new();
    let mut run = on_terminal(&home, &json!([bash("touch ran")]));
    run.expect("y = once").signal(Signal::INT).expect("interrupting");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(1), "{screen}");
    assert!(!home.work("ran").exists());
    assert_eq!(home.last()["status"], "paused");
    home.assert_well();
}

#[test]
fn a_question_of_the_agent_is_answered_by_choosing() {
    let home = Home::new();
    let steps = json!([{ "ask": "Which colour?", "options": ["red", "green"] }]);
    let mut run = on_terminal(&home, &steps);
    run.expect("Which colour?").expect("2 = green").write("2");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    let call = &home.tool_calls()[0];
    assert_eq!(call["tool_input"]["answers"]["Which colour?"], "green");
    assert!(call["tool_output"].to_string().contains("green"), "{call:#}");
}

#[test]
fn a_question_of_the_agent_is_answered_in_plan_mode_too() {
    let home = Home::new();
    let turns = json!([[{ "ask": "Which colour?", "options": ["red", "green"] }]]);
    let mut run = home.play(&turns).args(&["--permission-mode", "plan"]).on_terminal();
    run.expect("Which colour?").write("2");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(home.tool_calls()[0]["tool_output"].to_string().contains("green"), "{screen}");
}

#[test]
fn control_characters_never_reach_the_terminal_raw() {
    let home = Home::new();
    let evil = "\u{1b}]0;gotcha\u{7}\u{1b}[2J\u{9b}31m\u{202e}";
    let steps = json!([
        { "think": evil },
        { "say": format!("said {evil}") },
        bash(&format!("echo {evil}")),
        { "tool": evil, "input": { evil: evil } },
        { "garble": format!("{{{evil}") },
        { "fail": { "status": 500, "message": evil, "retries": 0 } },
    ]);
    let mut run = on_terminal(&home, &steps);
    run.expect("y = once").write("n").expect("y = once").write("n");
    let (_, run_screen) = run.finish();
    let screens = [
        run_screen,
        home.provost(&["session", "timeline", "last"]).on_terminal().finish().1,
        home.provost(&["session", "show", "last"]).on_terminal().finish().1,
        home.provost(&["session", "list"]).on_terminal().finish().1,
    ];
    for screen in screens {
        for bad in ["\u{1b}]", "\u{7}", "\u{1b}[2J", "\u{9b}", "\u{202e}"] {
            assert!(!screen.contains(bad), "{bad:?} in {screen:?}");
        }
    }
    // What was said is stored as it was said.
    assert!(home.timeline().iter().any(|entry| entry.to_string().contains("\\u001b[2J")));
}

#[test]
fn several_prompts_are_typed_in_one_session() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "first answer" }], [{ "say": "second answer" }]]));
    let arguments = ["run", "one", "--interactive", "--runtime", "scripted", "--scenario", &scenario];
    let mut run = home.provost(&arguments).on_terminal();
    run.expect("first answer").expect("type the next prompt").write("two");
    run.expect("second answer").expect("type the next prompt").end_input();
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(home.sessions().len(), 1);
    assert_eq!(home.last()["status"], "completed");
    home.assert_well();
}

#[test]
fn piped_lines_are_prompts_of_one_session() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "first answer" }], [{ "say": "second answer" }]]));
    let arguments = ["run", "--interactive", "--runtime", "scripted", "--scenario", &scenario];
    let outcome = home.provost(&arguments).input("one\n\ntwo\n").succeed();
    assert_eq!(outcome.text(), "first answer\nsecond answer\n");
    assert_eq!(home.sessions().len(), 1);
    home.assert_well();
}

#[test]
fn ctrl_c_in_an_interactive_session_stops_the_turn_and_then_the_session() {
    let home = Home::new();
    let scenario =
        home.scenario(&json!([[{ "say": "working" }, { "hang": true }], [{ "say": "second answer" }]]));
    let arguments = ["run", "one", "--interactive", "--runtime", "scripted", "--scenario", &scenario];
    let mut run = home.provost(&arguments).on_terminal();
    run.expect("working").signal(Signal::INT).expect("interrupted");
    run.expect("type the next prompt").write("two").expect("second answer");
    // Without work there is nothing to interrupt.
    run.expect("type the next prompt").signal(Signal::INT);
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(home.last()["status"], "completed");
    home.assert_well();
}

#[test]
fn a_question_raised_while_the_person_types_is_shown_and_answered_by_what_is_typed_next() {
    let home = Home::new();
    let (wake, answer) = (home.path("wake"), home.path("answer"));
    let done = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"ok"}'"#;
    let body = format!(
        r#"{GREETING}
read -r prompt
init
{done}
while [ ! -e '{wake}' ]; do sleep 0.05; done
init
echo '{{"type":"control_request","request_id":"p1","request":{{"subtype":"can_use_tool","tool_name":"Bash","input":{{"command":"make"}},"tool_use_id":"t1"}}}}'
read -r answer
echo "$answer" > '{answer}'
{done}
until_end_of_input"#,
        wake = wake.display(),
        answer = answer.display()
    );
    let agent = fake_agent(&home, &body);
    let run = home.provost(&["run", "-i", "go"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", &agent);
    let mut run = run.on_terminal();
    run.expect("type the next prompt");
    fs::write(&wake, "").expect("written");
    run.expect("command: make")
        .expect("y = once")
        .write("rather not")
        .expect("type the next prompt")
        .end_input();
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(fs::read_to_string(&answer).expect("an answer").contains("rather not"), "{screen}");
    let entries = home.timeline();
    let mut said = entries.iter().filter(|entry| entry["item"]["message_type"] == "user");
    assert!(!said.any(|entry| entry.to_string().contains("rather not")), "it was an answer, no prompt");
}
