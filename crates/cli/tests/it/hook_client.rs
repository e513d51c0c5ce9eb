//! Sessions that Provost did not start: an agent CLI's command hooks tell of them, and are answered.

use std::{fs, thread, time::Instant};

use serde_json::{Value, json};

use crate::fixture::{
    GREETING, Home, Outcome, Provost, Signal, assert_numbered_without_gaps, fake_agent, wait_until,
};

on_both_databases!(
    each_event_is_recorded_and_the_session_moves_with_them,
    what_a_policy_denies_is_denied_and_on_record_first,
    what_policies_ask_and_allow_is_answered_so,
    what_no_policy_decides_is_left_to_the_agent_program,
    hooks_rewrite_first_and_the_rest_is_judged,
    hooks_of_other_events_stop_and_tell,
    two_first_events_at_once_are_of_one_session,
    calls_at_once_are_each_recorded_once,
    a_result_without_its_call_is_recorded,
    a_use_that_comes_twice_is_judged_twice,
    a_result_that_comes_twice_changes_nothing_of_its_call,
    a_policy_that_cannot_be_read_lets_nothing_pass,
    whoever_is_killed_half_way_leaves_nothing_half,
    a_session_that_provost_runs_is_left_to_it,
    a_captured_session_is_told_nothing,
    a_deleted_session_begins_anew,
);

const ID: &str = "5c0f52b6-0c1d-4a52-9b7e-6d0a6f6f0001";

/// What the agent CLI says of an event.
pub(super) fn event(home: &Home, name: &str, more: &Value) -> Value {
    let mut event = json!({
        "session_id": ID, "transcript_path": "/nowhere.jsonl", "cwd": home.path("work"),
        "permission_mode": "default", "hook_event_name": name,
    });
    for (field, value) in more.as_object().expect("fields") {
        event[field] = value.clone();
    }
    event
}

fn tool(name: &str, input: &Value, use_id: &str) -> Value {
    json!({ "tool_name": name, "tool_input": input, "tool_use_id": use_id })
}

pub(super) fn bash(command: &str, use_id: &str) -> Value {
    tool("Bash", &json!({ "command": command }), use_id)
}

pub(super) fn client(home: &Home, event: &Value) -> Provost {
    home.provost(&["hook-client"]).input(event.to_string())
}

/// Tells of an event, and is answered without a failure.
pub(super) fn tell(home: &Home, name: &str, more: &Value) -> Outcome {
    let outcome = client(home, &event(home, name, more)).succeed();
    assert_eq!(outcome.stderr, "", "{name}");
    outcome
}

/// What a tool call is answered.
pub(super) fn gate(home: &Home, more: &Value) -> Value {
    let outcome = tell(home, "PreToolUse", more);
    if outcome.stdout.is_empty() {
        return Value::Null;
    }
    let mut answer = outcome.json();
    assert_eq!(answer["hookSpecificOutput"]["hookEventName"], "PreToolUse");
    answer["hookSpecificOutput"].take()
}

pub(super) fn decision(answer: &Value) -> &str {
    answer["permissionDecision"].as_str().unwrap_or("none")
}

fn entries(home: &Home, kind: &str) -> Vec<Value> {
    let timeline = home.timeline();
    let entries = timeline.into_iter().filter(|entry| entry["kind"] == kind && entry["change"] == "created");
    entries.map(|mut entry| entry["item"].take()).collect()
}

fn statuses(home: &Home) -> Vec<String> {
    let to = |transition: Value| transition["to"].as_str().expect("a text").to_owned();
    entries(home, "transition").into_iter().map(to).collect()
}

pub(super) fn add_hook(home: &Home, name: &str, event: &str, script: &str) {
    let add = home.provost(&["hook"]).args(&["add", name, "--event", event, "--gate"]);
    add.args(&["--", "sh", "-c", script]).succeed();
}

/// A policy of the team, whatever it says.
fn add_policy(home: &Home, config: &str) {
    home.execute(&format!(
        "INSERT INTO policies (id, team_id, name, kind, config, priority, is_enabled, version, created_at, updated_at)
         VALUES ('00000000-0000-7000-8000-000000000001', (SELECT id FROM teams), 'ours', 'rules', '{config}', 10, true, 1,
                 (SELECT created_at FROM teams), (SELECT created_at FROM teams))"
    ));
}

pub(super) fn ready(home: &Home) {
    home.provost(&["db", "migrate"]).succeed();
    home.provost(&["session", "list"]).succeed();
}

