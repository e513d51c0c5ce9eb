//! `provost policy`: calls are judged by a file of policies, one by one and in bulk.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::fixture::Home;

/// Policies that deny what would be missed, and ask about the rest.
fn policies(home: &Home) -> String {
    let classes = json!({ "recursive_force_remove": "deny", "opaque_exec": "ask" });
    let rules = json!({ "deny": ["Bash(git push:*)"], "allow": ["Bash(git:*)"], "default": "ask" });
    let file = json!({ "policies": [
        { "name": "mine", "kind": "rules", "config": rules },
        { "name": "commands", "kind": "command", "config": { "classes": classes } },
    ]});
    home.write("policies.json", &file.to_string()).display().to_string()
}

#[test]
fn a_call_is_explained_by_what_each_policy_says() {
    let home = Home::new();
    let file = policies(&home);
    let explain = |command: &str| home.provost(&["policy", "explain", "--policies", &file, "Bash", command]);
    let told = |command: &str| explain(command).succeed().text();
    let push = told("echo a && command git push");
    assert!(push.starts_with("deny: the rule Bash(git push:*) denies it\n  deny   mine"), "{push}");
    assert!(told("git status").starts_with("allow: "));
    assert!(told("ls").starts_with("ask by default: "));
    assert!(told("r''m -rf x").contains("deny   commands [recursive_force_remove]"));
    let verdict = explain("$X").args(&["--json"]).succeed().json();
    assert_eq!((&verdict["decision"], &verdict["rule"]), (&json!("ask"), &json!("opaque_exec")));
}

#[test]
fn broken_json_is_no_command_and_a_group_of_commands_is_one() {
    let home = Home::new();
    let file = policies(&home);
    let explain = |input: &str| home.provost(&["policy", "explain", "--policies", &file, "Bash", input]);
    let wrong = ["not JSON", "EOF while parsing a value at line 1 column 11", "'{\"command\": \"ls\"}'"];
    explain("{\"command\":").exit(2).says(&wrong);
    explain("{\"command\": \"git log\"} x").exit(2).says(&["trailing characters at line 1 column 24"]);
    explain("-").input("{\n  \"command\": \"git log\",\n}\n").exit(2).says(&["at line 3 column 1"]);
    for command in ["{ git log; }", "{ \"git\" log; }", "{\n\"git\" log\n}"] {
        assert!(explain(command).succeed().text().starts_with("allow: "), "{command}");
    }
    assert!(explain("{\"command\": \"git log\"}").succeed().text().starts_with("allow: "));
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let home = Home::new();
    let file = policies(&home);
    let case = |id: &str, command: &str| json!({ "id": id, "tool_name": "Bash", "tool_input": { "command": command } });
    let lines = format!("{}\n\n{}\n", case("a", "git push"), case("b", "git log"));
    let batch = home.provost(&["policy", "explain", "--batch", "--policies", &file]);
    let answers = batch.input(lines).succeed().json_lines();
    let decisions: Vec<_> = answers.iter().map(|answer| (&answer["id"], &answer["decision"])).collect();
    assert_eq!(decisions, [(&json!("a"), &json!("deny")), (&json!("b"), &json!("allow"))]);
}

#[test]
fn what_is_wrong_with_a_batch_names_its_line() {
    let home = Home::new();
    let file = policies(&home);
    let case = json!({ "id": "a", "tool_name": "Bash", "tool_input": { "command": "git log" } });
    let batch = |third: &str| {
        let batch = home.provost(&["policy", "explain", "--batch", "--policies", &file]);
        let outcome = batch.input(format!("{case}\n\n{third}\n{case}\n")).exit(2);
        assert_eq!(outcome.json_lines().len(), 1, "what stands before it is answered");
        outcome
    };
    batch("{\"id\": }").says(&["standard input, line 3, column 8: expected value\n"]);
    batch("{\"id\": \"b\"}").says(&["standard input, line 3, column 11: missing field `tool_name`\n"]);
    batch("{\"id\": 7, \"tool_name\": \"Bash\"}").says(&["standard input, line 3, column 8: invalid type"]);
    batch(&"x".repeat(16 * 1024 * 1024 + 1))
        .says(&["standard input, line 3: it is longer than 16777216 bytes"]);
    let cases = home.write("cases.jsonl", &format!("\n{case}\n"));
    let test = || home.provost(&["policy", "test", "--policies", &file]).arg(&cases);
    test().exit(2).says(&["cases.jsonl, line 2: the case \"a\" expects nothing"]);
    home.write("cases.jsonl", "{");
    test().exit(2).says(&["cases.jsonl, line 1, column 1: EOF"]);
}

