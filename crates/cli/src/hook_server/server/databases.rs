//! The databases that a server has open.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use app::{
    App,
    clock::{SystemClock, SystemIds},
    owner,
};
use domain::session::LeaseOwner;
use store::{Database, OpenOptions, PostgresServer, SqliteFile, Store};
use tokio::runtime::Handle;

use crate::{composition::Context, failure::Failure, sealing::Sealing};

/// One that was not used for so long is closed.
const UNUSED: Duration = Duration::from_secs(30 * 60);
/// Longer than this no event waits for somebody else's transaction, so that it does not happen after its client gave up.
const MOST_BUSY: Duration = Duration::from_secs(5);
/// The most connections to a PostgreSQL server: each user has a server like this one.
const MOST_CONNECTIONS: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Databases(Mutex<Vec<Open>>);

#[derive(Debug)]
struct Open {
    database: Database,
    /// Device and number of the file, if it is one: another one may stand in its place later.
    file: Option<(u64, u64)>,
    /// Which schema it had.
    schema: u32,
    store: Store,
    sealing: Sealing,
    used: Instant,
}

impl Databases {
    /// The database that a context names, open from an earlier time if it is still the same. Blocks; one at a time.
    pub(super) fn open(&self, context: &Context, runtime: &Handle) -> Result<Store, Failure> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let options = options(context)?;
        let file = identity(&options.database);
        if let Some(at) = all.iter().position(|open| open.database == options.database) {
            let open = &mut all[at];
            if open.file == file && runtime.block_on(open.store.schema_version()) == Ok(open.schema) {
                open.used = Instant::now();
                return Ok(open.store.clone());
            }
            all.swap_remove(at).end(runtime);
        }
        for open in all.extract_if(.., |open| open.used.elapsed() > UNUSED) {
            open.end(runtime);
        }
        let database = options.database.clone();
        let store = Store::open(options)?;
        let schema = runtime.block_on(store.schema_version())?;
        context.seal(app(store.clone(), owner::this_process()));
        let sealing = context.sealing.clone();
        all.push(Open { database, file, schema, store: store.clone(), sealing, used: Instant::now() });
        Ok(store)
    }

    /// Closes all of them.
    pub(super) async fn close(&self) {
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for Open { sealing, .. } in all {
            sealing.end().await;
        }
    }
}

impl Open {
    fn end(self, runtime: &Handle) {
        runtime.spawn(async move { self.sealing.end().await });
    }
}

pub(super) fn app(store: Store, owner: LeaseOwner) -> App {
    App::new(store, std::sync::Arc::new(SystemClock), std::sync::Arc::new(SystemIds), owner)
}

fn options(context: &Context) -> Result<OpenOptions, Failure> {
    let options = context.current_database()?;
    let database = match options.database {
        Database::Sqlite(file) => {
            Database::Sqlite(SqliteFile { busy_timeout: file.busy_timeout.min(MOST_BUSY), ..file })
        }
        Database::Postgres(server) => {
            Database::Postgres(PostgresServer { pool_size: server.pool_size.min(MOST_CONNECTIONS), ..server })
        }
    };
    Ok(OpenOptions { database, ..options })
}

fn identity(database: &Database) -> Option<(u64, u64)> {
    match database {
        Database::Sqlite(file) => fs::metadata(&file.path).ok().map(|file| (file.dev(), file.ino())),
        Database::Postgres(_) => None,
    }
}
