//! A session as a bundle: out of one database, into another of either kind.

use std::{collections::BTreeMap, fs};

use domain::digest::Sha256Digest;
use serde_json::{Value, json};

use crate::fixture::{Home, Outcome, Signal, assert_numbered_without_gaps};

on_both_databases!(
    a_session_is_taken_to_another_database_and_goes_on_there,
    a_session_that_ran_is_paused_where_it_is_brought,
    a_bundle_that_is_wrong_leaves_nothing,
);

/// A decision that names no tool call.
const DECISION: &str = "
    INSERT INTO permission_decisions (id, session_id, sequence, tool_name, decision, decided_by, interrupted, decided_at)
        SELECT '01890000-0000-7000-8000-00000000dec1', id, next_sequence, 'Bash', 'allow', 'mode', FALSE, created_at FROM sessions;
    INSERT INTO session_events (session_id, sequence, kind, row_id, change, at)
        SELECT id, next_sequence, 'decision', '01890000-0000-7000-8000-00000000dec1', 'created', created_at FROM sessions;
    UPDATE sessions SET next_sequence = next_sequence + 1, total_permission_checks = total_permission_checks + 1;";

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().expect("a text")
}

/// A session with a tool call, a value and a checkpoint.
fn session(home: &Home) -> Value {
    let turns = json!([
        [{ "say": "first" }, { "tool": "Bash", "input": { "command": "echo x > made.txt" } }, { "say": "a zebra" },
            { "spend": { "usd": 0.5, "input_tokens": 10 } }],
        [{ "say": "second" }],
    ]);
    home.play(&turns).arg("--yes").succeed();
    home.provost(&["session", "state", "last", "plan", "--set", "[1, 2]"]).succeed();
    home.provost(&["session", "checkpoint", "last", "here", "--files"]).succeed();
    home.execute(DECISION);
    home.last()
}

fn export(home: &Home) -> String {
    let file = home.work("session.jsonl").display().to_string();
    home.provost(&["session", "export", "last", &file, "--force"]).succeed().says(&["rows"]);
    file
}

fn import(home: &Home, file: &str) -> Outcome {
    home.provost(&["session", "import", file, "--folder", "."]).succeed()
}

/// The lines of a bundle, each as it is whatever team and place it is in.
fn lines(home: &Home, id: &str) -> Vec<Value> {
    let text = home.provost(&["session", "export", id]).succeed().text();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    lines.remove(0);
    lines.pop();
    for line in &mut lines {
        for field in ["team_id", "user_id", "working_directory", "file_snapshot"] {
            line["r"].as_object_mut().expect("a row").remove(field);
        }
    }
    lines
}

/// A bundle whose last line says what stands before it.
fn sealed(bundle: &str) -> String {
    let lines: Vec<_> = bundle.lines().collect();
    let rows = &lines[1..lines.len() - 1];
    let mut tables: BTreeMap<String, (u64, String)> = BTreeMap::new();
    for line in rows {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let (count, text) = tables.entry(text(&row, "t").to_owned()).or_default();
        *count += 1;
        text.push_str(line);
        text.push('\n');
    }
    let sums = tables.into_iter().map(|(name, (rows, text))| {
        (name, json!({ "rows": rows, "sha256": Sha256Digest::of(text.as_bytes()).to_string() }))
    });
    let sums: serde_json::Map<_, _> = sums.collect();
    let end = json!({ "end": { "rows": rows.len(), "tables": sums } }).to_string();
    [&lines[..lines.len() - 1], &[end.as_str(), ""]].concat().join("\n")
}

/// A team has another id elsewhere.
fn without_team(mut timeline: Vec<Value>) -> Vec<Value> {
    for entry in &mut timeline {
        entry["item"].as_object_mut().expect("a row").remove("team_id");
    }
    timeline
}

fn a_session_is_taken_to_another_database_and_goes_on_there(home: &Home) {
    let before = session(home);
    let id = text(&before, "id");
    let file = export(home);
    let other = Home::new();
    let brought = import(&other, &file);
    assert_eq!(brought.text().trim(), id);
    assert_eq!(without_team(other.timeline()), without_team(home.timeline()));
    let all = lines(home, id);
    assert_eq!(lines(&other, id), all);
    for kind in ["permission_decisions", "cost_entries", "checkpoints", "session_state", "tool_calls"] {
        assert!(all.iter().any(|line| line["t"] == kind), "{kind}");
    }
    assert_eq!(other.json(&["session", "search", "zebra"])["data"][0]["session_id"], id);
    assert_eq!(other.json(&["session", "state", id, "plan"])["value"], json!([1, 2]));
    // There are no files of the checkpoint; the restored session works on what is there.
    other.provost(&["session", "restore", id, "here"]).succeed();
    fs::copy(home.path("scenario.json"), other.path("scenario.json")).expect("copied");
    let scenario = other.path("scenario.json").display().to_string();
    other.provost(&["run", "go on", "--resume", id, "--scenario", &scenario]).succeed();
    let resumed = other.json(&["session", "show", id]);
    assert_eq!(resumed["status"], "completed");
    assert_numbered_without_gaps(&other.timeline_of(id));
    // Once is enough.
    for home in [home, &other] {
        home.provost(&["session", "import", &file]).exit(3).says(&["is here already"]);
        home.assert_well();
    }
}

