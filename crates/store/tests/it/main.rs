//! The store as its users meet it, on a temporary SQLite file and on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[macro_use]
mod fixture;
mod governance;

mod child;
mod contract;
mod dialect;
mod engine;
mod migration;
mod plan;
mod raw;
mod referenced;
mod sample;
mod volume;
mod volume_lists;
