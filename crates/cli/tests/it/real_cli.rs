//! `provost run` with the real agent CLI and a Messages API on the loopback interface: no account, no network.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use testkit::{
    MessagesApi, agent_cli,
    messages_api::{ApiError, RecordedRequest, Turn, Usage},
};

use crate::fixture::{Home, PATIENCE, Provost, Signal, wait_until};

/// The real program in a home of its own, with an invented key.
struct RealCli {
    home: Home,
    api: MessagesApi,
    command: PathBuf,
}

impl RealCli {
    /// `None` when the program was not fetched.
    fn answering(turns: Vec<Turn>) -> Option<Self> {
        let command = agent_cli::find()?;
        Some(Self { home: Home::new(), api: MessagesApi::start(turns), command })
    }

    fn provost(&self, arguments: &[&str]) -> Provost {
        self.without_key(arguments).env("ANTHROPIC_API_KEY", "sk-ant-invented-for-a-test")
    }

    fn without_key(&self, arguments: &[&str]) -> Provost {
        self.surrounded(self.home.provost(arguments)).env("PROVOST_RUNTIME__CLAUDE__COMMAND", &self.command)
    }

    /// The program itself, as a person starts it.
    fn itself(&self, arguments: &str) -> Provost {
        let provost = self.home.shell(&format!("exec \"$claude\" {arguments}")).env("claude", &self.command);
        self.surrounded(provost).env("ANTHROPIC_API_KEY", "sk-ant-invented-for-a-test")
    }

    /// Kept from asking anybody but the loopback interface.
    fn surrounded(&self, provost: Provost) -> Provost {
        let provost = provost.env("ANTHROPIC_BASE_URL", self.api.base_url());
        let provost = provost.env("CLAUDE_CODE_MAX_RETRIES", "1");
        [
            "DISABLE_TELEMETRY",
            "DISABLE_AUTOUPDATER",
            "DISABLE_ERROR_REPORTING",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
        ]
        .into_iter()
        .fold(provost, |provost, name| provost.env(name, "1"))
    }

    fn run(&self, more: &[&str]) -> Provost {
        self.provost(&["run", "go"]).args(more)
    }

    /// What the model was told of a tool use.
    fn told(&self, tool_use_id: &str) -> (String, bool) {
        let requests = self.api.main_requests();
        let result = requests.iter().rev().find_map(|request| request.tool_result(tool_use_id));
        let result = result.expect("a result");
        (result.text, result.is_error)
    }

    fn last_request(&self) -> RecordedRequest {
        self.api.main_requests().pop().expect("a request")
    }

    fn cost(&self) -> f64 {
        self.home.last()["total_cost_usd"].as_str().and_then(|cost| cost.parse().ok()).expect("a cost")
    }
}

fn bash(command: &str) -> Turn {
    Turn::tool_use("toolu_1", "Bash", json!({ "command": command, "description": "a test" }))
}

#[test]
fn real_cli_a_text_turn_is_said_recorded_and_billed() {
    let Some(cli) = RealCli::answering(vec![Turn::text("hello from the model")]) else { return };
    let outcome = cli.run(&["--name", "real"]).succeed();
    assert_eq!(outcome.text(), "hello from the model\n");
    let session = cli.home.last();
    assert_eq!(
        (&session["status"], &session["result"]),
        (&json!("completed"), &json!("hello from the model"))
    );
    assert!(session["external_id"].is_string() && session["model"].is_string(), "{session:#}");
    assert_eq!((&session["input_tokens"], &session["output_tokens"]), (&json!(100), &json!(20)));
    assert!(cli.cost() > 0.0);
    cli.home.assert_well();
}

#[test]
fn real_cli_text_is_streamed_to_a_terminal_and_appears_once() {
    let Some(cli) = RealCli::answering(vec![Turn::text("alpha beta gamma")]) else { return };
    let mut run = cli.run(&[]).on_terminal();
    run.expect("alpha beta gamma");
    let (code, screen) = run.finish();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(screen.matches("beta").count(), 1, "{screen}");
    assert!(cli.last_request().wants_stream());
}

#[test]
fn real_cli_its_own_system_prompt_and_the_folders_instructions_reach_the_model() {
    let Some(cli) = RealCli::answering(vec![Turn::text("ok")]) else { return };
    cli.home.write("work/CLAUDE.md", "The word of the day is xyzzy.");
    cli.run(&["--system-prompt", "Also mind the plugh.", "--model", "claude-sonnet-4-5"]).succeed();
    let request = cli.last_request();
    let system = request.body["system"].to_string();
    assert!(system.len() > 1000, "its own prompt is long: {}", system.len());
    assert!(system.contains("Also mind the plugh."), "ours is appended");
    assert!(request.body.to_string().contains("The word of the day is xyzzy."));
    assert!(request.body["model"].as_str().expect("a model").starts_with("claude-sonnet-4-5"));
}

