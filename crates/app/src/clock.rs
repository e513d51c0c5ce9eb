//! Time and randomness as parameters: the one place that reads the system's.

use std::fmt::Debug;

use domain::time::Timestamp;
use uuid::Uuid;

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Now, UTC.
    fn now(&self) -> Timestamp;
}

/// Draws ids: `UUIDv7`, so that they sort by the time they were drawn.
pub trait IdSource: Debug + Send + Sync {
    /// A new id.
    fn next(&self) -> Uuid;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        jiff::Timestamp::now().into()
    }
}

/// Ids from the system's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdSource for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "this is the id source")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
