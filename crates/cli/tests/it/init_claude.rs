//! `provost init --claude`: command hooks in the agent CLI's settings, put in and taken out.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::fixture::{Home, Provost};

const SETTINGS: &str = ".claude/settings.json";

fn init(home: &Home, more: &[&str]) -> Provost {
    home.provost(&["init", "--claude"]).args(more)
}

fn settings(home: &Home) -> String {
    fs::read_to_string(home.path(SETTINGS)).expect("settings")
}

#[test]
fn every_event_gets_a_command_that_works_and_repeating_it_changes_nothing() {
    let home = Home::new();
    let outcome = init(&home, &["--yes"]).succeed();
    assert!(outcome.stderr.contains("+   \"hooks\": {") && outcome.stdout.is_empty(), "{}", outcome.stderr);
    let text = settings(&home);
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(value["hooks"].as_object().map(serde_json::Map::len), Some(11));
    let handler = &value["hooks"]["PreToolUse"][0]["hooks"][0];
    assert_eq!((&handler["type"], &handler["timeout"]), (&json!("command"), &json!(30)));
    // What stands there runs as it stands there, from any folder.
    let event = json!({
        "session_id": "s", "hook_event_name": "PreToolUse", "cwd": "/", "tool_name": "Bash",
        "tool_input": { "command": "rm -rf /" }, "tool_use_id": "toolu_1",
    });
    let run = home.shell(handler["command"].as_str().expect("a command")).in_folder(&home.path("tmp"));
    assert!(run.input(event.to_string()).succeed().text().contains("\"deny\""));
    init(&home, &["--yes"]).succeed().says(&["already"]);
    init(&home, &[]).succeed().says(&["already"]);
    assert_eq!(settings(&home), text);
    init(&home, &["--undo", "--yes"]).succeed().says(&["is removed"]);
    assert!(!home.path(SETTINGS).exists());
    init(&home, &["--undo", "--yes"]).succeed().says(&["nothing of Provost"]);
}

#[test]
fn what_else_is_in_the_file_stays_byte_by_byte() {
    let home = Home::new();
    let before = "{\n\t\"zebra\" : 1.50,\n\t\"hooks\": { \"Stop\": [ {\"hooks\":[{\"type\":\"command\",\"command\":\"mine\"}]} ] },\n\t\"a\": \"\\u00e4\"\n}";
    let file = home.write(SETTINGS, before);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
    init(&home, &["--yes"]).succeed().says(&["provost-backup"]);
    let with = settings(&home);
    for piece in [
        "\t\"zebra\" : 1.50,\n",
        "{\"hooks\":[{\"type\":\"command\",\"command\":\"mine\"}]}",
        "\"a\": \"\\u00e4\"\n}",
    ] {
        assert!(with.contains(piece), "{piece:?} in {with}");
    }
    let backup = home.path(".claude/settings.json.provost-backup");
    assert_eq!(fs::read_to_string(&backup).expect("a copy"), before);
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o640);
    // Edited in between.
    fs::write(&file, with.replace("1.50", "2.50")).expect("written");
    init(&home, &["--undo", "--yes"]).succeed();
    assert_eq!(settings(&home), before.replace("1.50", "2.50"));
    assert_eq!(fs::read_to_string(&backup).expect("the oldest copy"), before);
    assert!(home.path(".claude/settings.json.provost-backup-2").exists());
}

#[test]
fn nothing_is_changed_unless_somebody_says_so() {
    let home = Home::new();
    let before = "{\n  \"a\": 1\n}\n";
    home.write(SETTINGS, before);
    init(&home, &["--dry-run"]).succeed().says(&["+   \"hooks\"", "is as it was"]);
    init(&home, &[]).exit(3).says(&["nobody can be asked", "--yes"]);
    assert_eq!(settings(&home), before);
    let mut asked = init(&home, &[]).on_terminal();
    asked.expect("y = yes").write("n").expect("is as it was");
    assert_eq!(asked.finish().0, Some(0));
    assert_eq!(settings(&home), before);
    let mut asked = init(&home, &[]).on_terminal();
    asked.expect("y = yes").write("y").expect("is written");
    assert_eq!(asked.finish().0, Some(0));
    assert_ne!(settings(&home), before);
    home.provost(&["init", "--undo"]).exit(2);
}

#[test]
fn broken_settings_are_named_and_left_alone() {
    let home = Home::new();
    for (broken, why) in [
        ("{\n  \"a\": 1,\n}\n", "line 3 column 1"),
        ("[1]", "it is no object"),
        ("{\"hooks\": 1}", "hooks is no object"),
        ("{\"hooks\": {\"Stop\": {}}}", "hooks.Stop is no list"),
    ] {
        home.write(SETTINGS, broken);
        for more in [&["--yes"][..], &["--dry-run"], &["--undo", "--yes"]] {
            init(&home, more).exit(2).says(&["settings.json", why, "nothing was changed"]);
        }
        assert_eq!(settings(&home), broken);
    }
    assert_eq!(fs::read_dir(home.path(".claude")).expect("a folder").count(), 1, "no copy");
}

