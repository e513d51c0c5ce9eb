//! The process that judges events for hook clients: everything is as without it, and where it is not, nothing changes.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};

use crate::{
    fixture::{Home, HookServer, Provost, Running, Signal, wait_until},
    hook_client::{self, add_hook, bash, client, decision, event, gate, ready},
};

/// Facts of hook clients that hold just so where a server judges.
macro_rules! hold_with_a_server {
    ($($fact:ident),+ $(,)?) => {
        $(fn $fact(home: &Home) {
            let server = Server::start(home);
            hook_client::$fact(home);
            server.assert_judges(home);
            server.end();
        })+
        on_both_databases!($($fact),+);
    };
}

hold_with_a_server!(
    each_event_is_recorded_and_the_session_moves_with_them,
    what_a_policy_denies_is_denied_and_on_record_first,
    what_policies_ask_and_allow_is_answered_so,
    hooks_rewrite_first_and_the_rest_is_judged,
    hooks_of_other_events_stop_and_tell,
    calls_at_once_are_each_recorded_once,
    two_first_events_at_once_are_of_one_session,
    a_policy_that_cannot_be_read_lets_nothing_pass,
    whoever_is_killed_half_way_leaves_nothing_half,
    a_session_that_provost_runs_is_left_to_it,
);

/// With 0 a client starts no server.
const IDLE: &str = "PROVOST_HOOK__SERVER_IDLE_SECONDS";

/// The socket in a home's data folder.
fn socket(home: &Home) -> Option<PathBuf> {
    let files = fs::read_dir(home.data("")).expect("the data folder");
    let mut paths = files.flatten().map(|file| file.path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "sock"))
}

fn listens(home: &Home) -> bool {
    socket(home).is_some_and(|socket| UnixStream::connect(socket).is_ok())
}

/// A server of a home, started by hand.
struct Server(Running);

impl Server {
    fn start(home: &Home) -> Self {
        home.use_hook_server(HookServer::Stays(60));
        let folder = home.data("");
        fs::create_dir_all(&folder).expect("folders");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("permissions");
        let server = home.provost(&["hook-server"]).arg(&folder).arg("60");
        // Processes of a home are known by this.
        let server = server.without_env("HOME").start();
        assert!(wait_until(|| listens(home)));
        Self(server)
    }

    /// An event is judged by it, and not by the client itself.
    fn assert_judges(&self, home: &Home) {
        assert_eq!(judge(home), self.0.pid());
    }

    fn end(self) {
        self.0.signal(Signal::TERM);
        assert_eq!(self.0.finish().code, Some(0));
    }
}

/// Who runs the hooks of an event.
fn judge(home: &Home) -> u32 {
    add_hook(home, "who", "PreToolUse", "echo $PPID > judge");
    gate(home, &bash("ls", "toolu_judged"));
    home.provost(&["hook", "remove", "who"]).succeed();
    fs::read_to_string(home.work("judge")).expect("it ran").trim().parse().expect("a number")
}

/// A client that was given an event and is waited for later.
fn ask(client: Provost, event: &Value) -> Running {
    let mut asking = client.start();
    asking.write(&event.to_string());
    asking.close_input();
    asking
}

fn denied(home: &Home, use_id: &str) {
    assert_eq!(decision(&gate(home, &bash("rm -rf /", use_id))), "deny");
}

#[test]
fn the_first_event_starts_one_that_ends_when_nobody_asks() {
    let home = Home::new();
    ready(&home);
    home.use_hook_server(HookServer::Stays(1));
    denied(&home, "toolu_1");
    assert!(wait_until(|| listens(&home)));
    denied(&home, "toolu_2");
    assert!(wait_until(|| socket(&home).is_none()), "it ends");
    denied(&home, "toolu_3");
    assert_eq!(home.tool_calls().len(), 3);
    home.provost(&["audit", "verify"]).succeed();
    home.assert_well();
}

#[test]
fn there_is_one() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    let second = home.provost(&["hook-server"]).arg(home.data("")).arg("60");
    assert_eq!(second.succeed().stdout, b"");
    denied(&home, "toolu_1");
    server.assert_judges(&home);
    server.end();
}

