//! PostgreSQL as a whole: a thread per connection, one queue for all.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use async_channel::{Receiver, Sender};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Config;

use super::{
    connection::{Connector, PostgresConnection},
    tls,
};
use crate::{
    conn::Conn,
    error::{OpenError, StoreError},
    job::{self, Job, Verdict},
};

/// How long a peer that vanished without a word is believed to be there.
const SILENT_PEER: Duration = Duration::from_secs(30);

/// Which server, and how many connections to it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresServer {
    /// `postgres://user:password@host:port/database?sslmode=require`.
    pub url: String,
    /// Connections, each with a thread.
    pub pool_size: usize,
    /// A PEM file with the authorities to trust instead of the operating system's.
    pub root_certificate: Option<PathBuf>,
    /// How long to wait for a connection, until the server has answered; zero is without end. A `connect_timeout` in the
    /// address counts instead.
    pub connect_timeout: Duration,
}

impl fmt::Debug for PostgresServer {
    /// Without the address: it can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServer").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

impl PostgresServer {
    fn connector(&self) -> Result<Connector, OpenError> {
        let mut config: Config = self.url.parse().map_err(|error| explain_address(&error))?;
        // What the address says counts.
        let connect_timeout = config.get_connect_timeout().copied().unwrap_or(self.connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("provost");
        }
        if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
            config.keepalives_idle(SILENT_PEER);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENT_PEER);
        }
        let tls = tls::connector(self.root_certificate.as_deref())?;
        Ok(Connector { config, connect_timeout, tls })
    }
}

/// The driver's own text is kept only where it names an option; elsewhere it can repeat pieces of the password.
fn explain_address(error: &tokio_postgres::Error) -> OpenError {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let what = cause.filter(|cause| cause.starts_with("invalid value for option")).unwrap_or_else(|| {
        "it does not read as postgres://user:password@host:port/database?option=value; \
         other characters than letters, digits and -._~ stand as %XX in it"
            .to_owned()
    });
    OpenError::InvalidAddress { what }
}

/// The running parts of a PostgreSQL store.
#[derive(Debug)]
pub(crate) struct PostgresEngine {
    jobs: Sender<Box<dyn Job>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads share.
struct Pool {
    connector: Connector,
    jobs: Receiver<Box<dyn Job>>,
    /// How many threads have a connection.
    connections: AtomicUsize,
}

impl PostgresEngine {
    /// Connects once on a thread of its own and runs `prepare` there, so that opening fails as a whole or not at all;
    /// then starts the other threads, which connect with their first work.
    pub(crate) fn start(
        server: &PostgresServer,
        queue_length: usize,
        prepare: impl FnOnce(&Conn) -> Result<(), OpenError> + Send + 'static,
    ) -> Result<Self, OpenError> {
        let (jobs, waiting) = async_channel::bounded(queue_length);
        let pool = Arc::new(Pool {
            connector: server.connector()?,
            jobs: waiting,
            connections: AtomicUsize::new(0),
        });
        let (opened, outcome) = std::sync::mpsc::channel();
        let mut threads = Vec::with_capacity(server.pool_size.max(1));
        let first = Arc::clone(&pool);
        threads.push(spawn(move || {
            let outcome = runtime().map_err(OpenError::from).and_then(|runtime| {
                let conn = first.connect(&runtime)?;
                prepare(&conn)?;
                Ok((runtime, conn))
            });
            match outcome {
                Ok((runtime, conn)) => {
                    drop(opened.send(Ok(())));
                    work(&first, &runtime, Some(conn));
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        })?);
        outcome.recv().map_err(|_| StoreError::Closed)??;
        for _ in 1..server.pool_size {
            let pool = Arc::clone(&pool);
            threads.push(spawn(move || match runtime() {
                Ok(runtime) => work(&pool, &runtime, None),
                Err(error) => tracing::error!(error = %error, "a connection thread could not start"),
            })?);
        }
        Ok(Self { jobs, threads: Mutex::new(threads) })
    }

    pub(crate) const fn jobs(&self) -> &Sender<Box<dyn Job>> {
        &self.jobs
    }

    /// Takes no new work, finishes what is queued, and ends the threads.
    pub(crate) fn close(&self) {
        self.jobs.close();
        job::join(std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        self.close();
    }
}

fn spawn(body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    thread::Builder::new()
        .name("store-postgres".into())
        .spawn(body)
        .map_err(|error| StoreError::Other { what: format!("no thread: {error}") })
}

fn runtime() -> Result<Arc<Runtime>, StoreError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map(Arc::new).map_err(|error| StoreError::Other { what: error.to_string() })
}

/// Takes units of work until the queue is closed and empty. A lost connection fails the work it had, which the caller may
/// try again, and is replaced before the next.
fn work(pool: &Pool, runtime: &Arc<Runtime>, mut conn: Option<Conn>) {
    // Waiting inside the runtime also drives the connection, so a server that goes away is noticed while idle.
    while let Ok(mut job) = runtime.block_on(pool.jobs.recv()) {
        if conn.as_ref().and_then(Conn::postgres).is_some_and(PostgresConnection::is_lost) {
            conn = None;
            pool.connections.fetch_sub(1, Ordering::Relaxed);
        }
        let connected = match conn.take().map_or_else(|| pool.connect(runtime), Ok) {
            Ok(connected) => conn.insert(connected),
            Err(error) => {
                pool.refuse(job, &error);
                continue;
            }
        };
        let outcome = if job.is_write() {
            run_write(connected, job.as_mut())
        } else {
            run_read(connected, job.as_mut())
        };
        job.finish(outcome);
    }
}

impl Pool {
    fn connect(&self, runtime: &Arc<Runtime>) -> Result<Conn, StoreError> {
        let connection = self.connector.connect(runtime)?;
        self.connections.fetch_add(1, Ordering::Relaxed);
        Ok(connection.into())
    }

    /// Fails a unit of work for which there is no connection. While no thread has one, all that wait have waited as long for
    /// the same server; one after the other, each would wait again.
    fn refuse(&self, job: Box<dyn Job>, error: &StoreError) {
        job.finish(Err(error.clone()));
        if self.connections.load(Ordering::Relaxed) == 0 {
            for _ in 0..self.jobs.len() {
                let Ok(waiting) = self.jobs.try_recv() else { return };
                waiting.finish(Err(error.clone()));
            }
        }
    }
}

fn run_read(conn: &Conn, job: &mut dyn Job) -> Result<(), StoreError> {
    job.run(conn);
    Ok(())
}

fn run_write(conn: &Conn, job: &mut dyn Job) -> Result<(), StoreError> {
    let Some(connection) = conn.postgres() else { return Err(StoreError::Closed) };
    let tx = conn.as_tx();
    connection.take_failed();
    connection.begin(super::BEGIN);
    let verdict = job.run(conn);
    let (is_empty, has_failed) = (connection.never_began(), connection.take_failed());
    if verdict == Verdict::Keep && !has_failed {
        return if is_empty { Ok(()) } else { tx.execute("COMMIT", &[]).map(drop) };
    }
    if !is_empty {
        tx.execute("ROLLBACK", &[])?;
    }
    match verdict {
        Verdict::Keep => Err(job::ignored_failure()),
        Verdict::Undo => Ok(()),
    }
}