#[test]
fn real_cli_a_command_that_yes_allows_runs_and_is_recorded() {
    let Some(cli) = RealCli::answering(vec![bash("echo out; touch ran"), Turn::text("done")]) else { return };
    assert_eq!(cli.run(&["--yes"]).succeed().text(), "done\n");
    assert!(cli.home.work("ran").exists());
    assert_eq!(cli.told("toolu_1"), ("out".to_owned(), false));
    let calls = cli.home.tool_calls();
    assert_eq!((&calls[0]["status"], &calls[0]["permission_decision"]), (&json!("success"), &json!("allow")));
    cli.home.assert_well();
}

#[test]
fn real_cli_a_command_is_denied_without_a_terminal_and_the_model_sees_why() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("then not")]) else { return };
    assert_eq!(cli.run(&[]).succeed().text(), "then not\n");
    assert!(!cli.home.work("ran").exists());
    let (text, is_error) = cli.told("toolu_1");
    assert!(is_error && text.contains("there is no terminal to ask a person"), "{text}");
    let call = &cli.home.tool_calls()[0];
    assert_eq!((&call["status"], &call["permission_decision"]), (&json!("denied"), &json!("deny")));
    cli.home.assert_well();
}

#[test]
fn real_cli_a_person_at_the_terminal_decides() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("understood")]) else { return };
    let mut run = cli.run(&[]).on_terminal();
    run.expect("touch ran").expect("y = once").write("not today").expect("understood");
    assert_eq!(run.finish().0, Some(0));
    assert!(cli.told("toolu_1").0.contains("not today"));
    assert!(!cli.home.work("ran").exists());
}

#[test]
fn real_cli_reading_inside_is_allowed_and_outside_is_not() {
    let read = |id: &str, path: PathBuf| Turn::tool_use(id, "Read", json!({ "file_path": path }));
    let Some(command) = agent_cli::find() else { return };
    let home = Home::new();
    home.write("work/note.txt", "what is inside");
    home.write("secret.txt", "s3cret");
    let turns = vec![
        read("toolu_in", home.work("note.txt")),
        read("toolu_out", home.path("secret.txt")),
        Turn::text("ok"),
    ];
    let cli = RealCli { home, api: MessagesApi::start(turns), command };
    cli.run(&[]).succeed();
    assert!(cli.told("toolu_in").0.contains("what is inside"));
    let (text, is_error) = cli.told("toolu_out");
    assert!(is_error && !text.contains("s3cret"), "{text}");
    let decisions: Vec<_> =
        cli.home.tool_calls().iter().map(|call| call["permission_decision"].clone()).collect();
    assert_eq!(decisions, ["allow", "deny"]);
}

#[test]
fn real_cli_ctrl_c_in_a_tool_pauses_and_leaves_no_process() {
    let Some(cli) = RealCli::answering(vec![bash("touch begun; sleep 300"), Turn::text("never")]) else {
        return;
    };
    let mut run = cli.run(&["--yes", "--json"]).start();
    run.until_tool_call_is("running");
    assert!(wait_until(|| cli.home.work("begun").exists()));
    run.signal(Signal::INT);
    let outcome = run.finish();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert_eq!(cli.home.last()["status"], "paused");
    cli.home.assert_well();
}

