//! The socket at which the agent CLI's command hooks tell of the start and the end of its session, and what is owed to them.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
    time::Duration,
};

use domain::{
    agent_event::HookCall,
    hook::{HookAnswer, HookEvent},
};
use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::{
    net::UnixListener,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::sleep,
};

use super::{connection::serve, settings};
use crate::{
    SessionHooks,
    claude::{Heard, command_hook::answer_event, output_of_hook},
};

/// Connections at a time; further ones wait.
const MOST_CONNECTIONS: usize = 4;
/// Between two tries to accept one.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// What was told and not yet heard.
const TOLD_AHEAD: usize = 4;
/// What hooks said and the agent CLI did not repeat.
const MOST_UNREPEATED: usize = 16;

/// The socket of one agent program, in a folder that is removed with it.
#[derive(Debug)]
pub(crate) struct HookSocket {
    program: PathBuf,
    told: mpsc::Receiver<Told>,
    owed: BTreeMap<String, Owed>,
    /// What was answered and may yet be repeated by the agent CLI.
    said: Vec<String>,
    _listening: JoinSet<()>,
    folder: TempDir,
}

#[derive(Debug)]
struct Owed {
    event: HookEvent,
    answers: oneshot::Sender<Option<String>>,
}

/// What comes from the hooks.
#[derive(Debug)]
pub(crate) enum Told {
    /// An event; whoever told of it waits, and prints what is answered.
    Call { call: HookCall, answers: oneshot::Sender<Option<String>> },
    /// Nobody waits for this answer any more.
    Withdrawn { request_id: String },
}

impl HookSocket {
    /// Makes the folder and listens.
    pub(super) fn open(hooks: &SessionHooks) -> io::Result<Self> {
        let private = Permissions::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix("h-").permissions(private).tempdir_in(&hooks.directory)?;
        let path = path_in(&folder);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        let (sender, told) = mpsc::channel(TOLD_AHEAD);
        let mut listening = JoinSet::new();
        listening.spawn(listen(listener, sender));
        let program = hooks.program.clone();
        Ok(Self { program, told, owed: BTreeMap::new(), said: Vec::new(), _listening: listening, folder })
    }

    /// Adds the hooks to settings of the agent CLI and writes them where only we and it can read them. Gives the argument that
    /// names them.
    pub(super) fn write_settings(&self, mut settings: Map<String, Value>) -> io::Result<String> {
        settings::keep_gate(&mut settings);
        settings::add_hooks(&mut settings, &self.program, &path_in(&self.folder))?;
        let path = self.folder.path().join("settings.json");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(Value::Object(settings).to_string().as_bytes())?;
        Ok(format!("{}={}", settings::FLAG, path.display()))
    }

    /// Remembers who waits for the answer to a call.
    pub(crate) fn owe(&mut self, call: &HookCall, answers: oneshot::Sender<Option<String>>) {
        let event = call.event.clone();
        self.owed.insert(call.request_id.clone(), Owed { event, answers });
    }

    /// Forgets who waited; whether somebody did.
    pub(crate) fn withdraw(&mut self, request_id: &str) -> bool {
        self.owed.remove(request_id).is_some()
    }

    /// Passes an answer on; gives it back when it is to nobody here.
    pub(crate) fn answer(&mut self, request_id: &str, answer: HookAnswer) -> Result<(), HookAnswer> {
        let Some(Owed { event, answers }) = self.owed.remove(request_id) else { return Err(answer) };
        let output = answer_event(&event, answer);
        if self.said.len() < MOST_UNREPEATED {
            self.said.push(output.clone().unwrap_or_default());
        }
        // One that went away meanwhile is told of as withdrawn, which changes nothing any more.
        drop(answers.send(output));
        Ok(())
    }

    /// Whether the agent program waits for an answer.
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.owed.is_empty()
    }

    /// Whether the agent CLI only repeats what was said here, which is on record already.
    pub(crate) fn is_repeated(&mut self, heard: &Heard) -> bool {
        let Some(output) = output_of_hook(heard) else { return false };
        let place = self.said.iter().position(|said| said == output.trim());
        place.map(|place| self.said.swap_remove(place)).is_some()
    }

    /// Nobody is answered any more; gives the requests that were open.
    pub(crate) fn end(&mut self) -> Vec<String> {
        std::mem::take(&mut self.owed).into_keys().collect()
    }
}

/// What comes next from the hooks; never, when there is no socket. Cancel safe.
pub(crate) async fn next_of(socket: &mut Option<HookSocket>) -> Told {
    if let Some(socket) = socket
        && let Some(told) = socket.told.recv().await
    {
        return told;
    }
    std::future::pending().await
}

fn path_in(folder: &TempDir) -> PathBuf {
    folder.path().join("s")
}

async fn listen(listener: UnixListener, told: mpsc::Sender<Told>) {
    let mut connections = JoinSet::new();
    let mut number = 0_u64;
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    number += 1;
                    connections.spawn(serve(stream, format!("session-hook-{number}"), told.clone()));
                }
                // Too many open files, say: what is at work ends and frees some.
                Err(error) => {
                    tracing::warn!(%error, "a hook of the session is not heard yet");
                    sleep(RETRY_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
