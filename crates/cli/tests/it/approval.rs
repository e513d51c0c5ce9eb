//! What an agent asks is kept, and answered from wherever a person is.

use serde_json::{Value, json};

use crate::fixture::{Home, Provost, Running, Signal, assert_numbered_without_gaps, wait_until};

on_both_databases!(
    a_background_session_waits_and_is_approved_from_elsewhere,
    a_refused_call_does_not_run_and_the_agent_is_told_why,
    the_first_answer_stands,
    what_a_person_changes_is_what_runs_unless_it_is_denied,
    what_a_policy_denies_since_it_was_asked_does_not_run,
    the_last_question_is_the_same_one_however_often_it_is_named,
    a_question_of_the_agent_is_approved_with_its_answers,
    what_nobody_answers_in_time_expires,
    an_answer_to_a_session_whose_process_died_lets_the_call_pass_once,
    who_watches_a_session_can_be_answered_from_another_terminal,
    a_question_of_a_session_that_is_ended_is_withdrawn,
    always_keeps_the_narrowest_rule_and_such_calls_pass_from_then_on,
);

const TOUCH: &str = "echo x >> made.txt";

/// Queues a session that runs these commands, one a turn.
fn queue(home: &Home, commands: &[&str]) -> String {
    let turn =
        |command: &&str| json!([{ "tool": "Bash", "input": { "command": command } }, { "say": "done" }]);
    let scenario = home.scenario(&commands.iter().map(turn).collect());
    let queued = home.provost(&["run", "go", "--background", "--scenario", &scenario]).succeed();
    queued.text().trim().to_owned()
}

fn worker(home: &Home) -> Provost {
    home.provost(&["worker", "--until-empty", "--json"])
}

fn pending(home: &Home) -> Vec<Value> {
    let page = home.json(&["approval", "list"]);
    page["data"].as_array().expect("a list").clone()
}

/// Waits for the only question, and gives its id.
fn asked(home: &Home) -> String {
    assert!(wait_until(|| pending(home).len() == 1), "{:?}", pending(home));
    pending(home)[0]["id"].as_str().expect("an id").to_owned()
}

fn show(home: &Home, id: &str) -> Value {
    home.json(&["approval", "show", id])
}

/// Of each decision of a session, what was decided and by what.
fn decisions(home: &Home, session: &str) -> Vec<(String, String)> {
    let text = |entry: &Value, field: &str| entry["item"][field].as_str().expect("a text").to_owned();
    let timeline = home.timeline_of(session);
    assert_numbered_without_gaps(&timeline);
    let decisions = timeline.iter().filter(|entry| entry["kind"] == "decision");
    decisions.map(|entry| (text(entry, "decision"), text(entry, "decided_by"))).collect()
}

fn decided(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(decision, by)| ((*decision).to_owned(), (*by).to_owned())).collect()
}

fn call_of(home: &Home) -> Value {
    home.tool_calls().last().expect("a call").clone()
}

/// What the audit log says was done to a question.
fn audited(home: &Home, id: &str) -> Vec<String> {
    let page = home.json(&["audit", "list", "--target", &format!("approval:{id}")]);
    let lines = page["data"].as_array().expect("a list");
    let line = |line: &Value| {
        format!("{} {}", line["action"].as_str().expect("a text"), line["outcome"].as_str().expect("a text"))
    };
    lines.iter().map(line).collect()
}

