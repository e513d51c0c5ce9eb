//! `provost run`: what goes in, what comes out, and with which exit code.

use serde_json::{Value, json};

use crate::fixture::{Home, assert_numbered_without_gaps};

const HI: &str = "hi, caf\u{e9} \u{1f980}";

on_both_databases!(json_lines_are_the_timeline_between_a_session_and_an_end);

fn json_lines_are_the_timeline_between_a_session_and_an_end(home: &Home) {
    let turns = json!([[
        { "think": "hm" },
        { "say": HI },
        { "tool": "Bash", "input": { "command": "echo out; echo err >&2; exit 3" } },
        { "tool": "Bash", "input": { "command": "true" } },
        { "garble": "no json" },
        { "spend": { "usd": 0.0125, "input_tokens": 1800, "output_tokens": 240 } },
        { "say": "bye" },
    ]]);
    let lines = home.play(&turns).args(&["--yes", "--json"]).succeed().json_lines();
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { panic!("no lines") };
    assert_eq!(first["kind"], "session");
    assert_eq!(last, &json!({ "kind": "end", "item": { "status": "completed", "error_message": null } }));
    let told = &lines[1..lines.len() - 1];
    let stored = home.timeline();
    assert_numbered_without_gaps(told);
    assert_eq!(told.len(), stored.len());
    for (index, (told, row)) in told.iter().zip(&stored).enumerate() {
        for field in ["sequence", "kind", "change", "at"] {
            assert_eq!(told[field], row[field], "{field} of {told:#}");
        }
        // A later entry may have changed the row; the last one tells it as it stands.
        let is_last = !stored[index + 1..].iter().any(|later| later["item"]["id"] == row["item"]["id"]);
        assert!(!is_last || told["item"] == row["item"], "{told:#}\n{row:#}");
    }
    assert_eq!(first["item"]["id"], home.last()["id"]);
    let session = home.last();
    assert_eq!(session["total_cost_usd"], "0.0125");
    assert_eq!((&session["input_tokens"], &session["output_tokens"]), (&json!(1800), &json!(240)));
    // The failed command and the line that was none.
    assert_eq!((&session["total_tool_calls"], &session["total_errors"]), (&json!(2), &json!(2)));
    assert_eq!(session["result"], "bye");
    home.assert_well();
}

#[test]
fn standard_output_is_what_the_agent_says_and_nothing_else() {
    let home = Home::new();
    let turns = json!([[{ "think": "secretly" }, { "say": HI }, { "say": "two\nlines" }]]);
    let outcome = home.play(&turns).succeed();
    assert_eq!(outcome.text(), format!("{HI}\ntwo\nlines\n"));
    outcome.says(&["session", "done", "provost session timeline"]);
}

#[test]
fn on_a_terminal_text_appears_word_by_word_and_once() {
    let home = Home::new();
    home.write("slow.toml", "delta_delay = '20ms'\n[[turn]]\n[[turn.step]]\nsay = 'one two three'\n");
    let scenario = home.path("slow.toml").display().to_string();
    let run = home.provost(&["run", "go", "--runtime", "scripted", "--scenario", &scenario]).on_terminal();
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches("one two three").count(), 1, "{screen}");
}

#[test]
fn the_exit_code_tells_how_it_went() {
    let home = Home::new();
    home.play(&json!([[{ "say": "well" }]])).exit(0);
    home.play(&json!([[{ "crash": 1 }]])).exit(1);
    home.provost(&["run", "  \n "]).exit(2).says(&["the prompt is empty"]);
    let spend = json!({ "spend": { "usd": 2, "input_tokens": 1, "output_tokens": 1 } });
    home.play(&json!([[spend, { "say": "never" }]])).args(&["--budget", "1"]).exit(3);
    home.provost(&["run", "go", "--resume", "ffffffff"]).exit(4);
}

#[test]
fn a_prompt_comes_from_standard_input_unless_it_is_given() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "ok" }]]));
    for arguments in [&["run"][..], &["run", "-"]] {
        let run = home.provost(arguments).args(&["--runtime", "scripted", "--scenario", &scenario]);
        run.input("from a pipe\nwith two lines\n").succeed();
        assert_eq!(prompt(&home), "from a pipe\nwith two lines\n");
    }
    let run = home.provost(&["run", "", "--runtime", "scripted", "--scenario", &scenario]);
    run.exit(2).says(&["the prompt is empty"]);
    home.provost(&["run"]).exit(2).says(&["the prompt is empty", "--interactive"]);
    home.provost(&["run"]).input(b"\xff\xfe".as_slice()).exit(2).says(&["not UTF-8"]);
    let (code, screen) = home.provost(&["run"]).on_terminal().finish();
    assert_eq!(code, Some(2));
    assert!(screen.contains("a prompt is missing"), "{screen}");
}

#[test]
fn a_prompt_has_a_largest_size() {
    const LARGEST: usize = 10 * 1024 * 1024;
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "ok" }]]));
    let run = || home.provost(&["run", "--runtime", "scripted", "--scenario", &scenario]);
    run().input(vec![b'x'; LARGEST + 1]).exit(2).says(&["larger than 10485760 bytes"]);
    assert!(home.sessions().is_empty(), "nothing was begun");
    run().input(vec![b'x'; LARGEST]).succeed();
    assert_eq!(prompt(&home).len(), LARGEST);
    home.assert_well();
}

on_both_databases!(a_prompt_is_kept_whatever_it_is_made_of);

