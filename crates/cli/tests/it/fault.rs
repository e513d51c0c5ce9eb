//! What machines and agents do to sessions: after each, everything that was told is stored once, in numbers without gaps.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::{GREETING, Home, Provost, Signal, assert_numbered_without_gaps, fake_agent, wait_until};

on_both_databases!(a_flood_of_nonsense_is_counted, a_node_that_stops_leaves_no_trace_in_what_others_run);

const COMMAND: &str = "PROVOST_RUNTIME__CLAUDE__COMMAND";
const DONE: &str = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"ok"}'"#;

fn run_fake(home: &Home, body: &str) -> Provost {
    let agent = fake_agent(home, &format!("{GREETING}\nread -r prompt\ninit\n{body}\nuntil_end_of_input"));
    home.provost(&["run", "go"]).env(COMMAND, agent)
}

fn notes(home: &Home, subtype: &str) -> Vec<String> {
    let timeline = home.timeline();
    let notes = timeline.iter().filter(|entry| entry["item"]["subtype"] == subtype);
    notes.map(|entry| entry["item"]["content"]["blocks"][0]["text"].to_string()).collect()
}

fn a_flood_of_nonsense_is_counted(home: &Home) {
    const LINES: usize = 262_144;
    // A gigabyte in all, or what is quick.
    let bytes_of_a_line = if testkit::is_torture() { 4096 } else { 64 };
    let line = "x".repeat(bytes_of_a_line - 1);
    let size = LINES * bytes_of_a_line;
    run_fake(home, &format!("yes '{line}' | head -c {size}\nsay 'still here'\n{DONE}")).succeed();
    let notes = notes(home, "unparsed_line");
    assert_eq!(notes.len(), 101, "the first hundred, and how many more");
    assert!(notes[100].contains(&format!("{} lines more", LINES - 100)), "{}", notes[100]);
    assert_eq!(home.last()["result"], "ok");
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

#[test]
fn a_line_of_a_hundred_megabytes_is_passed_over() {
    let home = Home::new();
    let body = format!("head -c 100000000 /dev/zero | tr '\\0' a\necho\nsay 'still here'\n{DONE}");
    assert_eq!(run_fake(&home, &body).succeed().text(), "still here\n");
    assert!(notes(&home, "unparsed_line")[0].contains("100000000 bytes"));
    home.assert_well();
}

#[test]
fn an_agent_that_answers_late_is_waited_for() {
    let home = Home::new();
    let agent = fake_agent(
        &home,
        &format!(
            "sleep 2\n{GREETING}\nread -r prompt\nsleep 2\ninit\nsleep 2\nsay hello\n{DONE}\nuntil_end_of_input"
        ),
    );
    assert_eq!(home.provost(&["run", "go"]).env(COMMAND, agent).succeed().text(), "hello\n");
    home.assert_well();
}

#[test]
fn what_an_agents_children_started_ends_with_the_session() {
    let home = Home::new();
    // In groups of their own, with parents that are gone.
    let body = "(setsid sleep 1000 &)\n(sh -c 'sleep 1000 & sleep 1000' &)\nsay begun\nuntil_end_of_input";
    let mut run = run_fake(&home, body).arg("--json").start();
    run.until(|line| line["item"]["content"]["blocks"][0]["text"] == "begun");
    run.signal(Signal::TERM);
    run.finish();
    home.assert_well();
}

/// A file that may not grow any more is what a full disk is to a program.
#[test]
fn a_full_disk_ends_the_session_and_loses_nothing_that_was_told() {
    let home = Home::new();
    home.provost(&["db", "migrate"]).succeed();
    let said = "all work and no play ".repeat(500);
    let steps: Vec<_> = (0..200).map(|number| json!({ "say": format!("{number} {said}") })).collect();
    let scenario = home.scenario(&json!([steps]));
    let kilobytes = 700;
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$provost\" run go --json --runtime scripted --scenario {scenario}",
        kilobytes * 2
    );
    let outcome = home.shell(&script).run();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("could not be recorded"), "{}", outcome.stderr);
    home.assert_no_process();
    let told: Vec<_> = outcome.json_lines().into_iter().filter(|line| line["sequence"].is_number()).collect();
    assert!(told.len() > 10, "{} lines", told.len());
    // There is room again. The session is found without its process.
    home.provost(&["session", "list"]).succeed();
    let timeline = home.timeline();
    assert_numbered_without_gaps(&timeline);
    for (told, stored) in told.iter().zip(&timeline) {
        assert_eq!((&told["sequence"], &told["item"]["id"]), (&stored["sequence"], &stored["item"]["id"]));
    }
    assert!(timeline.len() >= told.len());
    assert_eq!(home.last()["lease"], Value::Null);
    home.assert_well();
}

/// One of two workers is told to stop, the other is not disturbed.
fn a_node_that_stops_leaves_no_trace_in_what_others_run(home: &Home) {
    let scenario = home.scenario(&json!([[{ "wait": "1500ms" }, { "say": "done" }]]));
    for _ in 0..4 {
        home.provost(&["run", "go", "--background", "--scenario", &scenario]).succeed();
    }
    let worker = || home.provost(&["worker", "--until-empty", "--json", "--concurrency", "2"]).start();
    let (first, second) = (worker(), worker());
    let is_running = |session: &Value| session["status"] == "processing";
    assert!(wait_until(|| home.sessions().iter().filter(|session| is_running(session)).count() == 4));
    first.signal(Signal::KILL);
    first.finish();
    assert_eq!(second.finish().code, Some(0));
    for session in home.sessions() {
        assert_eq!(session["status"], "completed", "{session:#}");
        assert_numbered_without_gaps(&home.timeline_of(session["id"].as_str().expect("an id")));
    }
    home.assert_well();
}

/// The database server is stopped while a worker's agents work, and comes back.
#[test]
fn workers_outlive_a_restart_of_the_database_server() {
    let Some(mut server) = testkit::PrivateServer::start() else { return };
    let home = Home::new();
    let url = server.url();
    let provost = |arguments: &[&str]| home.provost(arguments).args(&["--database", &url]);
    let scenario = home.scenario(&json!([[
        { "say": "one" }, { "wait": "1s" }, { "say": "two" }, { "wait": "1s" }, { "say": "three" }
    ]]));
    for _ in 0..3 {
        provost(&["run", "go", "--background", "--scenario", &scenario]).succeed();
    }
    let worker = provost(&["worker", "--until-empty", "--json"]).start();
    let statuses = || {
        let mut page = provost(&["session", "list", "--json"]).succeed().json();
        page["data"].as_array_mut().map(std::mem::take).expect("a list")
    };
    assert!(wait_until(|| statuses().iter().all(|session| session["status"] == "processing")));
    server.stop();
    std::thread::park_timeout(Duration::from_secs(2));
    server.start_again();
    let outcome = worker.finish();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    for session in statuses() {
        assert_eq!(session["status"], "completed", "{session:#}");
        let id = session["id"].as_str().expect("an id");
        let mut page = provost(&["session", "timeline", id, "--limit", "10000", "--json"]).succeed().json();
        let timeline = page["data"].as_array_mut().map(std::mem::take).expect("a list");
        assert_numbered_without_gaps(&timeline);
        let said = timeline.iter().filter(|entry| entry["item"]["message_type"] == "assistant").count();
        assert_eq!(said, 3, "each once");
    }
    provost(&["db", "check"]).succeed();
    home.assert_no_process();
}
