//! Reading the transcripts that the agent CLI keeps by itself.

use std::{fs, io::Write as _};

use serde_json::{Value, json};

use crate::fixture::{Home, Signal, assert_numbered_without_gaps};

on_both_databases!(
    transcripts_become_sessions_and_reading_them_again_brings_nothing,
    a_transcript_that_has_grown_is_read_on,
    what_goes_on_here_is_recorded_and_not_imported_as_well,
    what_cannot_be_read_is_told_and_passed_over,
    a_session_of_several_files_is_one,
    a_file_that_was_cut_and_grew_again_loses_and_doubles_nothing,
    what_was_spent_is_counted_once,
    what_tokens_cost_is_computed_where_the_transcript_does_not_say,
    what_was_imported_goes_on_where_its_files_are_not,
    an_import_that_was_killed_goes_on,
);

fn said(kind: &str, number: u32, content: &Value) -> Value {
    json!({
        "type": kind, "uuid": format!("00000000-0000-4000-8000-{number:012}"), "sessionId": "s", "cwd": "/somewhere",
        "timestamp": format!("2026-11-21T01:14:{:02}.000Z", number % 60), "version": "2.1.329", "isSidechain": false,
        "message": { "role": kind, "id": format!("m{number}"), "content": content },
    })
}

/// A prompt, a tool with its result, an answer, and what it cost.
fn transcript() -> Vec<Value> {
    vec![
        json!({ "type": "queue-operation", "operation": "enqueue", "content": "find the marmalade" }),
        said("user", 1, &json!("find the marmalade")),
        said(
            "assistant",
            2,
            &json!([{ "type": "tool_use", "id": "t1", "name": "Bash", "input": { "command": "ls" } }]),
        ),
        said("user", 3, &json!([{ "type": "tool_result", "tool_use_id": "t1", "content": "marmalade.txt" }])),
        said("assistant", 4, &json!([{ "type": "text", "text": "It is in the larder." }])),
        json!({
            "type": "cost-state", "totalCostUSD": 0.25,
            "modelUsage": { "x": { "inputTokens": 100, "outputTokens": 20 } },
        }),
    ]
}

