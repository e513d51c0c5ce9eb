//! By what the processes of one agent know each other: a variable that whatever they start inherits.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use super::tree::start_time;

static NEXT: AtomicU64 = AtomicU64::new(0);

/// A variable that the processes of one agent have and nothing else on this machine; or, without a number, the processes of every
/// agent that one process started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    owner: String,
    number: Option<u64>,
}

impl Mark {
    pub(crate) const VARIABLE: &str = "AGENT_PROCESS_MARK";

    /// Another one at each call.
    pub(crate) fn new() -> Self {
        Self { owner: this_process(), number: Some(NEXT.fetch_add(1, Ordering::Relaxed)) }
    }

    /// All those of the process that called itself by this name.
    pub(crate) const fn all_of(owner: String) -> Self {
        Self { owner, number: None }
    }

    pub(crate) fn value(&self) -> String {
        let Self { owner, number } = self;
        number.map_or_else(|| format!("{owner}."), |number| format!("{owner}.{number}"))
    }

    /// Whether a process was started with it.
    pub(crate) fn is_on(&self, pid: i32) -> bool {
        let wanted = format!("{}={}", Self::VARIABLE, self.value());
        let wanted = wanted.as_bytes();
        let Ok(variables) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        variables.split(|byte| *byte == 0).any(|variable| match self.number {
            Some(_) => variable == wanted,
            None => variable.starts_with(wanted),
        })
    }
}

/// What this process calls itself. A number that was used before is told apart by when its process started.
pub(crate) fn this_process() -> String {
    let own = std::process::id();
    let started = i32::try_from(own).ok().and_then(start_time);
    format!("{own}.{}", started.unwrap_or_default())
}
