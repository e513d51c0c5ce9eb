//! How fast background sessions are taken from the queue.

use std::time::{Duration, Instant};

use domain::{
    id::SessionId,
    priority::Priority,
    session::{Lease, LeaseOwner, Session},
    session_status::SessionStatus,
    time::Timestamp,
};
use store::{Store, StoreError};

use super::{
    measure::Durations,
    report::{Figure, Report},
    sample,
};

/// Sessions that wait, beside ten thousand that do not.
const WAITING: usize = 10_000;
const PER_TRANSACTION: usize = 500;
const ONE_BY_ONE: usize = 500;
const WORKERS: usize = 8;
const MOST_MILLISECONDS: f64 = 5.0;
const FEWEST_CLAIMS: f64 = 3_000.0;

/// Claims of one worker, and of eight at once.
pub(super) async fn measure(name: &str, store: &Store, report: &mut Report) -> anyhow::Result<()> {
    fill(store).await?;
    let mut claims = Durations::default();
    for _ in 0..ONE_BY_ONE {
        anyhow::ensure!(claims.time_async(claim(store, 0)).await?.is_some(), "nothing waits");
    }
    let milliseconds = claims.p50() / 1000.0;
    report.add(&Figure {
        name: &format!("{name}: claim of {WAITING} that wait, p50"),
        figure: format!("{milliseconds:.2} ms, p99 {:.2} ms", claims.p99() / 1000.0),
        ratio: None,
        target: format!("< {MOST_MILLISECONDS} ms"),
        is_met: Some(milliseconds < MOST_MILLISECONDS),
    })?;
    let begin = Instant::now();
    let workers: Vec<_> = (1..=WORKERS)
        .map(|worker| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut taken = Vec::new();
                while let Some(session) = claim(&store, u32::try_from(worker).unwrap_or(0)).await? {
                    taken.push(session);
                }
                Ok::<_, StoreError>(taken)
            })
        })
        .collect();
    let mut taken = Vec::new();
    for worker in workers {
        taken.extend(worker.await??);
    }
    let seconds = begin.elapsed().as_secs_f64();
    let count = taken.len();
    taken.sort_unstable();
    taken.dedup();
    anyhow::ensure!(
        taken.len() == count && count == WAITING - ONE_BY_ONE,
        "{count} claims of {}",
        taken.len()
    );
    let rate = f64::from(u32::try_from(count)?) / seconds;
    // The target is PostgreSQL's.
    let is_judged = name == "postgres";
    report.add(&Figure {
        name: &format!("{name}: claims of {WORKERS} workers together"),
        figure: format!("{rate:.0}/s, each once"),
        ratio: None,
        target: if is_judged { format!("≥ {FEWEST_CLAIMS}/s") } else { String::new() },
        is_met: is_judged.then_some(rate >= FEWEST_CLAIMS),
    })
}

async fn fill(store: &Store) -> anyhow::Result<()> {
    let at = Timestamp::from_micros(1);
    for _ in 0..WAITING / PER_TRANSACTION {
        let sessions: Vec<_> = (0..PER_TRANSACTION)
            .map(|_| Session { status: SessionStatus::Created, ..sample::session(sample::TEAM) })
            .collect();
        let insert = move |tx: &store::Tx<'_>| {
            sessions.iter().try_for_each(|session| {
                tx.team(sample::TEAM).sessions().insert(session)?;
                tx.team(sample::TEAM).sessions().enqueue(session.id, Priority::DEFAULT, at)
            })
        };
        store.write(insert).await?;
    }
    Ok(())
}

async fn claim(store: &Store, worker: u32) -> Result<Option<SessionId>, StoreError> {
    let owner = LeaseOwner { host: "bench".into(), boot_id: "bench".into(), pid: worker, started: 1 };
    let now = Timestamp::from_micros(2);
    let lease = Lease { owner, expires_at: now.plus(Duration::from_secs(60)) };
    let claimed = store.write(move |tx| tx.session_queue().claim_next(&lease, now)).await?;
    Ok(claimed.map(|session| session.id))
}
