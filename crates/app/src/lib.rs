//! The use cases: the only place where business happens. One file per verb, grouped by noun.
//!
//! Knows no command line, no HTTP server, no SQL and no wire format of an agent program; reads no environment and prints nothing.

pub mod agents;
pub mod approvals;
pub mod audit;
pub mod captured;
pub mod clock;
mod context;
mod derived_id;
#[cfg(test)]
mod fixture;
pub mod folder;
pub mod hook;
mod http;
pub mod import;
mod install;
pub mod owner;
mod patience;
pub mod permission;
pub mod policies;
pub mod prices;
pub mod session;
pub mod templates;
mod transcript;
pub mod worker;

pub use context::{App, Caller};
pub use install::InstallError;