#[test]
fn one_that_is_killed_before_it_took_an_event_leaves_it_to_the_client() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    server.0.signal(Signal::STOP);
    let mut asking = client(&home, &json!({})).env(IDLE, "0").start();
    assert!(wait_until(|| asking.sockets() > 0), "it listens to signals");
    let before = asking.sockets();
    asking.write(&event(&home, "PreToolUse", &bash("rm -rf /", "toolu_1")).to_string());
    asking.close_input();
    assert!(wait_until(|| asking.sockets() > before), "it asks");
    server.0.signal(Signal::KILL);
    server.0.finish();
    let outcome = asking.finish();
    assert_eq!(
        (outcome.code, outcome.json()["hookSpecificOutput"]["permissionDecision"].as_str()),
        (Some(0), Some("deny"))
    );
    // The socket it left is nobody's, and the next one takes its place.
    let server = Server::start(&home);
    denied(&home, "toolu_2");
    server.assert_judges(&home);
    server.end();
}

#[test]
fn one_that_hangs_is_passed_by_and_judges_nothing_later() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    server.0.signal(Signal::STOP);
    denied(&home, "toolu_1");
    server.0.signal(Signal::CONT);
    server.assert_judges(&home);
    let uses = home.tool_calls().into_iter().map(|call| call["tool_use_id"].clone());
    assert_eq!(uses.collect::<Vec<_>>(), ["toolu_1", "toolu_judged"]);
    let decisions = home.timeline().into_iter().filter(|entry| entry["kind"] == "decision");
    assert_eq!(decisions.count(), 1);
    server.end();
}

#[test]
fn what_nobody_waits_for_any_more_is_not_recorded() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    denied(&home, "toolu_1");
    let lock = testkit::sqlite::Lock::take(&home.data("provost.db"));
    let late = event(&home, "PreToolUse", &bash("ls", "toolu_late"));
    client(&home, &late).args(&["--timeout", "0.5"]).exit(2).says(&["does not run"]);
    drop(lock);
    // It came behind.
    denied(&home, "toolu_2");
    let uses = home.tool_calls().into_iter().map(|call| call["tool_use_id"].clone());
    assert_eq!(uses.collect::<Vec<_>>(), ["toolu_1", "toolu_2"]);
    server.assert_judges(&home);
    server.end();
}

#[test]
fn one_that_hangs_while_it_judges_lets_nothing_pass_and_records_nothing_later() {
    let home = Home::new();
    ready(&home);
    add_hook(&home, "stops", "PreToolUse", "kill -STOP $PPID");
    let server = Server::start(&home);
    let stopped = event(&home, "PreToolUse", &bash("ls", "toolu_1"));
    client(&home, &stopped).args(&["--timeout", "1"]).exit(2).says(&["took too long", "does not run"]);
    server.0.signal(Signal::CONT);
    home.provost(&["hook", "remove", "stops"]).succeed();
    denied(&home, "toolu_2");
    let uses = home.tool_calls().into_iter().map(|call| call["tool_use_id"].clone());
    assert_eq!(uses.collect::<Vec<_>>(), ["toolu_2"]);
    server.assert_judges(&home);
    server.end();
}

#[test]
fn whoever_is_told_to_end_while_the_server_judges_lets_nothing_pass() {
    let home = Home::new();
    ready(&home);
    add_hook(&home, "slow", "PreToolUse", "touch begun; sleep 1000");
    let server = Server::start(&home);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let asking = ask(client(&home, &json!({})), &event(&home, "PreToolUse", &bash("ls", "toolu_1")));
        assert!(wait_until(|| home.work("begun").exists()));
        asking.signal(signal);
        let outcome = asking.finish();
        assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
        outcome.says(&["does not run"]);
        fs::remove_file(home.work("begun")).expect("a file");
    }
    home.provost(&["hook", "remove", "slow"]).succeed();
    denied(&home, "toolu_2");
    assert_eq!(home.tool_calls().len(), 1, "what was broken off is not recorded");
    server.end();
}

#[test]
fn a_disk_that_hangs_holds_up_nobody_else() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    // Whoever reads these settings waits for a writer.
    let hanging = home.path("hanging.toml");
    mkfifoat(CWD, &hanging, Mode::RWXU).expect("a pipe");
    let stuck = (0..3).map(|number| {
        let call = event(&home, "PreToolUse", &bash("ls", &format!("toolu_stuck_{number}")));
        let client = client(&home, &json!({})).args(&["--timeout", "4", "--config"]).arg(&hanging);
        ask(client, &call)
    });
    let stuck: Vec<_> = stuck.collect();
    let began = Instant::now();
    for number in 0..5 {
        denied(&home, &format!("toolu_{number}"));
    }
    server.assert_judges(&home);
    assert!(began.elapsed().as_secs() < 4, "{:?}", began.elapsed());
    for client in stuck {
        let outcome = client.finish();
        assert_eq!(outcome.code, Some(2), "its own disk hangs");
        outcome.says(&["took too long"]);
    }
    assert_eq!(home.tool_calls().len(), 6);
    server.0.signal(Signal::KILL);
    server.0.finish();
}