fn a_prompt_is_kept_whatever_it_is_made_of(home: &Home) {
    let scenario = home.scenario(&json!([[{ "say": "ok" }]]));
    let words = "nul \0, escape \u{1b}[31m, bell \u{7}, emoji \u{1f469}\u{200d}\u{1f680}, separator \u{2028}, end \u{10ffff}";
    let run = home.provost(&["run", "--runtime", "scripted", "--scenario", &scenario]);
    run.input(words).succeed();
    // NUL is the one character PostgreSQL cannot keep.
    assert_eq!(prompt(home), words.replace('\0', "␀"));
    home.assert_well();
}

/// What the person said first in the newest session.
fn prompt(home: &Home) -> String {
    let timeline = home.timeline();
    let said = timeline.iter().find(|entry| entry["item"]["message_type"] == "user").expect("a prompt");
    said["item"]["content"]["blocks"][0]["text"].as_str().expect("a text").to_owned()
}

#[test]
fn a_prompt_may_begin_with_a_dash() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "ok" }]]));
    home.provost(&["run", "--runtime", "scripted", "--scenario", &scenario, "--", "--yes is no flag here"])
        .succeed();
    assert_eq!(prompt(&home), "--yes is no flag here");
}

#[test]
fn a_turn_limit_ends_the_session() {
    let home = Home::new();
    let touch = |name: &str| json!({ "tool": "Bash", "input": { "command": format!("touch {name}") } });
    let turns = json!([[touch("one"), touch("two"), { "say": "never" }]]);
    home.play(&turns).args(&["--yes", "--max-turns", "1"]).exit(1).says(&["turns"]);
    assert_eq!((home.work("one").exists(), home.work("two").exists()), (true, false));
    assert!(home.error_of_last("failed").contains("turns"));
    assert_eq!(home.last()["max_turns"], 1);
}

#[test]
fn a_spent_budget_ends_the_session_and_refuses_to_go_on() {
    let home = Home::new();
    let spend = json!({ "spend": { "usd": 0.75, "input_tokens": 1, "output_tokens": 1 } });
    let turns = json!([[spend], [spend, { "say": "never" }], [{ "say": "never" }]]);
    let limits = ["--budget", "1.00"];
    home.play(&turns).args(&limits).succeed();
    assert_eq!(home.last()["budget_usd"], "1");
    // What is left is what the next process may spend.
    home.resume_last().exit(3).says(&["budget", "larger --budget"]);
    assert!(!home.error_of_last("failed").is_empty());
    assert_eq!(home.last()["total_cost_usd"], "1.5");
    let before = home.timeline().len();
    home.resume_last().exit(3).says(&["has spent", "1.5"]);
    assert_eq!(home.timeline().len(), before, "a refusal leaves no trace in the session");
    home.assert_well();
}

#[test]
fn the_model_asked_for_is_the_model_used() {
    let home = Home::new();
    let lines =
        home.play(&json!([[{ "say": "hi" }]])).args(&["--model", "m-1", "--json"]).succeed().json_lines();
    let says = |line: &&Value| line["item"]["message_type"] == "assistant";
    assert_eq!(lines.iter().find(says).expect("words")["item"]["model"], "m-1");
    assert_eq!(home.last()["model"], "m-1");
}

#[test]
fn the_folder_given_is_the_folder_worked_in() {
    let home = Home::new();
    home.write("other/here.txt", "x");
    let folder = home.path("other").display().to_string();
    let turns = json!([[{ "tool": "Bash", "input": { "command": "pwd > where" } }]]);
    home.play(&turns).args(&["--yes", "--cwd", &folder]).succeed();
    let wrote = std::fs::read_to_string(home.path("other/where")).expect("a file");
    assert_eq!(wrote.trim(), home.path("other").canonicalize().expect("a folder").display().to_string());
    home.play(&turns).args(&["--yes", "--cwd", "../other"]).succeed();
}

#[test]
fn a_missing_folder_is_a_usage_error_and_a_failed_session() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).args(&["--cwd", "nowhere"]).exit(2).says(&["nowhere", "--cwd"]);
    assert!(home.error_of_last("failed").contains("nowhere"));
    let file = home.write("work/file.txt", "x").display().to_string();
    home.play(&json!([[{ "say": "hi" }]])).args(&["--cwd", &file]).exit(2).says(&["file.txt"]);
    home.assert_well();
}

#[test]
fn an_agent_sees_only_the_variables_it_may_see() {
    let home = Home::new();
    let turns = json!([[{ "tool": "Bash", "input": { "command": "env > env.txt" } }]]);
    let run = home.play(&turns).arg("--yes").env("MY_SECRET", "s3cret").env("HTTPS_PROXY", "http://proxy");
    run.env("DATABASE_PASSWORD", "s3cret").env("PROVOST_LOG__LEVEL", "error").succeed();
    let seen = std::fs::read_to_string(home.work("env.txt")).expect("a file");
    assert!(!seen.contains("s3cret") && !seen.contains("PROVOST_"), "{seen}");
    assert!(seen.contains("HTTPS_PROXY=http://proxy"), "{seen}");
    assert!(!home.path("tmp").read_dir().expect("a folder").any(|_| true), "temporary folders are removed");
}

#[test]
fn a_name_can_be_given_and_is_otherwise_the_prompts_beginning() {
    let home = Home::new();
    home.play(&json!([[{ "say": "hi" }]])).args(&["--name", "the first"]).succeed();
    assert_eq!(home.last()["name"], "the first");
    home.play(&json!([[{ "say": "hi" }]])).succeed();
    assert_eq!(home.last()["name"], "go");
}
