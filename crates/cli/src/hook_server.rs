//! The hook server: a process that stays, so that an event of an agent CLI is judged and recorded without a database being opened
//! for it. `provost hook-client` starts it, asks it, and does its work itself where there is none.
//!
//! It sees nothing that a client does not tell it: each question brings the variables, the folder and the flags of its client, and
//! settings are read anew for it. A client with another binary, or with another view of the files of this machine, is sent away.

mod client;
mod place;
mod server;
mod view;
mod wire;

pub(crate) use client::{Asked, ask, start};
pub(crate) use place::Place;
pub(crate) use server::serve;
pub(crate) use wire::Question;

/// The hidden subcommand that is the server.
pub(crate) const SUBCOMMAND: &str = "hook-server";
