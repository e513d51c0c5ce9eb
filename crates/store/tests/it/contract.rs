//! What every repository promises, on both databases.

mod agent;
mod api_key;
mod append_only;
mod change;
mod check;
mod concurrency;
mod history;
mod hook;
mod lease;
mod login_session;
mod member;
mod session;
mod team;
mod text;
mod user;
