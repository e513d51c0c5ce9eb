//! Policies of the team: kept, changed with their history, linted, and held against what was recorded.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{Home, Provost};

on_both_databases!(
    a_policy_is_added_listed_changed_and_removed,
    a_file_is_added_whole_or_not_at_all,
    the_history_tells_who_changed_a_policy_when_and_why,
    what_cannot_be_read_is_refused_before_it_is_stored,
    names_and_versions_that_are_not_there_are_told_apart_from_conflicts,
    two_terminals_at_once_lose_no_change,
    recorded_calls_are_judged_once_more,
    the_stored_policies_are_the_ones_that_are_asked,
);

const DENY_PUSH: &str = r#"{"deny": ["Bash(git push:*)"], "default": "ask"}"#;

fn policy(home: &Home, arguments: &[&str]) -> Provost {
    home.provost(&["policy"]).args(arguments)
}

fn add(home: &Home, name: &str, config: &str) -> Provost {
    policy(home, &["add", name, "--kind", "rules", "--details", config])
}

fn list(home: &Home) -> Value {
    home.json(&["policy", "list"])
}

fn names(home: &Home) -> Vec<String> {
    let list = list(home);
    let policies = list["data"].as_array().expect("a list").iter();
    policies.map(|policy| policy["name"].as_str().expect("a name").to_owned()).collect()
}

fn audited(home: &Home) -> Vec<(String, Value)> {
    let page = home.json(&["audit", "list", "--action", "policy.", "--limit", "1000"]);
    let lines = page["data"].as_array().expect("a list").iter().rev();
    lines
        .map(|line| (line["action"].as_str().expect("an action").to_owned(), line["detail"].clone()))
        .collect()
}