fn a_background_session_waits_and_is_approved_from_elsewhere(home: &Home) {
    let session = queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    assert_eq!(home.json(&["session", "show", &session])["status"], "waiting");
    home.provost(&["approval", "show", &id[28..]]).succeed().says(&["provost approval approve"]);
    let words = home.provost(&["approval", "list"]).succeed().text();
    assert!(words.contains(TOUCH) && words.contains("left"), "{words}");
    home.provost(&["approval", "approve", &id, "--note", "go on"]).succeed().says(&["its session is told"]);
    let outcome = run.finish().says(&["for an answer: provost approval show"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(std::fs::read_to_string(home.work("made.txt")).expect("it ran"), "x\n");
    assert_eq!(decisions(home, &session), decided(&[("ask", "mode"), ("allow", "person")]));
    let approval = show(home, &id);
    assert_eq!((&approval["status"], &approval["note"]), (&json!("approved"), &json!("go on")));
    assert_eq!(approval["decisions"][1]["reason"], "a person allowed it: go on");
    assert_eq!(audited(home, &id), ["approval.approve success"]);
    let of_call = home.json(&["audit", "list", "--action", "tool_call.decide", "--session", &session]);
    assert_eq!(of_call["data"].as_array().expect("a list").len(), 2);
    assert!(pending(home).is_empty());
    home.provost(&["audit", "verify"]).succeed();
    home.assert_well();
}

fn a_refused_call_does_not_run_and_the_agent_is_told_why(home: &Home) {
    let session = queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    home.provost(&["approval", "deny", "last", "--note", "use make"]).succeed();
    run.finish();
    assert!(!home.work("made.txt").exists());
    let call = call_of(home);
    assert_eq!((&call["status"], &call["error_message"]), (&json!("denied"), &json!("use make")));
    assert_eq!(decisions(home, &session), decided(&[("ask", "mode"), ("deny", "person")]));
    assert_eq!(show(home, &id)["status"], "denied");
    home.assert_well();
}

fn the_first_answer_stands(home: &Home) {
    queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    let answers: Vec<Running> = ["approve", "deny", "approve", "deny"]
        .map(|verb| home.provost(&["approval", verb, &id]).start())
        .into_iter()
        .collect();
    let outcomes: Vec<_> = answers.into_iter().map(Running::finish).collect();
    let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{outcomes:?}");
    assert_eq!(codes.iter().filter(|code| **code == Some(3)).count(), 3, "{outcomes:?}");
    home.provost(&["approval", "deny", &id]).exit(3).says(&["already by user:"]);
    run.finish();
    let is_approved = show(home, &id)["status"] == "approved";
    assert_eq!(home.work("made.txt").exists(), is_approved);
    assert_eq!(audited(home, &id).iter().filter(|line| line.ends_with("success")).count(), 1);
    assert_eq!(audited(home, &id).iter().filter(|line| line.ends_with("denied")).count(), 4);
    home.assert_well();
}

fn what_a_policy_denies_since_it_was_asked_does_not_run(home: &Home) {
    let session = queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    let deny = json!({ "deny": ["Bash(echo:*)"] }).to_string();
    home.provost(&["policy", "add", "no echo", "--kind", "rules", "--details", &deny]).succeed();
    home.provost(&["approval", "approve", &id]).succeed();
    run.finish();
    assert!(!home.work("made.txt").exists());
    assert_eq!(decisions(home, &session), decided(&[("ask", "mode"), ("deny", "policy")]));
    assert_eq!(call_of(home)["status"], "denied");
    // It says why it was asked, and why it did not run although it was approved.
    let shown = show(home, &id);
    let because = |number: usize| shown["decisions"][number]["reason"].as_str().expect("a reason");
    assert_eq!((shown["status"].as_str(), because(1)), (Some("approved"), "the rule Bash(echo:*) denies it"));
    let text = home.provost(&["approval", "show", &id]).succeed().text();
    assert!(text.contains(&format!("decision   ask, by mode: {}\n", because(0))), "{text}");
    assert!(text.contains("decision   deny, by policy no echo: the rule Bash(echo:*) denies it\n"), "{text}");
    home.assert_well();
}

/// Whoever says it twice does not answer another question, unseen.
fn the_last_question_is_the_same_one_however_often_it_is_named(home: &Home) {
    queue(home, &[TOUCH]);
    queue(home, &[TOUCH]);
    let run = worker(home).start();
    assert!(wait_until(|| pending(home).len() == 2), "{:?}", pending(home));
    home.provost(&["approval", "deny", "last"]).succeed();
    home.provost(&["approval", "deny", "last"]).exit(3).says(&["already by user:"]);
    home.provost(&["approval", "approve", "last"]).exit(3);
    let left = pending(home);
    assert_eq!(left.len(), 1);
    home.provost(&["approval", "deny", left[0]["id"].as_str().expect("an id")]).succeed();
    run.finish();
    home.assert_well();
}

fn what_a_person_changes_is_what_runs_unless_it_is_denied(home: &Home) {
    let session = queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    let input = json!({ "command": "echo changed > made.txt" }).to_string();
    home.provost(&["approval", "approve", &id, "--input", &input]).succeed();
    run.finish();
    assert_eq!(std::fs::read_to_string(home.work("made.txt")).expect("it ran"), "changed\n");
    assert_eq!(call_of(home)["tool_input"]["command"], "echo changed > made.txt");
    assert_eq!(show(home, &id)["input"]["command"], TOUCH, "what was asked stays");
    let session_two = queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    home.write("work/input.json", r#"{ "command": "rm -rf ~" }"#);
    home.provost(&["approval", "approve", &id, "--input", "@input.json"]).succeed();
    run.finish();
    assert_eq!(call_of(home)["status"], "denied");
    assert_eq!(decisions(home, &session), decided(&[("ask", "mode"), ("allow", "person")]));
    assert_eq!(decisions(home, &session_two), decided(&[("ask", "mode"), ("deny", "policy")]));
    home.assert_well();
}

fn a_question_of_the_agent_is_approved_with_its_answers(home: &Home) {
    let turns = json!([[{ "ask": "What's your colour?", "options": ["red", "green"] }, { "say": "done" }]]);
    let scenario = home.scenario(&turns);
    home.provost(&["run", "go", "--background", "--scenario", &scenario]).succeed();
    let run = worker(home).start();
    let id = asked(home);
    let questions = show(home, &id)["input"]["questions"].clone();
    let input = |answers: Value| json!({ "questions": questions, "answers": answers }).to_string();
    let approve = |more: &[&str]| home.provost(&["approval", "approve", &id]).args(more);
    let asks = ["asks \"What's your colour?\"", "field answers of its input", "--input"];
    approve(&[]).exit(2).says(&asks);
    approve(&["--always", "--yes"]).exit(2).says(&asks);
    for answers in [json!({}), json!({ "Something else": "red" }), json!({ "What's your colour?": "" })] {
        approve(&["--input", &input(answers)]).exit(2).says(&asks);
    }
    // The questions are part of what the tool takes.
    let bare = json!({ "answers": { "What's your colour?": "red" } }).to_string();
    approve(&["--input", &bare]).exit(2).says(&asks);
    let shown = home.provost(&["approval", "show", &id]).succeed().stderr;
    assert_eq!(show(home, &id)["status"], "pending", "nothing was answered yet");
    // What is said how to do it works as it stands there.
    let (_, command) = shown.split_once("to answer: provost ").expect("a command");
    let command = command.lines().next().expect("a line").replace("\"red\"", "\"green\"");
    let command = command.replacen("\"label\":\"green\"", "\"label\":\"red\"", 1);
    home.shell(&format!("\"$provost\" {command} {}", home.database_flag())).succeed();
    run.finish();
    let call = call_of(home);
    assert_eq!(call["tool_input"]["answers"], json!({ "What's your colour?": "green" }));
    assert!(call["tool_output"].to_string().contains("green"), "{call:#}");
    home.assert_well();
}

fn what_nobody_answers_in_time_expires(home: &Home) {
    let session = queue(home, &[TOUCH]);
    let run = worker(home).env("PROVOST_APPROVAL__BACKGROUND_SECONDS", "1").start();
    let id = asked(home);
    run.finish();
    assert!(!home.work("made.txt").exists());
    let shown = show(home, &id);
    assert_eq!(shown["status"], "expired");
    let reason = shown["decisions"][1]["reason"].as_str().expect("a reason");
    assert!(reason.contains("nobody answered in time"), "{shown}");
    assert_eq!(decisions(home, &session), decided(&[("ask", "mode"), ("deny", "timeout")]));
    let reason = call_of(home)["error_message"].as_str().expect("a text").to_owned();
    assert!(reason.contains("nobody answered in time"), "{reason}");
    home.provost(&["approval", "approve", &id]).exit(3).says(&["is expired already"]);
    assert_eq!(audited(home, &id), ["approval.approve denied", "approval.expire success"]);
    home.assert_well();
}

fn an_answer_to_a_session_whose_process_died_lets_the_call_pass_once(home: &Home) {
    let session = queue(home, &[TOUCH, TOUCH, TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    run.signal(Signal::KILL);
    run.finish();
    home.provost(&["approval", "approve", &id]).succeed().says(&["passes once when it comes again"]);
    worker(home).succeed();
    assert_eq!(std::fs::read_to_string(home.work("made.txt")).expect("it ran"), "x\n");
    assert_eq!(decisions(home, &session), decided(&[("ask", "mode"), ("allow", "person")]));
    home.provost(&["session", "send", &session, "again"]).succeed();
    let run = worker(home).start();
    let again = asked(home);
    assert_ne!(again, id, "it passed once");
    home.provost(&["approval", "deny", &again]).succeed();
    run.finish();
    home.assert_well();
}

fn who_watches_a_session_can_be_answered_from_another_terminal(home: &Home) {
    let turns = json!([[{ "tool": "Bash", "input": { "command": TOUCH } }, { "say": "done" }]]);
    home.play(&turns).succeed();
    assert_eq!(call_of(home)["status"], "denied", "nobody is there");
    let refused = home.json(&["approval", "show", "last"]);
    assert_eq!(refused["status"], "cancelled", "which is nobody's no");
    let mut run = home.play(&turns).args(&["--wait-for-approval", "--json"]).start();
    run.until(|line| line["kind"] == "approval");
    home.provost(&["approval", "approve", "last"]).succeed();
    assert_eq!(run.finish().code, Some(0));
    assert_eq!(call_of(home)["status"], "success");
    home.assert_well();
}

fn a_question_of_a_session_that_is_ended_is_withdrawn(home: &Home) {
    let session = queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    home.provost(&["session", "terminate", &session]).succeed();
    run.finish();
    assert_eq!(show(home, &id)["status"], "cancelled");
    home.provost(&["approval", "approve", &id]).exit(3).says(&["is cancelled already"]);
    home.assert_well();
}

fn always_keeps_the_narrowest_rule_and_such_calls_pass_from_then_on(home: &Home) {
    queue(home, &["make -n > out.txt"]);
    let run = worker(home).start();
    let id = asked(home);
    let rules = "--always would allow Bash(make -n), Edit(/";
    home.provost(&["approval", "show", &id]).succeed().says(&[rules, "/out.txt)"]);
    home.provost(&["approval", "approve", &id, "--always"]).exit(2).says(&["there is no terminal", "--yes"]);
    let refused = home.provost(&["approval"]).args(&["approve", &id, "--always", "--rule", "Bash(make:*)"]);
    refused.exit(3).says(&["it would still be ask", "writing"]);
    let refused = home.provost(&["approval"]).args(&["approve", &id, "--always", "--rule", "Bash("]);
    refused.exit(2).says(&["its bracket is not closed"]);
    assert_eq!(show(home, &id)["status"], "pending", "nothing was answered yet");
    home.provost(&["approval", "approve", &id, "--always", "--yes"])
        .succeed()
        .says(&["allowed from now on: Bash(make -n)", "its session is told"]);
    run.finish();
    let policy = home.json(&["policy", "show", "allowed by approvals"]);
    assert_eq!(policy["config"]["allow"][0], "Bash(make -n)");
    let session = queue(home, &["make -n > out.txt"]);
    worker(home).succeed();
    assert_eq!(decisions(home, &session), decided(&[("allow", "policy")]));
    let lines = home.json(&["audit", "list", "--action", "policy."]);
    assert_eq!(lines["data"][0]["action"], "policy.create");
    home.provost(&["policy", "disable", "allowed by approvals"]).succeed();
    queue(home, &[TOUCH]);
    let run = worker(home).start();
    let id = asked(home);
    home.provost(&["approval", "approve", &id, "--always", "--yes"]).exit(3).says(&["is disabled"]);
    assert_eq!(show(home, &id)["status"], "pending", "all or nothing");
    home.provost(&["approval", "deny", &id]).succeed();
    run.finish();
    home.assert_well();
}

#[test]
fn always_can_be_said_where_it_is_asked() {
    let home = Home::new();
    let call = json!({ "tool": "Bash", "input": { "command": "make -n > out.txt" } });
    let mut run = home.play(&json!([[call, call, { "say": "done" }]])).on_terminal();
    run.expect("a = always (Bash(make -n), Edit(/").write("a");
    // The second is not asked about.
    let (code, said) = run.finish();
    assert_eq!((code, said.matches("y = once").count()), (Some(0), 1), "{said}");
    let policy = home.json(&["policy", "show", "allowed by approvals"]);
    assert_eq!(policy["config"]["allow"][0], "Bash(make -n)");
    let session = home.last()["id"].as_str().expect("an id").to_owned();
    // What was approved was judged once more, so that the policy's word is known already.
    let expected = decided(&[("ask", "mode"), ("allow", "person"), ("allow", "cache")]);
    assert_eq!(decisions(&home, &session), expected);
    home.assert_well();
}

#[test]
fn what_names_no_question_or_no_input_is_refused() {
    let home = Home::new();
    home.provost(&["approval", "list"]).succeed().says(&["nothing waits for an answer"]);
    assert_eq!(home.json(&["approval", "list", "--all"]), json!({ "data": [], "next_cursor": null }));
    home.provost(&["approval", "show", "last"]).exit(4).says(&["there is no approval yet"]);
    home.provost(&["approval", "approve", "abcd1234"]).exit(4).says(&["there is no approval abcd1234"]);
    home.provost(&["approval", "deny", "zz"]).exit(2).says(&["accepted: an id"]);
    home.provost(&["approval", "list", "--status", "open"]).exit(2).says(&["pending"]);
    for (input, says) in
        [("[]", "no object"), ("{", "--input: EOF"), ("@not-there", "not-there"), ("", "--input")]
    {
        home.provost(&["approval", "approve", "last", "--input", input]).run().says(&[says]);
    }
}
