//! Keeping a session while its process lives, whatever else the process is busy with.

use std::time::Duration;

use domain::id::{SessionId, TeamId};
use store::StoreError;
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::App;

/// How long a session stays with an owner that says nothing.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// How often a lease is renewed: it survives two missed times.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);

/// A session and the fence that its owner holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldSession {
    pub(crate) team_id: TeamId,
    pub(crate) id: SessionId,
    pub(crate) fence: i64,
}

/// Renews one session's lease until it is dropped or the session is lost.
#[derive(Debug)]
pub(super) struct LeaseKeeper {
    renewing: JoinHandle<StoreError>,
}

impl LeaseKeeper {
    pub(super) fn start(app: App, session: HeldSession) -> Self {
        Self { renewing: tokio::spawn(keep(app, session)) }
    }

    /// Waits for the loss of the session. Not to be called again after it returned.
    pub(super) async fn lost(&mut self) -> StoreError {
        let outcome = (&mut self.renewing).await;
        outcome.unwrap_or_else(|error| StoreError::Panicked { message: error.to_string() })
    }
}

impl Drop for LeaseKeeper {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

async fn keep(app: App, session: HeldSession) -> StoreError {
    let mut times = interval(RENEW_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        match renew(&app, session).await {
            Ok(()) => {}
            Err(error) if error.is_retryable() => {
                tracing::warn!(session.id = %session.id, error = %error, "a lease could not be renewed yet");
            }
            Err(error) => return error,
        }
    }
}

/// Keeps the session for another while.
pub(crate) async fn renew(app: &App, session: HeldSession) -> Result<(), StoreError> {
    let until = app.now().plus(LEASE);
    let HeldSession { team_id, id, fence } = session;
    app.store().write(move |tx| tx.team(team_id).sessions().renew(id, fence, until)).await
}
