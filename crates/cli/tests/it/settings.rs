//! Settings: their layers, where each came from, and what is refused.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::fixture::Home;

const USERS: &str = ".config/provost/config.toml";

fn with_origin(home: &Home, more: &[&str]) -> Value {
    let arguments = [&["config", "show", "--origin"], more].concat();
    home.json(&arguments)
}

#[test]
fn later_layers_win_and_each_value_says_where_it_came_from() {
    let home = Home::new();
    let default = with_origin(&home, &[]);
    assert_eq!(default["session.model"], json!({ "value": "", "origin": "the defaults" }));
    assert_eq!(default["session.timeout_seconds"]["value"], 120);

    let users = home.write(USERS, "[session]\nmodel = 'users'\nmax_turns = 3\ntimeout_seconds = 9\n");
    home.write("work/provost.toml", "[session]\nmodel = 'projects'\nmax_turns = 4\n");
    let shown = with_origin(&home, &[]);
    let project = home.work("provost.toml").canonicalize().expect("a file").display().to_string();
    assert_eq!(shown["session.model"], json!({ "value": "projects", "origin": project }));
    assert_eq!(
        shown["session.timeout_seconds"],
        json!({ "value": 9, "origin": users.display().to_string() })
    );

    let variable =
        home.provost(&["config", "show", "--origin", "--json"]).env("PROVOST_SESSION__MODEL", "mine");
    let shown = variable.succeed().json();
    let origin = "the variable PROVOST_SESSION__MODEL";
    assert_eq!(shown["session.model"], json!({ "value": "mine", "origin": origin }));
    assert_eq!(shown["session.max_turns"]["value"], 4);

    let other = home.write("other.toml", "[session]\nmodel = 'other'\n").display().to_string();
    let shown = with_origin(&home, &["--config", &other]);
    assert_eq!(shown["session.model"], json!({ "value": "other", "origin": other }));
    assert_eq!(shown["session.max_turns"]["value"], 3, "it stands in for ./provost.toml");

    let scenario = home.scenario(&json!([[{ "say": "hi" }]]));
    home.provost(&["run", "go", "--model", "flag", "--runtime", "scripted", "--scenario", &scenario])
        .succeed();
    assert_eq!(home.last()["model"], "flag");
}

#[test]
fn settings_are_settings_of_a_run() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "hi" }]]));
    home.write(
        USERS,
        &format!(
            "[runtime]\ndefault = 'scripted'\n[runtime.scripted]\nscenario = '{scenario}'\n[session]\nbudget_usd = 2.5\nmax_turns = 7\n"
        ),
    );
    assert_eq!(home.provost(&["run", "go"]).succeed().text(), "hi\n");
    let session = home.last();
    assert_eq!((&session["budget_usd"], &session["max_turns"]), (&json!("2.5"), &json!(7)));
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one_and_the_file() {
    let home = Home::new();
    let file = home.write(USERS, "[session]\nmodle = 'x'\n");
    let refused = home.provost(&["session", "list"]).exit(2);
    refused.says(&["session.modle", "did you mean session.model?", &file.display().to_string()]);
    let home = Home::new();
    let run = home.provost(&["session", "list"]).env("PROVOST_SESSION__MODLE", "x");
    run.exit(2).says(&["PROVOST_SESSION__MODLE", "session.model"]);
}

#[test]
fn a_wrong_value_is_refused_with_what_is_accepted() {
    for (name, value, words) in [
        ("PROVOST_SESSION__PERMISSION_MODE", "yolo", "acceptEdits"),
        ("PROVOST_SESSION__TIMEOUT_SECONDS", "soon", "timeout_seconds"),
        ("PROVOST_SESSION__TIMEOUT_SECONDS", "0", "timeout_seconds"),
        ("PROVOST_RUNTIME__DEFAULT", "gpt", "scripted"),
        ("PROVOST_DATABASE__POOL_SIZE", "0", "pool_size"),
        ("PROVOST_LOG__LEVEL", "loud=very", "log.level"),
    ] {
        let home = Home::new();
        let refused = home.provost(&["session", "list"]).env(name, value).exit(2);
        refused.says(&[value, words]);
        assert!(!home.data("").exists(), "nothing was begun");
    }
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_name() {
    let home = Home::new();
    home.write(USERS, "[session\n");
    home.provost(&["session", "list"]).exit(2).says(&["config.toml", "not TOML"]);
    let home = Home::new();
    home.provost(&["session", "list", "--config", "nowhere.toml"]).exit(2).says(&["nowhere.toml"]);
}

#[test]
fn a_repositorys_own_file_decides_nothing_that_matters() {
    for line in [
        "[runtime.claude]\ncommand = './evil'",
        "[runtime]\ndefault = 'scripted'",
        "[database]\nurl = './evil.db'",
        "[data]\ndirectory = '/tmp'",
        "[session]\npermission_mode = 'bypassPermissions'",
    ] {
        let home = Home::new();
        home.write("work/provost.toml", line);
        home.provost(&["session", "list"]).exit(2).says(&[
            "provost.toml",
            "is refused",
            "--config provost.toml",
        ]);
        // Whoever names it trusts it.
        home.provost(&["config", "show", "--config", "provost.toml"]).succeed();
    }
}

#[test]
fn without_a_home_folder_a_data_folder_can_be_named() {
    let home = Home::new();
    let list = || home.provost(&["session", "list"]).without_env("HOME");
    list().exit(2).says(&["there is no home folder", "PROVOST_DATA__DIRECTORY"]);
    list().env("PROVOST_DATA__DIRECTORY", home.path("elsewhere")).succeed();
    assert!(home.path("elsewhere/provost.db").exists());
    list().env("XDG_DATA_HOME", home.path("xdg")).succeed();
    assert!(home.path("xdg/provost/provost.db").exists());
}

#[test]
fn a_password_is_never_shown() {
    let home = Home::new();
    let url = "postgres://ada:s3cret@127.0.0.1:1/x?sslmode=disable&password=s3cret";
    for arguments in [
        &["config", "show"][..],
        &["config", "show", "--origin", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["db", "status"],
        &["db", "status", "--json"],
        &["session", "list"],
    ] {
        for run in [
            home.provost(arguments).args(&["--database", url]),
            home.provost(arguments).env("DATABASE_URL", url),
            home.provost(arguments).env("PROVOST_DATABASE__URL", url),
        ] {
            let outcome = run.run();
            assert!(!outcome.text().contains("s3cret"), "{arguments:?}: {}", outcome.text());
            assert!(!outcome.stderr.contains("s3cret"), "{arguments:?}: {}", outcome.stderr);
        }
    }
}

#[test]
fn init_writes_a_private_file_that_changes_nothing_and_only_once() {
    let home = Home::new();
    home.provost(&["init"]).succeed().says(&["(written)", "provost doctor"]);
    let file = home.path(USERS);
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let shown = with_origin(&home, &[]);
    let all = shown.as_object().expect("settings").iter();
    // The fixture's own.
    let mut all = all.filter(|(key, _)| *key != "hook.server_idle_seconds");
    assert!(all.all(|(_, entry)| entry["origin"] == "the defaults"), "{shown:#}");

    home.write(USERS, "[session]\nmodel = 'mine'\n");
    home.provost(&["init"]).succeed().says(&["(kept as it is)"]);
    assert_eq!(home.json(&["config", "show"])["session.model"], "mine");
}
