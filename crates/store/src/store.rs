//! The store: units of work in, answers out, on either database.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_channel::{Sender, TrySendError};
use domain::time::Timestamp;
use tempfile::TempPath;
use tokio::sync::oneshot;

use crate::{
    conn::{Conn, Tx},
    error::{OpenError, StoreError},
    job::{self, Job},
    migration::{self, Migrate},
    postgres::{PostgresEngine, PostgresServer, pgvector},
    repository::search_backlog,
    sqlite::{InlineEngine, SqliteEngine, SqliteFile},
};

/// What a read on the calling thread counts for in tokio's budget of 128 small steps, after which other tasks on the thread
/// have a turn: a task that only reads would otherwise never give them one.
const READ_BUDGET: usize = 16;

/// Which database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite(SqliteFile),
    /// A server.
    Postgres(PostgresServer),
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Which database.
    pub database: Database,
    /// What to do about its schema.
    pub migrate: Migrate,
    /// The most units of work that wait; more make their callers wait.
    pub queue_length: usize,
    /// How long a caller waits for a place in the queue before [`StoreError::Overloaded`].
    pub queue_wait: Duration,
    /// An SQLite file gets one connection, on the caller's own thread, where a write blocks until it is on the disk: for a process
    /// that does one thing and ends, or one small thing after the other and [`Store::tidy`] in between. To a server it makes no
    /// difference.
    pub inline: bool,
}

impl OpenOptions {
    /// The usual limits: 1,024 waiting units of work, 30 s for a place.
    #[must_use]
    pub const fn new(database: Database, migrate: Migrate) -> Self {
        Self { database, migrate, queue_length: 1024, queue_wait: Duration::from_secs(30), inline: false }
    }
}

/// A database and the threads that work on it. Clones share both; the last one dropped finishes what is queued.
#[derive(Debug, Clone)]
pub struct Store {
    engine: Arc<Engine>,
    queue_wait: Duration,
    backup: Option<PathBuf>,
}

#[derive(Debug)]
enum Engine {
    Sqlite(SqliteEngine),
    Inline(InlineEngine),
    Postgres(PostgresEngine),
}

impl Store {
    /// Opens the database and brings its schema to where [`OpenOptions::migrate`] wants it. Blocks for a few milliseconds;
    /// call it before serving.
    ///
    /// # Errors
    /// One [`OpenError`] per thing that can be wrong with a file, a server or a schema.
    pub fn open(options: OpenOptions) -> Result<Self, OpenError> {
        let OpenOptions { database, migrate, queue_length, queue_wait, inline } = options;
        let mut backup = None;
        let engine = match database {
            Database::Sqlite(file) if inline => {
                let conn = InlineEngine::connect(&file)?;
                backup = prepare(&conn, migrate, Some(&file))?;
                Engine::Inline(InlineEngine::start(file, conn))
            }
            Database::Sqlite(file) => {
                let conn = SqliteEngine::connect(&file)?;
                backup = prepare(&conn, migrate, Some(&file))?;
                Engine::Sqlite(SqliteEngine::start(file, conn, queue_length))
            }
            Database::Postgres(server) => {
                let prepare = move |conn: &Conn| prepare(conn, migrate, None).map(drop);
                Engine::Postgres(PostgresEngine::start(&server, queue_length, prepare)?)
            }
        };
        Ok(Self { engine: Arc::new(engine), queue_wait, backup })
    }

