//! Time and randomness as parameters: the one place that reads the system's.

use std::{fmt::Debug, io};

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

/// Draws what nobody may guess, such as keys.
pub trait SecretSource: Debug + Send + Sync {
    /// 32 random bytes.
    ///
    /// # Errors
    /// When the system has none to give.
    fn draw(&self) -> io::Result<[u8; 32]>;
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

/// The system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemSecrets;

impl SecretSource for SystemSecrets {
    fn draw(&self) -> io::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        Ok(bytes)
    }
}
