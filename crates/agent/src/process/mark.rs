//! By what the processes of one agent know each other: a variable that whatever they start inherits.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use super::tree::start_time;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A variable no other agent of this machine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) const VARIABLE: &str = "AGENT_PROCESS_MARK";

    pub(crate) fn new() -> Self {
        let own = std::process::id();
        // A number that was used before is told apart by when its process started.
        let started = i32::try_from(own).ok().and_then(start_time);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{own}.{}.{number}", started.unwrap_or_default()))
    }

    pub(crate) fn value(&self) -> &str {
        &self.0
    }

    /// Whether a process was started with it.
    pub(crate) fn is_on(&self, pid: i32) -> bool {
        let wanted = format!("{}={}", Self::VARIABLE, self.0);
        let Ok(variables) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        variables.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    }
}