#[test]
fn real_cli_sigterm_in_a_tool_ends_the_session_and_leaves_no_process() {
    let Some(cli) = RealCli::answering(vec![bash("touch begun; sleep 300"), Turn::text("never")]) else {
        return;
    };
    let mut run = cli.run(&["--yes", "--json"]).start();
    run.until_tool_call_is("running");
    assert!(wait_until(|| cli.home.work("begun").exists()));
    run.signal(Signal::TERM);
    assert_eq!(run.finish().code, Some(1));
    assert_eq!(cli.home.last()["status"], "terminated");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_command_in_the_background_ends_with_the_session() {
    let input = json!({ "command": "sleep 300", "description": "a test", "run_in_background": true });
    let turns = vec![Turn::tool_use("toolu_1", "Bash", input), Turn::text("done")];
    let Some(cli) = RealCli::answering(turns) else { return };
    cli.run(&["--yes"]).succeed();
    assert_eq!(cli.home.last()["status"], "completed");
    cli.home.assert_well();
}

#[test]
fn real_cli_killed_with_provost_leaves_no_process_and_goes_on() {
    let turns = vec![bash("touch begun; sleep 3"), Turn::text("back again")];
    let Some(cli) = RealCli::answering(turns) else { return };
    let mut run = cli.run(&["--yes", "--json"]).start();
    run.until_tool_call_is("running");
    assert!(wait_until(|| cli.home.work("begun").exists()));
    run.signal(Signal::KILL);
    let printed = run.finish().json_lines().len();
    assert_eq!(cli.home.last()["status"], "paused");
    assert!(cli.home.timeline().len() >= printed - 1);
    cli.home.assert_well();
    cli.run(&["--resume", "last"]).succeed();
    assert_eq!(cli.home.last()["status"], "completed");
}

#[test]
fn real_cli_a_refused_key_is_said_with_the_next_step() {
    let Some(cli) = RealCli::answering(vec![Turn::error(ApiError::Authentication)]) else { return };
    cli.run(&[]).exit(1).says(&["401", "hint:", "/login"]);
    assert!(!cli.home.error_of_last("failed").is_empty());
    cli.home.assert_well();
}

#[test]
fn real_cli_a_missing_login_is_said_with_the_next_step() {
    let Some(cli) = RealCli::answering(vec![Turn::text("never")]) else { return };
    cli.without_key(&["run", "go"]).exit(1).says(&["hint:", "/login"]);
    assert!(!cli.home.error_of_last("failed").is_empty());
    assert!(cli.api.main_requests().is_empty());
    cli.home.assert_well();
}

#[test]
fn real_cli_an_overloaded_service_fails_the_session() {
    let Some(cli) = RealCli::answering(vec![Turn::error(ApiError::Overloaded)]) else { return };
    cli.run(&[]).exit(1).says(&["529"]);
    let session = cli.home.last();
    assert_eq!(session["status"], "failed");
    assert!(session["total_retries"].as_i64() > Some(0), "{session:#}");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_turn_limit_ends_the_session() {
    let Some(cli) = RealCli::answering(vec![bash("true"), Turn::text("never")]) else { return };
    cli.run(&["--yes", "--max-turns", "1"]).exit(1);
    assert!(cli.home.error_of_last("failed").contains("turns"));
    assert_eq!(cli.api.main_requests().len(), 1);
}

#[test]
fn real_cli_a_budget_ends_the_session_and_refuses_to_go_on() {
    let dear = Usage { input_tokens: 1_000_000, output_tokens: 100_000, ..Usage::default() };
    let Some(cli) = RealCli::answering(vec![bash("true").with_usage(dear), Turn::text("never")]) else {
        return;
    };
    cli.run(&["--yes", "--budget", "0.01"]).exit(3).says(&["budget"]);
    assert_eq!(cli.home.last()["status"], "failed");
    assert!(cli.cost() > 0.01);
    cli.run(&["--resume", "last"]).exit(3).says(&["has spent"]);
    assert_eq!(cli.api.main_requests().len(), 1);
}

#[test]
fn real_cli_a_resumed_session_keeps_its_id_and_counts_each_cost_once() {
    let Some(cli) = RealCli::answering(vec![Turn::text("first"), Turn::text("second")]) else { return };
    cli.run(&[]).succeed();
    let (first, first_cost) = (cli.home.last(), cli.cost());
    assert_eq!(cli.provost(&["run", "and now", "--resume", "last"]).succeed().text(), "second\n");
    let second = cli.home.last();
    assert_eq!(second["external_id"], first["external_id"]);
    let (expected, found) = (2.0 * first_cost, cli.cost());
    assert!((found - expected).abs() < 0.000_002, "{found} is not {expected}");
    let conversation = cli.last_request().body["messages"].to_string();
    assert!(conversation.contains("first") && conversation.contains("and now"), "{conversation}");
    cli.home.assert_well();
}

#[test]
fn real_cli_two_prompts_are_one_conversation_of_one_process() {
    let Some(cli) = RealCli::answering(vec![Turn::text("first"), Turn::text("second")]) else { return };
    let mut run = cli.provost(&["run", "one", "--interactive", "--json"]).start();
    let is_active = |line: &Value| line["item"]["from"] == "processing" && line["item"]["to"] == "active";
    run.until(is_active);
    run.write("two");
    run.until(is_active);
    run.close_input();
    let outcome = run.finish();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("one") && messages.contains("first") && messages.contains("two"), "{messages}");
    assert_eq!(cli.home.sessions().len(), 1);
    cli.home.assert_well();
}

#[test]
fn real_cli_an_emptied_conversation_gets_another_id_and_each_cost_is_counted_once() {
    let Some(cli) = RealCli::answering(vec![Turn::text("quokka"), Turn::text("numbat")]) else { return };
    let mut run = cli.provost(&["run", "one", "--interactive", "--json"]).start();
    let is_active = |line: &Value| line["item"]["from"] == "processing" && line["item"]["to"] == "active";
    run.until(is_active);
    let (before, cost) = (cli.home.last()["external_id"].clone(), cli.cost());
    for prompt in ["/clear", "two"] {
        run.write(prompt);
        run.until(is_active);
    }
    run.close_input();
    assert_eq!(run.finish().code, Some(0));
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("two") && !messages.contains("quokka"), "the conversation was emptied");
    assert_ne!(cli.home.last()["external_id"], before);
    let (expected, found) = (2.0 * cost, cli.cost());
    assert!(cost > 0.0 && (found - expected).abs() < 0.000_002, "{found} is not {expected}");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_session_goes_on_where_its_transcript_is_not() {
    let answers = ["the word is quokka", "second"];
    let Some(cli) = RealCli::answering(answers.map(Turn::text).into()) else { return };
    cli.run(&[]).succeed();
    let before = cli.home.last();
    // Another machine, or the same after its disk was lost: only the database is there.
    fs::remove_dir_all(cli.home.path(".claude")).expect("its files");
    cli.run(&["--resume", "last"]).succeed();
    let session = cli.home.last();
    assert_eq!((&session["result"], &session["external_id"]), (&json!("second"), &before["external_id"]));
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka"), "it remembers: {messages}");
    let is_told = |entry: &Value| entry["item"]["subtype"] == "history_replayed";
    assert!(!cli.home.timeline().iter().any(is_told));
    cli.home.assert_well();
}

/// Its machine is gone: Provost was killed in a tool, the CLI's files and the folder are not where it goes on.
#[test]
fn real_cli_a_killed_session_goes_on_in_another_folder_without_its_files() {
    let turns =
        vec![Turn::text("the word is quokka"), bash("touch begun; sleep 3"), Turn::text("back again")];
    let Some(cli) = RealCli::answering(turns) else { return };
    cli.run(&["--yes"]).succeed();
    let mut run = cli.run(&["--yes", "--json", "--resume", "last"]).start();
    run.until_tool_call_is("running");
    assert!(wait_until(|| cli.home.work("begun").exists()));
    run.signal(Signal::KILL);
    run.finish();
    cli.home.assert_well();
    fs::remove_dir_all(cli.home.path(".claude")).expect("its files");
    fs::create_dir(cli.home.path("elsewhere")).expect("a folder");
    let before = cli.home.last();
    cli.run(&["--resume", "last", "--cwd", "../elsewhere"]).succeed();
    let session = cli.home.last();
    assert_eq!((&session["result"], &session["external_id"]), (&json!("back again"), &before["external_id"]));
    assert!(session["working_directory"].as_str().expect("a folder").ends_with("/elsewhere"));
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka"), "it remembers: {messages}");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_session_whose_transcript_is_gone_is_told_what_was_said() {
    let answers = ["the word is quokka", "second", "of the fork"];
    let Some(cli) = RealCli::answering(answers.map(Turn::text).into()) else { return };
    cli.run(&[]).succeed();
    fs::remove_dir_all(cli.home.path(".claude/projects")).expect("its transcripts");
    cli.home.execute("DELETE FROM transcript_segments");
    let external_id = cli.home.last()["external_id"].as_str().expect("an id").to_owned();
    cli.run(&["--resume", "last"]).succeed();
    let session = cli.home.last();
    assert_eq!((&session["status"], &session["result"]), (&json!("completed"), &json!("second")));
    assert_ne!(session["external_id"], external_id);
    let request = cli.last_request().body;
    assert!(request["system"].to_string().contains("the word is quokka"), "it was told");
    assert!(!request["messages"].to_string().contains("quokka"), "it did not remember");
    // A fork is cut at a message that the new conversation does not have, so it is told, too.
    cli.run(&["--fork", "last", "--at", "2"]).succeed();
    assert_eq!(cli.home.last()["result"], "of the fork");
    let request = cli.last_request().body;
    assert!(request["system"].to_string().contains("the word is quokka"), "it was told");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_fork_begins_with_its_parents_history_up_to_a_message() {
    let answers = ["the word is quokka", "the word is wombat", "of the fork", "of the parent"];
    let Some(cli) = RealCli::answering(answers.map(Turn::text).into()) else { return };
    cli.run(&[]).succeed();
    cli.run(&["--resume", "last"]).succeed();
    let parent = cli.home.last();
    let id = parent["id"].as_str().expect("an id");
    cli.run(&["--fork", id, "--at", "2"]).succeed();
    let fork = cli.home.last();
    assert_eq!((&fork["parent_session_id"], &fork["result"]), (&parent["id"], &json!("of the fork")));
    assert_ne!(fork["external_id"], parent["external_id"]);
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka") && !messages.contains("wombat"), "{messages}");
    cli.run(&["--resume", id]).succeed();
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka") && messages.contains("wombat"), "the parent is as it was");
    assert!(!messages.contains("of the fork"), "{messages}");
    let resumed = cli.home.json(&["session", "show", id]);
    assert_eq!(resumed["external_id"], parent["external_id"]);
    cli.home.assert_well();
}

#[test]
fn real_cli_a_fork_that_starts_late_does_not_know_what_its_parent_was_told_since() {
    let answers = ["the word is quokka", "the word is wombat", "of the fork"];
    let Some(cli) = RealCli::answering(answers.map(Turn::text).into()) else { return };
    cli.run(&[]).succeed();
    let fork =
        cli.home.json(&["session", "fork", "last"])["session"]["id"].as_str().expect("an id").to_owned();
    let parent = cli.home.json(&["session", "show", &fork])["parent_session_id"].clone();
    cli.run(&["--resume", parent.as_str().expect("an id")]).succeed();
    cli.run(&["--resume", &fork]).succeed();
    assert_eq!(cli.home.json(&["session", "show", &fork])["result"], "of the fork");
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka") && !messages.contains("wombat"), "{messages}");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_session_that_went_on_elsewhere_is_not_gone_on_with_from_an_old_file() {
    let answers = ["the word is quokka", "the word is wombat", "third"];
    let Some(cli) = RealCli::answering(answers.map(Turn::text).into()) else { return };
    cli.run(&[]).succeed();
    let external_id = cli.home.last()["external_id"].as_str().expect("an id").to_owned();
    let folder = fs::read_dir(cli.home.path(".claude/projects")).expect("its folders").next();
    let file = folder.expect("one").expect("an entry").path().join(format!("{external_id}.jsonl"));
    let here = fs::read(&file).expect("its transcript");
    cli.run(&["--resume", "last"]).succeed();
    // What was said last was said on another machine.
    fs::write(&file, here).expect("written");
    cli.run(&["--resume", "last"]).succeed();
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka") && messages.contains("wombat"), "{messages}");
    cli.home.assert_well();
}

#[test]
fn real_cli_a_worker_runs_a_background_session() {
    let Some(cli) = RealCli::answering(vec![Turn::text("done in the background")]) else { return };
    at_start_and_end(&cli);
    cli.run(&["--background"]).succeed();
    let variables = r#"["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_MAX_RETRIES", "DISABLE_TELEMETRY",
        "DISABLE_AUTOUPDATER", "DISABLE_ERROR_REPORTING", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"]"#;
    cli.provost(&["worker", "--until-empty"])
        .env("PROVOST_RUNTIME__CLAUDE__ENVIRONMENT", variables)
        .succeed();
    let session = cli.home.last();
    assert_eq!(
        (&session["status"], &session["result"]),
        (&json!("completed"), &json!("done in the background"))
    );
    assert!(!cli.home.path(".claude").exists(), "the person's own settings were not used");
    assert_eq!(hooked(&cli), ["SessionStart startup", "SessionEnd other"]);
    assert!(cli.home.data("agent-config").is_dir());
    cli.home.assert_well();
}

/// Adds a hook that is a shell script.
fn add_hook(cli: &RealCli, name: &str, event: &str, script: &str) {
    let add = cli.provost(&["hook"]).args(&["add", name, "--event", event, "--gate", "--timeout", "30"]);
    add.args(&["--", "sh", "-c", script]).succeed();
}

#[test]
fn real_cli_hooks_rewrite_tell_and_refuse() {
    let turns = vec![bash("touch original"), Turn::text("finished"), Turn::text("now I am")];
    let Some(cli) = RealCli::answering(turns) else { return };
    let telling = |event: &str| {
        let output = json!({ "hookEventName": event, "additionalContext": format!("told at {event}") });
        format!("cat > seen.{event}; echo '{}'", json!({ "hookSpecificOutput": output }))
    };
    for event in ["UserPromptSubmit", "PostToolUse"] {
        add_hook(&cli, event, event, &telling(event));
    }
    let rewritten = json!({ "hookSpecificOutput": { "updatedInput": { "command": "touch rewritten" } } });
    add_hook(&cli, "rewrite", "PreToolUse", &format!("echo '{rewritten}'"));
    add_hook(&cli, "check", "Stop", "test -e checked || { touch checked; echo 'check first' >&2; exit 2; }");
    cli.run(&["--yes"]).succeed();
    assert!(cli.home.work("rewritten").exists() && !cli.home.work("original").exists());
    assert_eq!(cli.home.tool_calls()[0]["tool_input"]["command"], "touch rewritten");
    assert_eq!(cli.home.last()["result"], "now I am");
    let told = cli.last_request().body["messages"].to_string();
    for words in ["told at UserPromptSubmit", "told at PostToolUse", "check first"] {
        assert!(told.contains(words), "{words:?} in {told}");
    }
    let after = fs::read_to_string(cli.home.work("seen.PostToolUse")).expect("a file");
    assert!(after.contains("touch rewritten") && after.contains("tool_response"), "{after}");
    let runs = cli.home.json(&["hook", "log"])["data"].take();
    let of: Vec<_> = runs.as_array().expect("a list").iter().map(|run| run["hook_type"].clone()).collect();
    assert_eq!(of, ["UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "Stop"]);
    cli.home.assert_well();
}

#[test]
fn real_cli_a_hook_that_blocks_stops_a_tool_and_a_prompt() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("done")]) else { return };
    add_hook(&cli, "guard", "PreToolUse", "echo 'not on a Friday' >&2; exit 2");
    cli.run(&["--yes"]).succeed();
    assert!(!cli.home.work("ran").exists());
    let (words, is_error) = cli.told("toolu_1");
    assert!(is_error && words.contains("not on a Friday"), "{words}");
    let asked = cli.api.main_requests().len();
    add_hook(&cli, "closed", "UserPromptSubmit", "echo 'closed today' >&2; exit 2");
    cli.run(&["--yes"]).succeed();
    assert_eq!(cli.api.main_requests().len(), asked, "the prompt reached the model");
    assert!(cli.home.timeline().iter().any(|entry| entry.to_string().contains("closed today")));
    cli.home.assert_well();
}

/// The events at which hooks ran, with what tells them apart.
fn hooked(cli: &RealCli) -> Vec<String> {
    let runs = cli.home.json(&["hook", "log"])["data"].take();
    let of = |run: &Value| {
        let input = &run["input_data"];
        let subject = input["source"].as_str().or(input["reason"].as_str()).unwrap_or_default();
        format!("{} {subject}", run["hook_type"].as_str().expect("a text"))
    };
    runs.as_array().expect("a list").iter().map(of).collect()
}

fn at_start_and_end(cli: &RealCli) {
    let told = r#"echo '{"hookSpecificOutput":{"additionalContext":"told at the start"}}'"#;
    add_hook(cli, "greet", "SessionStart", told);
    add_hook(cli, "bye", "SessionEnd", "cat > seen.end");
}

#[test]
fn real_cli_hooks_run_at_the_start_and_the_end_of_a_session() {
    let Some(cli) = RealCli::answering(vec![Turn::text("first"), Turn::text("second")]) else { return };
    at_start_and_end(&cli);
    cli.run(&["--yes"]).succeed();
    assert!(cli.last_request().body["messages"].to_string().contains("told at the start"));
    let end: Value =
        serde_json::from_slice(&fs::read(cli.home.work("seen.end")).expect("a file")).expect("JSON");
    assert_eq!(end["session_id"], cli.home.last()["external_id"]);
    assert_eq!(hooked(&cli), ["SessionStart startup", "SessionEnd other"]);
    let timeline = cli.home.timeline();
    let of_hooks: Vec<_> = timeline.iter().filter(|entry| entry["kind"] == "hook_execution").collect();
    assert_eq!(of_hooks.len(), 2, "{timeline:#?}");
    let frames = |entry: &&Value| entry["item"]["subtype"].as_str().is_some_and(|it| it.starts_with("hook_"));
    assert_eq!(timeline.iter().filter(frames).count(), 0, "it is told once: {timeline:#?}");
    assert_eq!(cli.home.last()["status"], "completed");
    // Settings of its own that tell of the same events leave them to Provost.
    cli.provost(&["init", "--claude", "--yes"]).succeed();
    cli.run(&["--yes", "--resume", "last"]).succeed();
    assert_eq!(hooked(&cli)[2..], ["SessionStart resume", "SessionEnd other"]);
    assert_eq!(cli.home.sessions().len(), 1);
    cli.home.assert_well();
}

#[test]
fn real_cli_hooks_run_when_a_conversation_is_emptied() {
    let Some(cli) = RealCli::answering(vec![Turn::text("quokka"), Turn::text("numbat")]) else { return };
    at_start_and_end(&cli);
    let mut run = cli.provost(&["run", "one", "--interactive", "--json"]).start();
    let is_active = |line: &Value| line["item"]["from"] == "processing" && line["item"]["to"] == "active";
    run.until(is_active);
    for prompt in ["/clear", "two"] {
        run.write(prompt);
        run.until(is_active);
    }
    run.close_input();
    assert_eq!(run.finish().code, Some(0));
    let expected = ["SessionStart startup", "SessionEnd clear", "SessionStart clear", "SessionEnd other"];
    assert_eq!(hooked(&cli), expected);
    let told = cli.last_request().body["messages"].to_string();
    assert!(told.contains("told at the start") && !told.contains("quokka"), "{told}");
    cli.home.assert_well();
}

#[test]
fn real_cli_settings_of_ones_own_and_those_of_provost_both_apply() {
    let Some(cli) = RealCli::answering(vec![Turn::text("ok")]) else { return };
    at_start_and_end(&cli);
    let hook = |file: &str| json!([{ "hooks": [{ "type": "command", "command": format!("cat > {file}"), "timeout": 10 }] }]);
    let settings = json!({ "hooks": { "SessionStart": hook("own.start"), "Stop": hook("own.stop") } });
    cli.home.write("work/own.json", &settings.to_string());
    let arguments = json!(["--settings", "own.json"]).to_string();
    cli.run(&["--yes"]).env("PROVOST_RUNTIME__CLAUDE__ARGUMENTS", arguments).succeed();
    for file in ["own.start", "own.stop", "seen.end"] {
        assert!(cli.home.work(file).exists(), "{file}");
    }
    assert_eq!(hooked(&cli), ["SessionStart startup", "SessionEnd other"]);
    // What a hook of the program's own said is on record as the program tells it.
    let responses = |entry: &Value| entry["item"]["subtype"] == "hook_response";
    assert_eq!(cli.home.timeline().into_iter().filter(responses).count(), 1);
    cli.home.assert_well();
}

#[test]
fn real_cli_a_session_that_provost_did_not_start_is_judged_captured_and_gone_on_with() {
    let touch = |id: &str, name: &str| {
        Turn::tool_use(id, "Bash", json!({ "command": format!("touch {name}"), "description": "a test" }))
    };
    let turns = vec![
        bash("rm -rf /"),
        touch("toolu_2", "original"),
        touch("toolu_3", "refused"),
        Turn::text("the word is quokka"),
        Turn::text("back again"),
    ];
    let Some(cli) = RealCli::answering(turns) else { return };
    cli.provost(&["init", "--claude", "--yes"]).succeed();
    let rewritten = json!({ "hookSpecificOutput": { "updatedInput": { "command": "touch rewritten" } } });
    add_hook(&cli, "rewrite", "PreToolUse", &format!("grep -q original && echo '{rewritten}' || true"));
    add_hook(
        &cli,
        "greet",
        "SessionStart",
        r#"echo '{"hookSpecificOutput":{"additionalContext":"told at the start"}}'"#,
    );
    let outcome = cli.itself("-p 'go' --allowedTools 'Bash(touch rewritten)'").succeed();
    assert_eq!(outcome.text().trim(), "the word is quokka");
    // What a policy denies is told to the model with the reason; what no policy decides is left to the program's own rules,
    // which judge the input that a hook rewrote.
    let (words, is_error) = cli.told("toolu_1");
    assert!(is_error && words.contains("rm removes /"), "{words}");
    assert!(cli.home.work("rewritten").exists() && !cli.home.work("original").exists());
    assert!(cli.told("toolu_3").1 && !cli.home.work("refused").exists());
    assert!(cli.last_request().body["messages"].to_string().contains("told at the start"));
    let session = cli.home.last();
    assert_eq!((&session["origin"], &session["status"]), (&json!("captured"), &json!("completed")));
    assert_eq!((&session["name"], &session["result"]), (&json!("go"), &json!("the word is quokka")));
    let calls = cli.home.tool_calls();
    let statuses: Vec<_> = calls.iter().map(|call| call["status"].as_str().expect("a text")).collect();
    assert_eq!(statuses[..2], ["denied", "success"]);
    assert_eq!(calls[1]["tool_input"]["command"], "touch rewritten");
    // Provost goes on with it, and the program's own hooks leave that to it.
    cli.provost(&["run", "and now", "--resume", "last"]).succeed();
    let messages = cli.last_request().body["messages"].to_string();
    assert!(messages.contains("quokka") && messages.contains("and now"), "{messages}");
    assert_eq!(cli.home.sessions().len(), 1);
    assert_eq!(cli.home.last()["result"], "back again");
    cli.home.assert_well();
}

#[test]
fn real_cli_what_a_policy_denies_does_not_run_in_any_mode_and_the_model_sees_why() {
    let turns = vec![bash("git push origin main; touch ran"), Turn::text("ok")];
    let Some(cli) = RealCli::answering(turns) else { return };
    let policy = json!({ "policies": [
        { "name": "no pushing", "kind": "rules", "config": { "deny": ["Bash(git push:*)"] } },
    ] });
    let file = cli.home.write("work/policies.json", &policy.to_string()).display().to_string();
    cli.run(&["--yes", "--permission-mode", "bypassPermissions", "--policy", &file]).succeed();
    assert!(!cli.home.work("ran").exists());
    let (told, is_error) = cli.told("toolu_1");
    assert!(is_error && told.contains("git push"), "{told}");
    let decision = decisions(&cli).remove(0);
    assert_eq!(
        (&decision["decision"], &decision["policy_name"]),
        (&json!("deny"), &json!("no pushing")),
        "{decision:#}"
    );
    cli.home.assert_well();
}

/// An agent may have written the settings that its next session reads.
#[test]
fn real_cli_settings_of_the_folder_do_not_turn_the_gate_off() {
    for file in ["work/.claude/settings.json", "work/.claude/settings.local.json", ".claude/settings.json"] {
        let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("ok")]) else { return };
        let settings = json!({
            "env": { "CLAUDE_CODE_SIMPLE": "1" }, "disableAllHooks": true, "permissions": { "allow": ["Bash"] },
        });
        cli.home.write(file, &settings.to_string());
        let policy = json!({ "policies": [
            { "name": "nothing", "kind": "rules", "config": { "deny": ["Bash"] } },
        ] });
        let policies = cli.home.write("policies.json", &policy.to_string()).display().to_string();
        cli.run(&["--yes", "--policy", &policies]).succeed();
        assert!(!cli.home.work("ran").exists(), "{file}");
        assert_eq!(decisions(&cli)[0]["policy_name"], "nothing", "{file}");
    }
}