#[test]
fn the_file_is_the_one_that_is_named() {
    let home = Home::new();
    init(&home, &["--project", "--yes"]).succeed();
    init(&home, &["--local", "--yes"]).succeed();
    init(&home, &["--yes"]).env("CLAUDE_CONFIG_DIR", home.path("elsewhere")).succeed();
    for name in ["work/.claude/settings.json", "work/.claude/settings.local.json", "elsewhere/settings.json"]
    {
        assert!(home.path(name).exists(), "{name}");
    }
    assert!(!home.path(SETTINGS).exists());
    // A link stays one.
    let real = home.write("dotfiles/settings.json", "{}");
    fs::create_dir(home.path(".claude")).expect("a folder");
    std::os::unix::fs::symlink(&real, home.path(SETTINGS)).expect("a link");
    init(&home, &["--yes"]).succeed();
    assert!(home.path(SETTINGS).is_symlink());
    assert!(fs::read_to_string(&real).expect("a file").contains("hook-client"));
}

#[test]
fn a_link_that_leads_to_nothing_stays_a_link() {
    let home = Home::new();
    fs::create_dir(home.path(".claude")).expect("a folder");
    let link_to = |target: &str| {
        drop(fs::remove_file(home.path(SETTINGS)));
        std::os::unix::fs::symlink(target, home.path(SETTINGS)).expect("a link");
    };
    let is_link_to = |target: &str| {
        assert_eq!(fs::read_link(home.path(SETTINGS)).expect("a link"), std::path::Path::new(target));
    };
    // Its folder is not there: a disk may be missing.
    link_to("../dotfiles/claude.json");
    init(&home, &["--yes"]).exit(3).says(&[
        "settings.json is a link to",
        "dotfiles/claude.json",
        "folder is not",
    ]);
    is_link_to("../dotfiles/claude.json");
    fs::create_dir(home.path("dotfiles")).expect("a folder");
    init(&home, &["--yes"]).succeed().says(&["dotfiles/claude.json is written"]);
    is_link_to("../dotfiles/claude.json");
    assert!(settings(&home).contains("hook-client"));
    init(&home, &["--undo", "--yes"]).succeed().says(&["dotfiles/claude.json is removed"]);
    is_link_to("../dotfiles/claude.json");
    // One leads to the other.
    std::os::unix::fs::symlink("claude.json", home.path("dotfiles/own.json")).expect("a link");
    link_to("../dotfiles/own.json");
    init(&home, &["--yes"]).succeed();
    is_link_to("../dotfiles/own.json");
    assert!(home.path("dotfiles/own.json").is_symlink() && home.path("dotfiles/claude.json").is_file());
    link_to("settings.json");
    init(&home, &["--yes"]).exit(3).says(&["leads in a circle"]);
    is_link_to("settings.json");
}

#[test]
fn settings_in_which_hooks_do_not_run_are_refused() {
    let home = Home::new();
    let file = home.write(".claude/settings.json", "{ \"disableAllHooks\": true }");
    init(&home, &["--yes"]).exit(2).says(&[
        "settings.json",
        "disableAllHooks is true",
        "nothing was changed",
    ]);
    fs::write(file, "{ \"disableAllHooks\": false }").expect("written");
    init(&home, &["--yes"]).succeed();
}

#[test]
fn a_handler_for_some_tools_is_no_gate_for_all() {
    let home = Home::new();
    let theirs = json!({ "hooks": { "PreToolUse": [
        { "matcher": "Bash", "hooks": [{ "type": "command", "command": "provost hook-client" }] },
    ] } });
    home.write(".claude/settings.json", &theirs.to_string());
    init(&home, &["--yes"]).succeed();
    let written: Value = serde_json::from_str(&settings(&home)).expect("JSON");
    let groups = written["hooks"]["PreToolUse"].as_array().expect("groups");
    assert_eq!(groups[0], theirs["hooks"]["PreToolUse"][0]);
    assert_eq!((groups.len(), &groups[1]["matcher"]), (2, &Value::Null));
    init(&home, &["--undo", "--yes"]).succeed();
    assert_eq!(serde_json::from_str::<Value>(&settings(&home)).expect("JSON"), {
        let mut left = theirs;
        left["hooks"].as_object_mut().expect("events").retain(|event, _| event == "PreToolUse");
        left
    });
}

#[test]
fn the_database_goes_along_unless_it_holds_a_secret() {
    let home = Home::new();
    let database = "an other.db";
    home.provost(&["init", "--database", database]).succeed();
    init(&home, &["--yes", "--database", database]).succeed();
    let named = format!("hook-client --database '{}'", home.work(database).display());
    assert!(settings(&home).contains(&named), "{}", settings(&home));
    init(&home, &["--dry-run", "--database", "postgres://ada:s3cret@localhost/x"])
        .exit(2)
        .says(&["may hold a password", "database.url"]);
}