#[test]
fn cases_judged_otherwise_than_expected_are_named() {
    let home = Home::new();
    let file = policies(&home);
    let case = |id: &str, expect: &str| json!({ "id": id, "tool_name": "Bash", "tool_input": { "command": "git push" }, "expect": expect });
    let good = home.write("good.jsonl", &case("right", "deny").to_string());
    home.provost(&["policy", "test", "--policies", &file]).arg(&good).succeed();
    let bad = home.write("bad.jsonl", &case("wrong", "allow").to_string());
    let outcome = home.provost(&["policy", "test", "--policies", &file]).arg(&bad).exit(1);
    assert!(outcome.text().starts_with("wrong: deny instead of allow: "));
}

#[test]
fn a_broken_file_names_its_line_its_policy_or_its_field() {
    let home = Home::new();
    let explain = |text: &str| {
        let file = home.write("broken.json", text).display().to_string();
        home.provost(&["policy", "explain", "--policies", &file, "Bash", "ls"]).exit(2)
    };
    explain("{\n  \"policies\": [,]\n}").says(&["line 2 column 16"]);
    explain(r#"{"policies": [], "polices": []}"#).says(&["polices"]);
    let policy = |kind: &str, config: Value| {
        json!({ "policies": [{ "name": "n", "kind": kind, "config": config }] }).to_string()
    };
    explain(&policy("rules", json!({ "deny": ["Bash(x"] }))).says(&["\"n\"", "deny", "not closed"]);
    explain(&policy("command", json!({ "classes": { "rm": "deny" } })))
        .says(&["\"rm\"", "recursive_force_remove"]);
    explain(&policy("schedule", json!({ "windows": [{ "from": "9", "to": "17:00" }] })))
        .says(&["from", "23:59"]);
}

#[test]
fn the_engines_own_corpus_is_judged_the_same_by_the_program() {
    let home = Home::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy/tests");
    let corpus = fs::read_to_string(tests.join("corpus/look-alikes.jsonl")).expect("a corpus");
    let cases: Vec<Value> = corpus
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a case"))
        .filter(|case| case["policy"] == "baseline")
        .collect();
    let lines: String = cases
        .iter()
        .map(|case| {
            let mut case = case.clone();
            for field in ["group", "policy", "why"] {
                case.as_object_mut().expect("a case").remove(field);
            }
            format!("{case}\n")
        })
        .collect();
    let set = tests.join("sets/baseline.json").display().to_string();
    let answers = home
        .provost(&["policy", "explain", "--batch", "--policies", &set])
        .input(lines)
        .succeed()
        .json_lines();
    assert_eq!(answers.len(), cases.len());
    for (case, answer) in cases.iter().zip(&answers) {
        let accepted = case["accept"].as_array().expect("decisions");
        assert!(accepted.contains(&answer["decision"]), "{case} {answer}");
    }
}

#[test]
fn rules_are_resolved_in_the_folder_of_the_call() {
    let home = Home::new();
    let rules = json!({ "deny": ["Read(./secret/**)"], "allow": ["Bash(cat:*)"], "default": "ask" });
    let file = json!({ "policies": [{ "name": "mine", "kind": "rules", "config": rules }] });
    let file = home.write("policies.json", &file.to_string()).display().to_string();
    let explain = |folder: &str| {
        let call = ["policy", "explain", "--policies", &file, "--cwd", folder, "Bash", "cat secret/a"];
        home.provost(&call).succeed().text()
    };
    assert!(explain("/srv/elsewhere").starts_with("deny: "));
    assert!(explain("/srv/elsewhere/below/..").starts_with("deny: "));
    let case = |id: &str, cwd: &str| json!({ "id": id, "tool_name": "Bash", "tool_input": { "command": "cat secret/a" }, "cwd": cwd });
    let lines = format!("{}\n{}\n", case("a", "/srv/a"), case("b", "/srv/b"));
    let batch = home.provost(&["policy", "explain", "--policies", &file, "--batch"]);
    let answers = batch.input(lines).succeed().json_lines();
    assert!(answers.iter().all(|answer| answer["decision"] == json!("deny")), "{answers:?}");
    // Where the file names a machine of its own, its project stays what it is.
    let surroundings = json!({ "home": "/h", "project_root": "/srv" });
    let own = json!({ "surroundings": surroundings, "policies": [{ "name": "mine", "kind": "rules", "config": rules }] });
    let own = home.write("own.json", &own.to_string()).display().to_string();
    let call = ["policy", "explain", "--policies", &own, "--cwd", "/srv/a", "Bash", "cat secret/a"];
    assert!(home.provost(&call).succeed().text().starts_with("allow: "));
}
