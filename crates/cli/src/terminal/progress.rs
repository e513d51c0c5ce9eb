//! How far something long is, on one line of a terminal that is written over and over.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

/// Fast enough to look alive.
const PAUSE: Duration = Duration::from_millis(100);

/// A line of progress; silent where nobody looks.
#[derive(Debug)]
pub(crate) struct ProgressLine {
    is_shown: bool,
    written_at: Option<Instant>,
}

impl ProgressLine {
    pub(super) const fn new(is_shown: bool) -> Self {
        Self { is_shown, written_at: None }
    }

    /// Shows the text, unless another one was shown a moment ago.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.is_shown && self.written_at.is_none_or(|at| at.elapsed() >= PAUSE) {
            self.written_at = Some(Instant::now());
            write(&format!("\r\x1b[K{}", text()));
        }
    }
}

impl Drop for ProgressLine {
    /// The line makes way for what comes next.
    fn drop(&mut self) {
        if self.written_at.is_some() {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    let mut err = io::stderr().lock();
    // Nobody is left to be told that nobody listens.
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}