#[test]
fn a_database_that_is_locked_holds_up_nobody_who_has_another() {
    let home = Home::new();
    ready(&home);
    let other = home.data("other.db");
    home.provost(&["init", "--database"]).arg(&other).succeed();
    let add = home.provost(&["hook", "add", "who", "--event", "PreToolUse", "--gate", "--database"]);
    add.arg(&other).args(&["--", "sh", "-c", "echo $PPID > judge"]).succeed();
    let server = Server::start(&home);
    denied(&home, "toolu_1");
    let lock = testkit::sqlite::Lock::take(&home.data("provost.db"));
    let waiting = (2..5).map(|number| {
        let call = event(&home, "PreToolUse", &bash("ls", &format!("toolu_{number}")));
        ask(client(&home, &json!({})), &call)
    });
    let waiting: Vec<_> = waiting.collect();
    thread::sleep(Duration::from_millis(500));
    let elsewhere = event(&home, "PreToolUse", &bash("ls", "toolu_elsewhere"));
    client(&home, &elsewhere).arg("--database").arg(&other).succeed();
    let judge = fs::read_to_string(home.work("judge")).expect("it ran");
    assert_eq!(judge.trim(), server.0.pid().to_string());
    drop(lock);
    for client in waiting {
        assert_eq!(client.finish().code, Some(0));
    }
    assert_eq!(home.tool_calls().len(), 4);
    server.end();
}

#[test]
fn a_hook_that_refuses_is_heard_whatever_the_database_waits_for() {
    let home = Home::new();
    ready(&home);
    let refuses = ["add", "refuses", "--event", "PreToolUse", "--matcher", "Write", "--timeout", "1"];
    let script = "touch begun; sleep 0.5; echo '{ \"decision\": \"block\", \"reason\": \"no\" }'";
    home.provost(&["hook"]).args(&refuses).args(&["--", "sh", "-c", script]).succeed();
    let server = Server::start(&home);
    let input = json!({ "file_path": "a", "content": "b" });
    let write = json!({ "tool_name": "Write", "tool_use_id": "toolu_w", "tool_input": input });
    let asking = ask(client(&home, &json!({})), &event(&home, "PreToolUse", &write));
    assert!(wait_until(|| home.work("begun").exists()));
    let lock = testkit::sqlite::Lock::take(&home.data("provost.db"));
    let waiting = ask(client(&home, &json!({})), &event(&home, "PreToolUse", &bash("ls", "toolu_1")));
    thread::sleep(Duration::from_secs(2));
    drop(lock);
    assert_eq!(waiting.finish().code, Some(0));
    let answer = asking.finish().json();
    assert_eq!(decision(&answer["hookSpecificOutput"]), "deny", "{answer}");
    server.end();
}

#[test]
fn a_long_event_is_judged_by_it() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    add_hook(&home, "who", "PreToolUse", "echo $PPID > judge");
    let mut call = bash("ls", "toolu_1");
    call["tool_input"]["content"] = json!("\u{1}\"x".repeat(1_500_000));
    client(&home, &event(&home, "PreToolUse", &call)).succeed();
    let judge = fs::read_to_string(home.work("judge")).expect("it ran");
    assert_eq!(judge.trim(), server.0.pid().to_string());
    server.end();
}

#[test]
fn one_that_is_killed_while_it_judges_lets_nothing_pass() {
    let home = Home::new();
    ready(&home);
    add_hook(&home, "slow", "PreToolUse", "touch begun; sleep 1000");
    let server = Server::start(&home);
    let asking = ask(client(&home, &json!({})), &event(&home, "PreToolUse", &bash("ls", "toolu_1")));
    assert!(wait_until(|| home.work("begun").exists()));
    server.0.signal(Signal::KILL);
    server.0.finish();
    let outcome = asking.finish();
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    outcome.says(&["the hook server", "does not run"]);
}

