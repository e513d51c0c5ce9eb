//! The driver against programs that misbehave, and the scripted agent over pipes.

mod driver;
mod fake_agent;
mod host;
mod scripted;
mod session_hook;
