//! Hooks: programs and what is built in, at the events of an agent. Servers have a file of their own.

use std::{fs, time::Instant};

use serde_json::{Value, json};

use crate::fixture::{Home, Outcome, Provost, assert_numbered_without_gaps, wait_until};

on_both_databases!(
    a_hook_that_blocks_stops_a_tool_and_the_model_hears_why,
    a_rewritten_input_is_what_runs_and_what_is_recorded,
    a_failing_gate_stays_shut_and_a_failing_observer_does_not,
    hooks_run_by_priority_and_the_first_block_ends_the_chain,
    a_hook_added_while_a_session_runs_takes_effect,
    what_is_built_in_is_written_with_the_run,
);

const AT_GATE: &str = "PreToolUse";

/// Adds a hook that is a shell script.
fn add(home: &Home, name: &str, event: &str, flags: &[&str], script: &str) {
    let hook = home.provost(&["hook"]).args(&["add", name, "--event", event]).args(flags);
    hook.args(&["--", "sh", "-c", script]).succeed();
}

fn bash(command: &str) -> Value {
    json!({ "tool": "Bash", "input": { "command": command } })
}

/// An agent that runs what it likes, unless a hook is against it; it says what became of its last tool.
fn free(home: &Home, steps: &[Value]) -> Provost {
    let told = json!({ "when": "denied", "say": "I was refused" });
    let ran = json!({ "when": "allowed", "say": "it ran" });
    let steps: Vec<_> = steps.iter().cloned().chain([told, ran]).collect();
    home.play(&json!([steps])).args(&["--permission-mode", "bypassPermissions"])
}

fn said(outcome: &Outcome) -> String {
    outcome.text().trim_end().to_owned()
}

fn log(home: &Home, more: &[&str]) -> Vec<Value> {
    let arguments: Vec<_> = ["hook", "log"].into_iter().chain(more.iter().copied()).collect();
    home.json(&arguments)["data"].as_array_mut().map(std::mem::take).expect("a list")
}

fn the_run(home: &Home) -> Value {
    let runs = log(home, &[]);
    let [run] = runs.as_slice() else { panic!("one run, not {runs:#?}") };
    run.clone()
}

/// An answer that puts another command in the place of the agent's.
fn rewriting(command: &str) -> String {
    let output = json!({ "hookEventName": AT_GATE, "updatedInput": { "command": command } });
    format!("echo '{}'", json!({ "hookSpecificOutput": output }))
}

fn telling(event: &str, context: &str) -> String {
    let output = json!({ "hookEventName": event, "additionalContext": context });
    format!("echo '{}'", json!({ "hookSpecificOutput": output }))
}

