//! Keeping a session while its process lives, whatever else the process is busy with.

use std::time::Duration;

use domain::id::SessionId;
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

/// Renews one session's lease until it is dropped or the session is lost.
#[derive(Debug)]
pub(super) struct LeaseKeeper {
    renewing: JoinHandle<StoreError>,
}

impl LeaseKeeper {
    pub(super) fn start(app: App, id: SessionId, fence: i64) -> Self {
        Self { renewing: tokio::spawn(keep(app, id, fence)) }
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

async fn keep(app: App, id: SessionId, fence: i64) -> StoreError {
    let mut times = interval(RENEW_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        match renew(&app, id, fence).await {
            Ok(()) => {}
            Err(error) if error.is_retryable() => {
                tracing::warn!(session.id = %id, error = %error, "a lease could not be renewed yet");
            }
            Err(error) => return error,
        }
    }
}

/// Keeps the session for another while.
pub(crate) async fn renew(app: &App, id: SessionId, fence: i64) -> Result<(), StoreError> {
    let until = app.now().plus(LEASE);
    app.store().write(move |tx| tx.sessions().renew(id, fence, until)).await
}
