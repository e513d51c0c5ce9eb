//! Trying again for a while when the database is away: what happened is not lost to a restart of it.

use std::{future::Future, time::Duration};

use store::StoreError;
use tokio::time::sleep;

const PAUSES_MS: [u64; 6] = [50, 200, 500, 1_000, 3_000, 5_000];

/// Tries until it works, fails in a way that does not pass, or has failed for about ten seconds.
pub(crate) async fn patiently<T, F>(mut attempt: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for pause in PAUSES_MS {
        match attempt().await {
            Err(error) if error.is_retryable() => {
                tracing::warn!(error = %error, "the database is away; trying again");
                sleep(Duration::from_millis(pause)).await;
            }
            outcome => return outcome,
        }
    }
    attempt().await
}