fn a_session_that_ran_is_paused_where_it_is_brought(home: &Home) {
    let turns = json!([[{ "tool": "Bash", "input": { "command": "sleep 100" } }, { "say": "done" }]]);
    let mut running = home.play(&turns).arg("--yes").arg("--json").start();
    running.until_tool_call_is("running");
    let file = export(home);
    let other = Home::new();
    let brought = import(&other, &file);
    brought.says(&["paused"]);
    let session = other.last();
    assert_eq!((&session["status"], &session["lease"]), (&json!("paused"), &Value::Null));
    assert_eq!(other.tool_calls()[0]["status"], "error");
    assert_numbered_without_gaps(&other.timeline());
    other.assert_well();
    assert_eq!(home.last()["status"], "processing");
    running.signal(Signal::TERM);
    running.finish();
    home.assert_well();
}

fn a_bundle_that_is_wrong_leaves_nothing(home: &Home) {
    session(home);
    let file = export(home);
    let whole = fs::read_to_string(&file).expect("a bundle");
    let (all, id) = (whole.lines().collect::<Vec<_>>(), home.last()["id"].clone());
    let id = id.as_str().expect("an id");
    let other = Home::new();
    other.play(&json!([[{ "say": "secret" }]])).succeed();
    let foreign =
        other.timeline().iter().find(|entry| entry["kind"] == "message").expect("one")["item"].clone();
    let database = home.work("database.jsonl").display().to_string();
    home.provost(&["db", "export", &database, "--force"]).succeed();
    let without = |place: usize| [&all[..place], &all[place + 1..]].concat().join("\n") + "\n";
    let first_event = all.iter().position(|line| line.contains("\"session_events\"")).expect("an event");
    let is_of_message = |line: &&&str| line.contains("\"session_events\"") && line.contains("\"message\"");
    let event = all.iter().find(is_of_message).expect("one of a message");
    let row: Value = serde_json::from_str(event).expect("JSON");
    let pointed = whole.replace(event, &event.replace(text(&row["r"], "row_id"), text(&foreign, "id")));
    for (content, says) in [
        (String::new(), "no bundle"),
        ("{}\n".to_owned(), "this is no bundle of a session"),
        (fs::read_to_string(&database).expect("an export"), "this is no bundle of a session"),
        (all[..all.len() - 1].join("\n") + "\n", "without its last line"),
        (whole.clone() + "{}\n", "after the last line"),
        (without(first_event), "session_events"),
        (
            without(all.iter().position(|line| line.contains("\"t\":\"sessions\"")).expect("a session")),
            "line",
        ),
        (whole.replacen("a zebra", "a horse", 1), "digest"),
        (
            whole.replacen(id, "01890000-0000-7000-8000-000000000000", 1),
            "not the session that the first line names",
        ),
        (sealed(&whole.replacen("\"blocks\":[", "\"blocks\":[5,", 1)), "session_events"),
        (
            sealed(&whole.replacen("\"parent_session_id\":null", "\"parent_session_id\":\"\\u0030x\"", 1)),
            "is no id",
        ),
        (
            sealed(&whole.replacen("\"input_tokens\":10", "\"input_tokens\":9223372036854775807", 1)),
            "between 0 and",
        ),
        (sealed(&whole.replacen(id, &id.to_uppercase(), 2)), "is no id"),
        (pointed.clone(), "digest"),
        (sealed(&pointed), "not every message is a row of the session"),
    ] {
        let name = other.work("wrong.jsonl").display().to_string();
        fs::write(&name, content).expect("a file");
        other.provost(&["session", "import", &name]).exit(1).says(&[says]);
    }
    let name = other.work("wrong.jsonl").display().to_string();
    fs::write(&name, whole.replacen("\"schema\":", "\"schema\":9", 1)).expect("a file");
    other.provost(&["session", "import", &name]).exit(3).says(&["schema version 9", "a newer provost"]);
    other.provost(&["session", "import", &name, "--folder", "absent"]).exit(4).says(&["--folder", "absent"]);
    assert_eq!(other.sessions().len(), 1);
    // One of a release whose tool calls did not count tries yet.
    let older = whole.replacen("\"schema\":8", "\"schema\":3", 1).replace("\"retries\":0,", "");
    fs::write(&name, sealed(&older)).expect("a file");
    other.provost(&["session", "import", &name]).succeed();
    assert_eq!(other.json(&["session", "show", id])["total_tool_calls"], 1);
    other.assert_well();
}