fn lines(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

const NAME: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

fn write(home: &Home, text: &str) -> std::path::PathBuf {
    home.write(&format!(".claude/projects/-somewhere/{NAME}.jsonl"), text)
}

fn import(home: &Home) -> Value {
    home.json(&["import", "claude-transcripts"])
}

fn transcripts_become_sessions_and_reading_them_again_brings_nothing(home: &Home) {
    write(home, &lines(&transcript()));
    home.write(".claude/projects/-somewhere/empty.jsonl", "");
    let report = import(home);
    assert_eq!(
        (&report["new_sessions"], &report["messages"], &report["tool_calls"]),
        (&json!(1), &json!(4), &json!(1))
    );
    assert_eq!((&report["empty_files"], &report["unreadable_lines"]), (&json!(1), &json!(0)));
    let session = home.last();
    let facts =
        ["origin", "status", "name", "working_directory", "external_id", "total_cost_usd", "created_at"];
    assert_eq!(
        facts.map(|fact| session[fact].clone()),
        [
            json!("imported"),
            json!("completed"),
            json!("find the marmalade"),
            json!("/somewhere"),
            json!(NAME),
            json!("0.25"),
            json!("2026-11-21T01:14:01.000000Z"),
        ]
    );
    assert_eq!((&session["input_tokens"], &session["output_tokens"]), (&json!(100), &json!(20)));
    let timeline = home.timeline();
    assert_numbered_without_gaps(&timeline);
    let call = &home.tool_calls()[0];
    assert_eq!(
        (&call["status"], &call["tool_output"]["content"]),
        (&json!("success"), &json!("marmalade.txt"))
    );
    assert_eq!(home.json(&["session", "search", "larder"])["data"][0]["session_id"], session["id"]);
    let again = import(home);
    assert_eq!(
        (&again["known_sessions"], &again["new_sessions"], &again["messages"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!(home.timeline(), timeline);
    assert_eq!(home.last(), session);
    home.provost(&["import", "claude-transcripts"])
        .succeed()
        .says(&["0 sessions are new", "1 are as they were"]);
    home.assert_well();
}

fn a_transcript_that_has_grown_is_read_on(home: &Home) {
    let all = transcript();
    // The last line is still being written.
    let path = write(home, &format!("{}{{\"type\": \"us", lines(&all[..3])));
    assert_eq!(import(home)["tool_calls"], 1);
    assert_eq!(home.tool_calls()[0]["status"], "pending");
    fs::write(&path, lines(&all)).expect("written");
    let report = import(home);
    assert_eq!((&report["grown_sessions"], &report["messages"]), (&json!(1), &json!(2)));
    let call = &home.tool_calls()[0];
    assert_eq!((&call["status"], &call["duration_ms"]), (&json!("success"), &json!(1000)));
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("opens");
    let cost = json!({ "type": "cost-state", "totalCostUSD": 0.75, "modelUsage": {} });
    writeln!(file, "{}\n{cost}", said("user", 5, &json!("thanks"))).expect("written");
    assert_eq!(import(home)["messages"], 1);
    assert_eq!(home.last()["total_cost_usd"], "0.75");
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

fn what_goes_on_here_is_recorded_and_not_imported_as_well(home: &Home) {
    let all = transcript();
    let path = write(home, &lines(&all[..3]));
    import(home);
    // No such program, but the session was taken up.
    home.provost(&["run", "more", "--resume", "last"])
        .env("PROVOST_RUNTIME__CLAUDE__COMMAND", "/absent/claude")
        .run();
    assert_eq!(home.last()["status"], "failed");
    let before = home.timeline();
    fs::write(&path, lines(&all)).expect("written");
    let report = import(home);
    assert_eq!((&report["own_sessions"], &report["messages"]), (&json!(1), &json!(0)));
    assert_eq!(home.timeline(), before);
    home.assert_well();
}

fn what_cannot_be_read_is_told_and_passed_over(home: &Home) {
    let all = lines(&transcript());
    write(home, &format!("no json\n{all}{{}}\n\n[1]\n"));
    home.write(".claude/projects/a.jsonl", "\u{0}\u{1}\n");
    let report = import(home);
    assert_eq!(
        (&report["new_sessions"], &report["messages"], &report["unreadable_lines"]),
        (&json!(1), &json!(4), &json!(4))
    );
    let text = home.provost(&["import", "claude-transcripts", "nowhere"]).exit(4);
    text.says(&["nowhere", "name the folder"]);
    // A session that Provost ran is not read again from its transcript.
    home.play(&json!([[{ "say": "hello" }]])).succeed();
    let own = home.last()["external_id"].as_str().expect("an id").to_owned();
    home.write(&format!("other/{own}.jsonl"), &all);
    let other = home.path("other").display().to_string();
    assert_eq!(home.json(&["import", "claude-transcripts", &other])["own_sessions"], 1);
    assert_eq!(home.sessions().len(), 2);
    home.assert_well();
}

/// What people and the model said, with the call that a subagent works for.
fn words(home: &Home) -> Vec<(String, Value)> {
    let messages = home.timeline().into_iter().filter(|entry| entry["kind"] == "message");
    let words = messages.map(|entry| {
        let text = entry["item"]["content"]["blocks"][0]["text"].as_str().unwrap_or_default().to_owned();
        (text, entry["item"]["parent_tool_use_id"].clone())
    });
    words.filter(|(text, _)| !text.is_empty()).collect()
}

/// The session's own file, two of its subagents, and a copy in another project's folder that goes on.
fn a_session_of_several_files_is_one(home: &Home) {
    let started = |number, call: &str, agent: &str| {
        let mut line =
            said("user", number, &json!([{ "type": "tool_result", "tool_use_id": call, "content": "done" }]));
        line["toolUseResult"] = json!({ "agentId": agent, "status": "completed" });
        line
    };
    let spawn = |number, call: &str| {
        let block =
            json!([{ "type": "tool_use", "id": call, "name": "Agent", "input": { "prompt": "look" } }]);
        said("assistant", number, &block)
    };
    let subagent = |number, agent: &str, text: &str| {
        let mut line = said("assistant", number, &json!([{ "type": "text", "text": text }]));
        (line["isSidechain"], line["agentId"], line["sessionId"]) = (json!(true), json!(agent), json!(NAME));
        line
    };
    let mut all = transcript();
    all.extend([spawn(11, "a1"), started(12, "a1", "one"), spawn(13, "a2"), started(14, "a2", "two")]);
    write(home, &lines(&all));
    let folder = ".claude/projects/-somewhere";
    home.write(
        &format!("{folder}/{NAME}/subagents/agent-one.jsonl"),
        &lines(&[subagent(21, "one", "in the cellar")]),
    );
    home.write(&format!("{folder}/agent-two.jsonl"), &lines(&[subagent(31, "two", "in the attic")]));
    let copy = [all.clone(), vec![said("user", 41, &json!("and then"))]].concat();
    home.write(&format!(".claude/projects/-elsewhere/{NAME}.jsonl"), &lines(&copy));
    let report = import(home);
    assert_eq!(
        (&report["new_sessions"], &report["messages"], &report["tool_calls"]),
        (&json!(1), &json!(11), &json!(3))
    );
    assert_eq!(home.sessions().len(), 1);
    let mut words = words(home);
    words.sort_by_key(|(text, _)| text.clone());
    let expected = [
        ("It is in the larder.", Value::Null),
        ("and then", Value::Null),
        ("find the marmalade", Value::Null),
        ("in the attic", json!("a2")),
        ("in the cellar", json!("a1")),
    ];
    assert_eq!(words, expected.map(|(text, call)| (text.to_owned(), call)));
    let again = import(home);
    assert_eq!((&again["known_sessions"], &again["messages"]), (&json!(1), &json!(0)));
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

fn a_file_that_was_cut_and_grew_again_loses_and_doubles_nothing(home: &Home) {
    let all = transcript();
    let path = write(home, &lines(&all));
    import(home);
    fs::write(&path, lines(&all[..2])).expect("cut");
    assert_eq!(import(home)["messages"], 0);
    let further =
        [all[..2].to_vec(), vec![said("user", 7, &json!("something else")); 1], all[2..].to_vec()].concat();
    fs::write(&path, lines(&further)).expect("written");
    assert_eq!(import(home)["messages"], 1);
    assert_eq!(home.last()["total_messages"], 5);
    assert_eq!(home.last()["total_cost_usd"], "0.25");
    assert_numbered_without_gaps(&home.timeline());
    home.assert_well();
}

fn cost_line(dollars: f64, tokens: u32) -> Value {
    let usage = json!({ "x": { "inputTokens": tokens, "outputTokens": 20 } });
    json!({ "type": "cost-state", "totalCostUSD": dollars, "modelUsage": usage })
}

/// Whatever is read again, in whichever order and copy, was spent once; a count that begins again goes on top.
fn what_was_spent_is_counted_once(home: &Home) {
    let mut all = vec![
        said("user", 1, &json!("go")),
        cost_line(0.10, 40),
        said("user", 2, &json!("on")),
        cost_line(0.25, 100),
    ];
    let spent = |home: &Home| home.last()["total_cost_usd"].clone();
    let path = write(home, &lines(&all));
    import(home);
    assert_eq!(spent(home), "0.25");
    // Written anew with another beginning.
    let other = [vec![json!({ "type": "mode" })], all.clone()].concat();
    fs::write(&path, lines(&other)).expect("written");
    import(home);
    assert_eq!(spent(home), "0.25");
    // An older copy, and a subagent whose tokens the session's own count holds.
    home.write(&format!("backup/-somewhere/{NAME}.jsonl"), &lines(&all[..2]));
    let mut subagent = said("assistant", 21, &json!([{ "type": "text", "text": "found" }]));
    (subagent["isSidechain"], subagent["agentId"]) = (json!(true), json!("one"));
    subagent["message"]["model"] = json!("x");
    subagent["message"]["usage"] = json!({ "input_tokens": 7 });
    home.write(&format!(".claude/projects/-somewhere/{NAME}/subagents/agent-one.jsonl"), &lines(&[subagent]));
    let backup = home.path("backup").display().to_string();
    home.json(&["import", "claude-transcripts", &backup]);
    import(home);
    let session = home.last();
    assert_eq!(
        (spent(home), &session["input_tokens"], &session["unknown_costs"]),
        (json!("0.25"), &json!(100), &json!(0))
    );
    // It counts from zero again.
    all.extend([cost_line(0.05, 20), cost_line(0.15, 60)]);
    fs::write(&path, lines(&[vec![json!({ "type": "mode" })], all].concat())).expect("written");
    import(home);
    assert_eq!(spent(home), "0.4");
    import(home);
    assert_eq!((spent(home), &home.last()["total_messages"]), (json!("0.4"), &json!(3)));
    home.assert_well();
}

fn what_tokens_cost_is_computed_where_the_transcript_does_not_say(home: &Home) {
    let answer = |number, message: &str, model: &str, output: u32| {
        let mut line = said("assistant", number, &json!([{ "type": "text", "text": "yes" }]));
        line["message"]["model"] = json!(model);
        line["message"]["id"] = json!(message);
        line["message"]["usage"] = json!({ "input_tokens": 1_000_000, "output_tokens": output });
        line
    };
    home.provost(&["price", "set", "known-1", "--input", "3", "--output", "15"]).succeed();
    // The pieces of one message count once.
    let all = [
        said("user", 1, &json!("go")),
        answer(2, "m1", "known-1", 10),
        answer(3, "m1", "known-1", 1_000_000),
        answer(4, "m2", "unknown-1", 5),
    ];
    let path = write(home, &lines(&all[..3]));
    import(home);
    let session = home.last();
    assert_eq!((&session["total_cost_usd"], &session["output_tokens"]), (&json!("18"), &json!(1_000_000)));
    fs::write(&path, lines(&all)).expect("written");
    import(home);
    let session = home.last();
    assert_eq!((&session["total_cost_usd"], &session["input_tokens"]), (&json!("18"), &json!(2_000_000)));
    assert!(
        home.provost(&["session", "show", "last"]).succeed().text().contains("$18.00 and an unknown part")
    );
    assert_eq!(home.last()["unknown_costs"], 1);
    let prices = home.provost(&["price", "list"]).succeed().text();
    assert!(prices.starts_with("known-1 ") && prices.contains("$3.00 in, $15.00 out"), "{prices}");
    import(home);
    assert_eq!(home.last()["total_cost_usd"], "18");
    // Of one whose cost nobody knows, the list does not say that it was free.
    assert!(!home.provost(&["session", "list"]).succeed().text().contains("  ?  "));
    home.write(".claude/projects/-b/bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee.jsonl", &lines(&all[3..]));
    import(home);
    assert!(home.provost(&["session", "list"]).succeed().text().contains("  ?  "));
    home.assert_well();
}

/// Every line is kept, also what is no message.
fn what_was_imported_goes_on_where_its_files_are_not(home: &Home) {
    let path = write(home, &lines(&transcript()));
    import(home);
    fs::remove_file(&path).expect("removed");
    // No such program, but its transcript is put where it would look for it.
    let absent = ("PROVOST_RUNTIME__CLAUDE__COMMAND", "/absent/claude");
    home.provost(&["run", "more", "--resume", "last"]).env(absent.0, absent.1).run();
    assert_eq!(fs::read_to_string(&path).expect("there again"), lines(&transcript()));
}

fn an_import_that_was_killed_goes_on(home: &Home) {
    let many: Vec<_> =
        (1..6000).map(|number| said("user", number, &json!(format!("line {number}")))).collect();
    write(home, &lines(&many));
    let run = home.provost(&["import", "claude-transcripts"]).start();
    let is_begun = || !home.sessions().is_empty();
    assert!(crate::fixture::wait_until(is_begun));
    run.signal(Signal::KILL);
    run.finish();
    import(home);
    assert_eq!(home.last()["total_messages"], 5999);
    let timeline = home.timeline();
    assert_numbered_without_gaps(&timeline);
    assert_eq!(timeline.len(), 6000);
    home.assert_well();
}
