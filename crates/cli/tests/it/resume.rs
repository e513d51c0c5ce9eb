//! Going on with an earlier session.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{Home, Provost, assert_numbered_without_gaps};

fn turns() -> Value {
    let turn = |words: &str| json!([{ "say": words }, { "spend": { "usd": 0.25, "input_tokens": 100, "output_tokens": 10 } }]);
    json!([turn("first"), turn("second"), turn("third")])
}

fn resume(home: &Home, reference: &str) -> Provost {
    let scenario = home.path("scenario.json").display().to_string();
    home.provost(&["run", "go on", "--resume", reference, "--scenario", &scenario])
}

#[test]
fn a_session_goes_on_by_last_by_its_end_its_beginning_and_its_whole_id() {
    let home = Home::new();
    home.play(&turns()).succeed();
    let first = home.last();
    let id = first["id"].as_str().expect("an id").to_owned();
    assert_eq!(resume(&home, "last").succeed().text(), "second\n");
    assert_eq!(resume(&home, &id[28..]).succeed().text(), "third\n");
    for reference in [id[..13].to_owned(), id.to_uppercase()] {
        let outcome = resume(&home, &reference).succeed();
        assert!(outcome.text().contains("no more turns"), "{reference}: {}", outcome.text());
    }
    assert_eq!(home.sessions().len(), 1);
    let session = home.last();
    assert_eq!(session["external_id"], first["external_id"]);
    assert_eq!(session["total_cost_usd"], "0.75", "each turn is billed once: {session:#}");
    assert_eq!(session["input_tokens"], 300);
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

#[test]
fn a_part_that_fits_two_sessions_is_refused_with_both() {
    let home = Home::new();
    home.play(&turns()).succeed();
    home.play(&turns()).succeed();
    let ids: Vec<_> =
        home.sessions().iter().map(|each| each["id"].as_str().expect("an id").to_owned()).collect();
    // Ids of one moment begin alike.
    resume(&home, &ids[0][..6]).exit(2).says(&["fits 2 sessions", &ids[0], &ids[1], "type more"]);
}

#[test]
fn what_is_not_there_is_not_found() {
    let home = Home::new();
    resume(&home, "last").exit(4).says(&["no session yet", "provost demo"]);
    home.play(&turns()).succeed();
    resume(&home, "ffffffff").exit(4).says(&["ffffffff", "provost session list"]);
    resume(&home, "01929f3e-7b1c-7cc0-98a2-0f4c9d3a5b6c").exit(4);
    resume(&home, "newest").exit(2).says(&["newest", "last"]);
    home.provost(&["session", "show", "ffffffff"]).exit(4);
    home.provost(&["session", "timeline", "ffffffff"]).exit(4);
}

#[test]
fn a_session_its_agent_does_not_know_any_more_goes_on_under_another_id() {
    let home = Home::new();
    home.play(&turns()).succeed();
    let external_id = home.last()["external_id"].as_str().expect("an id").to_owned();
    fs::remove_file(home.data("scripted").join(format!("{external_id}.json"))).expect("a state file");
    resume(&home, "last").succeed();
    let session = home.last();
    assert_eq!(session["status"], "completed");
    assert_ne!(session["external_id"], external_id);
    let timeline = home.timeline();
    let note = timeline.iter().find(|entry| entry["item"]["subtype"] == "history_replayed").expect("a note");
    assert!(note.to_string().contains(&external_id), "{note:#}");
    home.assert_well();
}

#[test]
fn a_session_of_another_runtime_is_refused() {
    let home = Home::new();
    home.play(&turns()).succeed();
    let run = home.provost(&["run", "go on", "--resume", "last", "--runtime", "claude"]);
    run.exit(3).says(&["scripted"]);
    assert_eq!(home.last()["status"], "completed");
}

#[test]
fn a_failed_session_can_be_resumed_and_forgets_its_error() {
    let home = Home::new();
    home.play(&json!([[{ "crash": 1 }], [{ "say": "better" }]])).exit(1);
    assert!(!home.error_of_last("failed").is_empty());
    assert_eq!(resume(&home, "last").succeed().text(), "better\n");
    assert_eq!(home.error_of_last("completed"), "");
    home.assert_well();
}

#[test]
fn a_session_keeps_its_folder_and_options() {
    let home = Home::new();
    home.play(&turns()).args(&["--model", "m-1", "--permission-mode", "acceptEdits"]).succeed();
    let before = home.last();
    resume(&home, "last").in_folder(&home.path("tmp")).succeed();
    let after = home.last();
    for field in
        ["working_directory", "model", "permission_mode", "max_turns", "budget_usd", "timeout_seconds"]
    {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["model"], "m-1");
}

#[test]
fn a_session_goes_on_in_another_folder() {
    let home = Home::new();
    home.play(&turns()).succeed();
    let before = home.last();
    resume(&home, "last").args(&["--cwd", "../tmp"]).succeed();
    let folder = home.path("tmp").canonicalize().expect("a folder").display().to_string();
    let after = home.last();
    assert_eq!((&after["id"], &after["working_directory"]), (&before["id"], &json!(folder)));
    let timeline = home.timeline();
    let says =
        |entry: &Value| entry["item"]["reason"].as_str().is_some_and(|reason| reason.ends_with(&folder));
    assert!(timeline.iter().any(says), "{timeline:#?}");
    // One that is not there changes nothing.
    let timeline = home.timeline();
    resume(&home, "last").args(&["--cwd", "absent"]).exit(2).says(&["absent"]);
    assert_eq!(home.timeline(), timeline);
    resume(&home, "last").succeed();
    assert_eq!(home.last()["working_directory"], folder);
    home.assert_well();
}

#[test]
fn a_session_whose_folder_is_gone_says_so() {
    let home = Home::new();
    let folder = home.path("elsewhere");
    fs::create_dir(&folder).expect("a folder");
    home.play(&turns()).in_folder(&folder).succeed();
    fs::remove_dir_all(&folder).expect("a folder");
    resume(&home, "last").exit(2).says(&["elsewhere"]);
    assert!(home.error_of_last("failed").contains("elsewhere"));
}
