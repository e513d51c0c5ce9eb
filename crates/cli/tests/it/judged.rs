//! What running sessions may do is decided by policies: the built-in ones, the settings, and the session's own.

use serde_json::{Value, json};

use crate::fixture::{Home, Provost};

on_both_databases!(
    what_policies_deny_does_not_run_in_any_mode,
    a_session_brings_policies_of_its_own,
    a_call_that_comes_again_is_decided_again_on_record,
);

fn bash(commands: &[&str]) -> Value {
    let calls = commands.iter().map(|command| json!({ "tool": "Bash", "input": { "command": command } }));
    json!([calls.chain([json!({ "say": "done" })]).collect::<Vec<_>>()])
}

fn statuses(home: &Home) -> Vec<String> {
    home.tool_calls().iter().map(|call| call["status"].as_str().expect("a text").to_owned()).collect()
}

fn decisions(home: &Home) -> Vec<Value> {
    let timeline = home.timeline();
    let decisions = timeline.into_iter().filter(|entry| entry["kind"] == "decision");
    decisions.map(|mut entry| entry["item"].take()).collect()
}

fn play_in(home: &Home, mode: &str, commands: &[&str]) -> Provost {
    home.play(&bash(commands)).args(&["--permission-mode", mode])
}

fn what_policies_deny_does_not_run_in_any_mode(home: &Home) {
    home.write("work/precious/a", "");
    for mode in ["default", "acceptEdits", "bypassPermissions", "dontAsk", "plan"] {
        play_in(home, mode, &["cd /; rm -r -f $OLDPWD/precious"]).arg("--yes").succeed();
        assert_eq!(statuses(home), ["denied"], "{mode}");
        let decision = &decisions(home)[0];
        assert_eq!(
            (&decision["decided_by"], &decision["policy_name"]),
            (&json!("policy"), &json!("built-in commands")),
            "{mode}"
        );
    }
    assert!(home.work("precious/a").exists());
    let lines = home.json(&["audit", "list", "--action", "tool_call.decide", "--outcome", "denied"]);
    let line = &lines["data"][0];
    assert_eq!(
        (&line["detail"]["tool"], &line["detail"]["policy"]),
        (&json!("Bash"), &json!("built-in commands"))
    );
    home.provost(&["audit", "verify"]).succeed();
    home.assert_well();
}

fn a_session_brings_policies_of_its_own(home: &Home) {
    let policies = json!({ "policies": [
        { "name": "making", "kind": "rules", "config": { "allow": ["Bash(echo:*)"], "deny": ["Bash(git push:*)"] } },
    ] });
    let file = home.write("work/policies.json", &policies.to_string()).display().to_string();
    home.play(&bash(&["echo one > two.txt", "git push", "echo ok"])).args(&["--policy", &file]).succeed();
    // A redirection writes a file, and no rule allows that.
    assert_eq!(statuses(home), ["denied", "denied", "success"]);
    let decisions = decisions(home);
    let by: Vec<_> = decisions.iter().map(|decision| &decision["policy_name"]).collect();
    assert_eq!(by, [&Value::Null, &Value::Null, &json!("making"), &json!("making")]);
    home.assert_well();
}

fn a_call_that_comes_again_is_decided_again_on_record(home: &Home) {
    let policies =
        json!({ "policies": [{ "name": "p", "kind": "rules", "config": { "allow": ["Bash(true)"] } }] });
    let file = home.write("work/policies.json", &policies.to_string()).display().to_string();
    home.play(&bash(&["true x", "true x", "true", "true"])).args(&["--policy", &file]).succeed();
    let decisions = decisions(home);
    let by: Vec<_> =
        decisions.iter().map(|decision| decision["decided_by"].as_str().expect("a text")).collect();
    assert_eq!(by, ["mode", "mode", "policy", "cache"]);
    assert_eq!(decisions[2]["context"]["input_sha256"], decisions[3]["context"]["input_sha256"]);
    assert_eq!(home.last()["total_permission_checks"], json!(4));
}

#[test]
fn settings_say_what_is_restricted() {
    let home = Home::new();
    home.write("work/.env", "A=1");
    play_in(&home, "bypassPermissions", &["cat .env", "terraform destroy", "echo ok"])
        .env("PROVOST_POLICY__BLOCKED_COMMANDS", r#"["terraform destroy"]"#)
        .succeed();
    assert_eq!(statuses(&home), ["denied", "denied", "success"]);
    play_in(&home, "bypassPermissions", &["cat .env"]).env("PROVOST_POLICY__BUILT_IN", "false").succeed();
    assert_eq!(statuses(&home), ["success"]);
}

#[test]
fn policies_that_cannot_be_used_stop_a_session_before_it_begins() {
    let home = Home::new();
    let turns = bash(&["true"]);
    let bad = home.write(
        "work/bad.json",
        r#"{"policies": [{"name": "x", "kind": "rules", "config": {"deny": ["Bash("]}}]}"#,
    );
    let run = |file: &str| home.play(&turns).args(&["--policy", file]);
    run(&bad.display().to_string()).exit(2).says(&["policy \"x\": deny: "]);
    let broken = home.write("work/broken.json", "{\n  \"policies\": [}");
    run(&broken.display().to_string()).exit(2).says(&["line 2 column 16"]);
    run("not-there.json").exit(1).says(&["not-there.json"]);
    assert!(home.sessions().is_empty());
    let good =
        home.write("work/good.json", r#"{"policies": [{"name": "x", "kind": "rules", "config": {}}]}"#);
    run(&good.display().to_string())
        .env("PROVOST_POLICY__CUSTOM", "false")
        .exit(3)
        .says(&["policy.custom", "hint: start it without --policy"]);
    home.play(&turns)
        .env("PROVOST_POLICY__BLOCKED_COMMANDS", r#"[" "]"#)
        .exit(2)
        .says(&["policy \"built-in commands\": blocked", "provost config show --origin"]);
    home.write("work/provost.toml", "[policy]\nbuilt_in = false\n");
    home.play(&turns).exit(2).says(&["policy.built_in"]);
    home.assert_no_process();
}
