//! `provost demo`: the first thing anybody sees.

use std::{fs, path::PathBuf};

use serde_json::json;

use crate::fixture::Home;

/// The program to repair.
fn program(home: &Home) -> PathBuf {
    let mut folders =
        fs::read_dir(home.data("demo")).expect("a folder").map(|entry| entry.expect("an entry").path());
    folders.find(|path| path.is_dir()).expect("a scratch folder").join("greet.sh")
}

#[test]
fn without_a_terminal_the_agent_repairs_the_program_and_everything_is_recorded() {
    let home = Home::new();
    let outcome = home.provost(&["demo"]).succeed();
    let (before, after) = outcome.stderr.split_once("2. an agent repairs it").expect("a second part");
    assert!(before.contains("Hello, Ada!") || before.contains("actual:"), "{before}");
    assert!(after.contains("ok: everybody was greeted"), "{after}");
    assert!(after.contains("$0.0184"), "the cost is shown: {after}");
    assert!(after.contains("provost.db") && after.contains("try next"), "{after}");
    let calls = home.tool_calls();
    let statuses: Vec<_> = calls.iter().map(|call| (&call["tool_name"], &call["status"])).collect();
    let (read, bash, edit) = (&json!("Read"), &json!("Bash"), &json!("Edit"));
    let (success, error, denied) = (&json!("success"), &json!("error"), &json!("denied"));
    assert_eq!(statuses, [(read, success), (bash, error), (read, denied), (edit, success), (bash, success)]);
    assert_eq!(home.last()["status"], "completed");
    home.assert_well();
}

#[test]
fn on_a_terminal_it_waits_for_a_keystroke_and_yes_repairs() {
    let home = Home::new();
    let mut demo = home.provost(&["demo"]).on_terminal();
    demo.expect("Edit").expect("y = once");
    let before = fs::read_to_string(program(&home)).expect("the program");
    assert!(before.contains("in $1;"), "nothing is changed before the answer");
    demo.write("y");
    let (code, screen) = demo.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(fs::read_to_string(program(&home)).expect("the program").contains("\"$@\""));
    home.assert_well();
}

#[test]
fn on_a_terminal_no_leaves_the_program_as_it_is() {
    let home = Home::new();
    let mut demo = home.provost(&["demo"]).on_terminal();
    demo.expect("y = once");
    let before = fs::read_to_string(program(&home)).expect("the program");
    demo.write("n");
    let (code, screen) = demo.finish();
    assert_eq!(code, Some(1), "{screen}");
    assert!(screen.contains("was not allowed"), "{screen}");
    assert_eq!(fs::read_to_string(program(&home)).expect("the program"), before);
    home.assert_well();
}

#[test]
fn yes_waits_for_nobody_even_on_a_terminal() {
    let home = Home::new();
    let (code, screen) = home.provost(&["demo", "--yes"]).on_terminal().finish();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains("y = once"), "{screen}");
}

#[test]
fn it_can_be_watched_twice_and_by_a_program() {
    let home = Home::new();
    home.provost(&["demo"]).succeed();
    let lines = home.provost(&["demo", "--json"]).succeed().json_lines();
    let last = lines.last().expect("lines");
    assert_eq!(last["session_id"], home.last()["id"]);
    assert_eq!(home.sessions().len(), 2);
}