#[test]
fn a_replaced_binary_is_answered_by_itself_and_ends_the_old_server() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    let newer = home.path("bin/newer");
    fs::copy(env!("CARGO_BIN_EXE_provost"), &newer).expect("a copy");
    let event = event(&home, "PreToolUse", &bash("rm -rf /", "toolu_1"));
    let newer = home.shell(&format!("exec {} hook-client", newer.display())).env(IDLE, "0");
    let outcome = newer.input(event.to_string()).succeed();
    assert!(outcome.text().contains("\"deny\""), "{}", outcome.text());
    assert_eq!(server.0.finish().code, Some(0), "it made room");
}

#[test]
fn another_database_in_its_place_is_noticed() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    denied(&home, "toolu_1");
    for file in ["provost.db", "provost.db-wal", "provost.db-shm"] {
        drop(fs::remove_file(home.data(file)));
    }
    let gone = client(&home, &event(&home, "PreToolUse", &bash("ls", "toolu_2")));
    gone.exit(2).says(&["there is no database at", "provost.db"]);
    ready(&home);
    denied(&home, "toolu_3");
    assert_eq!(home.tool_calls().len(), 1, "in the new one");
    server.assert_judges(&home);
    server.end();
}

#[test]
fn a_schema_that_went_back_is_noticed() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    denied(&home, "toolu_1");
    home.provost(&["db", "rollback", "--yes"]).succeed();
    client(&home, &event(&home, "PreToolUse", &bash("ls", "toolu_2"))).exit(2).says(&["schema"]);
    home.provost(&["db", "migrate"]).succeed();
    server.assert_judges(&home);
    server.end();
}

/// It could have others work for it where it may not.
#[test]
fn who_may_do_less_is_not_served() {
    let status = fs::read_to_string("/proc/self/status").expect("it is there");
    if status.contains("NoNewPrivs:\t1") {
        return eprintln!("skipped: this process may not do more than its child");
    }
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    let event = event(&home, "PreToolUse", &bash("ls", "toolu_1"));
    add_hook(&home, "who", "PreToolUse", "echo $PPID > judge");
    let bound = home.shell("exec setpriv --no-new-privs \"$provost\" hook-client").env(IDLE, "0");
    bound.input(event.to_string()).succeed();
    assert_ne!(fs::read_to_string(home.work("judge")).expect("it ran").trim(), server.0.pid().to_string());
    home.provost(&["hook", "remove", "who"]).succeed();
    server.assert_judges(&home);
    server.end();
}

#[test]
fn a_folder_that_others_write_to_is_not_believed() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    fs::set_permissions(home.data(""), fs::Permissions::from_mode(0o777)).expect("permissions");
    assert_ne!(judge(&home), server.0.pid());
    server.end();
}

#[test]
fn what_is_logged_reaches_the_client() {
    let home = Home::new();
    ready(&home);
    let notify = |home: &Home| {
        let event = event(home, "Notification", &json!({ "message": "the build is broken" }));
        let client = client(home, &event).env("PROVOST_HOOK__NOTIFICATION", "true");
        client.env("PROVOST_LOG__LEVEL", "info").succeed().stderr
    };
    let without_times = |log: String| {
        let lines =
            log.lines().map(|line| line.split_once(' ').map_or(line, |(_, line)| line).trim().to_owned());
        lines.collect::<Vec<_>>()
    };
    let by_itself = notify(&home);
    assert!(by_itself.contains("the build is broken"), "{by_itself}");
    let server = Server::start(&home);
    assert_eq!(without_times(notify(&home)), without_times(by_itself));
    server.end();
}

#[test]
fn settings_and_flags_are_those_of_each_client() {
    let home = Home::new();
    ready(&home);
    let server = Server::start(&home);
    let event = event(&home, "PreToolUse", &bash("terraform destroy", "toolu_1"));
    assert_eq!(client(&home, &event).succeed().text(), "");
    let blocked = client(&home, &event).env("PROVOST_POLICY__BLOCKED_COMMANDS", "[\"terraform destroy\"]");
    assert!(blocked.succeed().text().contains("\"deny\""));
    let other = home.path("other.db").display().to_string();
    client(&home, &event).args(&["--database", &other]).exit(2).says(&["other.db"]);
    home.provost(&["--database", &other, "init"]).succeed();
    client(&home, &event).args(&["--database", &other]).succeed();
    assert_eq!(home.tool_calls().len(), 1);
    server.assert_judges(&home);
    server.end();
}
