//! Ids that follow from what they stand for, so that whoever meets it again, or at the same time, finds the same row.

use domain::{digest::Sha256Digest, time::Timestamp};
use uuid::Uuid;

/// An id that is the same each time. Those of one time stand together, as ids do that are drawn: what is written one after the
/// other is written in one place.
pub(crate) fn derived_id(at: Option<Timestamp>, text: &str) -> Uuid {
    let digest = Sha256Digest::of(text.as_bytes());
    let mut scattered = [0; 10];
    scattered.copy_from_slice(&digest.as_bytes()[..10]);
    let millis = at.and_then(|at| u64::try_from(at.as_micros() / 1000).ok());
    match millis {
        Some(millis) => uuid::Builder::from_unix_timestamp_millis(millis, &scattered).into_uuid(),
        None => {
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest.as_bytes()[..16]);
            uuid::Builder::from_custom_bytes(bytes).into_uuid()
        }
    }
}
