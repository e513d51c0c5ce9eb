//! A store on a fresh database, and the macro that makes two tests of one fact.

use std::{path::PathBuf, time::Duration};

use domain::id::{SessionId, TeamId, UserId};
use provost_store::{
    Conn, Database, Guard, Migrate, OpenOptions, PostgresServer, Scope, SessionChange, SqliteFile, Store,
    StoreError, Tx, WhenMissing, check,
};
use tempfile::TempDir;
use testkit::TestDatabase;

use crate::{
    plan,
    raw::{self, Rows},
    sample,
};

/// Makes of each `async fn fact(fixture: &Fixture)` the tests `fact::sqlite` and `fact::postgres`.
macro_rules! on_both_databases {
    ($($fact:ident),+ $(,)?) => {$(
        mod $fact {
            #[test]
            fn sqlite() {
                crate::fixture::run_on_sqlite(super::$fact);
            }

            #[test]
            fn postgres() {
                crate::fixture::run_on_postgres(super::$fact);
            }
        }
    )+};
}

/// An open store with one team and one user in it.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) team: TeamId,
    pub(crate) user: UserId,
    place: Place,
}

/// Where a test's database is; dropping it removes it.
pub(crate) enum Place {
    Sqlite(TempDir),
    Postgres(TestDatabase),
}

impl Place {
    pub(crate) fn on_sqlite() -> Self {
        Self::Sqlite(TempDir::new().unwrap())
    }

    /// `None` when tests without PostgreSQL were asked for.
    pub(crate) fn on_postgres() -> Option<Self> {
        TestDatabase::create().map(Self::Postgres)
    }

    pub(crate) fn options(&self) -> OpenOptions {
        let database = match self {
            Self::Sqlite(_) => Database::Sqlite(sqlite_file(self.path())),
            Self::Postgres(database) => Database::Postgres(postgres_server(database.url())),
        };
        OpenOptions::new(database, Migrate::Forward(sample::time(0)))
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.options()).unwrap()
    }

    /// Runs statements on a connection of the test's own.
    pub(crate) fn raw(&self, sql: &str) -> Result<Rows, String> {
        match self {
            Self::Sqlite(_) => raw::sqlite(&self.path(), sql),
            Self::Postgres(database) => raw::postgres(database.url(), sql),
        }
    }

    /// The text for this database.
    pub(crate) fn pick<'s>(&self, sqlite: &'s str, postgres: &'s str) -> &'s str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.path().join("test.db"),
            Self::Postgres(_) => panic!("no file"),
        }
    }
}

pub(crate) fn sqlite_file(path: PathBuf) -> SqliteFile {
    SqliteFile { path, when_missing: WhenMissing::Create, busy_timeout: Duration::from_secs(10) }
}

pub(crate) fn postgres_server(url: &str) -> PostgresServer {
    PostgresServer {
        url: url.to_owned(),
        pool_size: 4,
        root_certificate: None,
        connect_timeout: Duration::from_secs(10),
    }
}

impl Fixture {
    /// Opens a store on a fresh database and puts a team and a user in.
    pub(crate) async fn create(place: Place) -> Self {
        let store = place.open();
        let (team, user) = (sample::team("default"), sample::user("local@localhost"));
        let (team_id, user_id) = (team.id, user.id);
        let insert = store.write(move |tx| {
            tx.teams().insert_if_absent(&team)?;
            tx.users().insert_if_absent(&user)
        });
        insert.await.unwrap();
        Self { store, team: team_id, user: user_id, place }
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// Another team, whose rows nobody of the first may see.
    pub(crate) async fn other_team(&self) -> TeamId {
        let team = sample::team("other");
        let id = team.id;
        self.store.write(move |tx| tx.teams().insert_if_absent(&team)).await.unwrap();
        id
    }

    /// Reads rows of the team.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(Scope<'_, Conn>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.read(move |conn| work(conn.team(sample::TEAM))).await
    }

    /// Writes rows of the team.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(Scope<'_, Tx<'_>>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.store.write(move |tx| work(tx.team(sample::TEAM))).await
    }

    /// Records a session that nothing has happened in.
    pub(crate) async fn insert_session(&self) -> SessionId {
        let session = sample::session(self.team);
        let id = session.id;
        self.store.write(move |tx| tx.team(sample::TEAM).sessions().insert(&session)).await.unwrap();
        id
    }

    /// Changes a session as anybody may.
    pub(crate) async fn change(
        &self,
        session: SessionId,
        items: Vec<sample::Item>,
    ) -> Result<Vec<domain::timeline::TimelineEntry>, StoreError> {
        let change = sample::change(session, Guard::Anyone, items);
        self.apply(change).await
    }

    pub(crate) async fn apply(
        &self,
        change: SessionChange,
    ) -> Result<Vec<domain::timeline::TimelineEntry>, StoreError> {
        self.store.write(move |tx| tx.team(sample::TEAM).sessions().change(change)).await
    }

    /// Makes a process the owner of a session until this second, whoever owns it now; gives its fence.
    pub(crate) async fn acquire(&self, id: SessionId, pid: u32, until: i64) -> i64 {
        let (seen, lease) = (self.session(id).await, sample::lease(pid, sample::time(until)));
        self.write(move |team| team.sessions().acquire(&seen, &lease)).await.unwrap()
    }

    pub(crate) async fn session(&self, id: SessionId) -> domain::session::Session {
        self.store.read(move |conn| conn.team(sample::TEAM).sessions().find(id)).await.unwrap().unwrap()
    }

    pub(crate) async fn timeline(&self, id: SessionId) -> Vec<domain::timeline::TimelineEntry> {
        self.store.read(move |conn| conn.team(sample::TEAM).timeline().list(id, 0, 10_000)).await.unwrap()
    }

    pub(crate) async fn assert_whole(&self) {
        assert_eq!(self.store.scan(check).await, Ok(Vec::new()));
    }
}

pub(crate) fn run_on_sqlite(fact: impl AsyncFnOnce(&Fixture)) {
    run(Place::on_sqlite(), fact);
}

pub(crate) fn run_on_postgres(fact: impl AsyncFnOnce(&Fixture)) {
    if let Some(place) = Place::on_postgres() {
        run(place, fact);
    }
}

/// Runs a fact, and then looks how the database would find the rows of every statement that it issued.
fn run(place: Place, fact: impl AsyncFnOnce(&Fixture)) {
    plan::record();
    block_on(async {
        let fixture = Fixture::create(place).await;
        fact(&fixture).await;
        fixture.store.close().await;
        plan::assert_searched(&fixture.place);
    });
}

/// Several threads, so that what should happen at once does.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(future)
}
