//! Provost among other programs of a shell.

use serde_json::json;

use crate::fixture::Home;

#[test]
fn a_reader_that_goes_away_does_not_take_the_session_with_it() {
    let home = Home::new();
    let scenario = home.scenario(&json!([[{ "say": "one" }, { "say": "two" }, { "say": "three" }]]));
    let run = format!("\"$provost\" run go --runtime scripted --scenario {scenario} --json | head -1");
    assert_eq!(home.shell(&run).succeed().json_lines().len(), 1);
    assert!(crate::fixture::wait_until(|| home.last()["status"] == "completed"));
    home.assert_well();
}

#[test]
fn output_that_cannot_be_written_ends_the_session_and_is_an_error() {
    let home = Home::new();
    let turns = json!([[{ "say": "one" }, { "tool": "Bash", "input": { "command": "sleep 300" } }]]);
    let scenario = home.scenario(&turns);
    for flag in ["", "--json"] {
        let run =
            format!("\"$provost\" run go --yes --runtime scripted --scenario {scenario} {flag} > /dev/full");
        home.shell(&run).exit(1).says(&["No space left on device"]);
        home.assert_no_process();
        let list = home.provost(&["session", "list", "--json"]).succeed();
        assert_eq!(list.stderr, "", "nothing had to be recovered");
        assert_eq!(list.json()["data"][0]["status"], "terminated");
    }
    home.provost(&["session", "list"]).succeed();
    home.shell("\"$provost\" session list > /dev/full").exit(1).says(&["No space left on device"]);
}

#[test]
fn a_closed_pipe_is_no_error() {
    let home = Home::new();
    for _ in 0..3 {
        home.play(&json!([[{ "say": "hi" }]])).succeed();
    }
    for command in [
        "session list",
        "session list --json",
        "session show last",
        "session timeline last",
        "config show",
        "completion bash",
        "db status",
    ] {
        // The reader is gone before the first line is written.
        let script = format!("{{ \"$provost\" {command}; echo \"exit $?\" >&2; }} | true");
        let outcome = home.shell(&script).succeed();
        assert!(outcome.stderr.contains("exit 0"), "{command}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("error"), "{command}: {}", outcome.stderr);
    }
}

#[test]
fn completion_is_offered_for_every_shell() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.provost(&["completion", shell]).succeed().text();
        assert!(script.contains("provost") && script.contains("timeline"), "{shell}");
        assert!(!script.contains("agent-scripted"), "the hidden command stays hidden: {shell}");
    }
    home.provost(&["completion", "cmd"]).exit(2);
}

#[test]
fn version_and_help_need_neither_settings_nor_a_home() {
    let home = Home::new();
    home.write(".config/provost/config.toml", "this is no TOML");
    let version = home.provost(&["--version"]).succeed().text();
    assert_eq!(version, format!("provost {}\n", env!("CARGO_PKG_VERSION")));
    assert!(home.provost(&["--help"]).succeed().text().contains("provost demo"));
    assert!(home.provost(&["completion", "bash"]).succeed().stdout.len() > 100);
    assert!(!home.data("").exists(), "nothing was created");
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let home = Home::new();
    home.provost(&["sesion", "list"]).exit(2).says(&["session"]);
    home.provost(&["run", "--budget", "lots"]).exit(2).says(&["lots"]);
    home.provost(&["run", "--max-turns", "0", "go"]).exit(2).says(&["0"]);
    home.provost(&["session", "list", "--limit", "0"]).exit(2);
    home.provost(&["session", "list", "--cursor", "nonsense"]).exit(2).says(&["nonsense"]);
    home.provost(&["session", "list", "--status", "happy"]).exit(2).says(&["happy", "completed"]);
    home.provost(&["session", "timeline", "last", "--after", "-1"]).exit(2);
    home.provost(&["run", "go", "--resume", "last", "--model", "x"]).exit(2).says(&["--model"]);
    home.provost(&[]).exit(2);
}
