//! Sessions: start, drive, record, look at, recover.

mod actor;
mod ask;
mod decide;
mod get;
mod handle;
pub(crate) mod lease;
mod list;
mod questions;
pub(crate) mod record;
mod recover;
mod resolve;
mod start;
mod timeline;
mod update;

pub use ask::{Answer, Asker, BoxFuture, Question};
pub use get::GetSessionError;
pub use handle::{SessionGone, SessionHandle};
pub use recover::RecoveredSession;
pub use resolve::{ResolveSessionError, SessionReference};
pub use start::{LaunchSettings, NewSession, RunningSession, StartSession, StartSessionError, Target};
pub use update::{SessionEnd, SessionUpdate, TurnSummary};
