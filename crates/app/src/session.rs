//! Sessions: start, drive, record, look at, recover.

mod actor;
mod ask;
mod bundle;
mod checkpoint;
mod connect;
mod fork;
mod get;
mod handle;
pub(crate) mod held;
mod hooks;
mod inbox;
mod list;
mod mirror;
mod plan;
mod questions;
mod queue;
pub(crate) mod record;
mod recover;
mod resolve;
mod search;
mod start;
mod state;
mod tell;
mod timeline;
mod update;

pub use ask::{Answer, Asker, BoxFuture, Question};
pub use checkpoint::CheckpointError;
pub use fork::{ForkSession, ForkSessionError, Forked, History};
pub use get::GetSessionError;
pub use handle::{SessionGone, SessionHandle};
pub use plan::{AgentName, InvalidAgentName, Overrides, Plan, PlanError};
pub use recover::RecoveredSession;
pub use resolve::{ResolveSessionError, SessionReference};
pub use start::{LaunchSettings, NewSession, RunningSession, StartSession, StartSessionError, Target};
pub use tell::{TellSessionError, Told, Words};
pub use update::{SessionEnd, SessionUpdate, TurnSummary};
