//! Several processes on one database.

use serde_json::json;

use crate::fixture::{Home, Running, Signal, assert_numbered_without_gaps};

const AT_ONCE: usize = 8;

on_both_databases!(
    eight_runs_at_once_on_a_new_database_all_succeed,
    a_running_session_is_seen_by_another_process_and_left_alone,
    a_running_session_cannot_be_resumed_by_another_process,
    of_two_that_resume_one_session_one_does,
);

fn eight_runs_at_once_on_a_new_database_all_succeed(home: &Home) {
    let mut steps: Vec<_> = (0..20).map(|number| json!({ "say": format!("line {number}") })).collect();
    steps.push(json!({ "tool": "Bash", "input": { "command": "echo x >> all.txt" } }));
    steps.push(json!({ "spend": { "usd": 0.01, "input_tokens": 10, "output_tokens": 1 } }));
    let turns = json!([steps]);
    let runs: Vec<_> = (0..AT_ONCE).map(|_| home.play(&turns).args(&["--yes", "--json"]).start()).collect();
    for outcome in runs.into_iter().map(Running::finish) {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert_eq!(outcome.stderr, "");
        let lines = outcome.json_lines();
        assert_numbered_without_gaps(&lines[1..lines.len() - 1]);
    }
    let sessions = home.sessions();
    assert_eq!(sessions.len(), AT_ONCE);
    for session in &sessions {
        assert_eq!(session["status"], "completed", "{session:#}");
        assert_numbered_without_gaps(&home.timeline_of(session["id"].as_str().expect("an id")));
    }
    let users: std::collections::BTreeSet<_> =
        sessions.iter().map(|each| each["user_id"].to_string()).collect();
    assert_eq!(users.len(), 1, "one local user");
    let written = std::fs::read_to_string(home.work("all.txt")).expect("the tools ran");
    assert_eq!(written.lines().count(), AT_ONCE);
    home.assert_well();
}

fn a_running_session_is_seen_by_another_process_and_left_alone(home: &Home) {
    let mut run = home.play(&json!([[{ "hang": true }]])).arg("--json").start();
    run.until(|line| line["item"]["to"] == "processing");
    for _ in 0..2 {
        let list = home.provost(&["session", "list", "--json"]).succeed();
        assert_eq!(list.stderr, "", "nothing was recovered");
        assert_eq!(list.json()["data"][0]["status"], "processing");
    }
    let by_status = home.json(&["session", "list", "--status", "processing"]);
    assert_eq!(by_status["data"].as_array().map(Vec::len), Some(1));
    run.signal(Signal::INT);
    assert_eq!(run.finish().code, Some(1));
    assert_eq!(home.last()["status"], "paused");
    home.assert_well();
}

fn a_running_session_cannot_be_resumed_by_another_process(home: &Home) {
    let mut run = home.play(&json!([[{ "hang": true }]])).arg("--json").start();
    run.until(|line| line["item"]["to"] == "processing");
    home.resume_last().exit(3).says(&["is processing", "without a process"]);
    run.signal(Signal::TERM);
    run.finish();
    assert_eq!(home.last()["status"], "terminated");
    home.assert_well();
}

fn of_two_that_resume_one_session_one_does(home: &Home) {
    home.play(&json!([[{ "say": "first" }], [{ "say": "second" }, { "wait": "500ms" }]])).succeed();
    let runs: Vec<_> = (0..2).map(|_| home.resume_last().start()).collect();
    let mut outcomes: Vec<_> = runs.into_iter().map(Running::finish).collect();
    outcomes.sort_unstable_by_key(|outcome| outcome.code);
    let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.code).collect();
    assert_eq!(codes, [Some(0), Some(3)], "{outcomes:#?}");
    assert_eq!(home.last()["status"], "completed");
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

#[test]
fn a_run_outlives_a_lost_connection() {
    let Some(home) = Home::on_postgres() else { return };
    let turns = json!([[{ "say": "before" }, { "tool": "Bash", "input": { "command": "until [ -e go ]; do :; done" } },
        { "say": "after" }]]);
    let mut run = home.play(&turns).args(&["--yes", "--json"]).start();
    run.until_tool_call_is("running");
    home.cut_connections();
    home.write("work/go", "");
    let outcome = run.finish();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_numbered_without_gaps(&home.timeline());
    assert_eq!(home.last()["result"], "after");
    home.assert_well();
}
