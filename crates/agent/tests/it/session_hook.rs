//! The socket by which an agent program tells of its session's start and end, from the side of the program at its hooks.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::Duration,
};

use domain::{
    agent_event::{AgentEvent, AgentInput, HookCall},
    hook::HookAnswer,
};
use provost_agent::{
    Runtime, SessionHooks, StartingAgent,
    session_hook::{TellError, tell},
};
use serde_json::{Value, json};

use crate::fake_agent::{FakeAgent, PATIENCE, next, rest, until, until_gone};

/// An agent that has hooks and writes its arguments and its process id down before anything else.
fn with_hooks(body: &str) -> FakeAgent {
    let mut agent = FakeAgent::new(&format!("echo $$ > pid; echo \"$@\" > arguments; {body}"));
    let Runtime::Claude { session_hooks, .. } = &mut agent.launch.runtime else { panic!("another runtime") };
    let directory = agent.folder.path().to_owned();
    *session_hooks = Some(SessionHooks { program: "/bin/provost".into(), directory });
    agent
}

/// Waits for a file before it goes on.
fn wait_for(file: &str) -> String {
    format!("until test -e {file}; do sleep 0.01; done")
}

/// Where the agent's hooks would tell of events.
async fn socket(agent: &FakeAgent) -> PathBuf {
    let arguments = agent.written("arguments").await;
    let settings = arguments.split_whitespace().find_map(|argument| argument.strip_prefix("--settings="));
    let settings = fs::read(settings.expect("settings")).expect("a file");
    let settings: Value = serde_json::from_slice(&settings).expect("JSON");
    let command = settings["hooks"]["SessionEnd"][0]["hooks"][0]["command"].as_str().expect("a command");
    let path = command.strip_prefix("'/bin/provost' agent-hook --socket '").expect("ours");
    path.trim_end_matches('\'').into()
}

fn event(name: &str) -> String {
    json!({ "hook_event_name": name, "session_id": "s", "source": "startup" }).to_string()
}

type Told = Result<Option<String>, TellError>;

/// Tells of an event as the program at the hook does.
fn telling(socket: &Path, name: &str) -> JoinHandle<Told> {
    let (socket, event) = (socket.to_owned(), event(name));
    std::thread::spawn(move || tell(&socket, event.as_bytes()))
}

async fn told_back(told: JoinHandle<Told>) -> Told {
    until(|| told.is_finished().then_some(())).await;
    told.join().expect("a thread")
}

async fn call(starting: &mut StartingAgent) -> HookCall {
    match tokio::time::timeout(PATIENCE, starting.next()).await.expect("nothing in time") {
        Some(AgentEvent::Hook(call)) => call,
        other => panic!("no hook: {other:?}"),
    }
}

fn answer(context: &str) -> HookAnswer {
    HookAnswer { block: Some("no".into()), context: Some(context.into()) }
}

#[tokio::test]
async fn a_start_is_answered_before_the_agent_is_ready() {
    let agent = with_hooks(&format!("{}; greet; until_end_of_input", wait_for("go")));
    let mut starting = provost_agent::start(agent.launch.clone()).await.expect("a program");
    let told = telling(&socket(&agent).await, "SessionStart");
    let HookCall { request_id, event, input, .. } = call(&mut starting).await;
    assert_eq!((event.as_str(), &input["source"]), ("SessionStart", &json!("startup")));
    starting.answer(request_id, answer("mind the gap")).await;
    let output = told_back(told).await.expect("an answer").expect("words");
    assert!(output.contains("mind the gap") && !output.contains("block"), "{output}");
    fs::write(agent.path("go"), "").expect("written");
    assert!(starting.next().await.is_none());
    starting.ready().await.expect("an agent");
}

#[tokio::test]
async fn without_hooks_there_is_nothing_to_say() {
    let agent = with_hooks(&format!("{}; greet; until_end_of_input", wait_for("go")));
    let starting = provost_agent::start(agent.launch.clone()).await.expect("a program");
    let ready = tokio::spawn(starting.ready());
    let told = telling(&socket(&agent).await, "SessionStart");
    assert_eq!(told_back(told).await.expect("an answer"), None);
    fs::write(agent.path("go"), "").expect("written");
    ready.await.expect("a task").expect("an agent");
}

#[tokio::test]
async fn an_end_is_waited_for_beyond_the_grace() {
    let agent = with_hooks(&format!("greet; until_end_of_input; {}; exit 7", wait_for("go")));
    let mut running = agent.start().await;
    running.input.send(AgentInput::Close).await.expect("sent");
    let told = telling(&socket(&agent).await, "SessionEnd");
    let AgentEvent::Hook(call) = next(&mut running).await else { panic!("no hook") };
    tokio::time::sleep(3 * agent.launch.limits.shutdown_grace).await;
    let answer = AgentInput::AnswerHook { request_id: call.request_id, answer: answer("bye") };
    running.input.send(answer).await.expect("sent");
    assert_eq!(told_back(told).await.expect("an answer"), None);
    fs::write(agent.path("go"), "").expect("written");
    assert_eq!(rest(&mut running).await.1.code, Some(7), "it ended by itself");
}

#[tokio::test]
async fn an_event_nobody_waits_for_is_withdrawn() {
    let agent = with_hooks("greet; until_end_of_input");
    let mut running = agent.start().await;
    let mut stream = UnixStream::connect(socket(&agent).await).expect("a connection");
    let event = event("SessionStart");
    stream.write_all(&u32::try_from(event.len()).expect("short").to_be_bytes()).expect("sent");
    stream.write_all(event.as_bytes()).expect("sent");
    let AgentEvent::Hook(call) = next(&mut running).await else { panic!("no hook") };
    drop(stream);
    let AgentEvent::RequestCancelled { request_id } = next(&mut running).await else { panic!("no end") };
    assert_eq!(request_id, call.request_id);
    let socket = socket(&agent).await;
    let told = telling(&socket, "SessionStart");
    assert!(matches!(next(&mut running).await, AgentEvent::Hook(_)));
    running.input.send(AgentInput::Kill).await.expect("sent");
    assert!(matches!(rest(&mut running).await.0.as_slice(), [AgentEvent::RequestCancelled { .. }]));
    drop(told_back(told).await);
    until(|| (!socket.exists()).then_some(())).await;
}

#[tokio::test]
async fn what_is_no_event_of_these_is_refused() {
    let agent = with_hooks("greet; until_end_of_input");
    let _running = agent.start().await;
    let socket = socket(&agent).await;
    for event in ["", "nonsense", &event("Stop"), &event("PreToolUse")] {
        let (socket, event) = (socket.clone(), event.to_owned());
        let told = tokio::task::spawn_blocking(move || tell(&socket, event.as_bytes())).await;
        assert!(matches!(told.expect("a thread"), Err(TellError::Refused(_))));
    }
    let too_long = tokio::task::spawn_blocking(move || {
        let mut stream = UnixStream::connect(socket).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        stream.write_all(&u32::MAX.to_be_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    });
    assert!(too_long.await.expect("a thread").contains("too many"));
}

#[tokio::test]
async fn nothing_is_left_of_a_start_that_nobody_waits_for() {
    let agent = with_hooks("sleep 1000");
    let starting = provost_agent::start(agent.launch.clone()).await.expect("a program");
    let socket = socket(&agent).await;
    drop(starting);
    until_gone(&agent.written("pid").await).await;
    until(|| (!socket.exists()).then_some(())).await;
}
