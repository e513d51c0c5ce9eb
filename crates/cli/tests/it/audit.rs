//! `provost audit`: what was done is listed, sealed, verified, exported and redacted, and tampering is named.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::Home;

on_both_databases!(
    what_was_done_is_listed_and_the_log_is_well,
    a_redacted_line_has_no_details_and_the_log_is_well,
    an_export_is_verified_without_a_database_and_a_changed_one_is_not,
);

/// A home where something was done.
fn busy(home: &Home) {
    home.play(&json!([[{ "say": "done" }]])).succeed();
    let hook = home.provost(&["hook"]).args(&["add", "h", "--event", "Stop", "--", "true"]);
    hook.succeed();
}

fn lines(home: &Home, more: &[&str]) -> Vec<Value> {
    let arguments: Vec<_> = ["audit", "list"].into_iter().chain(more.iter().copied()).collect();
    home.json(&arguments)["data"].as_array_mut().map(std::mem::take).expect("a list")
}

fn what_was_done_is_listed_and_the_log_is_well(home: &Home) {
    busy(home);
    let actions: Vec<_> = lines(home, &[]).iter().map(|line| line["action"].to_string()).collect();
    for action in ["installation.create", "session.start", "session.prompt", "hook.create"] {
        assert!(actions.iter().any(|found| found.contains(action)), "{action}: {actions:?}");
    }
    assert_eq!(lines(home, &["--action", "hook."]).len(), 1);
    assert_eq!(lines(home, &["--outcome", "denied"]).len(), 0);
    let found = home.json(&["audit", "verify"]);
    assert_eq!((&found["is_well"], &found["broken"]), (&json!(true), &Value::Null));
    assert!(found["lines"].as_i64().expect("a count") + found["unsealed"].as_i64().expect("a count") >= 4);
    assert_eq!(found["keys"].as_array().map(Vec::len), Some(1));
}

fn a_redacted_line_has_no_details_and_the_log_is_well(home: &Home) {
    busy(home);
    let line = lines(home, &["--action", "hook."]).remove(0);
    let id = line["id"].as_str().expect("an id").to_owned();
    assert_eq!(line["detail"]["name"], "h");
    home.provost(&["audit", "redact", &id, "--reason", ""]).exit(2);
    home.provost(&["audit", "redact", &id, "--reason", "asked for"]).succeed();
    home.provost(&["audit", "redact", &id, "--reason", "again"]).exit(3);
    assert_eq!(lines(home, &["--action", "hook."])[0]["detail"], Value::Null);
    let found = home.json(&["audit", "verify"]);
    assert_eq!((&found["is_well"], &found["redacted"]), (&json!(true), &json!(1)));
}

fn an_export_is_verified_without_a_database_and_a_changed_one_is_not(home: &Home) {
    busy(home);
    let file = home.path("export.jsonl").display().to_string();
    home.provost(&["audit", "export", "--output", &file]).succeed();
    home.provost(&["audit", "export", "--output", &file]).exit(3);
    home.provost(&["audit", "verify", "--file", &file]).succeed();
    home.provost(&["audit", "verify", "--against", &file]).succeed();
    let whole = fs::read_to_string(&file).expect("an export");
    let verify = |text: &str| {
        let file = home.write("changed.jsonl", text).display().to_string();
        home.provost(&["audit", "verify", "--file", &file]).exit(1)
    };
    verify(&whole.replacen("session.start", "session.pause", 1)).says(&["was changed"]);
    let (cut, _) = whole.trim_end().rsplit_once('\n').expect("lines");
    verify(cut).says(&["its last line is missing"]);
    verify("").says(&["no export"]);
    verify("{}\n").says(&["no export"]);
}

#[test]
fn tampering_with_the_file_is_named() {
    for (statement, named) in [
        ("UPDATE audit_log SET actor_id = 'eve' WHERE action = 'session.start'", "was changed"),
        ("DELETE FROM audit_log WHERE action = 'session.start'", "is missing"),
        ("DELETE FROM audit_seals WHERE number = 1", "is missing"),
        ("UPDATE audit_seals SET signature = zeroblob(64) WHERE number = 1", "wrong signature"),
        ("UPDATE audit_seals SET key_id = NULL, signature = NULL WHERE number = 1", "is not signed"),
        ("DELETE FROM audit_keys", "a key that is not known"),
    ] {
        let home = Home::new();
        busy(&home);
        home.provost(&["audit", "verify"]).succeed();
        let triggers: String = [
            "log_keep",
            "log_number_once",
            "log_blank",
            "log_remain",
            "seals_keep",
            "seals_remain",
            "keys_keep",
            "keys_remain",
        ]
        .iter()
        .map(|name| format!("DROP TRIGGER IF EXISTS audit_{name};"))
        .collect();
        home.execute(&format!("{triggers} {statement};"));
        home.provost(&["audit", "verify"]).exit(1).says(&[named]);
        let found = home.provost(&["db", "check"]).exit(1).text();
        assert!(found.contains("the trigger audit_log_keep is missing"), "{found}");
    }
}
