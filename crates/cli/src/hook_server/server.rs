//! The server itself.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use agent::command_hook::CommandHook;
use app::{
    App,
    clock::{SystemClock, SystemIds},
    owner,
};
use domain::session::LeaseOwner;
use rustix::process::{getuid, setsid};
use store::{Database, Store};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    task::JoinSet,
    time::{Instant, sleep},
};
use tracing::instrument::WithSubscriber as _;

use super::{
    Place, Question,
    place::program,
    wire::{Answer, NOT_TAKEN, Refusal, TAKEN},
};
use crate::{
    command::hook_client,
    composition::Context,
    failure::{Code, Failure},
    sealing::Sealing,
    settings::Flags,
    signals::Signals,
    surroundings::Surroundings,
    telemetry::{self, Lines},
    terminal::Terminal,
};

/// The most that a question may be: the longest event, with room for what escaping adds.
const LONGEST_QUESTION: u64 = 64 * 1024 * 1024;
/// How long a client may take to say its question.
const TO_ASK: Duration = Duration::from_secs(5);

/// What all questions share.
#[derive(Debug)]
struct Server {
    program: String,
    open: Mutex<Vec<Open>>,
}

/// A database that is open, and the file it is if it is one: another one may stand in its place later.
#[derive(Debug)]
struct Open {
    database: Database,
    file: Option<(u64, u64)>,
    store: Store,
    sealing: Sealing,
}

/// Whether the server goes on after a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    /// A client has another binary: this one was replaced, and makes room.
    End,
}

/// Answers until nobody asked for so long. Returns at once when another one serves there.
pub(crate) async fn serve(place: Place, idle: Duration) -> Result<(), Failure> {
    // The terminal and the process group of whoever started it are none of its business.
    let _is_its_own = setsid();
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(place.lock())?;
    if lock.try_lock().is_err() || !place.is_private() {
        return Ok(());
    }
    let program =
        program().ok_or_else(|| Failure::new(Code::Failed, "this program is gone from its place"))?;
    let listener = listen(&place.socket())?;
    let server = Arc::new(Server { program, open: Mutex::default() });
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
    drop(fs::remove_file(place.socket()));
    drop(listener);
    while attended.join_next().await.is_some() {}
    server.close().await;
    drop::<File>(lock);
    Ok(())
}

/// Whoever holds the lock may take the place of one that ended without tidying up.
fn listen(socket: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(socket)
}

impl Server {
    async fn attend(self: Arc<Self>, mut stream: UnixStream) -> Next {
        let Some((question, pid)) = hear(&mut stream).await else { return Next::GoOn };
        if question.program != self.program {
            drop(stream.write_all(&[NOT_TAKEN]).await);
            return Next::End;
        }
        let Ok((context, hook, store)) = self.prepare(&question).await else {
            drop(stream.write_all(&[NOT_TAKEN]).await);
            return Next::GoOn;
        };
        if stream.write_all(&[TAKEN]).await.is_err() {
            return Next::GoOn;
        }
        let app = app(store, owner::process(pid));
        let patience = Duration::from_millis(question.patience_ms);
        let until = Instant::now().checked_add(patience).unwrap_or_else(Instant::now);
        let log = Lines::default();
        let judging = async {
            let subscriber = telemetry::subscriber(&context.settings.log.level, false, log.writer())?;
            hook_client::judge(&app, &context, hook, (question.fails_open, until))
                .with_subscriber(subscriber)
                .await
        };
        let outcome = tokio::select! {
            outcome = judging => outcome.map_err(Refusal::from),
            () = gone(&mut stream) => return Next::GoOn,
        };
        let answer = serde_json::to_vec(&Answer { outcome, log: log.text() }).unwrap_or_default();
        // A client that is gone reads no answer.
        drop(stream.write_all(&answer).await);
        Next::GoOn
    }

    /// All that can go wrong before anything happens: the client finds it out again by itself, and says so.
    async fn prepare(&self, question: &Question) -> Result<(Context, CommandHook, Store), Failure> {
        let hook =
            CommandHook::read(question.event.as_bytes()).map_err(|error| Failure::new(Code::Usage, error))?;
        let variables = question.variables.iter().map(|(name, value)| (name.into(), value.into()));
        let surroundings = Surroundings {
            variables: variables.collect(),
            current_directory: question.current_directory.clone(),
            stdin_is_terminal: false,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
        };
        let flags = Flags { database: question.database.clone(), config: question.config.clone() };
        let terminal = Terminal::new(&surroundings, false, true);
        let context = Context::new(surroundings, terminal, flags)?;
        if context.settings.hook.server_idle_seconds == 0 {
            return Err(Failure::new(Code::Refused, "a server is not wanted"));
        }
        let store = self.store(&context).await?;
        Ok((context, hook, store))
    }

    /// The database of a question, open from an earlier one if it can be.
    async fn store(&self, context: &Context) -> Result<Store, Failure> {
        let options = context.current_database()?;
        let file = identity(&options.database);
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|open| open.database != options.database || open.file == file);
            if let Some(open) = open.iter().find(|open| open.database == options.database) {
                return Ok(open.store.clone());
            }
        }
        let database = options.database.clone();
        let opening = tokio::task::spawn_blocking(move || Store::open(options));
        let store = opening.await.map_err(anyhow::Error::from)??;
        context.seal(app(store.clone(), owner::this_process()));
        let open = Open { database, file, store: store.clone(), sealing: context.sealing.clone() };
        self.open.lock().unwrap_or_else(PoisonError::into_inner).push(open);
        Ok(store)
    }

    async fn close(&self) {
        let open = std::mem::take(&mut *self.open.lock().unwrap_or_else(PoisonError::into_inner));
        for Open { sealing, .. } in open {
            sealing.end().await;
        }
    }
}

fn app(store: Store, owner: LeaseOwner) -> App {
    App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner)
}

/// The question of a client of this user, and its process.
async fn hear(stream: &mut UnixStream) -> Option<(Question, u32)> {
    let peer = stream.peer_cred().ok()?;
    if peer.uid() != getuid().as_raw() {
        return None;
    }
    let asked = async {
        let length = stream.read_u64_le().await.ok().filter(|length| *length <= LONGEST_QUESTION)?;
        let mut question = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut question).await.ok()?;
        serde_json::from_slice(&question).ok()
    };
    let question = tokio::time::timeout(TO_ASK, asked).await.ok()??;
    Some((question, peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()))
}

/// Returns when the client let go of its question.
async fn gone(stream: &mut UnixStream) {
    // It says nothing more, so this is the end of the connection.
    while stream.read_u8().await.is_ok() {}
}

/// Which file a database is at the moment.
fn identity(database: &Database) -> Option<(u64, u64)> {
    match database {
        Database::Sqlite(file) => fs::metadata(&file.path).ok().map(|file| (file.dev(), file.ino())),
        Database::Postgres(_) => None,
    }
}
