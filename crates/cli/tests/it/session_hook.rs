//! Hooks at the start and the end of a session, with stand-ins for the agent CLI: it calls them by a command of ours.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{GREETING, Home, Provost, fake_agent, wait_until};

/// What the stand-ins know of command hooks: the settings they are given, and how they run the hooks of an event.
const HOOKS: &str = r#"
for argument; do case $argument in --settings=*) settings=${argument#--settings=};; esac; done
command=$(grep -o '"[^"]*agent-hook[^"]*"' "$settings" | head -n 1 | tr -d '"')
event() { echo '{"hook_event_name":"'"$1"'","session_id":"s1","source":"startup","reason":"other"}'; }
hook() { event "$1" | sh -c "$command"; }
result() { init; echo '{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"s1","uuid":"r"}'; }
turn() { read -r prompt; result; }
"#;

fn run(home: &Home, body: &str) -> Provost {
    let command = fake_agent(home, &format!("{HOOKS}{body}"));
    home.provost(&["run", "go"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", command)
}

fn add(home: &Home, event: &str, flags: &[&str], script: &str) {
    let hook = home.provost(&["hook", "add", event, "--event", event]).args(flags);
    hook.args(&["--", "sh", "-c", script]).succeed();
}

fn log(home: &Home) -> Vec<Value> {
    home.json(&["hook", "log"])["data"].as_array_mut().map(std::mem::take).expect("a list")
}

fn events(home: &Home) -> Vec<Value> {
    log(home).into_iter().map(|mut run| run["hook_type"].take()).collect()
}

fn read(home: &Home, name: &str) -> String {
    fs::read_to_string(home.work(name)).expect("a file")
}

/// Everything in the folders for temporary files.
fn left_behind(home: &Home) -> usize {
    fs::read_dir(home.path("tmp")).map_or(0, Iterator::count)
}

#[test]
fn hooks_run_before_the_agent_is_ready_and_after_its_input_ended() {
    let home = Home::new();
    let told = r#"cat > seen.start; echo '{"hookSpecificOutput":{"additionalContext":"mind the gap"}}'"#;
    add(&home, "SessionStart", &[], told);
    add(&home, "SessionEnd", &[], "cat > seen.end; echo '{\"decision\":\"block\",\"reason\":\"stay\"}'");
    let body = format!(
        "hook SessionStart > start; {GREETING}; turn; until_end_of_input; hook SessionEnd > end; echo $? >> end"
    );
    run(&home, &body).succeed();
    let output: Value = serde_json::from_str(&read(&home, "start")).expect("JSON");
    let expected = json!({ "hookEventName": "SessionStart", "additionalContext": "mind the gap" });
    assert_eq!(output, json!({ "hookSpecificOutput": expected }));
    assert_eq!(read(&home, "end"), "0\n", "nothing can be said at the end");
    assert!(read(&home, "seen.start").contains(r#""source":"startup""#));
    assert!(read(&home, "seen.end").contains(r#""reason":"other""#));
    assert_eq!(events(&home), ["SessionStart", "SessionEnd"]);
    let kinds: Vec<_> = home.timeline().iter().map(|entry| entry["kind"].clone()).collect();
    let place = |kind: &str| kinds.iter().position(|it| it == kind).expect("one");
    assert!(place("hook_execution") < place("command"), "recorded before the prompt: {kinds:?}");
    assert_eq!(home.last()["status"], "completed");
    home.assert_well();
}

#[test]
fn the_time_of_hooks_at_the_start_is_not_the_agents() {
    let home = Home::new();
    add(&home, "SessionStart", &["--timeout", "20"], "sleep 2");
    let body = format!("hook SessionStart; {GREETING}; turn; until_end_of_input");
    run(&home, &body).env("PROVOST_RUNTIME__CLAUDE__HANDSHAKE_TIMEOUT_SECONDS", "1").succeed();
    assert_eq!(events(&home), ["SessionStart"]);
}

#[test]
fn hooks_that_still_run_when_the_agent_is_ready_are_answered_all_the_same() {
    let home = Home::new();
    let told = r#"sleep 1; echo '{"hookSpecificOutput":{"additionalContext":"mind the gap"}}'"#;
    add(&home, "SessionStart", &[], told);
    let body =
        format!("hook SessionStart > start & {GREETING}; read -r prompt; wait; result; until_end_of_input");
    run(&home, &body).succeed();
    assert!(read(&home, "start").contains("mind the gap"));
    assert_eq!(events(&home), ["SessionStart"]);
}

#[test]
fn a_hook_at_work_ends_when_the_agent_gives_up_on_it() {
    let home = Home::new();
    let slow = "touch begun; exec sleep 60";
    add(&home, "SessionStart", &["--timeout", "60"], slow);
    let body = format!(
        "event SessionStart > event; eval \"exec $command\" < event & \
         while ! test -e begun; do sleep 0.05; done; kill -KILL $!; {GREETING}; turn; until_end_of_input"
    );
    run(&home, &body).succeed();
    let [run] = log(&home).try_into().expect("one run");
    assert!(!run["error_message"].is_null(), "{run:#}");
    home.assert_well();
}

#[test]
fn an_agent_that_fails_while_hooks_run_leaves_their_run_on_record() {
    let home = Home::new();
    add(&home, "SessionStart", &["--timeout", "60"], "touch begun; exec sleep 60");
    let body =
        "hook SessionStart & while ! test -e begun; do sleep 0.05; done; echo 'license expired' >&2; exit 3";
    run(&home, body).exit(1).says(&["license expired"]);
    let [run] = log(&home).try_into().expect("one run");
    assert!(!run["error_message"].is_null(), "{run:#}");
    assert_eq!(home.last()["status"], "failed");
    home.assert_well();
}

#[test]
fn nothing_but_the_two_events_is_taken() {
    let home = Home::new();
    add(&home, "PreToolUse", &["--gate"], "touch ran");
    let body = format!(
        "{GREETING}; turn
         for event in '{{}}' '[' \"$(event PreToolUse)\" \"$(event Stop)\"; do
           printf %s \"$event\" | sh -c \"$command\" 2>> said; echo \"exit $?\" >> said
         done; until_end_of_input"
    );
    run(&home, &body).succeed();
    let said = read(&home, "said");
    assert_eq!(said.matches("provost: the session was not told").count(), 4, "{said}");
    assert_eq!((said.matches("exit 1").count(), said.lines().count()), (4, 8), "{said}");
    assert!(!home.work("ran").exists() && log(&home).is_empty());
}

#[test]
fn a_session_that_is_not_found_has_no_end() {
    let home = Home::new();
    add(&home, "SessionEnd", &[], "true");
    let unknown = r#"case $* in *--resume*)
        echo '{"type":"result","subtype":"error_during_execution","is_error":true,"errors":["No conversation found"]}'
        hook SessionEnd; exit 1;; esac"#;
    let body = format!("{unknown}\n{GREETING}; turn; until_end_of_input");
    run(&home, &body).succeed();
    assert!(log(&home).is_empty());
    run(&home, &body).args(&["--resume", "last"]).succeed();
    assert!(home.timeline().iter().any(|entry| entry["item"]["subtype"] == "history_replayed"));
    assert!(log(&home).is_empty());
}

#[test]
fn only_the_user_can_look_into_the_folder_and_it_goes_with_the_session() {
    let home = Home::new();
    let body = format!(
        "stat -c '%a %F' \"${{settings%/*}}\" \"$settings\" \"${{settings%/*}}/s\" > modes; {GREETING}; turn; until_end_of_input"
    );
    run(&home, &body).succeed();
    assert_eq!(read(&home, "modes"), "700 directory\n600 regular file\n600 socket\n");
    assert_eq!(left_behind(&home), 0);
}

#[test]
fn settings_of_the_users_own_are_kept_or_refused_by_name() {
    let home = Home::new();
    let body =
        format!("cp \"$settings\" settings; echo \"$#\" > count; {GREETING}; turn; until_end_of_input");
    let own = json!({ "model": "x", "hooks": { "SessionEnd": [{ "hooks": [] }] } });
    home.write("work/own.json", &own.to_string());
    let with =
        |arguments: Value| run(&home, &body).env("PROVOST_RUNTIME__CLAUDE__ARGUMENTS", arguments.to_string());
    with(json!(["--settings", "own.json"])).succeed();
    let settings: Value = serde_json::from_str(&read(&home, "settings")).expect("JSON");
    assert_eq!(
        (&settings["model"], &settings["hooks"]["SessionEnd"][0]),
        (&json!("x"), &json!({ "hooks": [] }))
    );
    assert!(settings["hooks"]["SessionEnd"][1].to_string().contains("agent-hook"), "{settings:#}");
    for (value, words) in [("none.json", "none.json"), ("{\"hooks\":7}", "hooks is no object")] {
        with(json!([format!("--settings={value}")])).exit(2).says(&[
            words,
            "hint:",
            "runtime.claude.arguments",
        ]);
        assert!(home.error_of_last("failed").contains(value));
    }
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_said_with_the_next_step() {
    let home = Home::new();
    let folder = home.path(&"x".repeat(100));
    fs::create_dir(&folder).expect("a folder");
    run(&home, GREETING).env("TMPDIR", &folder).exit(1).says(&["socket", "hint:", "TMPDIR"]);
}

#[test]
fn without_a_session_an_event_ends_at_once() {
    let home = Home::new();
    let event = json!({ "hook_event_name": "SessionStart", "session_id": "s" }).to_string();
    let outcome = home.provost(&["agent-hook", "--socket", "/nowhere/s"]).input(event).exit(1);
    assert_eq!(outcome.text(), "");
    assert!(
        outcome.stderr.contains("cannot be reached") && outcome.stderr.lines().count() == 1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_end_that_takes_longer_than_the_agent_is_given_is_waited_for() {
    let home = Home::new();
    add(&home, "SessionEnd", &["--timeout", "30"], "sleep 6; touch ended");
    let body = format!("{GREETING}; turn; until_end_of_input; hook SessionEnd");
    run(&home, &body).succeed();
    assert!(home.work("ended").exists());
    assert_eq!((events(&home), &home.last()["status"]), (vec![json!("SessionEnd")], &json!("completed")));
}

#[test]
fn an_agent_that_is_killed_tells_of_no_end() {
    let home = Home::new();
    add(&home, "SessionEnd", &[], "true");
    let body = format!("{GREETING}; read -r prompt; init; touch begun; sleep 60");
    let running = run(&home, &body).start();
    assert!(wait_until(|| home.work("begun").exists()));
    home.provost(&["session", "terminate", "last"]).succeed();
    running.finish();
    assert!(log(&home).is_empty());
    home.assert_well();
}