#[test]
fn real_cli_runs_no_tool_that_provost_could_not_judge() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("then not")]) else { return };
    cli.provost(&["init", "--claude", "--yes"]).succeed();
    fs::remove_file(cli.home.data("provost.db")).expect("a database");
    cli.itself("-p 'go' --allowedTools Bash").succeed();
    assert!(!cli.home.work("ran").exists());
    let (words, is_error) = cli.told("toolu_1");
    assert!(is_error && words.contains("there is no database"), "{words}");
}

#[test]
fn real_cli_a_call_is_asked_and_approved_from_a_second_terminal() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("done")]) else { return };
    let run = cli.run(&["--wait-for-approval", "--json"]).start();
    assert!(wait_until(|| waiting(&cli) == 1));
    assert_eq!(cli.home.last()["status"], "waiting");
    cli.provost(&["approval", "approve", "last"]).succeed();
    assert_eq!(run.finish().code, Some(0));
    assert!(cli.home.work("ran").exists());
    let by: Vec<_> = decisions(&cli).into_iter().map(|mut decision| decision["decided_by"].take()).collect();
    assert_eq!(by, ["mode", "person"]);
    cli.home.assert_well();
}

#[test]
fn real_cli_a_person_changes_what_runs() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("done")]) else { return };
    let run = cli.run(&["--wait-for-approval", "--json"]).start();
    assert!(wait_until(|| waiting(&cli) == 1));
    let input = json!({ "command": "touch changed", "description": "a test" }).to_string();
    cli.provost(&["approval", "approve", "last", "--input", &input]).succeed();
    run.finish();
    assert!(cli.home.work("changed").exists() && !cli.home.work("ran").exists());
}