fn a_policy_is_added_listed_changed_and_removed(home: &Home) {
    policy(home, &["list"]).succeed().says(&["no policies"]);
    let added = add(home, "mine", DENY_PUSH).args(&["--priority", "-5", "--json"]).succeed().json();
    assert_eq!(
        (&added["name"], &added["version"], &added["priority"]),
        (&json!("mine"), &json!(1), &json!(-5))
    );
    add(home, "later", r#"{"ask": ["WebSearch"]}"#).args(&["--disabled"]).succeed();
    assert_eq!(names(home), ["mine", "later"]);
    let table = policy(home, &["list"]).succeed().text();
    assert!(table.contains("mine") && table.contains("enabled") && table.contains("disabled"), "{table}");

    let config =
        home.write("config.toml", "deny = [\"Bash(git push:*)\", \"Bash(rm:*)\"]\n").display().to_string();
    let updated = home.json(&["policy", "update", "mine", "--details", &config, "--expect-version", "1"]);
    assert_eq!((&updated["version"], &updated["priority"]), (&json!(2), &json!(-5)));
    assert_eq!(home.json(&["policy", "disable", "mine"])["is_enabled"], false);
    policy(home, &["disable", "mine"]).succeed();
    assert_eq!(home.json(&["policy", "enable", "mine"])["version"], 4, "the second time changed nothing");
    let shown = policy(home, &["show", "mine"]).succeed().text();
    assert!(shown.contains("Bash(rm:*)") && shown.contains("rules"), "{shown}");
    assert_eq!(home.json(&["policy", "remove", "later"]), json!({ "removed": "later" }));
    assert_eq!(names(home), ["mine"]);
    assert_eq!(list(home)["set_version"], 6);
    add(home, "later", DENY_PUSH).succeed();

    let audited = audited(home);
    let actions: Vec<_> = audited.iter().map(|(action, _)| action.trim_start_matches("policy.")).collect();
    assert_eq!(actions, ["create", "create", "update", "disable", "enable", "delete", "create"]);
    assert_eq!(audited[2].1, json!({ "name": "mine", "set_version": 3 }));
    home.assert_well();
}

fn a_file_is_added_whole_or_not_at_all(home: &Home) {
    let one = |name: &str, config: &Value| json!({ "name": name, "kind": "rules", "config": config });
    let rules = json!({ "deny": ["Bash(rm:*)"] });
    let write = |policies: &[Value]| {
        home.write("policies.json", &json!({ "policies": policies }).to_string()).display().to_string()
    };
    let file = write(&[one("a", &rules), one("b", &rules)]);
    let added = home.json(&["policy", "add", "--from", &file, "--reason", "first"]);
    assert_eq!(added["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(list(home)["set_version"], 1, "one change");
    policy(home, &["add", "--from", &file]).exit(3).says(&["there is a policy a already"]);
    let again = write(&[one("c", &rules), one("b", &rules)]);
    policy(home, &["add", "--from", &again]).exit(3).says(&["there is a policy b already"]);
    let broken = write(&[one("c", &rules), one("d", &json!({ "deny": ["Bash(x"] }))]);
    policy(home, &["add", "--from", &broken]).exit(2).says(&["\"d\"", "deny", "not closed"]);
    let twice = write(&[one("c", &rules), one("c", &rules)]);
    policy(home, &["add", "--from", &twice]).exit(2).says(&["c is there twice"]);
    policy(home, &["add", "--from", &write(&[])]).exit(2).says(&["holds no policy"]);
    policy(home, &["add", "x", "--from", &file]).exit(2).says(&["leave out NAME"]);
    assert_eq!(names(home), ["a", "b"]);
    assert_eq!(list(home)["set_version"], 1);
    assert_eq!(audited(home).len(), 2);
    home.assert_well();
}

fn the_history_tells_who_changed_a_policy_when_and_why(home: &Home) {
    add(home, "other", DENY_PUSH).succeed();
    add(home, "mine", DENY_PUSH).args(&["--reason", "pushes need a person"]).succeed();
    policy(home, &["update", "mine", "--priority", "7", "--reason", "first of all"]).succeed();
    policy(home, &["disable", "other"]).succeed();
    policy(home, &["disable", "mine", "--reason", "a try"]).succeed();
    policy(home, &["remove", "mine", "--reason", "no longer needed"]).succeed();
    let history = home.json(&["policy", "show", "mine", "--history"]);
    let entries = history["data"].as_array().expect("a list");
    let told: Vec<_> =
        entries.iter().map(|entry| (&entry["set_version"], &entry["change"], &entry["reason"])).collect();
    let expected = [
        (6, "deleted", "no longer needed"),
        (5, "disabled", "a try"),
        (3, "updated", "first of all"),
        (2, "created", "pushes need a person"),
    ]
    .map(|(version, change, reason)| (json!(version), json!(change), json!(reason)));
    assert_eq!(told, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    assert!(entries[0]["changed_by"].as_str().is_some_and(|by| by.starts_with("user:")), "{history:#}");
    let short = home.json(&["policy", "show", "mine", "--history", "--limit", "1"]);
    assert_eq!(short["data"], json!([entries[0]]));
    assert_eq!(home.json(&["policy", "show", "mine", "--at", "2"])["priority"], 100);
    assert_eq!(home.json(&["policy", "show", "mine", "--at", "3"])["priority"], 7);
    policy(home, &["show", "mine", "--at", "1"]).exit(4).says(&["no policy mine in version 1", "--history"]);
    policy(home, &["show", "mine", "--at", "9"]).exit(4).says(&["no version 9", "1 to 6"]);
    policy(home, &["show", "mine"]).exit(4);
    let text = policy(home, &["show", "mine", "--history"]).succeed().text();
    assert!(text.lines().count() == 4 && text.contains("no longer needed"), "{text}");
    home.assert_well();
}

fn what_cannot_be_read_is_refused_before_it_is_stored(home: &Home) {
    let of_kind =
        |kind: &str, config: &str| policy(home, &["add", "x", "--kind", kind, "--details", config]).exit(2);
    of_kind("rules", r#"{"deni": []}"#).says(&["deni", "deny"]);
    of_kind("rules", r#"{"deny": ["mcp__*"]}"#).says(&["deny", "mcp__*", "names no server"]);
    of_kind("command", r#"{"classes": {"rm": "deny"}}"#).says(&[
        "classes",
        "\"rm\"",
        "recursive_force_remove",
    ]);
    of_kind("network", r#"{"deny": ["http://a"]}"#).says(&["deny", "http://a", "*.domain"]);
    of_kind("schedule", r#"{"windows": [{"from": "25:00", "to": "17:00"}]}"#)
        .says(&["from", "25:00", "23:59"]);
    of_kind("tool_list", "{\"deny\":\n [1]}").says(&["deny", "string"]);
    of_kind("file_access", "{\n \"restricted\": [,]}").says(&["--details", "line 2 column 17"]);
    of_kind("walls", "{}").says(&["walls", "file_access"]);
    add(home, " x", "{}").exit(2).says(&["policy name", "accepted"]);
    add(home, "x", "missing.json").exit(1).says(&["missing.json"]);
    policy(home, &["add", "x", "--kind", "rules"]).exit(2);
    policy(home, &["add", "--kind", "rules", "--details", "{}"]).exit(2).says(&["NAME"]);
    let huge = home.write("huge.json", &format!("{{\"deny\": [\"{}\"]}}", "x".repeat(2_000_000)));
    add(home, "x", &huge.display().to_string()).exit(2).says(&["larger than"]);
    let huge = home.write("huge.json", &"[".repeat(5_000_000)).display().to_string();
    policy(home, &["add", "--from", &huge]).exit(2).says(&["larger than"]);
    let deep =
        home.write("deep.json", &format!("{{\"policies\": {}", "[".repeat(100_000))).display().to_string();
    policy(home, &["add", "--from", &deep]).exit(2).says(&["line 1 column"]);
    let bytes = home.path("bytes.json");
    fs::write(&bytes, b"{\"policies\": [\xff]}").expect("a file");
    policy(home, &["add", "--from"]).arg(&bytes).exit(2).says(&["UTF-8"]);
    let neither = home.write("neither.json", r#"{"hooks": {}}"#);
    policy(home, &["add", "--from"]).arg(&neither).exit(2).says(&["neither policies nor permissions"]);

    add(home, "mine", DENY_PUSH).succeed();
    policy(home, &["update", "mine", "--details", r#"{"deny": [""]}"#])
        .exit(2)
        .says(&["\"mine\"", "deny", "empty"]);
    assert_eq!(names(home), ["mine"]);
    assert_eq!((&list(home)["set_version"], audited(home).len()), (&json!(1), 1));
    home.assert_well();
}

fn names_and_versions_that_are_not_there_are_told_apart_from_conflicts(home: &Home) {
    add(home, "guard the main branch", DENY_PUSH).succeed();
    for arguments in [
        &["show", "guard the main branhc"][..],
        &["show", "guard the main branhc", "--history"],
        &["enable", "guard the main branhc"],
        &["disable", "guard the main branhc"],
        &["remove", "guard the main branhc"],
        &["update", "guard the main branhc", "--priority", "1"],
    ] {
        let outcome = policy(home, arguments).exit(4);
        outcome.says(&["there is no policy guard the main branhc", "did you mean guard the main branch?"]);
    }
    policy(home, &["show", "zzz"]).exit(4).says(&["provost policy list"]);
    add(home, "guard the main branch", DENY_PUSH)
        .exit(3)
        .says(&["there is a policy", "provost policy update"]);
    let update = |version: &str| {
        policy(home, &["update", "guard the main branch", "--priority", "3", "--expect-version", version])
    };
    update("2").exit(3).says(&["version"]);
    update("1").succeed();
    update("1").exit(3).says(&["version"]);
    update("2").succeed();
    assert_eq!(list(home)["set_version"], 2, "what says the same makes no revision");
    home.assert_well();
}

fn two_terminals_at_once_lose_no_change(home: &Home) {
    add(home, "first", DENY_PUSH).succeed();
    let at_once = |commands: &[&str]| {
        let script: String = commands.iter().map(|command| format!("$provost policy {command} & ")).collect();
        let database = home.database_flag();
        let script = script.replace(" & ", &format!(" {database} & "));
        home.shell(&format!("{script} wait")).succeed()
    };
    let adding: Vec<String> = (0..6)
        .map(|number| format!("add p{number} --kind rules --details '{{\"deny\": [\"Bash(x{number}:*)\"]}}'"))
        .collect();
    at_once(&adding.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((names(home).len(), &list(home)["set_version"]), (7, &json!(7)));
    let same = "add same --kind rules --details '{\"deny\": [\"Bash(x:*)\"]}'";
    at_once(&[same, same, same]);
    assert_eq!((names(home).len(), &list(home)["set_version"]), (8, &json!(8)), "one of them wins");
    at_once(&[
        "update first --priority 1 --expect-version 1",
        "update first --priority 2 --expect-version 1",
    ]);
    assert_eq!(home.json(&["policy", "show", "first"])["version"], 2);
    assert_eq!((&list(home)["set_version"], audited(home).len()), (&json!(9), 9));
    home.assert_well();
}

fn bash(command: &str) -> Value {
    json!({ "tool": "Bash", "input": { "command": command } })
}

/// A session in which these commands ran, one after the other.
fn ran(home: &Home, commands: &[&str]) {
    let steps: Vec<_> =
        commands.iter().map(|command| bash(command)).chain([json!({ "say": "done" })]).collect();
    home.play(&json!([steps])).args(&["--permission-mode", "bypassPermissions"]).succeed();
}

fn recorded_calls_are_judged_once_more(home: &Home) {
    add(home, "old", r#"{"allow": ["Bash(echo:*)"]}"#).succeed();
    ran(home, &["echo a", "true", "echo b > file"]);
    ran(home, &["echo c"]);
    let rules = json!({ "deny": ["Bash(echo a)"], "allow": ["Bash(true)", "Bash(echo c)"] });
    let new = json!({ "policies": [{ "name": "new", "kind": "rules", "config": rules }] });
    let file = home.write("new.json", &new.to_string()).display().to_string();
    let replay = |more: &[&str]| {
        let lines =
            policy(home, &["replay", "--policies", &file, "--json"]).args(more).succeed().json_lines();
        let (report, differences) = lines.split_last().expect("a report");
        (report["report"].clone(), differences.to_vec())
    };
    let (report, differences) = replay(&[]);
    assert_eq!((&report["calls"], &report["differences"]), (&json!(4), &json!(2)), "{report:#}");
    assert_eq!(report["old"], json!({ "allow": 2, "ask": 0, "deny": 0, "mode": 2 }), "{report:#}");
    assert_eq!(report["new"], json!({ "allow": 2, "ask": 0, "deny": 1, "mode": 1 }), "{report:#}");
    let [harmless, difference] = differences.as_slice() else { panic!("{differences:#?}") };
    assert_eq!(harmless["difference"]["old"], "mode");
    let difference = &difference["difference"];
    assert_eq!((&difference["old"], &difference["new"]), (&json!("allow"), &json!("deny")));
    assert_eq!((&difference["policy"], &difference["recorded"]), (&json!("new"), &json!("allow")));
    assert_eq!(difference["tool_input"]["command"], "echo a");

    assert_eq!(replay(&["--limit", "1"]).0["calls"], 1);
    assert_eq!(replay(&["--session", "last"]).0["calls"], 1);
    assert_eq!(replay(&["--since", "1h"]).0["calls"], 4);
    assert_eq!(replay(&["--since", "2100-01-01T00:00:00Z"]).0["calls"], 0);
    assert_eq!(replay(&["--against", &file]).0["differences"], 0);
    let text = policy(home, &["replay", "--policies", &file]).succeed();
    let text = text.says(&["links are not known"]);
    assert!(text.text().contains("allow -> deny  (recorded: allow)  Bash echo a"), "{}", text.text());
    assert!(text.text().contains("4 calls, 2 judged differently"), "{}", text.text());
    policy(home, &["replay", "--policies", &file, "--since", "soon"]).exit(2).says(&["7d"]);
    policy(home, &["replay", "--policies", &file, "--session", "ffffffff"]).exit(4);
    policy(home, &["replay", "--policies", "missing.json"]).exit(1).says(&["missing.json"]);
    policy(home, &["replay"]).exit(2).says(&["--policies"]);
    home.assert_well();
}

fn the_stored_policies_are_the_ones_that_are_asked(home: &Home) {
    let explain = |command: &str| policy(home, &["explain", "Bash", command]).succeed().text();
    assert!(explain("git push").starts_with("ask, by mode"), "{}", explain("git push"));
    add(home, "mine", DENY_PUSH).succeed();
    assert!(explain("git push").starts_with("deny, by policy mine"), "{}", explain("git push"));
    let case =
        json!({ "id": "a", "tool_name": "Bash", "tool_input": { "command": "git push" }, "expect": "deny" });
    let cases = home.write("cases.jsonl", &case.to_string());
    policy(home, &["test"]).arg(&cases).succeed();
    let answers = policy(home, &["explain", "--batch"]).input(case.to_string()).succeed().json_lines();
    assert_eq!(answers[0]["decision"], "deny");
    policy(home, &["disable", "mine"]).succeed();
    assert!(explain("git push").starts_with("ask, by mode"), "{}", explain("git push"));
    policy(home, &["test"]).arg(&cases).exit(1);
    home.assert_well();
}

#[test]
fn lint_says_what_is_wrong_and_what_to_write() {
    let home = Home::new();
    let lint = |home: &Home| policy(home, &["lint", "--json"]);
    assert_eq!(lint(&home).succeed().json()["data"], json!([]));
    let added =
        add(&home, "mine", r#"{"allow": ["Bash(python:*)", "Bash(git push:*)"], "deny": ["Bash(git:*)"]}"#)
            .succeed();
    added.says(&[
        "python runs whatever it is given",
        "[runs_anything]",
        "never takes effect",
        "policy mine is added",
    ]);
    let found = lint(&home).succeed().json();
    assert_eq!(found["counts"], json!({ "errors": 0, "warnings": 2, "notes": 0 }));
    let updated =
        policy(&home, &["update", "mine", "--details", r#"{"deny": ["Bahs(rm:*)", "Write(./x)"]}"#])
            .succeed();
    updated.says(&["error: mine deny[0] Bahs(rm:*)", "rather: Bash", "rather: Edit(./x)"]);
    let found = lint(&home).exit(1).json();
    let first = &found["data"][0];
    let expected = json!({ "policy": "mine", "rule": "Bahs(rm:*)", "field": "deny[0]", "code": "unknown_tool",
        "severity": "error", "message": first["message"], "suggestion": "Bash" });
    assert_eq!(*first, expected);
    policy(&home, &["disable", "mine"]).succeed();
    assert_eq!(lint(&home).succeed().json()["data"], json!([]), "it does not count");

    let broken = json!({ "policies": [{ "name": "n", "kind": "rules", "config": { "deny": ["Bash(x"], "allow": ["*"] } }] });
    let file = home.write("broken.json", &broken.to_string()).display().to_string();
    let text = policy(&home, &["lint", "--policies", &file]).exit(1);
    let text = text.says(&["1 errors, 1 warnings, 0 notes"]);
    assert!(
        text.text()
            .contains("error: n deny[0] Bash(x: its bracket is not closed; rather: Bash(x) [unreadable]"),
        "{}",
        text.text()
    );
    home.assert_well();
}

#[test]
fn settings_of_an_agent_cli_are_read_wherever_policies_are() {
    let home = Home::new();
    let settings = json!({ "model": "opus", "permissions": {
        "deny": ["Read(/secrets/**)", "Bash(git push:*)"], "allow": ["Edit(./src/**)", "mcp__*"],
        "additionalDirectories": ["../docs"], "defaultMode": "acceptEdits" } });
    let file = home.write("work/.claude/settings.json", &settings.to_string()).display().to_string();
    let explained =
        policy(&home, &["explain", "--policies", &file, "Read", r#"{"file_path": "secrets/key"}"#]).succeed();
    let explained = explained.says(&["defaultMode", "mcp__*", "left out"]);
    assert!(explained.text().starts_with("deny: "), "{}", explained.text());
    assert_eq!(policy(&home, &["lint", "--policies", &file, "--json"]).succeed().json()["data"], json!([]));
    let added = policy(&home, &["add", "--from", &file, "--priority", "7", "--json"]).succeed().json();
    let stored = &added["data"][0];
    let below = |folder: &str| format!("Read(/{}/**)", home.path(folder).display());
    assert_eq!((&stored["name"], &stored["priority"]), (&json!("claude-project"), &json!(7)));
    assert_eq!(stored["config"]["deny"], json!([below("work/secrets"), "Bash(git push:*)"]));
    assert_eq!(stored["config"]["allow"], json!(["Edit(./src/**)", below("docs")]));
    let user = json!({ "permissions": { "deny": ["Edit(/x)", "Read(~/.ssh/**)"] } });
    let user = home.write(".claude/settings.json", &user.to_string()).display().to_string();
    let added = policy(&home, &["add", "mine", "--from", &user, "--json"]).succeed().json();
    let expected = format!("Edit(/{})", home.path(".claude/x").display());
    assert_eq!(added["data"][0]["config"]["deny"], json!([expected, "Read(~/.ssh/**)"]));
    let broken = home
        .write("work/.claude/settings.local.json", "{\"permissions\": {\n\"deny\": [\"Bash(command:x)\"]}}");
    policy(&home, &["add", "--from"]).arg(&broken).exit(2).says(&["permissions.deny[0]", "Bash(command:x)"]);
    let broken = home.write("work/.claude/settings.local.json", "{\"permissions\":\n {\"deny\": 1}}");
    policy(&home, &["lint", "--policies"]).arg(&broken).exit(2).says(&["line 2 column"]);
    assert_eq!(names(&home), ["claude-project", "mine"]);
    home.assert_well();
}
