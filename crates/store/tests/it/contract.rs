//! What every repository promises, on both databases.

mod append_only;
mod change;
mod check;
mod concurrency;
mod history;
mod hook;
mod identity;
mod lease;
mod session;
mod text;
