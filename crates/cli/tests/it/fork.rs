//! Forks: sessions that begin with the history of another one.

use serde_json::{Value, json};

use crate::fixture::{Home, Signal, assert_numbered_without_gaps};

on_both_databases!(
    a_fork_begins_where_its_parent_was,
    a_fork_is_cut_at_any_message,
    a_parent_at_work_is_forked_and_goes_on,
    a_history_that_the_agent_program_lost_is_told_to_it,
);

/// Two turns with a tool in the first; further turns say which they are.
fn parent(home: &Home) -> Value {
    home.write("work/notes.txt", "as it was");
    let turns = json!([
        [{ "say": "first" }, { "tool": "Bash", "input": { "command": "echo x > made.txt" } }, { "say": "made it" }],
        [{ "say": "second" }],
        [{ "say": "third" }],
    ]);
    home.play(&turns).arg("--yes").succeed();
    home.resume_last().succeed();
    home.last()
}

fn run_on(home: &Home, arguments: &[&str]) -> Value {
    let scenario = home.path("scenario.json").display().to_string();
    home.provost(&["run", "and now", "--scenario", &scenario]).args(arguments).succeed();
    home.last()
}

/// What people and the model said, in order.
fn said(home: &Home, id: &str) -> Vec<String> {
    let is_said = |entry: &&Value| {
        entry["kind"] == "message"
            && entry["change"] == "created"
            && ["user", "assistant"].contains(&entry["item"]["message_type"].as_str().expect("a type"))
    };
    let timeline = home.timeline_of(id);
    let texts = timeline
        .iter()
        .filter(is_said)
        .filter_map(|entry| entry["item"]["content"]["blocks"][0]["text"].as_str());
    texts.map(str::to_owned).collect()
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().expect("a text")
}

fn a_fork_begins_where_its_parent_was(home: &Home) {
    let parent = parent(home);
    let before = home.timeline_of(text(&parent, "id"));
    let made = home.json(&["session", "fork", "last"]);
    let fork = &made["session"];
    assert_eq!((&fork["status"], &fork["mode"]), (&json!("created"), &json!("forked")));
    assert_eq!((&fork["parent_session_id"], &fork["fork_at_message"]), (&parent["id"], &Value::Null));
    assert_eq!(made["copied"]["files"], 2);
    assert_eq!(said(home, text(fork, "id")), said(home, text(&parent, "id")));
    assert_eq!(fork["total_tool_calls"], 1);
    let resumed = run_on(home, &["--resume", text(fork, "id")]);
    assert_eq!((&resumed["id"], &resumed["result"]), (&fork["id"], &json!("third")));
    assert_ne!(resumed["external_id"], parent["external_id"]);
    // It works in a folder of its own, and its parent is as it was.
    let folder = std::path::Path::new(text(fork, "working_directory"));
    assert_eq!(std::fs::read_to_string(folder.join("made.txt")).expect("a copy"), "x\n");
    assert_eq!(home.timeline_of(text(&parent, "id")), before);
    assert_numbered_without_gaps(&home.timeline_of(text(fork, "id")));
    let again = run_on(home, &["--resume", text(&parent, "id")]);
    assert_eq!(again["result"], "third");
    home.assert_well();
}

fn a_fork_is_cut_at_any_message(home: &Home) {
    let parent = parent(home);
    let all = said(home, text(&parent, "id"));
    assert_eq!(all, ["go", "first", "made it", "go on", "second"]);
    // None; answers; prompts, which the agent program cannot cut at; more than there are.
    for (at, expected, told) in
        [(0, 0, false), (1, 1, true), (2, 2, false), (4, 3, false), (5, 4, true), (99, 5, false)]
    {
        let fork =
            home.json(&["session", "fork", text(&parent, "id"), "--at", &at.to_string(), "--empty-folder"]);
        let fork = &fork["session"];
        assert_eq!(fork["fork_at_message"], at);
        assert_eq!(said(home, text(fork, "id")), all[..expected], "at {at}");
        let run = run_on(home, &["--resume", text(fork, "id")]);
        assert_eq!(run["status"], "completed", "at {at}");
        let is_told = home
            .timeline_of(text(fork, "id"))
            .iter()
            .any(|entry| entry["item"]["subtype"] == "history_replayed");
        assert_eq!(is_told, told, "at {at}");
        let folder = std::path::Path::new(text(fork, "working_directory"));
        assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 0);
    }
    home.assert_well();
}

fn a_parent_at_work_is_forked_and_goes_on(home: &Home) {
    let turns = json!([[{ "say": "begun" }, { "hang": true }], [{ "say": "the fork's own" }]]);
    let mut run = home.play(&turns).arg("--json").start();
    let id = run.until(|line| line["kind"] == "session")["item"]["id"].as_str().expect("an id").to_owned();
    run.until(|line| line.to_string().contains("begun"));
    let forked = run_on(home, &["--fork", &id, "--empty-folder"]);
    assert_eq!((&forked["parent_session_id"], &forked["result"]), (&json!(id), &json!("the fork's own")));
    assert_eq!(home.json(&["session", "show", &id])["status"], "processing");
    run.signal(Signal::INT);
    run.finish();
    home.assert_well();
}

fn a_history_that_the_agent_program_lost_is_told_to_it(home: &Home) {
    let parent = parent(home);
    std::fs::remove_dir_all(home.data("scripted")).expect("its own files");
    let resumed = run_on(home, &["--resume", text(&parent, "id")]);
    assert_eq!(resumed["status"], "completed");
    assert_ne!(resumed["external_id"], parent["external_id"]);
    let timeline = home.timeline_of(text(&parent, "id"));
    assert!(timeline.iter().any(|entry| entry["item"]["subtype"] == "history_replayed"), "{timeline:#?}");
    home.assert_well();
}

#[test]
fn what_cannot_be_forked_is_refused() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hello" }]])).succeed();
    let missing = "01929f3e-7b1c-7cc0-98a2-0f4c9d3a5b6c";
    home.provost(&["session", "fork", missing]).exit(4).says(&["there is no session"]);
    let fork = home.json(&["session", "fork", "last", "--empty-folder"]);
    home.provost(&["session", "fork", text(&fork["session"], "id")])
        .exit(3)
        .says(&["only one that was started"]);
    home.provost(&["session", "fork", "last", "--at", "-1"]).exit(2);
    home.provost(&["run", "go", "--fork", "last", "--model", "other"]).exit(2);
    home.provost(&["run", "go", "--at", "1"]).exit(2).says(&["are for --fork"]);
    let parent = home.sessions()[1]["id"].clone();
    let other = home.path("other");
    std::fs::create_dir(&other).expect("a folder");
    let scenario = home.path("scenario.json").display().to_string();
    let place = other.display().to_string();
    home.provost(&["run", "go", "--scenario", &scenario, "--cwd", &place]).succeed();
    std::fs::remove_dir(&other).expect("removed");
    home.provost(&["session", "fork", "last"])
        .exit(1)
        .says(&["the folder cannot be copied", "--empty-folder"]);
    assert_eq!(home.sessions().len(), 3, "nothing is left of it");
    assert!(parent.is_string());
    home.assert_well();
}
