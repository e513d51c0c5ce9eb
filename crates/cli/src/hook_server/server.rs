//! The server itself.

mod crew;
mod databases;
mod logs;

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::AsFd as _,
        unix::{
            fs::{MetadataExt as _, OpenOptionsExt as _},
            net::{UnixListener, UnixStream as BlockingStream},
        },
    },
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use agent::command_hook::CommandHook;
use app::{App, captured::Wanted, owner};
use rustix::{
    net::{RecvFlags, recv},
    process::{getuid, setsid},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixStream, unix::UCred},
    runtime::Handle,
    time::{Instant, timeout},
};
use tracing::instrument::WithSubscriber as _;

use self::{
    crew::{Attend, Crew, Next},
    databases::Databases,
    logs::{Log, Logs},
};
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
    settings::{Flags, KnownSettings, Sources},
    signals::Signals,
    surroundings::Surroundings,
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
    settings: Mutex<KnownSettings>,
    databases: Databases,
    logs: Logs,
}

/// All that an event is judged with.
struct Prepared {
    context: Context,
    hook: CommandHook,
    app: App,
    log: Log,
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
    let server = Server {
        program: program().ok_or_else(gone)?,
        view: view::own().ok_or_else(gone)?,
        certificates: certificates(&Surroundings::read()?),
        settings: Mutex::default(),
        databases: Databases::new(Handle::current()),
        logs: Logs::default(),
    };
    let mut signals = Signals::listen()?;
    let (listener, socket) = listen(place.socket())?;
    let crew = Crew::start(listener, server);
    tokio::select! {
        () = crew.until_idle(idle) => {}
        _ = signals.next() => {}
    }
    drop(socket);
    crew.end().await;
    crew.work().databases.close().await;
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

impl Attend for Server {
    async fn attend(&self, client: BlockingStream) -> Next {
        let begun = Instant::now();
        let stream = client.set_nonblocking(true).and_then(|()| UnixStream::from_std(client));
        let Ok(mut stream) = stream else { return Next::GoOn };
        let Some((question, peer)) = hear(&mut stream).await else { return Next::GoOn };
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok());
        // Who sees other files or may do less has no say here.
        let is_alike = view::of_process(pid).is_some_and(|view| view == self.view);
        let is_replaced = is_alike && question.program != self.program;
        let (patience, fails_open) = (Duration::from_millis(question.patience_ms), question.fails_open);
        let wanted = wanted_by(&stream);
        let preparing = async {
            if !is_alike || is_replaced {
                return Err(Failure::new(Code::Refused, "it is another one's"));
            }
            Ok((wanted?, self.prepare(question).await?))
        };
        let prepared = tokio::select! {
            biased;
            () = gone(&mut stream) => return Next::GoOn,
            prepared = preparing => prepared,
        };
        let Ok((wanted, Prepared { context, hook, app, log })) = prepared else {
            drop(stream.write_all(&[NOT_TAKEN]).await);
            return if is_replaced { Next::End } else { Next::GoOn };
        };
        if stream.write_all(&[TAKEN]).await.is_err() {
            return Next::GoOn;
        }
        let app = app.for_process(owner::process(pid.unwrap_or_default()));
        let until = begun.checked_add(patience).unwrap_or(begun);
        let terms = Terms { fails_open, until, wanted };
        let judging = hook_client::judge(&app, &context, hook, terms).with_subscriber(log.subscriber());
        let outcome = tokio::select! {
            biased;
            () = gone(&mut stream) => return Next::GoOn,
            outcome = judging => outcome.map_err(Refusal::from),
        };
        let answer = Answer { outcome, log: self.logs.give_back(log) };
        let answer = serde_json::to_vec(&answer).unwrap_or_default();
        // A client that is gone reads no answer.
        drop(timeout(TO_TALK, say(stream, &answer)).await);
        app.store().tidy();
        Next::GoOn
    }
}

impl Server {
    /// All that can go wrong before anything happens: the client finds it out again by itself, and says so.
    async fn prepare(&self, question: Question) -> Result<Prepared, Failure> {
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
        let sources = Sources::read(&surroundings, flags)?;
        let known = self.settings.lock().unwrap_or_else(PoisonError::into_inner).load(sources)?;
        let terminal = Terminal::new(&surroundings, false, true);
        let context = Context::with(surroundings, terminal, known);
        if context.settings.hook.server_idle_seconds == 0 {
            return Err(Failure::new(Code::Refused, "a server is not wanted"));
        }
        let app = self.databases.open(&context).await?;
        let log = self.logs.take(&context.settings.log.level)?;
        Ok(Prepared { context, hook, app, log })
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

async fn say(mut stream: UnixStream, answer: &[u8]) -> io::Result<()> {
    stream.write_all(answer).await?;
    stream.shutdown().await
}

/// As long as the client holds on to its question. Looks for itself, because this thread may wait for a database.
fn wanted_by(stream: &UnixStream) -> Result<Wanted, Failure> {
    let stream = stream.as_fd().try_clone_to_owned()?;
    let is_gone = move || {
        let heard = recv(&stream, &mut [0; 1][..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
        // It says nothing more, so anything but nothing yet is the end of the connection.
        heard.is_ok() || heard.is_err_and(|error| error != rustix::io::Errno::AGAIN)
    };
    Ok(Wanted::unless(is_gone))
}

/// Returns when the client let go of its question.
async fn gone(stream: &mut UnixStream) {
    // It says nothing more, so this is the end of the connection.
    while stream.read_u8().await.is_ok() {}
}
