//! Agents and templates: from files to sessions that run as them.

use serde_json::json;

use crate::fixture::{Home, fake_agent};

on_both_databases!(
    a_session_runs_as_an_agent_and_keeps_its_version,
    an_agent_is_created_changed_activated_and_archived,
    a_template_says_what_is_not_said_otherwise,
    what_was_said_is_found,
);

const REVIEWER: &str = r#"
slug = "reviewer"
name = "Reviewer"
tagline = "reads changes"

[dna.personality]
tone = "dry"

[dna.model]
name = "some-model"
fallback = "other-model"

[dna.boundaries]
max_autonomy = "suggest"
max_tool_calls_per_turn = 7
"#;

fn create(home: &Home) {
    home.write("reviewer.toml", REVIEWER);
    let file = home.path("reviewer.toml").display().to_string();
    home.provost(&["agent", "create", &file]).succeed().says(&["agent reviewer is active, in version 1"]);
}

fn a_session_runs_as_an_agent_and_keeps_its_version(home: &Home) {
    create(home);
    home.play(&json!([[{ "say": "hello" }], [{ "say": "again" }]]))
        .args(&["--agent", "reviewer", "--system-prompt", "Be quick."])
        .succeed();
    let session = home.last();
    let agent = home.json(&["agent", "show", "reviewer"]);
    assert_eq!((&session["agent_id"], &session["agent_version"]), (&agent["agent"]["id"], &json!(1)));
    assert_eq!((&session["model"], &session["max_turns"]), (&json!("some-model"), &json!(8)));
    let told = session["system_prompt"].as_str().expect("a text");
    assert_eq!(told, format!("{}\nBe quick.", agent["system_prompt"].as_str().expect("a text")));
    assert!(told.contains("Your tone is dry."), "{told}");
    // Another version is for other sessions.
    let edited = REVIEWER.replace("dry", "warm");
    home.provost(&["agent", "edit", "reviewer", "-", "--reason", "kinder"]).input(edited).succeed();
    home.resume_last().succeed();
    assert_eq!(home.last()["agent_version"], 1);
    let scenario = home.path("scenario.json").display().to_string();
    for (name, version) in [("reviewer", 2), ("reviewer@1", 1)] {
        home.provost(&["run", "go", "--scenario", &scenario, "--agent", name, "--model", "mine"]).succeed();
        let session = home.last();
        assert_eq!((&session["agent_version"], &session["model"]), (&json!(version), &json!("mine")));
    }
    home.assert_well();
}

fn an_agent_is_created_changed_activated_and_archived(home: &Home) {
    create(home);
    let file = home.path("reviewer.toml").display().to_string();
    home.provost(&["agent", "create", &file]).exit(3);
    home.provost(&["agent", "edit", "reviewer", &file]).succeed().says(&["in version 1"]);
    let edited = REVIEWER.replace("dry", "warm").replace("reads changes", "reads all changes");
    home.provost(&["agent", "edit", "reviewer", "-", "--reason", "kinder"]).input(edited).succeed();
    let versions = home.json(&["agent", "versions", "reviewer"]);
    let list: Vec<_> = versions["data"].as_array().expect("a list").iter().collect();
    assert_eq!((list.len(), &list[0]["reason"], &list[1]["reason"]), (2, &json!("kinder"), &json!(null)));
    assert_eq!(versions["agent"]["tagline"], "reads all changes");
    home.provost(&["agent", "activate", "reviewer@1"]).succeed().says(&["in version 1"]);
    home.provost(&["agent", "activate", "reviewer@9"]).exit(4).says(&["has no version 9"]);
    let prompt = home.provost(&["agent", "show", "reviewer@2", "--prompt"]).succeed();
    assert!(prompt.text().starts_with("You are Reviewer: reads all changes."), "{}", prompt.text());
    let shown = home.provost(&["agent", "show", "reviewer"]).succeed();
    assert!(shown.text().contains("tone = \"dry\""), "{}", shown.text());
    home.provost(&["agent", "archive", "reviewer"]).succeed().says(&["is archived"]);
    let refused = home.play(&json!([[{ "say": "hello" }]])).args(&["--agent", "reviewer"]);
    refused.exit(3).says(&["agent reviewer is archived", "provost agent activate reviewer"]);
    home.provost(&["agent", "activate", "reviewer"]).succeed();
    home.provost(&["agent", "list"]).succeed();
    for (text, words) in [
        ("slug = 'r'", "agent.name"),
        ("slug = 'r'\nname = 'R'\n[dna.model]\ntemperature = 3", "agent.dna.model.temperature = 3"),
        ("slug = 'r'\nname = 'R'\nmodel = 'x'", "agent.model"),
        ("= broken", "standard input: TOML"),
        ("{\"slug\": ", "standard input: EOF"),
        ("", "agent.slug"),
    ] {
        home.provost(&["agent", "create", "-"]).input(text).exit(2).says(&[words]);
    }
    home.provost(&["agent", "show", "nobody"]).exit(4).says(&["there is no agent nobody"]);
    home.provost(&["agent", "create", "absent.toml"]).exit(1).says(&["absent.toml"]);
    home.assert_well();
}