fn a_hook_that_blocks_stops_a_tool_and_the_model_hears_why(home: &Home) {
    add(
        home,
        "guard",
        AT_GATE,
        &["--matcher", "Bash|Write"],
        "cat > seen; echo 'not on a Friday' >&2; exit 2",
    );
    let outcome = free(home, &[bash("touch ran")]).succeed();
    assert_eq!(said(&outcome), "I was refused");
    assert!(!home.work("ran").exists());
    let call = &home.tool_calls()[0];
    assert_eq!((&call["status"], &call["permission_reason"]), (&json!("denied"), &json!("not on a Friday")));
    assert!(call["tool_output"].to_string().contains("not on a Friday"), "{call:#}");

    let seen: Value = serde_json::from_slice(&fs::read(home.work("seen")).expect("a file")).expect("JSON");
    assert_eq!((&seen["hook_event_name"], &seen["tool_name"]), (&json!(AT_GATE), &json!("Bash")));
    assert_eq!(seen["tool_input"], json!({ "command": "touch ran" }));
    assert_eq!(seen["session_id"], home.last()["external_id"]);
    assert_eq!(seen["cwd"], json!(home.path("work")));

    let run = the_run(home);
    assert_eq!((&run["hook_name"], &run["continue_execution"]), (&json!("guard"), &json!(false)));
    assert_eq!((&run["tool_call_id"], &run["tool_use_id"]), (&call["id"], &call["tool_use_id"]));
    assert_eq!(run["output_data"], json!({ "decision": "block", "reason": "not on a Friday" }));
    assert_eq!(run["input_data"], seen);
    assert!(run["error_message"].is_null() && run["duration_us"].as_i64() > Some(0), "{run:#}");
    assert_eq!(home.last()["total_hook_executions"], 1);
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

fn a_rewritten_input_is_what_runs_and_what_is_recorded(home: &Home) {
    add(home, "first", AT_GATE, &["--priority", "1"], &rewriting("touch rewritten"));
    add(home, "second", AT_GATE, &["--priority", "2"], "cat > seen");
    let outcome = free(home, &[bash("touch original")]).succeed();
    assert_eq!(said(&outcome), "it ran");
    assert!(home.work("rewritten").exists() && !home.work("original").exists());
    let call = &home.tool_calls()[0];
    assert_eq!(
        (&call["status"], &call["tool_input"]["command"]),
        (&json!("success"), &json!("touch rewritten"))
    );
    let seen = fs::read_to_string(home.work("seen")).expect("a file");
    assert!(seen.contains("touch rewritten") && !seen.contains("touch original"), "{seen}");
    let given: Vec<_> =
        log(home, &[]).iter().map(|run| run["input_data"]["tool_input"]["command"].clone()).collect();
    assert_eq!(given, ["touch original", "touch rewritten"]);
    home.assert_well();
}

fn a_failing_gate_stays_shut_and_a_failing_observer_does_not(home: &Home) {
    let failures = [
        ("crash", "echo broken >&2; exit 7", "it exited with code 7: broken"),
        ("death", "kill -9 $$", "it was ended by signal 9"),
        ("hang", "sleep 1000 & sleep 1000", "it did not answer within 0.5 s"),
        ("flood", "head -c 100000000 /dev/zero | tr '\\0' a", "it wrote more than 1048576 bytes"),
        ("nonsense", "echo all good", "its answer is not JSON"),
        ("bytes", "printf '{\\377}'", "its answer is not UTF-8"),
        ("wrong", r#"echo '{"decision":"maybe"}'"#, "decision is \"maybe\"; accepted: approve, block"),
    ];
    for (name, script, error) in failures {
        for is_gate in [true, false] {
            let timeout = if name == "hang" { "0.5" } else { "20" };
            let flags = ["--timeout", timeout, "--gate"];
            add(home, name, AT_GATE, if is_gate { &flags } else { &flags[..2] }, script);
            let began = Instant::now();
            let outcome = free(home, &[bash("true")]).succeed();
            let expected = if is_gate { "I was refused" } else { "it ran" };
            assert_eq!(said(&outcome), expected, "{name}");
            assert!(began.elapsed().as_secs() < 15, "{name} took {:?}", began.elapsed());
            let run = the_run(home);
            let message = run["error_message"].as_str().expect("an error");
            assert!(message.starts_with(error), "{name}: {message}");
            assert_eq!(run["continue_execution"], json!(!is_gate), "{name}");
            if is_gate {
                let reason = home.tool_calls()[0]["permission_reason"].clone();
                assert_eq!(reason, json!(format!("the hook {name} failed: {message}")));
            }
            home.assert_no_process();
            home.provost(&["hook", "remove", name]).succeed();
        }
    }
    home.assert_well();
}

fn hooks_run_by_priority_and_the_first_block_ends_the_chain(home: &Home) {
    let note = |name: &str| format!("echo {name} >> order");
    add(home, "late", AT_GATE, &["--priority", "500"], &note("late"));
    add(home, "usual", AT_GATE, &[], &note("usual"));
    add(home, "early", AT_GATE, &["--priority=-5"], &note("early"));
    add(home, "resting", AT_GATE, &["--disabled"], &note("resting"));
    add(home, "for others", AT_GATE, &["--matcher", "Write|mcp__.*"], &note("other"));
    assert_eq!(said(&free(home, &[bash("true")]).succeed()), "it ran");
    assert_eq!(fs::read_to_string(home.work("order")).expect("a file"), "early\nusual\nlate\n");

    fs::remove_file(home.work("order")).expect("removed");
    add(home, "shut", AT_GATE, &["--priority", "50"], "echo shut >> order; exit 2");
    assert_eq!(said(&free(home, &[bash("true")]).succeed()), "I was refused");
    assert_eq!(fs::read_to_string(home.work("order")).expect("a file"), "early\nshut\n");
    assert_eq!(home.tool_calls()[0]["permission_reason"], "it gave no reason");

    home.provost(&["hook", "disable", "shut"]).succeed();
    home.provost(&["hook", "enable", "resting"]).succeed();
    fs::remove_file(home.work("order")).expect("removed");
    assert_eq!(said(&free(home, &[bash("true")]).succeed()), "it ran");
    assert_eq!(fs::read_to_string(home.work("order")).expect("a file"), "early\nusual\nresting\nlate\n");
    home.assert_well();
}

fn a_hook_added_while_a_session_runs_takes_effect(home: &Home) {
    let wait = json!({ "tool": "Bash", "input": { "command": "touch waiting; until test -e go; do sleep 0.05; done" } });
    let mut run = free(home, &[bash("true"), wait, bash("touch ran")]).arg("--json").start();
    assert!(wait_until(|| home.work("waiting").exists()));
    add(home, "guard", AT_GATE, &["--gate"], "exit 2");
    // What was read before the gate of the waiting tool is believed for a second.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    home.write("work/go", "");
    run.until_tool_call_is("denied");
    run.finish();
    assert!(!home.work("ran").exists());
    home.assert_well();
}

fn what_is_built_in_is_written_with_the_run(home: &Home) {
    let add = |name: &str, event: &str| {
        home.provost(&["hook"]).args(&["add", name, "--event", event, "--builtin", name]).succeed();
    };
    add("audit", AT_GATE);
    add("metrics", "PostToolUse");
    add("persistence", "PostToolUseFailure");
    let long = "x".repeat(5000);
    let steps = [bash("true"), bash(&format!("exit 3 # {long}")), bash("true")];
    free(home, &steps).succeed();
    let runs = log(home, &[]);
    let by: Vec<_> = runs.iter().map(|run| run["hook_name"].as_str().expect("a name")).collect();
    assert_eq!(by, ["audit", "metrics", "audit", "persistence", "audit", "metrics"]);
    let whole = runs[3]["input_data"]["tool_input"]["command"].as_str().expect("a command");
    assert_eq!(whole.len(), 5000 + "exit 3 # ".len());
    let cut = runs[2]["input_data"]["tool_input"]["command"].as_str().expect("a command");
    assert!(cut.ends_with("bytes more") && cut.len() < 1200, "{cut}");

    let export = home.provost(&["db", "export"]).succeed().text();
    let lines = |table: &str| export.lines().filter(|line| line.contains(&format!("\"{table}\""))).count();
    assert_eq!((lines("audit_log") > 0, lines("metrics") > 0), (true, true), "{export}");
    assert_eq!(export.matches("hook_event.record").count(), 3);
    assert_eq!(export.matches("tool.calls").count(), 2);
    assert_eq!(export.matches("tool.duration_ms").count(), 2);
    home.assert_well();
}

#[test]
fn context_is_told_to_the_model_and_stands_in_the_record() {
    let home = Home::new();
    for event in ["UserPromptSubmit", AT_GATE, "PostToolUse", "Stop"] {
        add(&home, &format!("at {event}"), event, &[], &telling(event, &format!("told at {event}")));
    }
    free(&home, &[bash("true")]).succeed();
    let timeline = home.timeline();
    let is_told = |entry: &&Value| entry["item"]["content"]["isSynthetic"] == true;
    let told: Vec<_> =
        timeline.iter().filter(is_told).map(|entry| entry["item"]["content"].to_string()).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    for (told, event) in told.iter().zip(["UserPromptSubmit", AT_GATE, "PostToolUse", "Stop"]) {
        assert!(told.contains(&format!("told at {event}")), "{told}");
    }
    assert_eq!(log(&home, &["--event", "Stop"]).len(), 1);
    home.assert_well();
}

#[test]
fn a_refused_prompt_reaches_no_model() {
    let home = Home::new();
    add(
        &home,
        "no prompts",
        "UserPromptSubmit",
        &[],
        r#"echo '{"decision":"block","reason":"closed today"}'"#,
    );
    let outcome = free(&home, &[bash("touch ran")]).succeed();
    assert_eq!(said(&outcome), "");
    assert!(!home.work("ran").exists());
    assert!(home.timeline().iter().any(|entry| entry.to_string().contains("blocked by hook:\\ncl")));
    assert_eq!(the_run(&home)["continue_execution"], false);
    home.assert_well();
}

#[test]
fn an_agent_that_may_not_stop_goes_on() {
    let home = Home::new();
    let script =
        "test -e done && exit 0; echo '{\"decision\":\"block\",\"reason\":\"the check is missing\"}'";
    add(&home, "check", "Stop", &[], script);
    let turns = json!([[{ "say": "finished" }], [{ "tool": "Bash", "input": { "command": "touch done" } }, { "say": "now I am" }]]);
    let run = home.play(&turns).args(&["--permission-mode", "bypassPermissions"]).succeed();
    assert!(run.text().ends_with("now I am\n"), "{}", run.text());
    let active: Vec<_> =
        log(&home, &[]).iter().map(|run| run["input_data"]["stop_hook_active"].clone()).collect();
    assert_eq!(active, [false, true]);
    assert!(home.timeline().iter().any(|entry| entry.to_string().contains("the check is missing")));
    home.assert_well();
}

#[test]
fn a_hook_can_have_a_person_asked_and_never_allows_by_itself() {
    let home = Home::new();
    let decide = |decision: &str| {
        let output = json!({ "permissionDecision": decision, "permissionDecisionReason": "sure?" });
        format!("echo '{}'", json!({ "hookSpecificOutput": output }))
    };
    add(&home, "asks", AT_GATE, &[], &decide("ask"));
    assert_eq!(said(&free(&home, &[bash("true")]).succeed()), "I was refused");
    assert_eq!(said(&free(&home, &[bash("true")]).arg("--yes").succeed()), "it ran");
    home.provost(&["hook", "remove", "asks"]).succeed();
    add(&home, "allows", AT_GATE, &[], &decide("allow"));
    let outcome =
        home.play(&json!([[bash("touch ran"), { "when": "denied", "say": "I was refused" }]])).succeed();
    assert_eq!(said(&outcome), "I was refused", "the mode still decides");
    home.assert_well();
}

#[test]
fn a_rewritten_input_is_judged_and_shown_to_whoever_is_asked() {
    let home = Home::new();
    home.write("work/inside", "x");
    add(
        &home,
        "rewrites",
        AT_GATE,
        &[],
        r#"echo '{"hookSpecificOutput":{"updatedInput":{"file_path":"../outside"}}}'"#,
    );
    let read = json!({ "tool": "Read", "input": { "file_path": "inside" } });
    let outcome = home.play(&json!([[read, { "when": "denied", "say": "I was refused" }]])).succeed();
    assert_eq!(said(&outcome), "I was refused");
    assert_eq!(home.tool_calls()[0]["tool_input"]["file_path"], "../outside");
    home.assert_well();
}

#[test]
fn what_an_event_cannot_take_is_an_error_on_record() {
    let home = Home::new();
    add(&home, "rewrites", "PostToolUse", &[], &rewriting("true").replace(AT_GATE, "PostToolUse"));
    assert_eq!(said(&free(&home, &[bash("true")]).succeed()), "it ran");
    assert_eq!(the_run(&home)["error_message"], "the input of PostToolUse cannot be rewritten");
    home.assert_well();
}

#[test]
fn unknown_events_are_recorded_and_run_their_hooks() {
    let home = Home::new();
    add(&home, "curious", "MoonPhase", &[], "cat > seen");
    let steps = json!([[{ "hook": "MoonPhase", "input": { "phase": "full" } }, { "hook": "Notification", "input": { "message": "hm" } }, { "say": "on" }]]);
    home.play(&steps).succeed();
    let notes = home.timeline();
    let note = notes.iter().find(|entry| entry["item"]["subtype"] == "unknown_event").expect("a note");
    assert!(note.to_string().contains("MoonPhase") && note.to_string().contains("full"), "{note:#}");
    assert!(fs::read_to_string(home.work("seen")).expect("a file").contains("full"));
    assert_eq!(the_run(&home)["hook_type"], "MoonPhase");
    home.assert_well();
}

#[test]
fn a_session_without_hooks_runs_none() {
    let home = Home::new();
    add(&home, "guard", AT_GATE, &["--gate"], "exit 2");
    let template = home.write("quiet.json", r#"{"name":"quiet","options":{"hooks_enabled":false}}"#);
    home.provost(&["template", "create"]).arg(template).succeed();
    let run = free(&home, &[bash("true")]).args(&["--template", "quiet"]);
    assert_eq!(said(&run.succeed()), "it ran");
    assert!(log(&home, &[]).is_empty());
    home.assert_well();
}

#[test]
fn a_script_sees_the_basic_variables_and_its_own_and_no_secret() {
    let home = Home::new();
    add(&home, "env", AT_GATE, &["--env", "TOKEN=own", "--env", "EMPTY="], "env > variables");
    free(&home, &[bash("true")]).env("ANTHROPIC_API_KEY", "s3cret").env("GITHUB_TOKEN", "s3cret").succeed();
    let variables = fs::read_to_string(home.work("variables")).expect("a file");
    assert!(variables.contains("TOKEN=own\n") && variables.contains("\nPATH="), "{variables}");
    let folder = format!("CLAUDE_PROJECT_DIR={}", home.path("work").display());
    assert!(variables.contains(&folder), "{variables}");
    assert!(!variables.contains("s3cret"), "{variables}");
    let shown = home.provost(&["hook", "show", "env"]).succeed().text();
    assert!(shown.contains("\"TOKEN\": \"set\"") && !shown.contains("own"), "{shown}");
    home.assert_well();
}

#[test]
fn a_script_that_never_reads_its_input_does_not_hang() {
    let home = Home::new();
    add(&home, "deaf", AT_GATE, &["--gate"], "exec sleep 0.2");
    let write = json!({ "tool": "Write", "input": { "file_path": "a", "content": "x".repeat(2_000_000) } });
    assert_eq!(said(&free(&home, &[write]).succeed()), "it ran");
    home.assert_well();
}

#[test]
fn an_interrupt_does_not_wait_for_a_hook() {
    let home = Home::new();
    add(&home, "slow", AT_GATE, &["--timeout", "600"], "touch waiting; sleep 1000");
    let run = free(&home, &[bash("touch ran")]).arg("--json").start();
    assert!(wait_until(|| home.work("waiting").exists()));
    home.json(&["session", "interrupt", "last"]);
    run.finish();
    assert!(!home.work("ran").exists());
    assert_eq!(the_run(&home)["error_message"], "the agent program did not wait for it");
    home.assert_well();
}

#[test]
fn an_agent_that_dies_meanwhile_leaves_the_run_on_record() {
    let home = Home::new();
    add(&home, "slow", AT_GATE, &["--timeout", "600"], "touch waiting; sleep 1000");
    let run = free(&home, &[bash("true")]).arg("--json").start();
    assert!(wait_until(|| home.work("waiting").exists()));
    home.json(&["session", "terminate", "last"]);
    run.finish();
    assert_eq!(home.last()["status"], "terminated");
    assert_eq!(the_run(&home)["error_message"], "the agent program did not wait for it");
    home.assert_well();
}

#[test]
fn inputs_that_break_a_rule_are_refused() {
    let home = Home::new();
    let rules =
        json!({ "tools": { "Bash": { "fields": { "command": { "pattern": "^git ", "max_length": 20 } } } } });
    let add = home.provost(&["hook"]).args(&["add", "rules", "--event", AT_GATE, "--builtin", "validation"]);
    add.args(&["--options", &rules.to_string()]).succeed();
    assert_eq!(home.json(&["hook", "show", "rules"])["is_gate"], true, "a gate by nature");
    free(&home, &[bash("rm -r ."), bash("git --version")]).succeed();
    let calls = home.tool_calls();
    assert_eq!(calls[0]["permission_reason"], "command is \"rm -r .\"; accepted: what matches ^git ");
    assert_ne!(calls[1]["status"], "denied");
    home.assert_well();
}

#[test]
fn settings_switch_the_default_hooks_on() {
    let home = Home::new();
    let mut run = free(&home, &[bash("true")]);
    for name in ["AUDIT", "METRICS", "PERSISTENCE", "NOTIFICATION"] {
        run = run.env(&format!("PROVOST_HOOK__{name}"), "true");
    }
    run.succeed();
    let runs = log(&home, &[]);
    let of = |event: &str| {
        let runs = runs.iter().filter(|run| run["hook_type"] == event);
        runs.map(|run| run["hook_name"].as_str().expect("a name")).collect::<Vec<_>>()
    };
    assert_eq!(of(AT_GATE), ["default audit", "default persistence"]);
    assert_eq!(of("PostToolUse"), ["default audit", "default metrics", "default persistence"]);
    assert_eq!(of("Stop"), ["default audit", "default persistence"]);
    free(&home, &[bash("true")]).succeed();
    assert!(log(&home, &[]).is_empty(), "off unless switched on");
    home.write("work/provost.toml", "[hook]\naudit = true\n");
    free(&home, &[bash("true")]).exit(2).says(&["hook.audit", "--config provost.toml"]);
}

#[test]
fn a_notification_becomes_a_file_to_be_mailed() {
    let home = Home::new();
    let outbox = home.path("outbox");
    fs::create_dir(&outbox).expect("a folder");
    let config = json!({ "to": "email", "recipients": ["ada@example.com"], "folder": outbox }).to_string();
    let add = home.provost(&["hook"]).args(&[
        "add",
        "mail",
        "--event",
        "Notification",
        "--builtin",
        "notification",
    ]);
    add.args(&["--options", &config]).succeed();
    home.play(&json!([[{ "hook": "Notification", "input": { "message": "it waits", "title": "Hello" } }]]))
        .succeed();
    let files: Vec<_> = fs::read_dir(&outbox).expect("a folder").flatten().collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let mail: Value = serde_json::from_slice(&fs::read(file.path()).expect("a file")).expect("JSON");
    assert_eq!(mail["to"], json!(["ada@example.com"]));
    assert_eq!((&mail["subject"], &mail["text"]), (&json!("Hello"), &json!("it waits")));
    home.assert_well();
}

#[test]
fn a_hook_is_tried_without_a_session() {
    let home = Home::new();
    add(
        &home,
        "guard",
        AT_GATE,
        &["--matcher", "Bash"],
        "grep -q 'rm x' && { echo 'no rm' >&2; exit 2; }; exit 0",
    );
    let example = home.json(&["hook", "test", "guard"]);
    assert_eq!((&example["outcome"], &example["matches"]), (&json!("continue"), &json!(true)));
    assert_eq!(example["input"]["tool_input"]["command"], "echo hello");
    let event = r#"{"tool_name":"Bash","tool_input":{"command":"rm x"}}"#;
    let tried =
        home.provost(&["hook", "test", "guard", "--input", "-", "--json"]).input(event).succeed().json();
    assert_eq!((&tried["outcome"], &tried["reason"]), (&json!("block"), &json!("no rm")));
    assert!(tried["duration_us"].as_u64() > Some(0), "{tried:#}");
    let other = home.provost(&["hook", "test", "guard", "--input", r#"{"tool_name":"Read"}"#]).succeed();
    assert!(other.text().contains("is not for this event"), "{}", other.text());
    home.provost(&["hook", "test", "guard", "--input", "[]"]).exit(2).says(&["a JSON object"]);
    add(&home, "broken", "Stop", &[], "exit 1");
    let broken = home.provost(&["hook", "test", "broken"]).exit(1);
    assert!(broken.text().contains("it exited with code 1"), "{}", broken.text());
    home.provost(&["hook", "test", "nobody"]).exit(4).says(&["there is no hook nobody"]);
    assert!(home.sessions().is_empty());
    home.assert_well();
}

#[test]
fn hooks_are_listed_shown_and_removed() {
    let home = Home::new();
    home.provost(&["hook", "list"]).succeed().says(&["no hooks"]);
    add(&home, "guard", AT_GATE, &["--matcher", "Bash", "--gate"], "exit 0");
    let listed = home.provost(&["hook", "list", "--event", AT_GATE]).succeed().text();
    assert!(listed.contains("guard") && listed.contains("gate") && listed.contains("enabled"), "{listed}");
    let list = home.json(&["hook", "list", "--kind", "webhook"]);
    assert_eq!(list["data"], json!([]));
    let shown = home.json(&["hook", "show", "guard"]);
    assert_eq!((&shown["matcher"], &shown["timeout_ms"]), (&json!("Bash"), &json!(5000)));
    assert_eq!(home.json(&["hook", "disable", "guard"])["is_enabled"], false);
    home.provost(&["hook", "remove", "guard"]).succeed();
    home.provost(&["hook", "show", "guard"]).exit(4).says(&["there is no hook guard", "hint:"]);
    add(&home, "guard", "Stop", &[], "exit 0");
    home.assert_well();
}

#[test]
fn the_log_tells_what_hooks_did_and_where_to_read_on() {
    let home = Home::new();
    add(&home, "watch", "PostToolUse", &[], "exit 0");
    add(&home, "guard", AT_GATE, &[], "exit 1");
    free(&home, &[bash("true"), bash("true"), bash("true")]).succeed();
    assert_eq!(log(&home, &["--hook", "watch"]).len(), 3);
    let text = home.provost(&["hook", "log", "--limit", "2"]).succeed();
    assert!(text.text().contains("failed: it exited with code 1"), "{}", text.text());
    let after = text.stderr.rsplit("--after ").next().expect("a place").trim().to_owned();
    assert_eq!(log(&home, &["--after", &after]).len(), 4);
    home.provost(&["hook", "log", "--session", "ffffffff"]).exit(4);
    let timeline = home.provost(&["session", "timeline", "last"]).succeed().text();
    assert!(timeline.contains("watch  at PostToolUse of Bash"), "{timeline}");
}

#[test]
fn a_hook_that_makes_no_sense_is_refused() {
    let home = Home::new();
    let add = |flags: &[&str]| home.provost(&["hook"]).args(&["add", "x"]).args(flags);
    let script = |flags: &[&str]| add(&["--event", AT_GATE]).args(flags).args(&["--", "true"]);
    add(&["--event", AT_GATE]).exit(2).says(&["--webhook", "--builtin", "PROGRAM"]);
    add(&["--event", "Pre Tool", "--", "true"]).exit(2).says(&["Pre Tool", "accepted"]);
    add(&["--event", "pretooluse", "--", "true"]).exit(2).says(&["pretooluse", "accepted: PreToolUse"]);
    script(&["--matcher", "("]).exit(2).says(&["is not a matcher", "accepted"]);
    script(&["--matcher", "Write|bash"]).exit(2).says(&["bash in the matcher is no tool", "accepted: Bash"]);
    script(&["--timeout", "0"]).exit(2).says(&["timeout is 0 s", "accepted"]);
    script(&["--timeout", "601"]).exit(2).says(&["at most 600 s"]);
    script(&["--timeout", "soon"]).exit(2).says(&["a number of seconds"]);
    script(&["--env", "TOKEN"]).exit(2).says(&["NAME=VALUE"]);
    script(&["--builtin", "audit"]).exit(2);
    add(&["--event", AT_GATE, "--webhook", "ftp://example.com"]).exit(2).says(&["http or https"]);
    add(&["--event", AT_GATE, "--builtin", "mail"]).exit(2).says(&["mail", "notification", "docs/hooks.md"]);
    let rules = r#"{"tools":{"Bash":{"fields":{"command":{"pattern":"("}}}}}"#;
    add(&["--event", AT_GATE, "--builtin", "validation", "--options", rules])
        .exit(2)
        .says(&["not a regular expression"]);
    assert_eq!(home.json(&["hook", "list"])["data"], json!([]), "nothing half done");
    script(&[]).succeed();
    script(&[]).exit(3).says(&["there is a hook x already"]);
    add(&["--event", "MoonPhase", "--", "true"]).exit(3);
}

#[test]
fn a_matcher_that_fits_no_known_tool_is_doubted() {
    let home = Home::new();
    let add = |name: &str, event: &str, matcher: &str| {
        let hook = home.provost(&["hook"]).args(&["add", name, "--event", event, "--matcher", matcher]);
        hook.args(&["--", "true"]).succeed().stderr
    };
    let said = add("a", AT_GATE, "Write|Bahs|Rocket");
    assert!(said.contains("no tool is known by the name Bahs; did you mean Bash?\n"), "{said}");
    assert!(said.contains("no tool is known by the name Rocket\n") && !said.contains("Write"), "{said}");
    let said = add("b", AT_GATE, "bash.*");
    assert!(said.contains("the matcher bash.* fits no tool that is known"), "{said}");
    for (name, event, matcher) in [
        ("c", AT_GATE, "Bash.*"),
        ("d", AT_GATE, "mcp__git__push|mcp__git"),
        ("e", AT_GATE, "mcp__git__.*"),
        ("f", "SubagentStart", "bash"),
        ("g", AT_GATE, "*"),
    ] {
        let said = add(name, event, matcher);
        assert!(!said.contains("known"), "{said}");
    }
}
