//! Telling a session something from another process, and watching it from there.

use serde_json::{Value, json};

use crate::fixture::{Home, Running, Signal, assert_numbered_without_gaps};

on_both_databases!(
    a_prompt_sent_from_elsewhere_is_worked_on,
    a_session_is_interrupted_paused_and_ended_from_elsewhere,
    model_and_mode_change_while_a_session_runs,
    a_session_at_rest_that_is_sent_a_prompt_waits_for_a_worker,
    a_session_is_followed_from_elsewhere,
);

/// A session whose agent works until it is interrupted.
fn working(home: &Home) -> Running {
    let mut run = home
        .play(&json!([[{ "say": "begun" }, { "hang": true }], [{ "say": "second" }]]))
        .arg("--json")
        .start();
    run.until(|line| line.to_string().contains("begun"));
    run
}

fn a_prompt_sent_from_elsewhere_is_worked_on(home: &Home) {
    let turns = json!([[{ "say": "begun" }, { "wait": "1500ms" }], [{ "say": "second" }]]);
    let mut run = home.play(&turns).arg("--json").start();
    run.until(|line| line.to_string().contains("begun"));
    home.provost(&["session", "send", "last", "and then this"]).succeed().says(&["prompt"]);
    let outcome = run.finish();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let session = home.last();
    assert_eq!((&session["status"], &session["result"]), (&json!("completed"), &json!("second")));
    let timeline = home.timeline();
    assert_numbered_without_gaps(&timeline);
    let is_prompt = |entry: &&Value| entry["item"]["kind"] == "prompt" && entry["change"] == "created";
    let statuses: Vec<_> =
        timeline.iter().filter(is_prompt).map(|entry| entry["item"]["status"].clone()).collect();
    assert_eq!(statuses, ["done", "done"]);
    assert!(timeline.iter().any(|entry| entry.to_string().contains("and then this")));
    home.assert_well();
}

fn a_session_is_interrupted_paused_and_ended_from_elsewhere(home: &Home) {
    for (verb, status, code) in
        [("interrupt", "paused", 1), ("pause", "paused", 1), ("terminate", "terminated", 1)]
    {
        let run = working(home);
        let told = home.json(&["session", verb, "last"]);
        assert_eq!(
            (&told["told"], &told["command"]["status"]),
            (&json!("running"), &json!("done")),
            "{verb}"
        );
        let outcome = run.finish();
        assert_eq!(outcome.code, Some(code), "{verb}: {}", outcome.stderr);
        assert_eq!(home.last()["status"], status, "{verb}");
        if verb != "terminate" {
            home.provost(&["session", verb, "last"])
                .exit(3)
                .says(&["is paused; only one with a process can be"]);
        }
        home.assert_well();
    }
    let missing = "01929f3e-7b1c-7cc0-98a2-0f4c9d3a5b6c";
    home.provost(&["session", "interrupt", missing]).exit(4).says(&["there is no session"]);
}

fn model_and_mode_change_while_a_session_runs(home: &Home) {
    let run = working(home);
    let told = home.json(&["session", "set", "last", "--permission-mode", "plan"]);
    assert_eq!(told["command"]["status"], "done");
    home.provost(&["session", "set", "last", "--model", "other-model"]).succeed();
    let session = home.last();
    assert_eq!((&session["permission_mode"], &session["model"]), (&json!("plan"), &json!("other-model")));
    home.provost(&["session", "set", "last"]).exit(2);
    home.provost(&["session", "set", "last", "--permission-mode", "yolo"]).exit(2).says(&["acceptEdits"]);
    run.signal(Signal::INT);
    run.finish();
    home.provost(&["session", "set", "last", "--model", "x"]).exit(3).says(&["only one with a process"]);
    home.assert_well();
}

fn a_session_at_rest_that_is_sent_a_prompt_waits_for_a_worker(home: &Home) {
    home.play(&json!([[{ "say": "first" }], [{ "say": "second" }], [{ "say": "third" }]])).succeed();
    home.provost(&["session", "send", "last"]).input("go on\n").succeed().says(&["waits for a worker"]);
    home.provost(&["session", "send", "last", "and on"]).succeed();
    home.provost(&["session", "send", "last", ""]).exit(2).says(&["the prompt is empty"]);
    let scenario = home.path("scenario.json").display().to_string();
    home.provost(&["worker", "--until-empty"]).env("PROVOST_RUNTIME__SCRIPTED__SCENARIO", scenario).succeed();
    let session = home.last();
    assert_eq!((&session["status"], &session["result"]), (&json!("completed"), &json!("third")));
    home.assert_well();
}

fn a_session_is_followed_from_elsewhere(home: &Home) {
    let run = working(home);
    let follow = home.provost(&["session", "follow", "last", "--json"]).start();
    run.signal(Signal::INT);
    let printed = run.finish().json_lines();
    let followed = follow.finish();
    assert_eq!(followed.code, Some(0), "{}", followed.stderr);
    let followed = followed.json_lines();
    let numbers =
        |lines: &[Value]| lines.iter().filter_map(|line| line["sequence"].as_u64()).collect::<Vec<_>>();
    assert_eq!(numbers(&followed), numbers(&printed));
    let text = home.provost(&["session", "follow", "last"]).succeed();
    assert!(text.text().contains("begun"), "{}", text.text());
    home.assert_well();
}

#[test]
fn a_session_without_anything_to_do_is_paused() {
    let home = Home::new();
    let run =
        home.play(&json!([[{ "say": "hello" }], [{ "say": "again" }]])).args(&["--interactive", "--json"]);
    let mut run = run.env("PROVOST_SESSION__IDLE_SECONDS", "1").start();
    let end = run.until(|line| line["kind"] == "end");
    assert_eq!(end["item"]["status"], "paused");
    run.finish();
    home.assert_well();
    home.resume_last().succeed();
    assert_eq!(home.last()["result"], "again");
}