fn assert_whole(home: &Home) {
    assert_numbered_without_gaps(&home.timeline());
    home.provost(&["audit", "verify"]).succeed();
    home.assert_well();
}

pub(super) fn each_event_is_recorded_and_the_session_moves_with_them(home: &Home) {
    ready(home);
    tell(home, "SessionStart", &json!({ "source": "startup" }));
    let session = home.last();
    assert_eq!((&session["origin"], &session["external_id"]), (&json!("captured"), &json!(ID)));
    assert_eq!((&session["mode"], &session["runtime"]), (&json!("interactive"), &json!("claude")));
    assert_eq!(session["working_directory"], json!(home.path("work")));
    tell(home, "UserPromptSubmit", &json!({ "prompt": "mend the wombat\nplease" }));
    assert_eq!(
        (&home.last()["status"], &home.last()["name"]),
        (&json!("processing"), &json!("mend the wombat"))
    );
    gate(home, &bash("ls", "toolu_1"));
    let response = json!({ "stdout": "a\nb", "stderr": "", "interrupted": false });
    let mut result = bash("ls", "toolu_1");
    result["tool_response"] = response.clone();
    result["duration_ms"] = json!(41.7);
    tell(home, "PostToolUse", &result);
    gate(home, &bash("false", "toolu_2"));
    let mut failure = bash("false", "toolu_2");
    failure["error"] = json!("Exit code 1");
    tell(home, "PostToolUseFailure", &failure);
    for (name, more) in [
        ("SubagentStart", json!({ "agent_id": "a1", "agent_type": "Explore" })),
        ("SubagentStop", json!({ "agent_id": "a1", "agent_type": "Explore" })),
        ("Notification", json!({ "message": "look here", "notification_type": "idle_prompt" })),
        ("PreCompact", json!({ "trigger": "auto", "custom_instructions": "" })),
        ("MoonPhase", json!({ "phase": "full" })),
        ("Stop", json!({ "stop_hook_active": false, "last_assistant_message": "it is mended" })),
    ] {
        tell(home, name, &more);
    }
    assert_eq!((&home.last()["status"], &home.last()["result"]), (&json!("active"), &json!("it is mended")));
    gate(home, &bash("sleep 100", "toolu_3"));
    tell(home, "SessionEnd", &json!({ "reason": "prompt_input_exit" }));
    let session = home.last();
    assert_eq!(session["status"], "completed");
    assert_eq!((&session["total_tool_calls"], &session["total_permission_checks"]), (&json!(3), &json!(3)));
    assert_eq!(session["total_errors"], 1);
    let calls: Vec<_> = home.tool_calls();
    let of = |field: &str| calls.iter().map(|call| call[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("status"), ["success", "error", "error"]);
    assert_eq!(of("duration_ms")[0], 42);
    assert_eq!(calls[0]["tool_output"], json!({ "content": "a\nb", "detail": response }));
    assert_eq!(
        of("error_message")[1..],
        ["Exit code 1", "the agent process ended before there was a result"]
    );
    let said: Vec<_> = entries(home, "message").iter().map(|message| message["subtype"].clone()).collect();
    assert_eq!(said.len(), 9, "{said:?}");
    assert!(said.contains(&json!("pre_compact")) && said.contains(&json!("unknown_event")), "{said:?}");
    let notes = home.timeline().into_iter().map(|entry| entry.to_string()).collect::<String>();
    assert!(notes.contains("\"phase\":\"full\"") && notes.contains("look here"));
    let found = home.json(&["session", "search", "mended wombat"]).to_string();
    assert!(found.contains(session["id"].as_str().expect("an id")), "{found}");
    // It is gone on with.
    tell(home, "SessionStart", &json!({ "source": "resume" }));
    let expected = "created connecting active processing active processing completed connecting active";
    assert_eq!(statuses(home).join(" "), expected);
    assert_eq!(home.sessions().len(), 1);
    assert_whole(home);
}

pub(super) fn what_a_policy_denies_is_denied_and_on_record_first(home: &Home) {
    ready(home);
    let answer = gate(home, &bash("rm -r -f /", "toolu_1"));
    let reason = answer["permissionDecisionReason"].as_str().expect("a reason");
    assert_eq!(decision(&answer), "deny");
    let call = &home.tool_calls()[0];
    assert_eq!((&call["status"], &call["permission_reason"]), (&json!("denied"), &json!(reason)));
    let decided = &entries(home, "decision")[0];
    assert_eq!(
        (&decided["decided_by"], &decided["policy_name"]),
        (&json!("policy"), &json!("built-in commands"))
    );
    let lines = home.json(&["audit", "list", "--action", "tool_call.decide", "--outcome", "denied"]);
    assert_eq!(lines["data"][0]["detail"]["policy"], "built-in commands");
    // In mode plan nothing but reading is let through, and what policies deny is denied in every mode.
    let plan = |mut call: Value| {
        call["permission_mode"] = json!("plan");
        gate(home, &call)
    };
    assert_eq!(decision(&plan(bash("touch a", "toolu_2"))), "deny");
    assert_eq!(decision(&plan(tool("Read", &json!({ "file_path": "a" }), "toolu_3"))), "none");
    assert_eq!(entries(home, "decision")[1]["decided_by"], "mode");
    assert_eq!(home.last()["permission_mode"], "plan");
    let mut free = bash("cat /etc/shadow", "toolu_4");
    free["permission_mode"] = json!("bypassPermissions");
    assert_eq!(decision(&gate(home, &free)), "deny");
    assert_whole(home);
}

pub(super) fn what_policies_ask_and_allow_is_answered_so(home: &Home) {
    ready(home);
    add_policy(home, r#"{"allow": ["Bash(echo:*)"], "ask": ["Bash(git push:*)"]}"#);
    let allowed = gate(home, &bash("echo hi", "toolu_1"));
    assert_eq!(decision(&allowed), "allow");
    assert_eq!(decision(&gate(home, &bash("git push", "toolu_2"))), "ask");
    // Nobody can be asked there.
    let mut silent = bash("git push", "toolu_3");
    silent["permission_mode"] = json!("dontAsk");
    assert_eq!(decision(&gate(home, &silent)), "deny");
    assert_eq!(decision(&gate(home, &bash("true", "toolu_4"))), "none");
    let made: Vec<_> = entries(home, "decision").iter().map(|made| made["decision"].clone()).collect();
    assert_eq!(made, ["allow", "ask", "deny"]);
    let of = |use_id: &str| {
        let calls = home.tool_calls();
        calls.into_iter().find(|call| call["tool_use_id"] == use_id).expect("a call")["status"].clone()
    };
    assert_eq!(
        (of("toolu_1"), of("toolu_2"), of("toolu_3")),
        (json!("running"), json!("pending"), json!("denied"))
    );
    let mut result = bash("git push", "toolu_2");
    result["tool_response"] = json!("pushed");
    tell(home, "PostToolUse", &result);
    assert_eq!(of("toolu_2"), "success");
    assert_whole(home);
}

fn what_no_policy_decides_is_left_to_the_agent_program(home: &Home) {
    ready(home);
    for (number, mode) in
        ["default", "acceptEdits", "bypassPermissions", "dontAsk", "auto"].iter().enumerate()
    {
        let mut call = bash("make", &format!("toolu_{number}"));
        call["permission_mode"] = json!(mode);
        assert_eq!(gate(home, &call), Value::Null, "{mode}");
    }
    let question = tool("AskUserQuestion", &json!({ "questions": [] }), "toolu_question");
    assert_eq!(gate(home, &question), Value::Null);
    assert!(entries(home, "decision").is_empty(), "Provost decided nothing");
    let calls = home.tool_calls();
    assert!(calls.iter().all(|call| call["status"] == "pending" && call["permission_decision"].is_null()));
    let reason = calls[2]["permission_reason"].as_str().expect("a reason");
    assert!(
        reason.contains("the agent program decides by itself") && reason.ends_with("bypassPermissions"),
        "{reason}"
    );
    assert_eq!(home.last()["total_permission_checks"], 6);
    let lines = home.json(&["audit", "list", "--action", "tool_call.decide"]);
    assert_eq!(lines["data"][0]["detail"]["decision"], "none");
    assert_whole(home);
}

pub(super) fn hooks_rewrite_first_and_the_rest_is_judged(home: &Home) {
    ready(home);
    add_policy(home, r#"{"allow": ["Bash(echo:*)"]}"#);
    let rewriting = |command: &str| {
        let output = json!({ "updatedInput": { "command": command }, "additionalContext": "by the way" });
        format!("cat > seen; echo '{}'", json!({ "hookSpecificOutput": output }))
    };
    add_hook(home, "rewrite", "PreToolUse", &rewriting("echo safe"));
    let answer = gate(home, &bash("rm -rf /", "toolu_1"));
    assert_eq!(decision(&answer), "allow");
    assert_eq!(answer["updatedInput"], json!({ "command": "echo safe" }));
    assert_eq!(answer["additionalContext"], "by the way");
    assert_eq!(home.tool_calls()[0]["tool_input"]["command"], "echo safe");
    let seen: Value = serde_json::from_slice(&fs::read(home.work("seen")).expect("a file")).expect("JSON");
    assert_eq!((&seen["tool_input"]["command"], &seen["session_id"]), (&json!("rm -rf /"), &json!(ID)));
    let run = &home.json(&["hook", "log"])["data"][0];
    assert_eq!((&run["hook_name"], &run["tool_use_id"]), (&json!("rewrite"), &json!("toolu_1")));
    assert_eq!(run["tool_call_id"], home.tool_calls()[0]["id"]);
    home.provost(&["hook", "remove", "rewrite"]).succeed();
    add_hook(home, "worse", "PreToolUse", &rewriting("rm -rf /"));
    let answer = gate(home, &bash("echo safe", "toolu_2"));
    assert_eq!(decision(&answer), "deny");
    home.provost(&["hook", "remove", "worse"]).succeed();
    add_hook(home, "other", "PreToolUse", &rewriting("make other"));
    let answer = gate(home, &bash("make this", "toolu_3"));
    assert_eq!((decision(&answer), &answer["updatedInput"]), ("none", &json!({ "command": "make other" })));
    home.provost(&["hook", "remove", "other"]).succeed();
    add_hook(home, "guard", "PreToolUse", "echo 'not on a Friday' >&2; exit 2");
    let answer = gate(home, &bash("echo hi", "toolu_4"));
    assert_eq!((decision(&answer), &answer["permissionDecisionReason"]), ("deny", &json!("not on a Friday")));
    home.provost(&["hook", "remove", "guard"]).succeed();
    let ask =
        json!({ "hookSpecificOutput": { "permissionDecision": "ask", "permissionDecisionReason": "sure?" } });
    add_hook(home, "asks", "PreToolUse", &format!("echo '{ask}'"));
    assert_eq!(decision(&gate(home, &bash("echo hi", "toolu_5"))), "ask");
    assert_eq!(decision(&gate(home, &bash("make", "toolu_6"))), "ask");
    assert_eq!(decision(&gate(home, &bash("rm -rf /", "toolu_7"))), "deny");
    assert_eq!(home.last()["total_hook_executions"], 7);
    assert_whole(home);
}

pub(super) fn hooks_of_other_events_stop_and_tell(home: &Home) {
    ready(home);
    add_hook(home, "closed", "UserPromptSubmit", "echo 'closed today' >&2; exit 2");
    let answer = tell(home, "UserPromptSubmit", &json!({ "prompt": "go" })).json();
    assert_eq!(answer, json!({ "decision": "block", "reason": "closed today" }));
    assert_eq!(home.last()["status"], "active", "the agent does not work");
    let context = json!({ "hookSpecificOutput": { "additionalContext": "it is Friday" } });
    add_hook(home, "tells", "SessionStart", &format!("echo '{context}'"));
    let answer = tell(home, "SessionStart", &json!({ "source": "startup" })).json();
    assert_eq!(answer["hookSpecificOutput"]["additionalContext"], "it is Friday");
    add_hook(home, "after", "PostToolUse", "true");
    gate(home, &bash("ls", "toolu_after"));
    let mut result = bash("ls", "toolu_after");
    result["tool_response"] = json!("a");
    tell(home, "PostToolUse", &result);
    let run = &home.json(&["hook", "log", "--hook", "after"])["data"][0];
    assert_eq!(run["tool_call_id"], home.tool_calls()[0]["id"], "its call is closed by then");
    home.provost(&["hook", "remove", "after"]).succeed();
    add_hook(home, "late", "SessionEnd", "exit 2");
    assert_eq!(tell(home, "SessionEnd", &json!({ "reason": "exit" })).text(), "", "nobody can stop that");
    assert_eq!(home.last()["total_hook_executions"], 4);
    assert_whole(home);
}

fn at_once(home: &Home, events: &[Value]) -> Vec<Outcome> {
    thread::scope(|scope| {
        let running: Vec<_> = events
            .iter()
            .map(|event| {
                let client = client(home, event);
                scope.spawn(move || client.run())
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("it ran")).collect()
    })
}

pub(super) fn two_first_events_at_once_are_of_one_session(home: &Home) {
    ready(home);
    for round in 0..4 {
        let of_round = |name: &str, more: Value| {
            let mut event = event(home, name, &more);
            event["session_id"] = json!(format!("{ID}-{round}"));
            event
        };
        let events = vec![
            of_round("SessionStart", json!({ "source": "startup" })),
            of_round("PreToolUse", bash("ls", "toolu_1")),
        ];
        for outcome in at_once(home, &events) {
            assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
        }
        assert_eq!(home.sessions().len(), round + 1);
        assert_eq!(home.tool_calls().len(), 1);
    }
    assert_whole(home);
}

pub(super) fn calls_at_once_are_each_recorded_once(home: &Home) {
    ready(home);
    let command = |number: usize| if number.is_multiple_of(2) { "rm -rf /" } else { "ls" };
    let events =
        (0..10).map(|number| event(home, "PreToolUse", &bash(command(number), &format!("toolu_{number}"))));
    for (number, outcome) in at_once(home, &events.collect::<Vec<_>>()).into_iter().enumerate() {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        assert_eq!(outcome.text().contains("\"deny\""), number.is_multiple_of(2), "{}", outcome.text());
    }
    assert_eq!(home.sessions().len(), 1);
    assert_eq!(home.tool_calls().len(), 10);
    assert_eq!(entries(home, "decision").len(), 5);
    assert_whole(home);
}

fn a_result_without_its_call_is_recorded(home: &Home) {
    ready(home);
    let mut result = tool("Write", &json!({ "file_path": "a" }), "toolu_lost");
    result["tool_response"] = json!({ "type": "create" });
    tell(home, "PostToolUse", &result);
    let call = &home.tool_calls()[0];
    assert_eq!((&call["status"], &call["permission_decision"]), (&json!("success"), &Value::Null));
    assert_eq!(home.last()["status"], "processing");
    // One without a use stands as it came.
    tell(home, "PostToolUse", &json!({ "tool_name": "Read" }));
    assert_eq!(entries(home, "message").len(), 1);
    assert_whole(home);
}

fn a_use_that_comes_twice_is_judged_twice(home: &Home) {
    ready(home);
    for _ in 0..2 {
        assert_eq!(decision(&gate(home, &bash("eval \"$X\"", "toolu_1"))), "ask");
    }
    assert_eq!((home.tool_calls().len(), entries(home, "decision").len()), (1, 2));
    assert_eq!(decision(&gate(home, &bash("rm -rf /", "toolu_1"))), "deny");
    // What was denied has its result; another call of the same name is another call.
    assert_eq!(decision(&gate(home, &bash("ls", "toolu_1"))), "none");
    assert_eq!((home.tool_calls().len(), entries(home, "decision").len()), (2, 3));
    assert_whole(home);
}

fn a_result_that_comes_twice_changes_nothing_of_its_call(home: &Home) {
    ready(home);
    gate(home, &bash("ls", "toolu_1"));
    let mut result = bash("ls", "toolu_1");
    result["tool_response"] = json!({ "stdout": "a" });
    tell(home, "PostToolUse", &result);
    let before = home.tool_calls();
    assert_eq!(before[0]["status"], "success");
    result["tool_response"] = json!({ "stdout": "b" });
    tell(home, "PostToolUse", &result);
    let mut failure = bash("ls", "toolu_1");
    failure["error"] = json!("Exit code 1");
    tell(home, "PostToolUseFailure", &failure);
    assert_eq!(home.tool_calls(), before);
    let session = home.last();
    assert_eq!((&session["total_tool_calls"], &session["total_errors"]), (&json!(1), &json!(0)));
    let said: Vec<_> = entries(home, "message").iter().map(|message| message["subtype"].clone()).collect();
    assert_eq!(said, ["post_tool_use", "post_tool_use_failure"]);
    // What was denied did not run, whoever says so.
    assert_eq!(decision(&gate(home, &bash("rm -rf /", "toolu_2"))), "deny");
    let mut result = bash("rm -rf /", "toolu_2");
    result["tool_response"] = json!("done");
    tell(home, "PostToolUse", &result);
    let statuses: Vec<_> = home.tool_calls().iter().map(|call| call["status"].clone()).collect();
    assert_eq!(statuses, ["success", "denied"]);
    assert_whole(home);
}

pub(super) fn a_policy_that_cannot_be_read_lets_nothing_pass(home: &Home) {
    ready(home);
    add_policy(home, r#"{"deny": ["Bash("]}"#);
    let answer = gate(home, &bash("ls", "toolu_1"));
    assert_eq!(decision(&answer), "deny");
    assert!(answer.to_string().contains("policy \\\"ours\\\": deny"), "{answer}");
    let settings = client(home, &event(home, "PreToolUse", &bash("ls", "toolu_2")))
        .env("PROVOST_POLICY__BLOCKED_COMMANDS", r#"[" "]"#);
    settings.exit(2).says(&["could not be judged", "built-in commands", "provost config show --origin"]);
    assert_whole(home);
}

pub(super) fn whoever_is_killed_half_way_leaves_nothing_half(home: &Home) {
    ready(home);
    add_hook(home, "slow", "PreToolUse", "touch begun; sleep 3");
    let mut killed = client(home, &json!({})).start();
    let event = event(home, "PreToolUse", &bash("ls", "toolu_1"));
    killed.write(&event.to_string());
    killed.close_input();
    assert!(wait_until(|| home.work("begun").exists()));
    killed.signal(Signal::KILL);
    assert_eq!(killed.finish().code, None);
    home.provost(&["hook", "remove", "slow"]).succeed();
    assert!(home.sessions().is_empty(), "nothing of it is stored");
    gate(home, &bash("ls", "toolu_1"));
    assert_eq!(home.tool_calls().len(), 1);
    assert_whole(home);
}

pub(super) fn a_session_that_provost_runs_is_left_to_it(home: &Home) {
    let wait = json!({ "tool": "Bash", "input": { "command": "touch begun; until test -e go; do sleep 0.05; done" } });
    let run =
        home.play(&json!([[wait, { "say": "done" }]])).args(&["--permission-mode", "bypassPermissions"]);
    let run = run.arg("--json").start();
    assert!(wait_until(|| home.work("begun").exists()));
    let own = home.last()["external_id"].clone();
    let mut call = bash("rm -rf /", "toolu_own");
    call["session_id"] = own.clone();
    assert_eq!(gate(home, &call), Value::Null);
    assert_eq!(home.sessions().len(), 1);
    home.write("work/go", "");
    run.finish();
    // Once Provost does not run it any more, whoever goes on with it elsewhere is judged there.
    assert_eq!(decision(&gate(home, &call)), "deny");
    let sessions = home.sessions();
    let origins: Vec<_> = sessions.iter().map(|session| session["origin"].clone()).collect();
    assert_eq!(origins, ["captured", "run"]);
    assert_eq!(sessions[0]["external_id"], own);
    home.assert_well();
}

fn a_captured_session_is_told_nothing(home: &Home) {
    ready(home);
    gate(home, &bash("ls", "toolu_1"));
    let refused = ["did not start", "hears nothing from here", "provost run --resume"];
    home.provost(&["session", "send", "last", "hi"]).exit(3).says(&refused);
    home.provost(&["session", "interrupt", "last"]).exit(3).says(&refused);
    home.provost(&["run", "hi", "--resume", "last"])
        .exit(3)
        .says(&["is open in", "provost session terminate"]);
    home.provost(&["session", "terminate", "last"]).succeed();
    assert_eq!(
        (&home.last()["status"], &home.tool_calls()[0]["status"]),
        (&json!("terminated"), &json!("error"))
    );
    home.provost(&["session", "terminate", "last"]).exit(3);
    home.provost(&["session", "send", "last", "hi"]).exit(3).says(&refused);
    // It went on there all the same.
    gate(home, &bash("ls", "toolu_2"));
    assert_eq!(home.last()["status"], "processing");
    tell(home, "SessionEnd", &json!({ "reason": "exit" }));
    home.provost(&["session", "send", "last", "hi"]).exit(3).says(&refused);
    assert_whole(home);
}

fn a_deleted_session_begins_anew(home: &Home) {
    ready(home);
    gate(home, &bash("ls", "toolu_1"));
    tell(home, "SessionEnd", &json!({ "reason": "exit" }));
    home.execute("UPDATE sessions SET deleted_at = updated_at");
    for number in 2..4 {
        gate(home, &bash("ls", &format!("toolu_{number}")));
    }
    assert_eq!(home.sessions().len(), 1);
    assert_eq!(home.tool_calls().len(), 2);
    assert_whole(home);
}

#[test]
fn what_is_no_event_blocks_and_says_why() {
    let home = Home::new();
    ready(&home);
    let gate = event(&home, "PreToolUse", &bash("ls", "toolu_1")).to_string();
    let huge = gate.replace("\"ls\"", &format!("\"{}\"", "x".repeat(17 * 1024 * 1024)));
    let cases: [(Vec<u8>, &str); 8] = [
        (Vec::new(), "standard input is empty"),
        (b"  \n".to_vec(), "standard input is empty"),
        (b"{\"hook_event_name\":\"PreToolUse\"".to_vec(), "no JSON: EOF"),
        (b"[]".to_vec(), "no object"),
        (gate.replace("\"ls\"", "\"l\u{0}s\"").into_bytes(), "no JSON: control character"),
        (
            [b"{\"a\":\"\xff\xfe\",".as_slice(), gate.trim_start_matches('{').as_bytes()].concat(),
            "no JSON: invalid unicode",
        ),
        (huge.into_bytes(), "longer than 16 MiB"),
        (gate.replace("\"toolu_1\"", "null").into_bytes(), "tool_use_id is null; accepted: a text"),
    ];
    for (input, why) in cases {
        let client = |more: &[&str]| home.provost(&["hook-client"]).args(more).input(input.clone());
        let outcome = client(&[]).exit(2).says(&["does not run", why]);
        assert!(outcome.stdout.is_empty());
        assert!(client(&["--fail", "open"]).exit(0).says(&["runs all the same", why]).stdout.is_empty());
    }
    assert!(home.sessions().is_empty());
    // As an escape it is a character like others, and is stored as a sign for it.
    let escaped = gate.replace("\"ls\"", "\"l\\u0000s\"");
    home.provost(&["hook-client"]).input(escaped).succeed();
    assert_eq!(home.tool_calls()[0]["tool_input"]["command"], "l␀s");
    home.provost(&["hook-client", "--fail", "maybe"]).exit(2);
    home.provost(&["hook-client", "--timeout", "0"]).exit(2).says(&["accepted: 0.1 to 600"]);
    assert_whole(&home);
}

#[test]
fn a_database_that_cannot_be_used_stops_tools_and_nothing_else() {
    let home = Home::new();
    let gate = event(&home, "PreToolUse", &bash("ls", "toolu_1"));
    let observed = event(&home, "PostToolUse", &bash("ls", "toolu_1"));
    let unusable = |why: &str, arguments: &[&str]| {
        let client = |event: &Value| client(&home, event).args(arguments);
        assert!(client(&gate).exit(2).says(&["does not run", why]).stdout.is_empty());
        assert!(
            client(&gate)
                .args(&["--fail", "open"])
                .exit(0)
                .says(&["runs all the same", why])
                .stdout
                .is_empty()
        );
        assert!(client(&observed).exit(0).says(&["could not be recorded", why]).stdout.is_empty());
    };
    unusable("there is no database at", &[]);
    assert!(!home.data("provost.db").exists(), "it is not created");
    unusable("there is no database at", &["--database", "nowhere.db"]);
    home.write(
        "work/text.db",
        "no database at all, and longer than a header is, so that it is looked at as one of those",
    );
    unusable("text.db", &["--database", "text.db"]);
    unusable("127.0.0.1", &["--database", "postgres://nobody@127.0.0.1:1/none"]);
    unusable("config.toml", &["--config", "config.toml"]);
    ready(&home);
    let lock = testkit::sqlite::Lock::take(&home.data("provost.db"));
    let began = Instant::now();
    unusable("locked", &["--timeout", "0.5"]);
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    drop(lock);
    home.provost(&["session", "list"]).succeed();
    // Its log cannot be written: a folder is in its place.
    for name in ["provost.db-wal", "provost.db-shm"] {
        let _may_not_be_there = fs::remove_file(home.data(name));
    }
    fs::create_dir(home.data("provost.db-wal")).expect("a folder");
    unusable("provost.db", &[]);
    fs::remove_dir(home.data("provost.db-wal")).expect("a folder");
    home.write("work/provost.toml", "[policy]\nbuilt_in = false\n");
    unusable("policy.built_in", &[]);
    fs::remove_file(home.work("provost.toml")).expect("a file");
    assert!(home.sessions().is_empty());
    home.assert_well();
}

#[test]
fn a_full_disk_stops_tools_and_leaves_the_record_whole() {
    let home = Home::new();
    ready(&home);
    let mut call = bash("ls", "toolu_1");
    call["tool_input"]["content"] = json!("x".repeat(2_000_000));
    let event = home.write("event.json", &event(&home, "PreToolUse", &call).to_string());
    let script = format!("ulimit -f 2800; exec \"$provost\" hook-client < {}", event.display());
    let outcome = home.shell(&script).exit(2).says(&["does not run"]);
    assert!(outcome.stdout.is_empty());
    assert!(home.sessions().is_empty());
    gate(&home, &bash("ls", "toolu_1"));
    assert_whole(&home);
}

#[test]
fn it_ends_in_time_whatever_hooks_do() {
    let home = Home::new();
    ready(&home);
    add_hook(&home, "slow", "PreToolUse", "touch begun; sleep 1000 & sleep 1000");
    let event = event(&home, "PreToolUse", &bash("ls", "toolu_1"));
    let began = Instant::now();
    let outcome = client(&home, &event).args(&["--timeout", "2"]).succeed();
    assert!(began.elapsed().as_secs() < 8, "{:?}", began.elapsed());
    assert!(outcome.text().contains("\"deny\""), "{}", outcome.text());
    assert_eq!(
        home.json(&["hook", "log"])["data"][0]["error_message"],
        "the agent program did not wait for it"
    );
    home.assert_no_process();
    home.provost(&["hook", "remove", "slow"]).succeed();
    home.provost(&["hook", "add", "calm", "--event", "PreToolUse", "--", "sleep", "1000"]).succeed();
    let outcome = client(&home, &event).args(&["--timeout", "1", "--fail", "open"]).succeed();
    assert_eq!(outcome.text(), "", "no policy says anything");
    // One that is never told what happened ends too.
    let silent = home.provost(&["hook-client", "--timeout", "0.5"]).start();
    assert!(wait_until(|| !silent.is_alive()));
    assert_eq!(silent.finish().code, Some(2));
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let waiting = home.provost(&["hook-client"]).start();
        thread::park_timeout(std::time::Duration::from_millis(300));
        waiting.signal(signal);
        let outcome = waiting.finish();
        assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    }
    assert_whole(&home);
}

#[test]
fn what_cannot_be_read_stops_nothing_but_tools() {
    let home = Home::new();
    ready(&home);
    for name in ["Stop", "UserPromptSubmit", "PostToolUse"] {
        let mut event = event(&home, name, &json!({}));
        event["session_id"] = Value::Null;
        client(&home, &event).exit(0).says(&["could not be recorded", "session_id"]);
    }
    // Not a descriptor is left to work with.
    let event = home.write("event.json", &event(&home, "PreToolUse", &bash("ls", "toolu_1")).to_string());
    for most in [5, 6, 7, 8] {
        let script = format!("exec prlimit --nofile={most} \"$provost\" hook-client < {}", event.display());
        home.shell(&script).exit(2).says(&["does not run"]);
    }
}

#[test]
fn an_answer_that_nobody_reads_is_no_permission() {
    let home = Home::new();
    ready(&home);
    let event = event(&home, "PreToolUse", &bash("rm -rf /", "toolu_1"));
    let event = home.write("event.json", &event.to_string());
    let script = format!("exec \"$provost\" hook-client < {} > /dev/full", event.display());
    home.shell(&script).exit(2).says(&["the answer cannot be written"]);
    for nowhere in [">&-", "> /dev/null"] {
        let script = format!("exec \"$provost\" hook-client < {} {nowhere}", event.display());
        home.shell(&script).exit(2).says(&["nobody reads the answer"]);
    }
}

/// Before the agent program said how it calls its session, it is known by whose child it is.
#[test]
fn an_agent_that_provost_starts_is_known_from_its_first_event_on() {
    let home = Home::new();
    ready(&home);
    let call = event(&home, "SessionStart", &json!({ "source": "startup" })).to_string();
    let binary = env!("CARGO_BIN_EXE_provost");
    let done = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"ok"}'"#;
    let body = format!(
        "echo '{call}' | {binary} hook-client > told 2>&1; echo $? > code\n{GREETING}\nread -r prompt\ninit\nsay hi\n{done}\nuntil_end_of_input"
    );
    let agent = fake_agent(&home, &body);
    home.provost(&["run", "go"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", agent).succeed();
    assert_eq!(fs::read_to_string(home.work("code")).expect("a file"), "0\n");
    assert_eq!(fs::read_to_string(home.work("told")).expect("a file"), "");
    assert_eq!(home.sessions().len(), 1);
    assert_eq!(home.last()["origin"], "run");
    home.assert_well();
}
