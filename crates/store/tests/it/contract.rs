//! What every repository promises, on both databases.

mod agent;
mod api_key;
mod append_only;
mod archive;
mod budget;
mod change;
mod check;
mod concurrency;
mod cost;
mod history;
mod hook;
mod lease;
mod login_session;
mod member;
mod metric;
mod model_price;
mod reservation;
mod session;
mod team;
mod text;
mod user;
