//! `kill -9` in the middle: what was acknowledged is kept, and the next start puts everything right.

use serde_json::{Value, json};

use crate::fixture::{Home, Running, Signal, assert_numbered_without_gaps, fake_agent, send, wait_until};

on_both_databases!(
    what_was_printed_before_kill_9_is_stored_and_the_session_goes_on,
    a_session_killed_while_it_asks_is_paused,
);

fn what_was_printed_before_kill_9_is_stored_and_the_session_goes_on(home: &Home) {
    let said: Vec<_> = (0..40).map(|number| json!({ "say": format!("line {number}") })).collect();
    let last = [
        json!({ "tool": "Bash", "input": { "command": "echo done > first.txt" } }),
        json!({ "tool": "Bash", "input": { "command": "touch begun && sleep 300" } }),
        json!({ "say": "never said" }),
    ];
    let first_turn: Vec<_> = said.into_iter().chain(last).collect();
    let mut run =
        home.play(&json!([first_turn, [{ "say": "I am back" }]])).args(&["--yes", "--json"]).start();
    run.until(|line| {
        is_call(line, "running") && line["item"]["tool_input"]["command"] != "echo done > first.txt"
    });
    run.signal(Signal::KILL);
    let outcome = run.finish();
    assert_eq!(outcome.code, None, "a signal ended it");
    let printed = outcome.json_lines();
    let id = printed[0]["item"]["id"].as_str().expect("an id").to_owned();

    // The first command afterwards finds out, and says so.
    let list = home.provost(&["session", "list", "--json"]).succeed();
    let list = list.says(&["lost its process while processing; it is paused now"]).json();
    assert_eq!(list["data"][0]["status"], "paused");
    home.provost(&["session", "list"]).succeed().stderr.is_empty().then_some(()).expect("said once");

    let stored = home.timeline_of(&id);
    assert_numbered_without_gaps(&stored);
    for line in &printed[1..] {
        let sequence = line["sequence"].as_u64().expect("a number");
        let row = &stored[usize::try_from(sequence).expect("a small number") - 1];
        assert_eq!((&row["kind"], &row["change"], &row["at"]), (&line["kind"], &line["change"], &line["at"]));
        assert_eq!(row["item"]["id"], line["item"]["id"]);
    }
    let last = stored.last().expect("entries");
    assert_eq!((&last["item"]["from"], &last["item"]["to"]), (&json!("processing"), &json!("paused")));
    assert_eq!(last["item"]["actor"], "system:recovery");
    let calls = home.tool_calls();
    assert_eq!((&calls[0]["status"], &calls[1]["status"]), (&json!("success"), &json!("error")));
    assert!(calls[1]["completed_at"].is_string(), "{:#}", calls[1]);
    assert_eq!(prompts(&stored), ["cancelled"]);
    assert_eq!(std::fs::read_to_string(home.work("first.txt")).expect("the tool ran"), "done\n");
    home.assert_well();

    let resumed = home.resume_last().arg("--json").succeed().json_lines();
    assert_eq!(resumed[0]["item"]["id"], id.as_str());
    let all = home.timeline_of(&id);
    assert_numbered_without_gaps(&all);
    assert_eq!(all[..stored.len() - 1], stored[..stored.len() - 1], "history stays as it was");
    assert_eq!(home.last()["status"], "completed");
    assert_eq!(prompts(&all), ["cancelled", "done"]);
    home.assert_well();
}

fn a_session_killed_while_it_asks_is_paused(home: &Home) {
    let mut run = home
        .play(&json!([[{ "tool": "Bash", "input": { "command": "touch ran" } }], [{ "say": "again" }]]))
        .on_terminal();
    run.expect("y = once").signal(Signal::KILL);
    run.finish();
    let list = home.provost(&["session", "list", "--json"]).succeed();
    let list = list.says(&["lost its process while waiting; it is paused now"]).json();
    assert_eq!(list["data"][0]["status"], "paused");
    assert_eq!(home.tool_calls()[0]["status"], "error");
    assert!(!home.work("ran").exists());
    home.assert_well();
    home.resume_last().succeed();
    assert_eq!(home.last()["status"], "completed");
}

