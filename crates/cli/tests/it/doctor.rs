//! `provost doctor`: one verdict and one next command.

use std::path::Path;

use serde_json::Value;

use crate::fixture::{GREETING, Home, Provost, fake_agent};

fn doctor(home: &Home, command: &Path) -> Provost {
    home.provost(&["doctor"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", command)
}

fn finding<'v>(report: &'v Value, what: &str) -> &'v Value {
    let found = report["data"].as_array().expect("a list").iter().find(|each| each["what"] == what);
    found.unwrap_or_else(|| panic!("no {what} in {report:#}"))
}

#[test]
fn all_is_well_with_an_agent_that_answers_and_has_a_login() {
    let home = Home::new();
    let agent = fake_agent(&home, &format!("{GREETING}\nuntil_end_of_input"));
    let report = doctor(&home, &agent).arg("--json").succeed().json();
    assert_eq!(report["is_well"], true, "{report:#}");
    assert!(finding(&report, "agent CLI")["found"].as_str().expect("words").contains("2.1.329"));
    assert!(report["next"].as_str().expect("a command").ends_with("provost run \"say hello\""), "{report:#}");
    let text = doctor(&home, &agent).succeed().text();
    assert!(
        text.contains("everything is there\nnext: ") && text.trim_end().ends_with("run \"say hello\""),
        "{text}"
    );
    assert!(home.sessions().is_empty(), "looking leaves no session behind");
    home.assert_well();
}

#[test]
fn a_missing_login_is_named_with_the_way_to_log_in() {
    let home = Home::new();
    let agent = fake_agent(&home, "greet 2.1.329 none\nuntil_end_of_input");
    let report = doctor(&home, &agent).arg("--json").exit(1).json();
    let login = finding(&report, "its login");
    assert_eq!(login["is_well"], false);
    assert!(login["mend"].as_str().expect("a way").contains("/login"), "{login:#}");
    assert!(report["next"].as_str().expect("a command").ends_with("provost demo"), "{report:#}");
    home.assert_well();
}

#[test]
fn a_missing_agent_is_named_with_the_way_to_install_it() {
    let home = Home::new();
    let outcome = doctor(&home, Path::new("no-such-agent")).exit(1);
    for words in ["no-such-agent", "npm install", "Provost works", "\nnext: ", "provost demo\n"] {
        assert!(outcome.text().contains(words), "{words:?} in {}", outcome.text());
    }
}

#[test]
fn an_old_a_silent_and_a_dying_agent_are_told_apart() {
    let home = Home::new();
    for (body, words) in [
        ("greet 1.0.128\nuntil_end_of_input", "1.0.128"),
        ("until_end_of_input", "did not answer"),
        ("echo 'out of luck' >&2; exit 5", "out of luck"),
    ] {
        let agent = fake_agent(&home, body);
        let run = doctor(&home, &agent).env("PROVOST_RUNTIME__CLAUDE__HANDSHAKE_TIMEOUT_SECONDS", "1");
        let outcome = run.exit(1);
        assert!(outcome.text().contains(words), "{words:?} in {}", outcome.text());
        assert!(outcome.text().contains("agent CLI needs your attention"), "{}", outcome.text());
    }
    home.assert_no_process();
}

#[test]
fn a_database_that_cannot_be_opened_comes_before_the_agent() {
    let home = Home::new();
    let agent = fake_agent(&home, &format!("{GREETING}\nuntil_end_of_input"));
    let outcome = doctor(&home, &agent).args(&["--database", "nowhere.db"]).exit(1);
    assert!(outcome.text().contains("Provost cannot store anything yet"), "{}", outcome.text());
    assert!(outcome.text().contains("provost init --database nowhere.db"), "{}", outcome.text());
    assert!(!home.work("nowhere.db").exists());
}

#[test]
fn without_a_home_it_says_so() {
    let home = Home::new();
    let outcome = home.provost(&["doctor"]).without_env("HOME").exit(1);
    assert!(outcome.text().contains("there is no home folder"), "{}", outcome.text());
}
