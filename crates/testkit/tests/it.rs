//! The imitation against the program it is made for; runs under `./test --full`.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use provost_testkit::agent_cli;
use provost_testkit::messages_api::{ApiError, MessagesApi, Turn};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Lets the CLI answer one prompt in `folder`, with nothing in its environment but what makes it stay on loopback.
fn run_cli(cli: &Path, api: &MessagesApi, folder: &Path, options: &[&str]) -> Output {
    let inside = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path).expect("a folder for the CLI");
        path
    };
    Command::new(cli)
        .args(["--print", "say hello", "--output-format", "json", "--setting-sources="])
        .args(options)
        .current_dir(inside("project"))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", inside("home"))
        .env("CLAUDE_CONFIG_DIR", inside("config"))
        .env("CLAUDE_CODE_TMPDIR", inside("tmp"))
        .env("ANTHROPIC_BASE_URL", api.base_url())
        .env("ANTHROPIC_API_KEY", "invented")
        .env("CLAUDE_CODE_MAX_RETRIES", "1")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_TELEMETRY", "1")
        .env("DISABLE_AUTOUPDATER", "1")
        .env("DISABLE_ERROR_REPORTING", "1")
        .output()
        .expect("the CLI runs")
}

fn result_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
}

#[test]
fn real_cli_plays_a_script_with_a_tool() {
    let Some(cli) = agent_cli::find() else { return };
    let folder = TempDir::new().unwrap();
    let command = json!({"command": "echo seen > made-by-tool"});
    let api = MessagesApi::start(vec![Turn::tool_use("toolu_1", "Bash", command), Turn::text("all done")]);
    let output = run_cli(&cli, &api, folder.path(), &["--allowedTools", "Bash"]);
    let result = result_of(&output);
    assert_eq!(result["result"], "all done", "{result}");
    assert_eq!(result["is_error"], false, "{result}");
    assert_eq!(fs::read_to_string(folder.path().join("project/made-by-tool")).unwrap(), "seen\n");
    let requests = api.main_requests();
    assert_eq!(requests.len(), 2);
    assert!(requests.iter().all(|request| request.wants_stream()));
    assert_eq!(requests[0].header("x-api-key"), Some("invented"));
    assert!(!requests[1].tool_result("toolu_1").unwrap().is_error);
}

#[test]
fn real_cli_reports_an_error_of_the_api() {
    let Some(cli) = agent_cli::find() else { return };
    for (error, status) in [(ApiError::Authentication, 401), (ApiError::InvalidRequest, 400)] {
        let folder = TempDir::new().unwrap();
        let api = MessagesApi::start(vec![Turn::error(error)]);
        let result = result_of(&run_cli(&cli, &api, folder.path(), &[]));
        assert_eq!(result["is_error"], true, "{result}");
        assert_eq!(result["api_error_status"], status, "{result}");
    }
}

#[test]
fn real_cli_gets_over_a_passing_error() {
    let Some(cli) = agent_cli::find() else { return };
    let folder = TempDir::new().unwrap();
    let api =
        MessagesApi::start(vec![Turn::passing_error(ApiError::Overloaded, 1), Turn::text("well again")]);
    let result = result_of(&run_cli(&cli, &api, folder.path(), &[]));
    assert_eq!(result["result"], "well again", "{result}");
}
