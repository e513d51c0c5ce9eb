//! The server itself.

mod databases;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agent::command_hook::CommandHook;
use app::{captured::Wanted, owner};
use rustix::process::{getuid, setsid};
use store::Store;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream, unix::UCred},
    runtime::Handle,
    task::{JoinSet, spawn_blocking},
    time::{Instant, sleep, timeout},
};
use tracing::instrument::WithSubscriber as _;

use self::databases::{Databases, app};
use super::{
    Place, Question,
    place::program,
    view,
    wire::{Answer, NOT_TAKEN, Refusal, TAKEN},
};
use crate::{
    command::hook_client::{self, Terms},
    composition::Context,
    failure::{Code, Failure},
    settings::Flags,
    signals::Signals,
    surroundings::Surroundings,
    telemetry::{self, Lines},
    terminal::Terminal,
    variable,
};

/// The most that a question may be: the longest event, with room for what escaping adds.
const LONGEST_QUESTION: u64 = 64 * 1024 * 1024;
/// How long a client may take to say its question, and to read its answer.
const TO_TALK: Duration = Duration::from_secs(5);

/// What all questions share.
#[derive(Debug)]
struct Server {
    /// The binary.
    program: String,
    view: String,
    /// What this process was started with stands for all that it asks over a network.
    certificates: Vec<Option<String>>,
    databases: Databases,
}

/// Whether the server goes on after a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// A client has another binary: this one was replaced, and makes room.
    End,
}

/// All that an event is judged with.
struct Prepared {
    context: Context,
    hook: CommandHook,
    store: Store,
}

/// Answers until nobody asked for so long. Returns at once when another one serves there.
pub(crate) async fn serve(place: Place, idle: Duration) -> Result<(), Failure> {
    // The terminal and the process group of whoever started it are none of its business.
    let _is_its_own = setsid();
    if !place.is_private() {
        return Ok(());
    }
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(place.lock())?;
    if lock.try_lock().is_err() {
        return Ok(());
    }
    let gone = || Failure::new(Code::Failed, "this program is gone from its place");
    let server = Arc::new(Server {
        program: program().ok_or_else(gone)?,
        view: view::own().ok_or_else(gone)?,
        certificates: certificates(&Surroundings::read()?),
        databases: Databases::default(),
    });
    let (listener, socket) = listen(place.socket())?;
    let mut signals = Signals::listen()?;
    let mut attended = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(attended.spawn(Arc::clone(&server).attend(stream))),
                // Too many open files, say: what is at work ends and frees some.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(ended) = attended.join_next() => if matches!(ended, Ok(Next::End)) { break },
            _ = signals.next() => break,
            () = sleep(idle), if attended.is_empty() => break,
        }
    }
    drop(socket);
    drop(listener);
    while attended.join_next().await.is_some() {}
    server.databases.close().await;
    drop::<File>(lock);
    Ok(())
}

/// A socket's name, taken away when dropped unless somebody else has it by then.
struct Socket {
    path: PathBuf,
    file: Option<u64>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if number(&self.path) == self.file {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Whoever holds the lock may take the place of one that ended without tidying up.
fn listen(path: PathBuf) -> io::Result<(UnixListener, Socket)> {
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    let file = number(&path);
    Ok((listener, Socket { path, file }))
}

fn number(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|file| file.ino())
}

fn certificates(surroundings: &Surroundings) -> Vec<Option<String>> {
    variable::CERTIFICATES.iter().map(|name| surroundings.text(name)).collect()
}

impl Server {
    async fn attend(self: Arc<Self>, mut stream: UnixStream) -> Next {
        let begun = Instant::now();
        let Some((question, peer)) = hear(&mut stream).await else { return Next::GoOn };
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
        // Who sees other files or may do less has no say here.
        let is_alike = view::of_process(pid).is_some_and(|view| view == self.view);
        let is_replaced = is_alike && question.program != self.program;
        let (patience, fails_open) = (Duration::from_millis(question.patience_ms), question.fails_open);
        let prepared = if is_alike && !is_replaced {
            let server = Arc::clone(&self);
            spawn_blocking(move || server.prepare(question)).await.ok().and_then(Result::ok)
        } else {
            None
        };
        let Some(Prepared { context, hook, store }) = prepared else {
            drop(stream.write_all(&[NOT_TAKEN]).await);
            return if is_replaced { Next::End } else { Next::GoOn };
        };
        if stream.write_all(&[TAKEN]).await.is_err() {
            return Next::GoOn;
        }
        let app = app(store, owner::process(pid.unwrap_or_default()));
        let until = begun.checked_add(patience).unwrap_or(begun);
        let (log, wanted) = (Lines::default(), Wanted::default());
        let judging = async {
            let subscriber = telemetry::subscriber(&context.settings.log.level, false, log.writer())?;
            let terms = Terms { fails_open, until, wanted: wanted.clone() };
            let judging = hook_client::judge(&app, &context, hook, terms);
            judging.with_subscriber(subscriber).await
        };
        let outcome = tokio::select! {
            biased;
            () = gone(&mut stream) => {
                wanted.withdraw();
                return Next::GoOn;
            }
            outcome = judging => outcome.map_err(Refusal::from),
        };
        let answer = serde_json::to_vec(&Answer { outcome, log: log.text() }).unwrap_or_default();
        // A client that is gone reads no answer.
        drop(timeout(TO_TALK, stream.write_all(&answer)).await);
        Next::GoOn
    }

    /// All that can go wrong before anything happens: the client finds it out again by itself, and says so. Blocks.
    fn prepare(&self, question: Question) -> Result<Prepared, Failure> {
        let hook =
            CommandHook::read(question.event.as_bytes()).map_err(|error| Failure::new(Code::Usage, error))?;
        let variables = question.variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let surroundings = Surroundings {
            variables: variables.collect(),
            current_directory: question.current_directory,
            stdin_is_terminal: false,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        };
        if certificates(&surroundings) != self.certificates {
            return Err(Failure::new(Code::Refused, "it trusts other certificates"));
        }
        let flags = Flags { database: question.database, config: question.config };
        let terminal = Terminal::new(&surroundings, false, true);
        let context = Context::new(surroundings, terminal, flags)?;
        if context.settings.hook.server_idle_seconds == 0 {
            return Err(Failure::new(Code::Refused, "a server is not wanted"));
        }
        let store = self.databases.open(&context, &Handle::current())?;
        Ok(Prepared { context, hook, store })
    }
}

/// The question of a client of this user, and who it is.
async fn hear(stream: &mut UnixStream) -> Option<(Question, UCred)> {
    let peer = stream.peer_cred().ok().filter(|peer| peer.uid() == getuid().as_raw())?;
    let asked = async {
        let length = stream.read_u64_le().await.ok().filter(|length| *length <= LONGEST_QUESTION)?;
        let mut question = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut question).await.ok()?;
        serde_json::from_slice(&question).ok()
    };
    Some((timeout(TO_TALK, asked).await.ok()??, peer))
}

/// Returns when the client let go of its question.
async fn gone(stream: &mut UnixStream) {
    // It says nothing more, so this is the end of the connection.
    while stream.read_u8().await.is_ok() {}
}
