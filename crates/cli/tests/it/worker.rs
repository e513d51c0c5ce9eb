//! Background sessions: queued, run by workers, tried again, taken over.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fixture::{Home, Outcome, Provost, Running, Signal, assert_numbered_without_gaps, wait_until};

on_both_databases!(
    a_background_session_is_run_by_a_worker,
    sessions_are_taken_by_priority_and_then_by_age,
    no_two_workers_take_the_same_session,
    what_a_killed_worker_left_is_taken_over,
    a_worker_that_ends_leaves_its_sessions_to_another,
    a_model_service_that_was_overloaded_is_asked_again,
    a_queued_session_can_be_cancelled,
);

/// Queues a session by the scenario written last and gives its id.
fn queue(home: &Home, arguments: &[&str]) -> String {
    let queued = queued(home, arguments).succeed();
    queued.text().trim().to_owned()
}

fn queued(home: &Home, arguments: &[&str]) -> Provost {
    let scenario = home.path("scenario.json").display().to_string();
    home.provost(&["run", "go", "--background", "--scenario", &scenario]).args(arguments)
}

fn worker(home: &Home) -> Provost {
    home.provost(&["worker", "--until-empty", "--json"])
}

fn notes(outcome: &Outcome, kind: &str) -> Vec<Value> {
    outcome.json_lines().into_iter().filter(|note| note["kind"] == kind).collect()
}

fn show(home: &Home, id: &str) -> Value {
    home.json(&["session", "show", id])
}

/// The statuses of the prompts of a session, in their order, as they stand.
fn prompts(home: &Home, id: &str) -> Vec<String> {
    let timeline = home.timeline_of(id);
    let is_prompt = |entry: &&Value| entry["item"]["kind"] == "prompt" && entry["change"] == "created";
    timeline
        .iter()
        .filter(is_prompt)
        .map(|entry| entry["item"]["status"].as_str().expect("a text").to_owned())
        .collect()
}

fn a_background_session_is_run_by_a_worker(home: &Home) {
    home.scenario(
        &json!([[{ "say": "hello" }, { "spend": { "usd": 0.25, "input_tokens": 3, "output_tokens": 1 } }]]),
    );
    let id = queue(home, &["--name", "greeting"]);
    let waiting = show(home, &id);
    assert_eq!((&waiting["status"], &waiting["mode"]), (&json!("created"), &json!("background")));
    assert!(waiting["queued_at"].is_string(), "{waiting:#}");
    let outcome = worker(home).succeed();
    assert_eq!(notes(&outcome, "took")[0]["name"], "greeting");
    assert_eq!(notes(&outcome, "ended")[0]["status"], "completed");
    let done = show(home, &id);
    assert_eq!((&done["status"], &done["result"]), (&json!("completed"), &json!("hello")));
    assert_eq!((&done["queued_at"], &done["total_cost_usd"]), (&Value::Null, &json!("0.25")));
    assert_eq!(prompts(home, &id), ["done"]);
    assert_numbered_without_gaps(&home.timeline_of(&id));
    // With nothing to do it ends at once.
    assert_eq!(worker(home).succeed().text(), "");
    home.assert_well();
}

fn sessions_are_taken_by_priority_and_then_by_age(home: &Home) {
    home.scenario(&json!([[{ "say": "hello" }]]));
    for (name, priority) in [("later", "7"), ("first", "1"), ("second", "5"), ("third", "5")] {
        queue(home, &["--name", name, "--priority", priority]);
    }
    let outcome = worker(home).args(&["--concurrency", "1"]).succeed();
    let taken: Vec<_> = notes(&outcome, "took").iter().map(|note| note["name"].clone()).collect();
    assert_eq!(taken, ["first", "second", "third", "later"]);
    home.assert_well();
}

