//! Agents that are missing, old, silent, dying or talking nonsense: a clear error, a session that ended rightly, no process
//! left.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use serde_json::{Value, json};

use crate::fixture::{GREETING, Home, Provost, fake_agent};

const COMMAND: &str = "PROVOST_RUNTIME__CLAUDE__COMMAND";
const HANDSHAKE: &str = "PROVOST_RUNTIME__CLAUDE__HANDSHAKE_TIMEOUT_SECONDS";

fn run_claude(home: &Home, command: &Path) -> Provost {
    home.provost(&["run", "go"]).env(COMMAND, command)
}

/// A scripted agent that plays this turn fails with these words in the record and on standard error.
fn fails_with(steps: &Value, words: &[&str]) {
    let home = Home::new();
    home.play(&json!([steps])).exit(1).says(words);
    let error = home.error_of_last("failed");
    assert!(words.iter().any(|word| error.contains(word)), "{error}");
    home.assert_well();
}

#[test]
fn an_agent_that_exits_in_a_turn_is_a_failure_with_its_code() {
    fails_with(&json!([{ "say": "hm" }, { "crash": 3 }]), &["3"]);
}

#[test]
fn an_agent_that_is_killed_is_a_failure_with_its_signal() {
    fails_with(&json!([{ "crash": "SIGSEGV" }]), &["signal 11"]);
}

#[test]
fn an_api_error_is_a_failure_with_its_status() {
    let steps = json!([{ "fail": { "status": 529, "message": "Overloaded", "retries": 2 } }]);
    fails_with(&steps, &["529", "Overloaded"]);
}

#[test]
fn a_missing_login_is_said_with_the_next_step() {
    let home = Home::new();
    let steps = json!([{ "fail": { "status": 401, "message": "Invalid API key", "retries": 0 } }]);
    home.play(&json!([steps])).exit(1).says(&["401", "Invalid API key", "hint:", "/login"]);
    assert!(home.error_of_last("failed").contains("401"));
}

#[test]
fn nonsense_in_a_turn_is_recorded_and_the_turn_goes_on() {
    let home = Home::new();
    let outcome =
        home.play(&json!([[{ "garble": "{not json \u{1b}[31m" }, { "say": "still here" }]])).succeed();
    assert_eq!(outcome.text(), "still here\n");
    let notes = home.timeline();
    let note = notes.iter().find(|entry| entry["item"]["subtype"] == "unparsed_line").expect("a note");
    assert!(note.to_string().contains("not json"), "{note:#}");
    assert_eq!(home.last()["total_errors"], 1);
    home.assert_well();
}

#[test]
fn an_agent_that_falls_silent_is_ended_after_the_timeout() {
    let home = Home::new();
    let outcome = home.play(&json!([[{ "hang": true }]])).args(&["--timeout", "1"]).exit(1);
    outcome.says(&["no sign of life from the agent for 1 s"]);
    assert!(home.error_of_last("failed").contains("no sign of life"));
    home.assert_well();
}

#[test]
fn a_tool_may_work_longer_than_the_agent_may_be_silent() {
    let home = Home::new();
    let turns =
        json!([[{ "tool": "Bash", "input": { "command": "sleep 1.5; echo done" } }, { "say": "ok" }]]);
    assert_eq!(home.play(&turns).args(&["--yes", "--timeout", "1"]).succeed().text(), "ok\n");
}

#[test]
fn a_missing_agent_is_not_found_with_how_to_get_one() {
    let home = Home::new();
    run_claude(&home, Path::new("/nowhere/claude")).exit(4).says(&[
        "/nowhere/claude",
        "npm install -g @anthropic-ai/claude-code",
        "provost demo",
    ]);
    assert!(home.error_of_last("failed").contains("/nowhere/claude"));
    run_claude(&home, Path::new("no-such-agent")).exit(4).says(&["no-such-agent"]);
    home.assert_well();
}

#[test]
fn an_agent_that_would_not_ask_about_its_tools_is_not_started() {
    let home = Home::new();
    let agent = fake_agent(&home, "touch started");
    let with_argument = run_claude(&home, &agent).env("PROVOST_RUNTIME__CLAUDE__ARGUMENTS", "[\"--bare\"]");
    with_argument.exit(2).says(&["--bare", "without asking", "runtime.claude.arguments"]);
    run_claude(&home, &agent).env("CLAUDE_CODE_SIMPLE", "1").exit(2).says(&["CLAUDE_CODE_SIMPLE=1"]);
    assert!(!home.work("started").exists());
    assert!(home.error_of_last("failed").contains("CLAUDE_CODE_SIMPLE"));
    home.assert_well();
}

#[test]
fn an_agent_that_cannot_be_executed_says_how_to_change_that() {
    let home = Home::new();
    let agent = fake_agent(&home, GREETING);
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o644)).expect("permissions");
    run_claude(&home, &agent).exit(1).says(&["cannot be executed", "chmod +x"]);
    assert!(home.error_of_last("failed").contains("cannot be executed"));
}

