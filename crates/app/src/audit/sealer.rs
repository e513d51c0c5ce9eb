//! Sealing the audit log: every process that writes seals what waits, whoever wrote it, within seconds.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::{audit_key::SigningKey, id::TeamId};
use store::{StoreError, Tx};
use tokio::task::JoinHandle;

use super::{KeyError, KeyFile};
use crate::App;

/// The most lines under one seal: numbering them keeps other writers waiting for milliseconds.
const LINES: u32 = 500;
/// The most teams that are looked for at once.
const TEAMS: u32 = 100;

/// Why the log was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no key to sign with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals the audit log of every team of a database, in the background of a process and at its end.
#[derive(Debug)]
pub struct Sealer {
    app: App,
    key: KeyFile,
    running: Mutex<Option<JoinHandle<()>>>,
}

impl Sealer {
    /// A sealer that does nothing yet. The key is made when there is something to seal.
    #[must_use]
    pub fn new(app: App, key: KeyFile) -> Self {
        Self { app, key, running: Mutex::default() }
    }

    /// Seals from now on what waits, so often. What hinders it is logged, and it tries again.
    pub fn start(&self, every: Duration) {
        let (app, key) = (self.app.clone(), self.key.clone());
        let seal = async move {
            let mut told = String::new();
            loop {
                tokio::time::sleep(every).await;
                match app.seal_audit(&key).await {
                    Ok(_) => told.clear(),
                    Err(SealError::Store(StoreError::Closed)) => return,
                    // Once, however long it lasts.
                    Err(error) if error.to_string() == told => {}
                    Err(error) => {
                        tracing::warn!(error = %error, "the audit log is not sealed yet");
                        told = error.to_string();
                    }
                }
            }
        };
        let earlier = self.running().replace(tokio::spawn(seal));
        earlier.iter().for_each(JoinHandle::abort);
    }

    /// Seals a last time what waits, for at most so long; somebody else seals the rest.
    pub async fn finish(&self, patience: Duration) {
        let running = self.running().take();
        // Where it is aborted it waits; what it handed to the database is done or not done as a whole.
        running.iter().for_each(JoinHandle::abort);
        match tokio::time::timeout(patience, self.app.seal_audit(&self.key)).await {
            Ok(Ok(_) | Err(SealError::Store(StoreError::Closed | StoreError::ReadOnly))) | Err(_) => {}
            Ok(Err(error)) => tracing::warn!(error = %error, "the audit log is not sealed yet"),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Seals every line that waits, in every team, in batches between which others may write. Says how many lines those were.
    /// Any number of processes may do so at once.
    ///
    /// # Errors
    /// See [`SealError`].
    pub async fn seal_audit(&self, key: &KeyFile) -> Result<i64, SealError> {
        let mut sealed = 0;
        loop {
            let teams = self.store().read(|conn| conn.unsealed_audit().list_teams(TEAMS)).await?;
            if teams.is_empty() {
                return Ok(sealed);
            }
            let key = key.load()?;
            for team in teams {
                sealed += self.seal_team(team, &key).await?;
            }
        }
    }

    async fn seal_team(&self, team: TeamId, key: &SigningKey) -> Result<i64, StoreError> {
        let mut sealed = 0;
        loop {
            let (key, app) = (key.clone(), self.clone());
            // The time is that of the batch, not that of waiting for it.
            let seal = move |tx: &Tx<'_>| tx.team(team).audit_seals().seal(app.now(), LINES, &key);
            let Some(seal) = self.store().write(seal).await? else { return Ok(sealed) };
            let lines = seal.last_number - seal.first_number + 1;
            sealed += lines;
            if lines < i64::from(LINES) {
                return Ok(sealed);
            }
        }
    }
}