    /// Runs a short read: a point read or a bounded page. Each statement sees all that was committed before it. On SQLite
    /// it runs on the calling thread, because handing it over costs more than the read; long reads belong to [`Store::scan`].
    ///
    /// # Errors
    /// What `work` returns, or why it could not run.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &*self.engine {
            Engine::Sqlite(sqlite) if sqlite.writes().is_closed() => Err(StoreError::Closed.into()),
            Engine::Sqlite(sqlite) => {
                for _ in 0..READ_BUDGET {
                    tokio::task::coop::consume_budget().await;
                }
                sqlite.read_here(|conn| job::run_caught(|| work(conn))).map_err(reopening)?
            }
            Engine::Inline(inline) => inline.read_here(|conn| job::run_caught(|| work(conn)))?,
            Engine::Postgres(postgres) => {
                let (job, answer) = job::read(work);
                self.submit(postgres.jobs(), job, answer).await
            }
        }
    }

    /// Runs a read that may take long, on a thread of its own.
    ///
    /// # Errors
    /// What `work` returns, or why it could not run.
    pub async fn scan<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Conn) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = job::read(work);
        match &*self.engine {
            Engine::Sqlite(sqlite) => self.submit(sqlite.reads().map_err(reopening)?, job, answer).await,
            Engine::Inline(inline) => answered(inline, job, answer).await,
            Engine::Postgres(postgres) => self.submit(postgres.jobs(), job, answer).await,
        }
    }

    /// Runs a unit of work in a transaction: when this returns `Ok`, it is committed and on the disk; when it returns `Err`,
    /// nothing of it happened. Waits while the queue is full.
    ///
    /// # Errors
    /// What `work` returns, or why it could not run or be committed.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (job, answer) = job::write(work);
        match &*self.engine {
            Engine::Sqlite(sqlite) => self.submit(sqlite.writes(), job, answer).await,
            Engine::Inline(inline) => answered(inline, job, answer).await,
            Engine::Postgres(postgres) => self.submit(postgres.jobs(), job, answer).await,
        }
    }

    /// The copy of the file that was made because opening brought an older schema forward.
    #[must_use]
    pub fn backup(&self) -> Option<&Path> {
        self.backup.as_deref()
    }

    /// Brings the schema forward, after a copy of a file that has something to lose, and then works off what waits for the
    /// search. Does nothing when all is current.
    ///
    /// # Errors
    /// [`OpenError`]: nothing was migrated, or what waits for the search goes on waiting.
    pub async fn migrate(&self, now: Timestamp) -> Result<Migrated, OpenError> {
        let file = match &*self.engine {
            Engine::Sqlite(sqlite) => Some(sqlite.file().clone()),
            Engine::Inline(inline) => Some(inline.file().clone()),
            Engine::Postgres(_) => None,
        };
        let migrating = self.write(move |tx| {
            let mut copy = None;
            let applied = migration::forward(tx, now, || keep(file.as_ref(), &mut copy))?;
            Ok::<_, OpenError>((applied, copy))
        });
        let (applied, copy) = migrating.await?;
        // Before anything else can fail: what was migrated is not as it was any more.
        let backup = kept(copy)?;
        self.index_waiting().await?;
        Ok(Migrated { applied, backup })
    }

    /// The newest migration that was applied; 0 in an empty database.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn schema_version(&self) -> Result<u32, StoreError> {
        self.read(migration::version).await
    }

    /// Adds to the search index what waits to be added, in short transactions while others may write.
    ///
    /// # Errors
    /// When the database cannot be written; what was added stays.
    pub async fn index_waiting(&self) -> Result<(), StoreError> {
        if !self.read(|conn| conn.has_rows("search_pending")).await? {
            return Ok(());
        }
        while self.write(|tx| tx.search_backlog().index_next()).await?.is_some() {}
        Ok(())
    }

    /// Takes back the newest migration and everything stored in what it created.
    ///
    /// # Errors
    /// See [`migration::MigrationError`].
    pub async fn roll_back(&self) -> Result<Option<u32>, migration::MigrationError> {
        self.write(migration::back).await
    }

    /// Does what the next one would have to do otherwise, for who has a moment in which nobody waits. Only an SQLite store that
    /// works on its callers' threads leaves something for then.
    pub fn tidy(&self) {
        if let Engine::Inline(inline) = &*self.engine {
            inline.tidy();
        }
    }

    /// Takes no new work, finishes and commits what is queued, and ends the threads. Later calls get
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        let engine = Arc::clone(&self.engine);
        let closing = tokio::task::spawn_blocking(move || match &*engine {
            Engine::Sqlite(sqlite) => sqlite.close(),
            Engine::Inline(inline) => inline.close(),
            Engine::Postgres(postgres) => postgres.close(),
        });
        if closing.await.is_err() {
            tracing::error!("closing the store panicked");
        }
    }

    async fn submit<T, E: From<StoreError>>(
        &self,
        queue: &Sender<Box<dyn Job>>,
        job: Box<dyn Job>,
        answer: oneshot::Receiver<Result<T, E>>,
    ) -> Result<T, E> {
        match queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Closed(_)) => return Err(StoreError::Closed.into()),
            Err(TrySendError::Full(job)) => {
                match tokio::time::timeout(self.queue_wait, queue.send(job)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return Err(StoreError::Closed.into()),
                    Err(_) => return Err(StoreError::Overloaded { waiting: queue.len() }.into()),
                }
            }
        }
        answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
    }
}

/// Runs a unit of work on this thread.
async fn answered<T, E: From<StoreError>>(
    inline: &InlineEngine,
    job: Box<dyn Job>,
    answer: oneshot::Receiver<Result<T, E>>,
) -> Result<T, E> {
    inline.run(job);
    answer.await.unwrap_or_else(|_| Err(StoreError::Closed.into()))
}

/// What [`Store::migrate`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The migrations that were applied.
    pub applied: Vec<u32>,
    /// The copy of the file as it was.
    pub backup: Option<PathBuf>,
}

/// Brings the schema to where it should be, and gives the copy of a file that was migrated. What was said before there was a
/// search is added to it afterwards, in transactions of a few milliseconds: by whoever opens the database next, should this
/// process end first.
fn prepare(conn: &Conn, migrate: Migrate, file: Option<&SqliteFile>) -> Result<Option<PathBuf>, OpenError> {
    pgvector::require(conn)?;
    let mut copy = None;
    migration::prepare(conn, migrate, || keep(file, &mut copy))?;
    let backup = kept(copy)?;
    if matches!(migrate, Migrate::Forward(_)) {
        search_backlog::work_off(conn)?;
    }
    Ok(backup)
}

/// A file is copied before it is migrated; a server's owner has the server's own tools.
fn keep(file: Option<&SqliteFile>, copy: &mut Option<TempPath>) -> Result<(), OpenError> {
    *copy = file.map(SqliteFile::back_up_before_migration).transpose()?;
    Ok(())
}

/// The migration happened, so its copy stays.
fn kept(copy: Option<TempPath>) -> Result<Option<PathBuf>, StoreError> {
    copy.map(TempPath::keep).transpose().map_err(|error| StoreError::Other { what: error.to_string() })
}

/// A further connection to a file that was open a moment ago.
fn reopening(error: OpenError) -> StoreError {
    match error {
        OpenError::Store(error) => error,
        error => StoreError::Unavailable { what: error.to_string() },
    }
}