#[test]
fn an_agent_that_is_too_old_says_which_version_is_needed() {
    let home = Home::new();
    let agent = fake_agent(&home, "greet 1.0.128\nuntil_end_of_input");
    run_claude(&home, &agent).exit(1).says(&["1.0.128", "2.1.0", "claude update"]);
    // An even older one does not know our options.
    let agent = fake_agent(
        &home,
        "[ \"$1\" = --version ] && { echo '0.2.9 (Claude Code)'; exit; }\necho \"error: unknown option '--x'\" >&2; exit 1",
    );
    run_claude(&home, &agent).exit(1).says(&["0.2.9", "2.1.0"]);
    assert!(home.error_of_last("failed").contains("0.2.9"));
    home.assert_well();
}

#[test]
fn the_last_words_of_an_agent_that_exits_at_once_are_told() {
    let home = Home::new();
    let agent = fake_agent(&home, "echo 'Error: no space left on device' >&2\nexit 7");
    run_claude(&home, &agent).exit(1).says(&["7", "no space left on device", "provost doctor"]);
    assert!(home.error_of_last("failed").contains("no space left on device"));
    home.assert_well();
}

#[test]
fn an_agent_that_talks_nonsense_and_never_answers_is_given_up() {
    let home = Home::new();
    let agent = fake_agent(&home, "echo welcome to the shell\necho '{\"half\": '\nuntil_end_of_input");
    run_claude(&home, &agent).env(HANDSHAKE, "1").exit(1).says(&["did not answer within 1 s"]);
    assert!(home.error_of_last("failed").contains("did not answer"));
    home.assert_well();
}

#[test]
fn an_agent_that_ends_in_the_middle_of_a_turn_is_a_failure() {
    let home = Home::new();
    let body = format!("{GREETING}\nread -r prompt\ninit\nsay 'I begin'\necho 'out of memory' >&2\nexit 9");
    let agent = fake_agent(&home, &body);
    let outcome = run_claude(&home, &agent).exit(1).says(&["9", "out of memory"]);
    assert_eq!(outcome.text(), "I begin\n");
    assert!(home.error_of_last("failed").contains("out of memory"));
    home.assert_well();
}

#[test]
fn an_agent_that_ends_well_without_finishing_its_turn_is_a_failure_too() {
    let home = Home::new();
    let agent = fake_agent(&home, &format!("{GREETING}\nread -r prompt\ninit\nsay 'bye'\nexit 0"));
    run_claude(&home, &agent).exit(1);
    assert!(!home.error_of_last("failed").is_empty());
    home.assert_well();
}

#[test]
fn a_scenario_that_cannot_be_played_is_a_usage_error_with_the_place() {
    let home = Home::new();
    let file = home.write("bad.toml", "[[turn]]\n[[turn.step]]\nsya = 'x'\n").display().to_string();
    let run = home.provost(&["run", "go", "--runtime", "scripted", "--scenario", &file]);
    run.exit(2).says(&["bad.toml", "turn 1, step 1", "a step has exactly one of say"]);
    home.provost(&["run", "go", "--runtime", "scripted"]).exit(2).says(&["--scenario"]);
    home.provost(&["run", "go", "--runtime", "scripted", "--scenario", "/nowhere.toml"]).exit(2);
    home.assert_well();
}

#[test]
fn what_the_mode_denies_is_denied_even_if_the_agent_skips_the_gate_and_yes_is_given() {
    for mode in ["plan", "dontAsk"] {
        let home = Home::new();
        let answer = home.path("answer");
        let body = format!(
            r#"{GREETING}
read -r prompt
init
echo '{{"type":"control_request","request_id":"p1","request":{{"subtype":"can_use_tool","tool_name":"Bash","input":{{"command":"rm -rf x"}},"tool_use_id":"t1"}}}}'
read -r answer
echo "$answer" > '{}'
echo '{{"type":"result","subtype":"success","is_error":false,"result":"ok"}}'
until_end_of_input"#,
            answer.display()
        );
        let agent = fake_agent(&home, &body);
        run_claude(&home, &agent).args(&["--yes", "--permission-mode", mode]).succeed();
        let answer = fs::read_to_string(&answer).expect("an answer");
        assert!(answer.contains(r#""behavior":"deny""#), "{mode}: {answer}");
        assert_eq!(home.tool_calls()[0]["permission_decision"], "deny");
        home.assert_well();
    }
}

#[test]
fn an_agent_that_reads_nothing_it_is_told_is_ended() {
    let home = Home::new();
    let gate = r#"{"type":"control_request","request_id":"g'$i'","request":{"subtype":"hook_callback","callback_id":"provost","input":{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"true"},"tool_use_id":"t'$i'"},"tool_use_id":"t'$i'"}}"#;
    let body = format!("{GREETING}\nread -r prompt\ninit\ni=0\nwhile :; do i=$((i+1)); echo '{gate}'; done");
    let agent = fake_agent(&home, &body);
    run_claude(&home, &agent).exit(1);
    assert!(home.error_of_last("failed").contains("did not read"), "{:#}", home.last());
    home.assert_well();
}

#[test]
fn a_scenario_is_never_ignored() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "played" }]]));
    assert_eq!(home.provost(&["run", "go", "--scenario", &scenario]).succeed().text(), "played\n");
    let both = home.provost(&["run", "go", "--scenario", &scenario, "--runtime", "claude"]);
    both.exit(2).says(&["--scenario is for the runtime scripted"]);
}
