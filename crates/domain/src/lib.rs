//! The nouns of Provost and their rules. Pure: no I/O, no async, no clock, no randomness.

#[macro_use]
mod parsed_text;
#[macro_use]
mod text_enum;

pub mod actor;
pub mod agent;
pub mod agent_event;
pub mod agent_status;
pub mod api_key;
pub mod api_scope;
pub mod archive;
pub mod archive_manifest;
pub mod budget;
pub mod budget_period;
pub mod command;
pub mod cost;
pub mod approval;
pub mod audit;
pub mod audit_seal;
pub mod canonical;
pub mod command;
pub mod decision;
pub mod digest;
pub mod dna;
pub mod document;
pub mod email;
pub mod embedding;
pub mod hook;
pub mod hook_execution;
pub mod id;
pub mod login_session;
pub mod idempotency;
pub mod maintenance;
pub mod mcp_server;
mod line;
pub mod memory;
pub mod message;
pub mod metric;
pub mod model_price;
pub mod money;
pub mod name;
pub mod password;
pub mod permission;
pub mod policy;
pub mod runtime;
pub mod session;
pub mod session_status;
pub mod slug;
pub mod storage_key;
pub mod team;
pub mod time;
pub mod timeline;
pub mod tool_call;
pub mod transition;
pub mod usage;
pub mod user;
pub mod vector;
pub mod webhook;

pub use parsed_text::InvalidText;
pub use line::InvalidLine;
pub use text_enum::UnknownWord;
