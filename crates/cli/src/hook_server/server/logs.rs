//! What is logged while an event is judged, for its client.

use std::sync::{Mutex, PoisonError};

use tracing::Dispatch;

use crate::{
    failure::Failure,
    telemetry::{self, Lines},
};

/// Logs that are not in use. Each new one makes every place in the program that logs be asked anew whether it is wanted.
#[derive(Debug, Default)]
pub(super) struct Logs(Mutex<Vec<Log>>);

/// Where one event at a time is logged.
#[derive(Debug)]
pub(super) struct Log {
    level: String,
    lines: Lines,
    subscriber: Dispatch,
}

impl Logs {
    /// The most that wait for another event; the one used longest ago makes room.
    const MOST: usize = 8;

    /// An empty log by these rules.
    pub(super) fn take(&self, level: &str) -> Result<Log, Failure> {
        let mut unused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = unused.iter().rposition(|log| log.level == level) {
            return Ok(unused.remove(at));
        }
        let lines = Lines::default();
        let subscriber = telemetry::subscriber(level, false, lines.writer())?;
        Ok(Log { level: level.to_owned(), lines, subscriber: Dispatch::new(subscriber) })
    }

    /// What was logged. The log is empty then, and another event's.
    pub(super) fn give_back(&self, log: Log) -> String {
        let text = log.lines.take_text();
        let mut unused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if unused.len() == Self::MOST {
            unused.remove(0);
        }
        unused.push(log);
        text
    }
}

impl Log {
    pub(super) fn subscriber(&self) -> Dispatch {
        self.subscriber.clone()
    }
}
