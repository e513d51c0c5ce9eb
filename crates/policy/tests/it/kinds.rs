//! The kinds of policies that no set of the corpora has: tools, servers, hours, blocked words, folders that may be emptied.

use domain::{permission::Decision, time::Timestamp};
use provost_policy::{Call, Links, PolicyFile, PolicySet};
use serde_json::{Value, json};

fn set(kind: &str, config: &Value) -> PolicySet {
    let file = json!({
        "surroundings": { "home": "/home/dev", "project_root": "/home/dev/project" },
        "policies": [{ "name": "one", "kind": kind, "config": config }],
    });
    let file: PolicyFile = serde_json::from_value(file).expect("a file");
    file.read().expect("policies").set().clone()
}

fn decided(set: &PolicySet, tool_name: &str, input: &Value, now: Timestamp) -> Option<Decision> {
    let call = Call { tool_name, input, cwd: "/home/dev/project" };
    set.judge(&set.plan(&call), &Links::default(), now).decision
}

fn tool(set: &PolicySet, tool_name: &str) -> Option<Decision> {
    decided(set, tool_name, &json!({}), Timestamp::from_micros(0))
}

fn bash(set: &PolicySet, command: &str) -> Option<Decision> {
    decided(set, "Bash", &json!({ "command": command }), Timestamp::from_micros(0))
}

#[test]
fn tools_are_decided_by_their_names_and_deny_comes_first() {
    let set = set(
        "tool_list",
        &json!({ "deny": ["mcp__prod__*"], "ask": ["mcp__*"], "allow": ["TodoWrite", "mcp__*"] }),
    );
    assert_eq!(tool(&set, "mcp__prod__drop"), Some(Decision::Deny));
    assert_eq!(tool(&set, "mcp__db__read"), Some(Decision::Ask));
    assert_eq!(tool(&set, "TodoWrite"), Some(Decision::Allow));
    assert_eq!(tool(&set, "TodoWriter"), None);
    assert_eq!(bash(&set, "ls"), None, "a tool that is in no list is not decided");
}

#[test]
fn servers_are_decided_by_server_and_tool() {
    let config = json!({ "deny": ["prod"], "ask": ["db/write_*"], "allow": ["db"], "default": "deny" });
    let set = set("mcp", &config);
    assert_eq!(tool(&set, "mcp__prod__read"), Some(Decision::Deny));
    assert_eq!(tool(&set, "mcp__db__write_row"), Some(Decision::Ask));
    assert_eq!(tool(&set, "mcp__db__read"), Some(Decision::Allow));
    assert_eq!(tool(&set, "mcp__database__read"), Some(Decision::Deny), "no server of part of a name");
    assert_eq!(tool(&set, "TodoWrite"), None);
}

#[test]
fn outside_of_its_hours_a_schedule_denies() {
    let config = json!({
        "windows": [{ "days": ["mon", "fri"], "from": "09:00", "to": "17:00" }, { "days": ["fri"], "from": "22:00", "to": "02:00" }],
        "time_zone": "+02:00", "tools": ["Bash"],
    });
    let set = set("schedule", &config);
    let at = |text: &str| {
        let instant: jiff::Timestamp = text.parse().expect("a time");
        decided(&set, "Bash", &json!({ "command": "ls" }), Timestamp::from_micros(instant.as_microsecond()))
    };
    // 2026-11-27 is a Friday; the times are two hours behind those of the windows.
    assert_eq!(at("2026-11-27T06:59:59Z"), Some(Decision::Deny));
    assert_eq!(at("2026-11-27T07:00:00Z"), None);
    assert_eq!(at("2026-11-27T15:00:00Z"), Some(Decision::Deny), "the end is outside");
    assert_eq!(at("2026-11-27T23:30:00Z"), None, "over midnight, into Saturday");
    assert_eq!(at("2026-11-28T00:00:00Z"), Some(Decision::Deny));
    assert_eq!(at("2026-11-26T12:00:00Z"), Some(Decision::Deny), "a Thursday");
    assert_eq!(tool(&set, "Read"), Some(Decision::Ask), "it names no file");
}

#[test]
fn blocked_words_are_denied_however_the_command_is_wrapped() {
    let set = set("command", &json!({ "blocked": ["terraform destroy", "*gcloud*"] }));
    for command in
        ["terraform destroy", "sudo env A=1 terraform -chdir=x destroy -auto-approve", "echo gcloud"]
    {
        assert_eq!(bash(&set, command), Some(Decision::Deny), "{command}");
    }
    assert_eq!(bash(&set, "terraform $X"), Some(Decision::Ask));
    assert_eq!(bash(&set, "terraform plan"), None);
}

#[test]
fn folders_that_may_be_emptied_are_no_reason_to_deny() {
    let classes = json!({ "recursive_force_remove": "deny" });
    let set = set("command", &json!({ "classes": classes, "removable": ["./target/**", "/tmp/**"] }));
    for command in ["rm -rf target", "rm -rf target/debug /tmp/x", "cd target && rm -rf ."] {
        assert_ne!(bash(&set, command), Some(Decision::Deny), "{command}");
    }
    for command in ["rm -rf target src", "rm -rf target/../src", "rm -rf \"$X\"", "rm -rf targets", "rm -rf"]
    {
        assert_eq!(bash(&set, command), Some(Decision::Deny), "{command}");
    }
}

#[test]
fn what_denies_or_asks_the_shell_is_about_every_use_of_it() {
    for rule in ["Bash", "Bash(*)", "*", "Ba*"] {
        for (list, decision) in [("deny", Decision::Deny), ("ask", Decision::Ask)] {
            let set = set("rules", &json!({ list: [rule], "allow": ["Bash"] }));
            for command in ["ls", "cd x", "> file", "x=1"] {
                assert_eq!(bash(&set, command), Some(decision), "{list} {rule}: {command}");
            }
        }
    }
    let allowed = set("rules", &json!({ "allow": ["*"] }));
    assert_eq!(bash(&allowed, "ls"), None, "commands are allowed command by command");
}

#[test]
fn the_details_of_a_policy_are_an_object() {
    for kind in ["rules", "file_access", "command", "network", "tool_list", "mcp", "schedule"] {
        let file = json!({ "policies": [{ "name": "one", "kind": kind, "config": [] }] });
        let file: PolicyFile = serde_json::from_value(file).expect("a file");
        let error = file.read().expect_err("no object").to_string();
        assert!(error.contains("a JSON object"), "{kind}: {error}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_field() {
    let cases = [
        ("rules", json!({ "allow": [], "deny": [1] }), "deny: invalid type: integer `1`, expected a string"),
        ("rules", json!({ "default": "maybe" }), "default: "),
        ("network", json!({ "ports": [70000], "allow": [] }), "ports: "),
        ("schedule", json!({ "windows": [{ "from": 1, "to": "17:00" }] }), "windows: "),
        ("schedule", json!({ "tools": [] }), "missing field `windows`"),
    ];
    for (kind, config, expected) in cases {
        let file = json!({ "policies": [{ "name": "one", "kind": kind, "config": config }] });
        let file: PolicyFile = serde_json::from_value(file).expect("a file");
        let error = file.read().expect_err("a wrong value").to_string();
        assert!(error.contains(expected), "{kind}: {error}");
    }
}