#[test]
fn real_cli_a_question_expires_and_the_model_is_told_that_nobody_refused() {
    let Some(cli) = RealCli::answering(vec![bash("touch ran"), Turn::text("ok")]) else { return };
    let run = cli.run(&["--wait-for-approval"]).env("PROVOST_APPROVAL__INTERACTIVE_SECONDS", "1");
    run.succeed();
    assert!(!cli.home.work("ran").exists());
    let (told, _) = cli.told("toolu_1");
    assert!(told.contains("nobody answered in time"), "{told}");
    assert_eq!(cli.home.json(&["approval", "show", "last"])["status"], "expired");
    cli.home.assert_well();
}

#[test]
fn real_cli_an_answer_given_after_a_crash_lets_the_call_pass_once() {
    let Some(mut cli) = RealCli::answering(vec![bash("touch ran")]) else { return };
    let run = cli.run(&["--wait-for-approval", "--json"]).start();
    assert!(wait_until(|| waiting(&cli) == 1));
    run.signal(Signal::KILL);
    run.finish();
    // The program that lost us asks the model again until it ends: those turns are not the next run's.
    cli.api = MessagesApi::start(vec![bash("touch ran"), Turn::text("done")]);
    cli.provost(&["approval", "approve", "last"]).succeed().says(&["passes once"]);
    cli.provost(&["run", "go on", "--resume", "last"]).succeed();
    assert!(cli.home.work("ran").exists());
    let is_by_person = |decision: &Value| decision["decided_by"] == "person";
    let by_person: Vec<_> = decisions(&cli).into_iter().filter(is_by_person).collect();
    assert_eq!(by_person.len(), 1, "{by_person:#?}");
    assert_eq!(by_person[0]["decision"], "allow");
    cli.home.assert_well();
}

fn decisions(cli: &RealCli) -> Vec<Value> {
    let timeline = cli.home.timeline();
    let decisions = timeline.into_iter().filter(|entry| entry["kind"] == "decision");
    decisions.map(|mut entry| entry["item"].take()).collect()
}

/// How many questions wait for an answer.
fn waiting(cli: &RealCli) -> usize {
    cli.home.json(&["approval", "list"])["data"].as_array().map_or(0, Vec::len)
}

#[test]
fn real_cli_doctor_finds_it_with_its_version_and_login() {
    let Some(cli) = RealCli::answering(vec![]) else { return };
    let outcome = cli.provost(&["doctor"]).succeed();
    for words in ["2.1.329", "there is one", "everything is there"] {
        assert!(outcome.text().contains(words), "{words:?} in {}", outcome.text());
    }
    let outcome = cli.without_key(&["doctor"]).exit(1);
    assert!(outcome.text().contains("/login"), "{}", outcome.text());
    assert!(
        !cli.api.wait_until(PATIENCE / 1000, |requests| !requests.is_empty()),
        "nothing was asked of the model"
    );
    cli.home.assert_well();
}
