//! The store on PostgreSQL beside a raw connection to the same server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::time::Timestamp;
use store::{Database, Migrate, OpenOptions, PostgresServer, Store};

use super::{
    backlog::Backlog,
    backlog_fill::{Dialect, Size},
    backlog_raw::{PostgresBacklog, RawBacklog},
    measure::Durations,
    queue,
    raw::RawPostgres,
    report::{Figure, Report},
    sample,
    workload::{Filled, insert_by_many, mixed},
};

const CONNECTIONS: usize = 8;

/// Creates a database, measures on it and drops it. How durable a commit is there is the server's own setting.
pub(super) fn measure(url: &str, sizes: &[u32], span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    in_new_database(&runtime, url, |url| measure_on(&runtime, url, span, report))?;
    for &tasks in sizes {
        in_new_database(&runtime, url, |url| {
            runtime.block_on(measure_backlog(url, Size { tasks }, span, report))
        })?;
    }
    Ok(())
}

/// The background queue in a database of its own.
pub(super) fn measure_queue(url: &str, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    in_new_database(&runtime, url, |url| {
        runtime.block_on(async {
            let store = open(url)?;
            let team = sample::team()?;
            store.write(move |tx| tx.teams().insert_if_absent(&team)).await?;
            let outcome = queue::measure("postgres", &store, report).await;
            store.close().await;
            outcome
        })
    })
}

/// Creates a database, does something with it and drops it.
fn in_new_database(
    runtime: &tokio::runtime::Runtime,
    url: &str,
    work: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let name = format!("provost_bench_{}", std::process::id());
    runtime.block_on(administrate(url, &format!("CREATE DATABASE {name}")))?;
    let outcome = work(&with_database(url, &name));
    runtime.block_on(administrate(url, &format!("DROP DATABASE {name} WITH (FORCE)")))?;
    outcome
}

async fn measure_backlog(url: &str, size: Size, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let store = open(url)?;
    let team = sample::team()?;
    store.write(move |tx| tx.teams().insert_if_absent(&team)).await?;
    let raw = PostgresBacklog::connect(url).await?;
    raw.run(&format!("{} ANALYZE", size.fill(Dialect::Postgres))).await?;
    let raw = RawBacklog::Postgres(Box::new(raw));
    Backlog { database: "postgres", store: &store, raw, size, span }.measure(report).await?;
    store.close().await;
    Ok(())
}

fn measure_on(
    runtime: &tokio::runtime::Runtime,
    url: &str,
    span: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let store = open(url)?;
    runtime.block_on(async {
        let filled = Arc::new(Filled::fill(store).await?);
        let raw = RawPostgres::connect(url).await?;
        insert(&filled, &raw, span, report).await?;
        agent_event(&filled, span, report).await?;
        reads(&filled, &raw, span, report).await?;
        let done = mixed(Arc::clone(&filled), span).await?;
        let figure = format!("{:.0} reads/s, {:.0} writes/s", done.reads, done.writes);
        report.add(&unjudged("postgres: 64 readers and 8 writers at once", figure, None))
    })
}

fn open(url: &str) -> anyhow::Result<Store> {
    let server = PostgresServer {
        url: url.to_owned(),
        pool_size: CONNECTIONS,
        root_certificate: None,
        connect_timeout: Duration::from_secs(10),
    };
    let migrate = Migrate::Forward(Timestamp::from_micros(0));
    Ok(Store::open(OpenOptions::new(Database::Postgres(server), migrate))?)
}

async fn insert(
    filled: &Filled,
    raw: &RawPostgres,
    span: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (begin, mut count) = (Instant::now(), 0_u32);
    while begin.elapsed() < span {
        raw.insert(&sample::user()?).await?;
        count += 1;
    }
    let one_by_one = f64::from(count) / begin.elapsed().as_secs_f64();
    let by_many = insert_by_many(&filled.store, span).await?;
    let figure = format!("{by_many:.0}/s, raw {one_by_one:.0}/s");
    report.add(&unjudged("postgres: inserts by 64 tasks", figure, Some(by_many / one_by_one)))
}

async fn agent_event(filled: &Filled, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let mut events = Durations::default();
    filled.agent_events(span, &mut events).await?;
    let figure = format!("{:.0}/{:.0} µs", events.p50(), events.p99());
    report.add(&unjudged("postgres: agent event until committed, p50/p99", figure, None))
}

async fn reads(
    filled: &Filled,
    raw: &RawPostgres,
    span: Duration,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut find, mut raw_find) = (Durations::default(), Durations::default());
    let (mut list, mut raw_list) = (Durations::default(), Durations::default());
    let (begin, mut number) = (Instant::now(), 0);
    while begin.elapsed() < span {
        find.time_async(filled.find(number)).await?;
        raw_find.time_async(raw.find(filled.team, filled.pick(number))).await?;
        list.time_async(filled.list_50()).await?;
        raw_list.time_async(raw.list_50(filled.team)).await?;
        number += 1;
    }
    for (name, ours, raw) in [
        ("postgres: point read of a session, p50", find.p50(), raw_find.p50()),
        ("postgres: list of 50 sessions, p50", list.p50(), raw_list.p50()),
    ] {
        let figure = format!("{ours:.0} µs, raw {raw:.0} µs");
        report.add(&unjudged(name, figure, Some(ours / raw)))?;
    }
    Ok(())
}

const fn unjudged(name: &str, figure: String, ratio: Option<f64>) -> Figure<'_> {
    Figure { name, figure, ratio, target: String::new(), is_met: None }
}

async fn administrate(url: &str, statement: &str) -> anyhow::Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client.batch_execute(statement).await?)
}

/// The same server, another database.
fn with_database(url: &str, database: &str) -> String {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let server = address
        .rfind('/')
        .filter(|&slash| !address[..slash].ends_with('/'))
        .map_or(address, |slash| &address[..slash]);
    format!("{server}/{database}?{options}")
}
