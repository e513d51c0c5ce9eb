//! Checkpoints, and what is kept under keys.

use serde_json::{Value, json};

use crate::fixture::{Home, assert_numbered_without_gaps};

on_both_databases!(a_session_goes_on_from_a_checkpoint, values_are_kept_under_keys_with_versions);

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().expect("a text")
}

fn a_session_goes_on_from_a_checkpoint(home: &Home) {
    home.write("work/notes.txt", "as it was");
    home.play(&json!([[{ "say": "first" }], [{ "say": "second" }], [{ "say": "third" }]])).succeed();
    let id = text(&home.last(), "id").to_owned();
    home.provost(&["session", "state", &id, "round", "--set", "1"]).succeed();
    let checkpoint = home.json(&["session", "checkpoint", &id, "before the rewrite", "--files"]);
    assert_eq!(
        (&checkpoint["iteration"], &checkpoint["state"]),
        (&json!(0), &json!({ "state": { "round": 1 } }))
    );
    home.write("work/notes.txt", "rewritten");
    home.resume_last().succeed();
    home.provost(&["session", "state", &id, "round", "--set", "2"]).succeed();
    home.provost(&["session", "checkpoint", &id, "after"]).succeed().says(&["checkpoint after of session"]);
    let list = home.json(&["session", "checkpoints", &id]);
    let names: Vec<_> =
        list["data"].as_array().expect("a list").iter().map(|one| text(one, "name")).collect();
    assert_eq!(names, ["after", "before the rewrite"]);
    let restored = home.json(&["session", "restore", &id, "before the rewrite", "--name", "again"]);
    assert_eq!((text(&restored, "name"), &restored["parent_session_id"]), ("again", &json!(id)));
    let folder = std::path::Path::new(text(&restored, "working_directory"));
    assert_eq!(std::fs::read_to_string(folder.join("notes.txt")).expect("a copy"), "as it was");
    let fork = text(&restored, "id");
    let audited = home.json(&["audit", "list", "--action", "checkpoint.restore"]);
    assert_eq!(audited["data"][0]["detail"], json!({ "fork_session_id": fork }));
    assert_eq!(home.json(&["session", "state", fork, "round"])["value"], 1);
    let scenario = home.path("scenario.json").display().to_string();
    home.provost(&["run", "go on", "--resume", fork, "--scenario", &scenario]).succeed();
    // It does not know what came after, so it plays the second turn again.
    assert_eq!(home.json(&["session", "show", fork])["result"], "second");
    assert_numbered_without_gaps(&home.timeline_of(fork));
    home.provost(&["session", "restore", &id, "nowhere"]).exit(4).says(&["has no checkpoint nowhere"]);
    home.provost(&["session", "checkpoints", &id]).succeed();
    home.assert_well();
}

fn values_are_kept_under_keys_with_versions(home: &Home) {
    home.play(&json!([[{ "say": "first" }]])).succeed();
    let set = |value: &str, more: &[&str]| {
        home.provost(&["session", "state", "last", "plan", "--set", value, "--json"]).args(more)
    };
    assert_eq!(set(r#"{"a": [1]}"#, &["--expect", "0"]).succeed().json()["version"], 1);
    assert_eq!(set("2", &[]).succeed().json()["version"], 2);
    set("3", &["--expect", "1"]).exit(3);
    set("broken", &[]).exit(2);
    let entry = home.json(&["session", "state", "last", "plan"]);
    assert_eq!((&entry["value"], &entry["version"]), (&json!(2), &json!(2)));
    assert_eq!(home.provost(&["session", "state", "last"]).succeed().text(), "plan  2\n");
    home.provost(&["session", "state", "last", "plan", "--delete"]).succeed();
    home.provost(&["session", "state", "last", "plan"]).exit(4).says(&["keeps nothing under plan"]);
    home.provost(&["session", "state", "last", "plan", "--delete"]).exit(4);
    assert_eq!(home.json(&["session", "state", "last"])["data"], json!([]));
    home.assert_well();
}

#[test]
fn what_cannot_be_audited_is_not_restored() {
    let home = Home::new();
    home.play(&json!([[{ "say": "first" }]])).succeed();
    home.provost(&["session", "checkpoint", "last", "here"]).succeed();
    home.execute(
        "CREATE TRIGGER audit_log_full BEFORE INSERT ON audit_log WHEN NEW.action = 'checkpoint.restore' BEGIN
             SELECT RAISE(ABORT, 'no room for this line');
         END",
    );
    home.provost(&["session", "restore", "last", "here"]).exit(3).says(&["no room for this line"]);
    assert_eq!(home.sessions().len(), 1);
    let folders = std::fs::read_dir(home.data("forks")).map_or(0, Iterator::count);
    assert_eq!(folders, 0, "its folder is gone too");
    home.assert_well();
}