fn no_two_workers_take_the_same_session(home: &Home) {
    home.scenario(
        &json!([[{ "tool": "Bash", "input": { "command": "echo x >> all.txt" } }, { "say": "hello" }]]),
    );
    let ids: Vec<_> = (0..12).map(|_| queue(home, &["--permission-mode", "bypassPermissions"])).collect();
    let workers: Vec<_> = (0..3).map(|_| worker(home).args(&["--concurrency", "3"]).start()).collect();
    let mut taken: BTreeMap<String, u32> = BTreeMap::new();
    for outcome in workers.into_iter().map(Running::finish) {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        for note in notes(&outcome, "took") {
            *taken.entry(note["session_id"].as_str().expect("a text").to_owned()).or_default() += 1;
        }
    }
    assert_eq!(taken.len(), ids.len());
    assert!(taken.values().all(|times| *times == 1), "{taken:?}");
    assert!(home.sessions().iter().all(|session| session["status"] == "completed"));
    home.assert_well();
}

fn what_a_killed_worker_left_is_taken_over(home: &Home) {
    home.scenario(&json!([[{ "say": "half done" }, { "hang": true }], [{ "say": "all done" }]]));
    let id = queue(home, &[]);
    let run = worker(home).start();
    assert!(wait_until(|| home.timeline_of(&id).iter().any(|entry| entry.to_string().contains("half done"))));
    run.signal(Signal::KILL);
    run.finish();
    let outcome = worker(home).succeed();
    let recovered = notes(&outcome, "recovered");
    // Whoever opened the database first found it; the worker's own start may have.
    assert!(recovered.iter().all(|note| note["is_queued"] == true), "{recovered:?}");
    let done = show(home, &id);
    assert_eq!(
        (&done["status"], &done["result"], &done["attempts"]),
        (&json!("completed"), &json!("all done"), &json!(1))
    );
    // What the first agent was told it was not told again: the second was told to look at what is done.
    assert_eq!(prompts(home, &id), ["cancelled", "done"]);
    let timeline = home.timeline_of(&id);
    assert_numbered_without_gaps(&timeline);
    assert!(timeline.iter().any(|entry| entry["item"]["actor"] == "system:recovery"), "{timeline:#?}");
    home.assert_well();
}

fn a_worker_that_ends_leaves_its_sessions_to_another(home: &Home) {
    home.scenario(&json!([[{ "say": "half done" }, { "hang": true }], [{ "say": "all done" }]]));
    let id = queue(home, &[]);
    let run = home.provost(&["worker", "--json"]).env("PROVOST_WORKER__GRACE_SECONDS", "0").start();
    assert!(wait_until(|| home.timeline_of(&id).iter().any(|entry| entry.to_string().contains("half done"))));
    run.signal(Signal::TERM);
    let outcome = run.finish().says(&["ending: sessions that run may finish first"]);
    assert_eq!(outcome.code, Some(0));
    assert_eq!(notes(&outcome, "ended")[0]["status"], "paused");
    home.assert_no_process();
    let paused = show(home, &id);
    assert_eq!(paused["status"], "paused");
    assert!(paused["queued_at"].is_string(), "{paused:#}");
    worker(home).succeed();
    assert_eq!(show(home, &id)["result"], "all done");
    home.assert_well();
}

fn a_model_service_that_was_overloaded_is_asked_again(home: &Home) {
    home.scenario(
        &json!([[{ "fail": { "status": 529, "message": "overloaded" } }], [{ "say": "there you are" }]]),
    );
    let id = queue(home, &[]);
    let outcome = worker(home).succeed();
    let ends = notes(&outcome, "ended");
    assert_eq!((&ends[0]["status"], &ends[1]["status"]), (&json!("failed"), &json!("completed")));
    let pause = ends[0]["again_in_seconds"].as_f64().expect("a number");
    assert!((2.0..=2.5).contains(&pause), "{pause}");
    let done = show(home, &id);
    assert_eq!((&done["result"], &done["attempts"]), (&json!("there you are"), &json!(1)));
    assert_eq!(prompts(home, &id), ["done", "done"]);
    home.assert_well();
}

