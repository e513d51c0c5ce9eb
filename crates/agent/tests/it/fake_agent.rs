//! Agent programs written in shell, and an owner that listens to them with patience.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

use domain::agent_event::{AgentEvent, Exit};
use provost_agent::{
    Environment, EnvironmentPolicy, Launch, LaunchOptions, Limits, RunningAgent, Runtime, StartError,
};
use tempfile::TempDir;

/// Longer than any test needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Shell functions every fake agent has.
const PRELUDE: &str = r#"#!/bin/sh
greet() {
  read -r initialize
  echo '{"type":"control_response","response":{"subtype":"success","request_id":"provost-0","response":{"claude_code_version":"'"${1:-2.1.329}"'","account":{"tokenSource":"none","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}}}}'
}
say() { echo '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"'"$1"'"}]},"uuid":"u"}'; }
until_end_of_input() { while read -r line; do :; done; }
"#;

/// A folder with an agent program in it.
pub(crate) struct FakeAgent {
    pub(crate) folder: TempDir,
    pub(crate) launch: Launch,
}

impl FakeAgent {
    pub(crate) fn new(body: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let command = folder.path().join("agent");
        fs::write(&command, format!("{PRELUDE}{body}\n")).expect("a script");
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).expect("permissions");
        let path = [("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()), ("SECRET".into(), "x".into())];
        let launch = Launch {
            runtime: Runtime::Claude { command, session_hooks: None },
            working_directory: folder.path().to_owned(),
            options: LaunchOptions::default(),
            environment: Environment::select(path, EnvironmentPolicy::OwnLogin),
            limits: Limits { shutdown_grace: Duration::from_millis(200), ..Limits::default() },
        };
        Self { folder, launch }
    }

    pub(crate) async fn start(&self) -> RunningAgent {
        self.try_start().await.expect("an agent")
    }

    pub(crate) async fn try_start(&self) -> Result<RunningAgent, StartError> {
        let ready = async { provost_agent::start(self.launch.clone()).await?.ready().await };
        tokio::time::timeout(PATIENCE, ready).await.expect("no answer in time")
    }

    pub(crate) async fn refusal(&self) -> StartError {
        self.try_start().await.expect_err("a refusal")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a script wrote into a file of its folder; waits for a whole line.
    pub(crate) async fn written(&self, name: &str) -> String {
        let path = self.path(name);
        until(|| fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))).await
    }
}

pub(crate) async fn next(agent: &mut RunningAgent) -> AgentEvent {
    let event = tokio::time::timeout(PATIENCE, agent.events.recv()).await.expect("no event in time");
    event.expect("an event before the end")
}

/// All events up to the end, and the end.
pub(crate) async fn rest(agent: &mut RunningAgent) -> (Vec<AgentEvent>, Exit) {
    let mut events = Vec::new();
    loop {
        match next(agent).await {
            AgentEvent::Exited(exit) => {
                assert!(agent.events.recv().await.is_none(), "the exit is the last event");
                return (events, exit);
            }
            event => events.push(event),
        }
    }
}

pub(crate) fn text_of(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Message(message) => message.body.content.text(),
        other => panic!("no message: {other:?}"),
    }
}

/// Whether a process runs; one that ended and was not collected by its parent does not.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Waits until something is there.
pub(crate) async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look() {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it did not come in time")
}

pub(crate) async fn until_gone(pid: &str) {
    until(|| (!is_alive(pid)).then_some(())).await;
}
