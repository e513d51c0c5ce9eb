//! What an agent may do without a person, and that it does nothing else.

use std::{fs, os::unix::fs::symlink};

use serde_json::{Value, json};

use crate::fixture::{Home, Outcome, Provost};

const TOUCH: &str = "touch ran";

fn bash() -> Value {
    json!({ "tool": "Bash", "input": { "command": TOUCH } })
}

/// One tool call, and what the agent does next, told by what it says.
fn play(home: &Home, step: &Value) -> Provost {
    let told = json!({ "when": "denied", "say": "I was refused" });
    let ran = json!({ "when": "allowed", "say": "it ran" });
    home.play(&json!([[step, told, ran]]))
}

fn said(outcome: &Outcome) -> String {
    outcome.text().trim_end().to_owned()
}

#[test]
fn without_a_terminal_a_command_is_denied_with_a_reason_the_agent_sees() {
    let home = Home::new();
    let outcome = play(&home, &bash()).succeed().says(&["denied", "there is no terminal to ask a person"]);
    assert_eq!(said(&outcome), "I was refused");
    assert!(!home.work("ran").exists());
    let calls = home.tool_calls();
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!((&call["status"], &call["permission_decision"]), (&json!("denied"), &json!("deny")));
    let reason = call["permission_reason"].as_str().expect("a reason");
    assert!(reason.contains("no terminal"), "{reason}");
    // What went back to the model is on record too.
    assert!(call["tool_output"]["content"].to_string().contains("no terminal"), "{call:#}");
    assert_eq!(home.last()["status"], "completed", "a refusal is no failure");
}

#[test]
fn yes_allows_what_would_be_asked() {
    let home = Home::new();
    assert_eq!(said(&play(&home, &bash()).arg("--yes").succeed()), "it ran");
    assert!(home.work("ran").exists());
    let call = &home.tool_calls()[0];
    assert_eq!((&call["status"], &call["permission_decision"]), (&json!("success"), &json!("allow")));
    assert!(call["permission_reason"].as_str().expect("a reason").contains("--yes"), "{call:#}");
}

#[test]
fn yes_answers_no_question_to_a_person() {
    let home = Home::new();
    let ask = json!({ "ask": "Which one?", "options": ["a", "b"] });
    assert_eq!(said(&play(&home, &ask).arg("--yes").succeed()), "I was refused");
}

#[test]
fn reading_inside_the_folder_is_allowed_without_a_question() {
    let home = Home::new();
    home.write("work/src/note.txt", "inside");
    let read = json!({ "tool": "Read", "input": { "file_path": "src/note.txt" } });
    assert_eq!(said(&play(&home, &read).succeed()), "it ran");
    let call = &home.tool_calls()[0];
    assert_eq!(call["permission_decision"], "allow");
    assert!(call["tool_output"]["content"].to_string().contains("inside"), "{call:#}");
}

#[test]
fn what_lies_outside_the_folder_is_not_read_without_asking_however_it_is_spelled() {
    let home = Home::new();
    home.write("secret", "s3cret");
    home.write("work/src/note.txt", "inside");
    symlink("../secret", home.work("link")).expect("a link");
    symlink("..", home.work("up")).expect("a link");
    let absolute = home.path("secret").display().to_string();
    for path in ["../secret", "link", "up/secret", "src/../../secret", "~/secret", &absolute] {
        let read = json!({ "tool": "Read", "input": { "file_path": path } });
        assert_eq!(said(&play(&home, &read).succeed()), "I was refused", "{path}");
        let call = &home.tool_calls()[0];
        assert_eq!(call["status"], "denied", "{path}");
        assert!(!call.to_string().contains("s3cret"), "{call:#}");
    }
}

#[test]
fn a_folder_reached_through_a_link_is_still_inside_itself() {
    let home = Home::new();
    home.write("real/note.txt", "inside");
    symlink(home.path("real"), home.path("linked")).expect("a link");
    let read = json!({ "tool": "Read", "input": { "file_path": "note.txt" } });
    let run = play(&home, &read).in_folder(&home.path("linked"));
    assert_eq!(said(&run.succeed()), "it ran");
}

/// What becomes of reading inside, of an edit inside, of an edit outside and of a command.
fn outcomes(mode: &str) -> [String; 4] {
    let home = Home::new();
    home.write("work/note.txt", "old");
    let edit = |path: &str| json!({ "tool": "Write", "input": { "file_path": path, "content": "new" } });
    let steps = [
        json!({ "tool": "Read", "input": { "file_path": "note.txt" } }),
        edit("note.txt"),
        edit("../outside.txt"),
        bash(),
    ];
    home.play(&json!([steps])).args(&["--permission-mode", mode]).succeed();
    assert_eq!(home.last()["permission_mode"], mode);
    let calls = home.tool_calls();
    let outcome = |index: usize| calls[index]["status"].as_str().expect("a status").to_owned();
    let ran = [1, 2, 3].map(|index| outcome(index) == "success");
    let note = fs::read_to_string(home.work("note.txt")).expect("a file");
    assert_eq!(ran, [note == "new", home.path("outside.txt").exists(), home.work("ran").exists()]);
    [0, 1, 2, 3].map(outcome)
}

#[test]
fn each_mode_allows_what_it_says_and_nothing_else() {
    let expected = [
        ("default", ["success", "denied", "denied", "denied"]),
        ("acceptEdits", ["success", "success", "denied", "denied"]),
        ("plan", ["success", "denied", "denied", "denied"]),
        ("dontAsk", ["denied", "denied", "denied", "denied"]),
        ("bypassPermissions", ["success", "success", "success", "success"]),
    ];
    for (mode, expected) in expected {
        assert_eq!(outcomes(mode), expected, "{mode}");
    }
}

#[test]
fn yes_does_not_override_plan_mode() {
    let home = Home::new();
    let run = play(&home, &bash()).args(&["--yes", "--permission-mode", "plan"]);
    assert_eq!(said(&run.succeed()), "I was refused");
    assert!(!home.work("ran").exists());
}

#[test]
fn an_unknown_mode_is_refused_with_those_that_exist() {
    let home = Home::new();
    let run = play(&home, &bash()).args(&["--permission-mode", "yolo"]);
    run.exit(2).says(&["yolo", "acceptEdits", "bypassPermissions"]);
    assert!(home.sessions().is_empty());
}
