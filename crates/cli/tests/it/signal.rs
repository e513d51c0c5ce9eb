//! Ctrl-C, SIGTERM, and what becomes of the agent and its tools.

use serde_json::json;

use crate::fixture::{Home, Outcome, Running, Signal};

/// A run whose tool is at work.
fn in_a_tool(home: &Home) -> Running {
    // The tool's child is in the same group; both must go.
    let command = "sleep 300 & echo $! > child; touch begun; wait";
    let turns = json!([[{ "tool": "Bash", "input": { "command": command } }, { "say": "never said" }]]);
    let mut run = home.play(&turns).args(&["--yes", "--json"]).start();
    run.until_tool_call_is("running");
    assert!(crate::fixture::wait_until(|| home.work("begun").exists()));
    run
}

fn end(outcome: &Outcome) -> String {
    outcome.json_lines().last().expect("lines")["item"]["status"].as_str().expect("a status").to_owned()
}

#[test]
fn ctrl_c_once_interrupts_the_tool_and_pauses_the_session() {
    let home = Home::new();
    let run = in_a_tool(&home);
    run.signal(Signal::INT);
    let outcome = run.finish().says(&["interrupting; press Ctrl-C again to end the session"]);
    assert_eq!((outcome.code, end(&outcome)), (Some(1), "paused".to_owned()));
    assert_ne!(home.tool_calls()[0]["status"], "success");
    let timeline = home.timeline();
    assert!(timeline.iter().any(|entry| entry["item"]["kind"] == "interrupt"), "{timeline:#?}");
    home.assert_well();
    home.resume_last().succeed();
    assert_eq!(home.last()["status"], "completed");
}

/// A run of an agent that paid no attention to an interrupt.
fn interrupted_in_vain(home: &Home) -> Running {
    let agent = crate::fixture::fake_agent(
        home,
        &format!("{}\nread -r prompt\ninit\nsay working\nuntil_end_of_input", crate::fixture::GREETING),
    );
    let run = home.provost(&["run", "go", "--json"]).env("PROVOST_RUNTIME__CLAUDE__COMMAND", agent);
    let mut run = run.start();
    run.until(|line| line.to_string().contains("working"));
    run.signal(Signal::INT);
    run.until(|line| line["item"]["kind"] == "interrupt");
    run
}

#[test]
fn ctrl_c_twice_ends_the_session() {
    let home = Home::new();
    let run = interrupted_in_vain(&home);
    run.signal(Signal::INT);
    let outcome = run.finish();
    assert_eq!((outcome.code, end(&outcome)), (Some(1), "terminated".to_owned()));
    let audited = home.json(&["audit", "list", "--action", "session.terminate"]);
    assert_eq!(audited["data"].as_array().expect("a list").len(), 1);
    home.assert_well();
}

#[test]
fn an_end_that_cannot_be_audited_is_not_recorded() {
    let home = Home::new();
    let run = interrupted_in_vain(&home);
    home.execute(
        "CREATE TRIGGER audit_log_full BEFORE INSERT ON audit_log WHEN NEW.action = 'session.terminate' BEGIN
             SELECT RAISE(ABORT, 'no room for this line');
         END",
    );
    run.signal(Signal::INT);
    let outcome = run.finish();
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    home.assert_no_process();
    // Its owner is gone, so that it is found again and rests.
    home.provost(&["session", "list"]).succeed().says(&["paused"]);
    assert_eq!(home.last()["status"], "paused");
    home.assert_well();
}

#[test]
fn sigterm_and_sighup_end_the_session() {
    for signal in [Signal::TERM, Signal::HUP] {
        let home = Home::new();
        let run = in_a_tool(&home);
        run.signal(signal);
        let outcome = run.finish();
        assert_eq!((outcome.code, end(&outcome)), (Some(1), "terminated".to_owned()), "{signal:?}");
        assert_eq!(home.tool_calls()[0]["status"], "error");
        home.assert_well();
    }
}
