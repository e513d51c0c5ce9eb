//! A thousand writers at once on one SQLite file.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    measure::Durations,
    report::{Figure, Report},
    sample, sqlite,
};

const WRITERS: usize = 1000;

/// Lets many tasks write for a while, each waiting until its row is durable. Any error, a lock's above all, ends it.
pub(super) fn measure(folder: &Path, span: Duration, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let store = Arc::new(sqlite::open(&folder.join("writers.db"))?);
    let begin = Instant::now();
    let waits = runtime.block_on(async {
        let tasks: Vec<_> = (0..WRITERS)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let mut waits = Durations::default();
                    while begin.elapsed() < span {
                        let user = sample::user()?;
                        let write = store.write(move |tx| tx.users().insert_if_absent(&user));
                        anyhow::ensure!(waits.time_async(write).await?, "a row was not inserted");
                    }
                    anyhow::Ok(waits)
                })
            })
            .collect();
        let mut all = Durations::default();
        for task in tasks {
            all.join(task.await??);
        }
        anyhow::Ok(all)
    })?;
    let rate = f64::from(u32::try_from(waits.len())?) / begin.elapsed().as_secs_f64();
    report.add(&Figure {
        name: "sqlite: 1,000 writers at once",
        figure: format!("{rate:.0}/s, p50/p99 {:.1}/{:.1} ms", waits.p50() / 1000.0, waits.p99() / 1000.0),
        ratio: None,
        target: format!("no error in {} s", span.as_secs()),
        is_met: Some(true),
    })
}