/// As an upgrade does, under a worker that goes on.
#[test]
fn a_worker_whose_program_was_replaced_runs_sessions_all_the_same() {
    let home = Home::new();
    home.scenario(&json!([[{ "say": "hello" }]]));
    let program = home.path("bin/old");
    std::fs::copy(env!("CARGO_BIN_EXE_provost"), &program).expect("a copy");
    let first = queue(&home, &[]);
    let run = home.shell(&format!("exec {} worker", program.display())).start();
    let is_done = |id: &str| wait_until(|| show(&home, id)["status"] == "completed");
    assert!(is_done(&first));
    std::fs::remove_file(&program).expect("it was there");
    let second = queue(&home, &[]);
    assert!(is_done(&second), "{:#}", show(&home, &second));
    run.signal(Signal::TERM);
    run.finish();
    home.assert_well();
}

#[test]
fn a_session_that_was_ended_while_its_worker_died_is_not_gone_on_with() {
    let home = Home::new();
    home.scenario(&json!([[{ "say": "half done" }, { "hang": true }], [{ "say": "never said" }]]));
    let id = queue(&home, &[]);
    let run = worker(&home).start();
    assert!(wait_until(|| home.timeline_of(&id).iter().any(|entry| entry.to_string().contains("half done"))));
    // It stands still, so it cannot hear that somebody ends the session.
    run.signal(Signal::STOP);
    home.provost(&["session", "terminate", &id]).succeed();
    run.signal(Signal::KILL);
    run.finish();
    assert!(notes(&worker(&home).succeed(), "took").is_empty());
    assert_eq!(show(&home, &id)["status"], "terminated");
    home.assert_well();
}

#[test]
fn what_used_a_tool_or_was_refused_is_not_tried_again() {
    let home = Home::new();
    for turn in [
        json!([{ "tool": "Bash", "input": { "command": "true" } }, { "fail": { "status": 529 } }]),
        json!([{ "fail": { "status": 401 } }]),
    ] {
        home.scenario(&json!([turn, [{ "say": "never said" }]]));
        let id = queue(&home, &[]);
        let ends = notes(&worker(&home).succeed(), "ended");
        assert_eq!((ends.len(), &ends[0]["again_in_seconds"]), (1, &Value::Null), "{ends:?}");
        assert_eq!(show(&home, &id)["status"], "failed");
    }
    home.assert_well();
}

fn a_queued_session_can_be_cancelled(home: &Home) {
    home.scenario(&json!([[{ "say": "never said" }]]));
    let id = queue(home, &[]);
    home.provost(&["session", "terminate", &id]).succeed().says(&["is terminated"]);
    assert_eq!(worker(home).succeed().text(), "");
    assert_eq!(prompts(home, &id), ["cancelled"]);
    home.provost(&["session", "terminate", &id]).exit(3).says(&["is terminated already"]);
    home.assert_well();
}

#[test]
fn a_session_that_cannot_be_begun_says_why() {
    let home = Home::new();
    home.scenario(&json!([[{ "say": "hello" }]]));
    let gone = home.path("gone");
    std::fs::create_dir(&gone).expect("a folder");
    let id = queue(&home, &["--cwd", &gone.display().to_string()]);
    std::fs::remove_dir(&gone).expect("removed");
    let ends = notes(&worker(&home).succeed(), "ended");
    assert!(ends[0]["error_message"].as_str().expect("a text").contains("gone"), "{ends:?}");
    assert_eq!(show(&home, &id)["status"], "failed");
    // It can be begun again where the folder is back.
    std::fs::create_dir(&gone).expect("a folder");
    home.provost(&["session", "resume", &id]).succeed().says(&["waits for a worker"]);
    worker(&home).succeed();
    assert_eq!(show(&home, &id)["status"], "completed");
    home.assert_well();
}

#[test]
fn what_makes_no_background_session_is_refused() {
    let home = Home::new();
    home.scenario(&json!([[{ "say": "hello" }]]));
    queued(&home, &["--interactive"]).exit(2);
    queued(&home, &["--priority", "11"]).exit(2).says(&["1 (highest) to 10"]);
    home.provost(&["run", "go", "--priority", "1"]).exit(2).says(&["--background"]);
    home.provost(&["run", "  ", "--background"]).exit(2).says(&["the prompt is empty"]);
    home.provost(&["worker", "--concurrency", "0"]).exit(2);
}
