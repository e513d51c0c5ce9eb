//! Work of many steps: shows how far it is, and lets a signal end it between two of them.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    failure::Failure,
    signals::Signals,
    terminal::{ProgressLine, Terminal},
};

/// What is told of each step.
#[derive(Debug)]
pub(crate) struct LongWork {
    line: ProgressLine,
    is_stopped: Arc<AtomicBool>,
}

impl LongWork {
    /// Work that would leave something half done: a signal lets it clear that away.
    pub(crate) fn stoppable(terminal: Terminal) -> Result<Self, Failure> {
        let mut signals = Signals::listen()?;
        let work = Self::shown(terminal);
        let stop = Arc::clone(&work.is_stopped);
        tokio::spawn(async move {
            signals.next().await;
            stop.store(true, Ordering::Relaxed);
        });
        Ok(work)
    }

    /// Work that leaves nothing behind wherever it is killed, and may wait for somebody else within a step.
    pub(crate) fn shown(terminal: Terminal) -> Self {
        Self { line: terminal.progress(), is_stopped: Arc::default() }
    }

    /// Between two steps.
    pub(crate) fn step(&mut self, text: impl FnOnce() -> String) -> ControlFlow<()> {
        self.line.show(text);
        if self.is_stopped.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}
