//! The databases that a server has open.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    sync::Arc,
    time::{Duration, Instant},
};

use app::{
    App,
    clock::{SystemClock, SystemIds},
    owner,
};
use store::{Database, OpenOptions, PostgresServer, SqliteFile, Store};
use tokio::{runtime::Handle, sync::Mutex};

use crate::{composition::Context, failure::Failure, sealing::Sealing};

/// One that was not used for so long is closed.
const UNUSED: Duration = Duration::from_secs(30 * 60);
/// Longer than this no event waits for somebody else's transaction, or for a server: its client has more to do after that.
const MOST_BUSY: Duration = Duration::from_secs(5);
/// The most connections to a PostgreSQL server: each user has a server like this one.
const MOST_CONNECTIONS: usize = 2;

#[derive(Debug)]
pub(super) struct Databases {
    open: Mutex<Vec<Open>>,
    /// Where their audit logs are sealed, whoever opened them.
    runtime: Handle,
}

#[derive(Debug)]
struct Open {
    database: Database,
    /// Device and number of the file, if it is one: another one may stand in its place later.
    file: Option<(u64, u64)>,
    /// Which schema it had.
    schema: u32,
    app: App,
    sealing: Sealing,
    used: Instant,
}

impl Databases {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { open: Mutex::default(), runtime }
    }

    /// The database that a context names, open from an earlier time if it is still the same. One at a time.
    pub(super) async fn open(&self, context: &Context) -> Result<App, Failure> {
        let mut all = self.open.lock().await;
        let options = options(context)?;
        let file = identity(&options.database);
        if let Some(at) = all.iter().position(|open| open.database == options.database) {
            let open = &mut all[at];
            if open.file == file && open.app.store().schema_version().await == Ok(open.schema) {
                open.used = Instant::now();
                return Ok(open.app.clone());
            }
            self.end(all.swap_remove(at));
        }
        all.extract_if(.., |open| open.used.elapsed() > UNUSED).for_each(|open| self.end(open));
        let database = options.database.clone();
        let store = Store::open(options)?;
        let schema = store.schema_version().await?;
        let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
        {
            let _there = self.runtime.enter();
            context.seal(app.clone());
        }
        let sealing = context.sealing.clone();
        all.push(Open { database, file, schema, app: app.clone(), sealing, used: Instant::now() });
        Ok(app)
    }

    /// Closes all of them.
    pub(super) async fn close(&self) {
        for Open { sealing, .. } in self.open.lock().await.drain(..) {
            sealing.end().await;
        }
    }

    fn end(&self, open: Open) {
        self.runtime.spawn(async move { open.sealing.end().await });
    }
}

fn options(context: &Context) -> Result<OpenOptions, Failure> {
    let options = context.current_database()?;
    let database = match options.database {
        Database::Sqlite(file) => {
            Database::Sqlite(SqliteFile { busy_timeout: file.busy_timeout.min(MOST_BUSY), ..file })
        }
        Database::Postgres(server) => Database::Postgres(PostgresServer {
            pool_size: server.pool_size.min(MOST_CONNECTIONS),
            connect_timeout: server.connect_timeout.min(MOST_BUSY),
            ..server
        }),
    };
    Ok(OpenOptions { database, inline: true, ..options })
}

fn identity(database: &Database) -> Option<(u64, u64)> {
    match database {
        Database::Sqlite(file) => fs::metadata(&file.path).ok().map(|file| (file.dev(), file.ino())),
        Database::Postgres(_) => None,
    }
}
