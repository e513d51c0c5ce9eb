//! The store on SQLite beside raw rusqlite on the same file.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use domain::time::Timestamp;
use store::{Database, Migrate, OpenOptions, SqliteFile, Store, WhenMissing};
use tokio::runtime::Runtime;

use super::{
    backlog::{Backlog, index_price},
    backlog_fill::{Dialect, Size},
    backlog_raw::RawBacklog,
    measure::{Durations, SyncedFile, rate},
    queue,
    raw::RawSqlite,
    report::{Figure, Report},
    sample,
    workload::{Filled, insert_by_many, mixed},
};

/// Where slow disks begin, in microseconds for an fsync: there, one for many callers saves more.
const SLOW_FSYNC: f64 = 1000.0;

pub(super) fn open(path: &Path) -> anyhow::Result<Store> {
    let file = SqliteFile {
        path: path.to_owned(),
        when_missing: WhenMissing::Create,
        busy_timeout: Duration::from_secs(10),
    };
    let migrate = Migrate::Forward(Timestamp::from_micros(0));
    Ok(Store::open(OpenOptions::new(Database::Sqlite(file), migrate))?)
}

pub(super) fn measure(folder: &Path, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let path = folder.join("filled.db");
    let raw = RawSqlite::open(&path)?;
    let filled = Arc::new(runtime.block_on(Filled::fill(open(&path)?))?);
    let synced = SyncedFile::create(folder)?;
    let bench = Bench { runtime, filled, raw, synced, span };
    bench.insert(report)?;
    bench.agent_event(report)?;
    bench.point_read(report)?;
    bench.list(report)?;
    bench.mixed(report)
}

/// The background queue in a file of its own.
pub(super) fn measure_queue(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let store = open(&folder.join("queue.db"))?;
    let team = sample::team()?;
    runtime.block_on(async {
        store.write(move |tx| tx.teams().insert_if_absent(&team)).await?;
        queue::measure("sqlite", &store, report).await
    })
}