fn a_template_says_what_is_not_said_otherwise(home: &Home) {
    let template = json!({
        "name": "careful", "category": "review", "description": "Asks about everything.", "tags": ["safe"],
        "options": { "model": "slow-model", "permission_mode": "plan", "budget_usd": "2.50", "timeout_seconds": 60 },
    });
    home.provost(&["template", "create", "-"]).input(template.to_string()).succeed();
    home.provost(&["template", "create", "-"]).input(template.to_string()).exit(3).says(&["--replace"]);
    home.provost(&["template", "create", "-", "--replace"]).input(template.to_string()).succeed();
    home.play(&json!([[{ "say": "hello" }]])).args(&["--template", "careful", "--timeout", "30"]).succeed();
    let session = home.last();
    let said =
        ["model", "permission_mode", "budget_usd", "timeout_seconds"].map(|field| session[field].clone());
    assert_eq!(said, [json!("slow-model"), json!("plan"), json!("2.5"), json!(30)]);
    let shown = home.json(&["template", "show", "careful"]);
    assert_eq!((&shown["id"], &shown["usage_count"]), (&session["template_id"], &json!(1)));
    assert_eq!(home.json(&["template", "list", "--category", "review"])["data"][0]["name"], "careful");
    assert_eq!(home.json(&["template", "list", "--category", "other"])["data"], json!([]));
    for (bad, words) in [
        (json!({ "name": "x", "options": { "modle": "y" } }), "options.modle is not known"),
        (json!({ "name": "x", "options": { "timeout_seconds": "soon" } }), "options: "),
        (json!({ "name": "x", "colour": 1 }), "unknown field `colour`"),
        (json!({ "options": {} }), "missing field `name`"),
    ] {
        home.provost(&["template", "create", "-"]).input(bad.to_string()).exit(2).says(&[words]);
    }
    home.provost(&["template", "delete", "careful"]).succeed();
    home.play(&json!([[]])).args(&["--template", "careful"]).exit(4).says(&["there is no template careful"]);
    home.assert_well();
}

fn what_was_said_is_found(home: &Home) {
    home.play(&json!([[
        { "say": "The parser is broken in two places." },
        { "tool": "Bash", "input": { "command": "echo marmalade" } },
    ]]))
    .args(&["--yes"])
    .succeed();
    let found = home.json(&["session", "search", "broken parsers"]);
    let place = &found["data"][0];
    assert_eq!((&place["session_id"], &place["kind"]), (&home.last()["id"], &json!("message")));
    let sequence = place["sequence"].as_i64().expect("a number");
    let after = (sequence - 1).to_string();
    let there = home.json(&["session", "timeline", "last", "--after", &after, "--limit", "1"]);
    assert!(there["data"][0].to_string().contains("The parser is broken"), "{there:#}");
    let call = home.json(&["session", "search", "marmalade", "--session", "last"]);
    assert_eq!(call["data"][0]["kind"], "tool_call");
    assert_eq!(home.json(&["session", "search", "absent"])["data"], json!([]));
    let text = home.provost(&["session", "search", "parser"]).succeed().says(&["provost session timeline"]);
    assert!(text.text().contains("The parser is broken"), "{}", text.text());
    home.provost(&["session", "search", "?!"]).exit(2).says(&["holds no word"]);
}

#[test]
fn an_agents_choices_reach_the_agent_program() {
    let home = Home::new();
    create(&home);
    let agent = fake_agent(&home, "echo \"$*\" > arguments\nenv > variables\nexit 1");
    home.provost(&["run", "go", "--agent", "reviewer"])
        .env("PROVOST_RUNTIME__CLAUDE__COMMAND", agent)
        .exit(1);
    let arguments = std::fs::read_to_string(home.work("arguments")).expect("it was started");
    for part in ["--model=some-model", "--fallback-model=other-model", "--max-turns=8", "You are Reviewer"] {
        assert!(arguments.contains(part), "{part} is missing in {arguments}");
    }
    let variables = std::fs::read_to_string(home.work("variables")).expect("it was started");
    assert!(variables.contains("CLAUDE_CODE_MAX_OUTPUT_TOKENS=8000"), "{variables}");
}