#[test]
fn wherever_it_is_killed_every_printed_line_is_stored() {
    let home = Home::new();
    let steps: Vec<_> = (0..100).map(|number| json!({ "say": format!("line {number}") })).collect();
    for lines_read in [1, 2, 5, 10, 30, 80] {
        let mut run = home.play(&json!([steps])).arg("--json").start();
        for _ in 0..lines_read {
            run.next().expect("a line");
        }
        run.signal(Signal::KILL);
        let printed = run.finish().json_lines();
        let id = printed[0]["item"]["id"].as_str().expect("an id");
        let stored = home.timeline_of(id);
        assert_numbered_without_gaps(&stored);
        for line in &printed[1..] {
            let is_it = |row: &Value| {
                (&row["sequence"], &row["item"]["id"]) == (&line["sequence"], &line["item"]["id"])
            };
            assert!(stored.iter().any(is_it) || line["kind"] == "end", "{line:#}");
        }
        assert!(["paused", "completed"].contains(&home.last()["status"].as_str().expect("a status")));
    }
    home.assert_well();
}

#[test]
fn a_session_killed_while_its_agent_starts_is_paused() {
    let home = Home::new();
    let agent = fake_agent(&home, "touch started\nuntil_end_of_input");
    let run = home.provost(&["run", "go"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", agent).start();
    assert!(wait_until(|| home.work("started").exists()));
    run.signal(Signal::KILL);
    run.finish();
    let list = home.provost(&["session", "list"]).succeed();
    list.says(&["lost its process while connecting; it is paused now"]);
    home.assert_well();
}

/// It would go on asking its model, which nobody sees and somebody pays for.
#[test]
fn an_agent_whose_provost_was_killed_ends_with_all_that_it_started() {
    let home = Home::new();
    let deaf = "greet 2.1.329
trap '' HUP TERM PIPE
setsid sleep 300 </dev/null >/dev/null 2>&1 &
touch started
while :; do sleep 0.1; done";
    let agent = fake_agent(&home, deaf);
    let run = home.provost(&["run", "go"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", agent).start();
    assert!(wait_until(|| home.work("started").exists()));
    // Its guard is not to be talked out of it.
    for guard in run.children_called("agent-guard") {
        send(guard, Signal::TERM);
        send(guard, Signal::INT);
        send(guard, Signal::HUP);
    }
    run.signal(Signal::KILL);
    run.finish();
    home.assert_no_process();
}

#[test]
fn one_command_of_several_recovers_a_lost_session() {
    let home = Home::new();
    let mut run = home.play(&json!([[{ "hang": true }]])).arg("--json").start();
    run.until(|line| line["item"]["to"] == "processing");
    run.signal(Signal::KILL);
    run.finish();
    let lists: Vec<_> = (0..4).map(|_| home.provost(&["session", "list", "--json"]).start()).collect();
    let outcomes: Vec<_> = lists.into_iter().map(Running::finish).collect();
    for outcome in &outcomes {
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    }
    let told = outcomes.iter().filter(|outcome| outcome.stderr.contains("lost its process")).count();
    assert_eq!(told, 1);
    let recoveries = home.timeline().into_iter().filter(|entry| entry["item"]["actor"] == "system:recovery");
    assert_eq!(recoveries.count(), 1);
    home.assert_well();
}

fn is_call(line: &Value, status: &str) -> bool {
    line["kind"] == "tool_call" && line["item"]["status"] == status
}

/// The status of each prompt.
fn prompts(timeline: &[Value]) -> Vec<String> {
    let created = timeline.iter().filter(|entry| entry["kind"] == "command" && entry["change"] == "created");
    let prompts = created.filter(|entry| entry["item"]["kind"] == "prompt");
    prompts.map(|entry| entry["item"]["status"].as_str().expect("a status").to_owned()).collect()
}