/// The backlog in files of its own, at both sizes.
pub(super) fn measure_backlog(
    folder: &Path,
    sizes: &[u32],
    span: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for &tasks in sizes {
        let (size, path) = (Size { tasks }, folder.join(format!("backlog-{tasks}.db")));
        let store = open(&path)?;
        let team = sample::team()?;
        runtime.block_on(store.write(move |tx| tx.teams().insert_if_absent(&team)))?;
        let connection = rusqlite::Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.execute_batch(&format!(
            "PRAGMA synchronous = OFF; BEGIN; {} COMMIT; PRAGMA wal_checkpoint(TRUNCATE);
             PRAGMA synchronous = FULL; PRAGMA mmap_size = 268435456; PRAGMA foreign_keys = ON;",
            size.fill(Dialect::Sqlite)
        ))?;
        let raw = RawBacklog::Sqlite(connection);
        let backlog = Backlog { database: "sqlite", store: &store, raw, size, span };
        runtime.block_on(backlog.measure(report))?;
        if tasks == 10_000 {
            let tasks = runtime.block_on(backlog.add_epic(1, 100))?;
            let price = index_price(&backlog.raw, &tasks, || drop_indexes(&path), span, report);
            runtime.block_on(price)?;
        }
        runtime.block_on(store.close());
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

/// Leaves the unique ones.
fn drop_indexes(path: &Path) -> anyhow::Result<()> {
    let connection = rusqlite::Connection::open(path)?;
    let mut names = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('tasks', 'task_history')
         AND sql IS NOT NULL AND sql NOT LIKE 'CREATE UNIQUE%'",
    )?;
    let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    names.iter().try_for_each(|name| connection.execute_batch(&format!("DROP INDEX {name}")))?;
    Ok(())
}

struct Bench {
    runtime: Runtime,
    filled: Arc<Filled>,
    raw: RawSqlite,
    synced: SyncedFile,
    span: Duration,
}

impl Bench {
    fn insert(&self, report: &mut Report) -> anyhow::Result<()> {
        let mut fsyncs = Durations::default();
        // In turns, because disks change their minds.
        let (mut one_by_one, mut by_many) = (0.0, 0.0);
        for _ in 0..4 {
            for _ in 0..50 {
                fsyncs.time(|| self.synced.sync())?;
            }
            one_by_one +=
                rate(self.span / 4, || self.raw.insert(&sample::user()?).map_err(anyhow::Error::from))? / 4.0;
            by_many += self.runtime.block_on(insert_by_many(&self.filled.store, self.span / 4))? / 4.0;
        }
        let fsync = fsyncs.p50();
        let (ratio, wanted) = (by_many / one_by_one, if fsync < SLOW_FSYNC { 4.0 } else { 10.0 });
        report.add(&Figure {
            name: "sqlite: durable inserts by 64 tasks",
            figure: format!("{by_many:.0}/s, raw {one_by_one:.0}/s"),
            ratio: Some(ratio),
            target: format!("≥ {wanted}× (fsync {fsync:.0} µs)"),
            is_met: Some(ratio >= wanted),
        })
    }

    fn agent_event(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut fsyncs, mut events) = (Durations::default(), Durations::default());
        let begin = Instant::now();
        while begin.elapsed() < self.span {
            fsyncs.time(|| self.synced.sync())?;
            self.runtime.block_on(self.filled.agent_events(Duration::from_micros(1), &mut events))?;
        }
        let most = fsyncs.p50() + 200.0;
        report.add(&Figure {
            name: "sqlite: agent event until durable, p50/p99",
            figure: format!("{:.0}/{:.0} µs", events.p50(), events.p99()),
            ratio: None,
            target: format!("≤ {most:.0} µs (fsync + 200)"),
            is_met: Some(events.p50() <= most),
        })
    }

    fn point_read(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut ours, mut raw) = (Durations::default(), Durations::default());
        let (begin, mut number) = (Instant::now(), 0);
        self.runtime.block_on(async {
            while begin.elapsed() < self.span {
                for _ in 0..100 {
                    ours.time_async(self.filled.find(number)).await?;
                    number += 1;
                }
                for _ in 0..100 {
                    raw.time(|| self.raw.find(self.filled.team, self.filled.pick(number)))?;
                    number += 1;
                }
            }
            anyhow::Ok(())
        })?;
        let most = raw.p50() + 3.0;
        report.add(&Figure {
            name: "sqlite: point read of a session, p50",
            figure: format!("{:.1} µs, raw {:.1} µs", ours.p50(), raw.p50()),
            ratio: Some(ours.p50() / raw.p50()),
            target: format!("≤ {most:.1} µs (raw + 3)"),
            is_met: Some(ours.p50() <= most),
        })
    }

    fn list(&self, report: &mut Report) -> anyhow::Result<()> {
        let (mut ours, mut raw) = (Durations::default(), Durations::default());
        let begin = Instant::now();
        self.runtime.block_on(async {
            while begin.elapsed() < self.span {
                let count = ours.time_async(self.filled.list_50()).await?;
                anyhow::ensure!(count == 50, "a list of {count}");
                raw.time(|| self.raw.list_50(self.filled.team)).context("raw list")?;
            }
            Ok(())
        })?;
        let ratio = ours.p50() / raw.p50();
        report.add(&Figure {
            name: "sqlite: list of 50 sessions, p50",
            figure: format!("{:.0} µs, raw {:.0} µs", ours.p50(), raw.p50()),
            ratio: Some(ratio),
            target: "≤ 1.3×".into(),
            is_met: Some(ratio <= 1.3),
        })
    }

    fn mixed(&self, report: &mut Report) -> anyhow::Result<()> {
        let done = self.runtime.block_on(mixed(Arc::clone(&self.filled), self.span))?;
        report.add(&Figure {
            name: "sqlite: 64 readers and 8 writers at once",
            figure: format!("{:.0} reads/s, {:.0} writes/s", done.reads, done.writes),
            ratio: None,
            target: "no error".into(),
            is_met: Some(true),
        })
    }
}
