//! What tests need from outside the workspace: a Messages API that answers by script, a real PostgreSQL,
//! and the real agent CLI where it was fetched.
//!
//! A dev-dependency only. It knows no other crate of the workspace, so every one of them may use it.
//! All of it is synchronous on the outside, so a plain `#[test]` that starts child processes can use it,
//! and it may also be called from inside an async test.

pub mod agent_cli;
mod environment;
pub mod messages_api;
pub mod postgres;
pub mod sqlite;

pub use environment::{coverage_variable, is_torture};
pub use messages_api::MessagesApi;
pub use postgres::{PrivateServer, TestDatabase};
