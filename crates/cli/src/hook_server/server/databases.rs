//! The databases that a server has open.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use app::{
    App,
    clock::{SystemClock, SystemIds},
    owner,
};
use store::{Database, Store};
use tokio::runtime::Handle;

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

    /// The database that a context names, open from an earlier time if it is still the same. A disk that hangs and a lock that
    /// somebody holds keep only those who want the same one: the list is not held meanwhile.
    pub(super) async fn open(&self, context: &Context) -> Result<App, Failure> {
        let options = context.current_database(MOST_BUSY, MOST_CONNECTIONS)?;
        let (database, file) = (options.database.clone(), identity(&options.database));
        if let Some((app, schema)) = self.find(&database, file) {
            if app.store().schema_version().await == Ok(schema) {
                return Ok(app);
            }
            self.end_those(|open| open.database == database && open.schema == schema);
        }
        let store = Store::open(options)?;
        let schema = store.schema_version().await?;
        let app = App::new(store, Arc::new(SystemClock), Arc::new(SystemIds), owner::this_process());
        let sealing = context.sealing.clone();
        let opened = Open { database, file, schema, app, sealing, used: Instant::now() };
        Ok(self.keep(opened, context))
    }

    /// Closes all of them.
    pub(super) async fn close(&self) {
        let all = std::mem::take(&mut *self.lock());
        for Open { sealing, .. } in all {
            sealing.end().await;
        }
    }

    /// One that is open, with the schema it had; unless another file stands in its place by now.
    fn find(&self, database: &Database, file: Option<(u64, u64)>) -> Option<(App, u32)> {
        let is_replaced = |open: &Open| open.database == *database && open.file != file;
        self.end_those(|open| is_replaced(open) || open.used.elapsed() > UNUSED);
        let mut all = self.lock();
        let open = all.iter_mut().find(|open| open.database == *database)?;
        open.used = Instant::now();
        Some((open.app.clone(), open.schema))
    }

    /// Keeps one that was opened; of two who opened it at once, the first one's.
    fn keep(&self, opened: Open, context: &Context) -> App {
        let mut all = self.lock();
        if let Some(open) = all.iter().find(|open| open.database == opened.database) {
            return open.app.clone();
        }
        let _there = self.runtime.enter();
        context.seal(opened.app.clone());
        let app = opened.app.clone();
        all.push(opened);
        app
    }

    fn end_those(&self, is_it: impl Fn(&Open) -> bool) {
        for open in self.lock().extract_if(.., |open| is_it(open)) {
            self.runtime.spawn(async move { open.sealing.end().await });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn identity(database: &Database) -> Option<(u64, u64)> {
    match database {
        Database::Sqlite(file) => fs::metadata(&file.path).ok().map(|file| (file.dev(), file.ino())),
        Database::Postgres(_) => None,
    }
}
