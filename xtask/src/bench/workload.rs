//! What is asked of a store, the same on both databases.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use domain::id::{SessionId, TeamId};
use store::{SessionFilter, Store, StoreError};

use super::{measure::Durations, sample};

/// Sessions that lists and reads choose from.
const SESSIONS: usize = 10_000;
const PER_TRANSACTION: usize = 500;
const WRITERS: usize = 64;

/// A store with ten thousand sessions.
pub(super) struct Filled {
    pub(super) store: Store,
    pub(super) team: TeamId,
    pub(super) sessions: Vec<SessionId>,
}

impl Filled {
    pub(super) async fn fill(store: Store) -> anyhow::Result<Self> {
        let team = sample::team()?;
        let team_id = team.id;
        store.write(move |tx| tx.teams().insert_if_absent(&team)).await?;
        let mut ids = Vec::with_capacity(SESSIONS);
        while ids.len() < SESSIONS {
            let sessions: Vec<_> = (0..PER_TRANSACTION).map(|_| sample::session(team_id)).collect();
            ids.extend(sessions.iter().map(|session| session.id));
            let insert = store.write(move |tx| {
                sessions.iter().try_for_each(|session| tx.team(team_id).sessions().insert(session))
            });
            insert.await?;
        }
        Ok(Self { store, team: team_id, sessions: ids })
    }

    /// One of the sessions, another with each number.
    pub(super) fn pick(&self, number: usize) -> SessionId {
        self.sessions[number.wrapping_mul(7919) % self.sessions.len()]
    }

    pub(super) async fn find(&self, number: usize) -> Result<bool, StoreError> {
        let (team, id) = (self.team, self.pick(number));
        Ok(self.store.read(move |conn| conn.team(team).sessions().find(id)).await?.is_some())
    }

    pub(super) async fn list_50(&self) -> Result<usize, StoreError> {
        let filter = SessionFilter::default();
        let team = self.team;
        let page = self.store.read(move |conn| conn.team(team).sessions().list(filter, None, 50)).await?;
        Ok(page.items.len())
    }

    /// One agent event after the other, each until it is durable.
    pub(super) async fn agent_events(
        &self,
        span: Duration,
        events: &mut Durations,
    ) -> Result<(), StoreError> {
        let begin = Instant::now();
        while begin.elapsed() < span {
            let (team, change) = (self.team, sample::agent_event(self.pick(0)));
            events.time_async(self.store.write(move |tx| tx.team(team).sessions().change(change))).await?;
        }
        Ok(())
    }
}

/// Many tasks that insert one row after the other, each until it is durable: rows in a second.
pub(super) async fn insert_by_many(store: &Store, span: Duration) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while begin.elapsed() < span {
                    let user = sample::user()?;
                    let is_new = store.write(move |tx| tx.users().insert_if_absent(&user)).await?;
                    anyhow::ensure!(is_new, "a row was not inserted");
                    count += 1;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

/// What readers and writers got done side by side, in a second.
pub(super) struct Mixed {
    pub(super) reads: f64,
    pub(super) writes: f64,
}

/// 64 tasks that read and 8 that write, at once. Any error, a lock's above all, ends it.
pub(super) async fn mixed(filled: Arc<Filled>, span: Duration) -> anyhow::Result<Mixed> {
    let begin = Instant::now();
    let readers: Vec<_> = (0..64_usize)
        .map(|reader| {
            let filled = filled.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while begin.elapsed() < span {
                    filled.find(reader + 64 * count as usize).await?;
                    count += 1;
                }
                Ok::<_, StoreError>(count)
            })
        })
        .collect();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let filled = filled.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while begin.elapsed() < span {
                    let (team, change) = (filled.team, sample::agent_event(filled.pick(writer)));
                    filled.store.write(move |tx| tx.team(team).sessions().change(change)).await?;
                    count += 1;
                }
                Ok::<_, StoreError>(count)
            })
        })
        .collect();
    let (mut reads, mut writes) = (0, 0);
    for reader in readers {
        reads += reader.await??;
    }
    for writer in writers {
        writes += writer.await??;
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(Mixed { reads: f64::from(reads) / seconds, writes: f64::from(writes) / seconds })
}
