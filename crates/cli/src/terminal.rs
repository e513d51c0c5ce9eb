//! What people see and type.

pub(crate) mod asker;
pub(crate) mod keeper;
pub(crate) mod keyboard;
mod progress;
pub(crate) mod style;
pub(crate) mod text;
pub(crate) mod timeline_view;
pub(crate) mod transcript;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;
use store::Page;

use crate::{failure::Failure, surroundings::Surroundings};
pub(crate) use progress::ProgressLine;
use style::Style;

/// Where output goes: data to standard output, everything said about it to standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) is_json: bool,
    pub(crate) out: Style,
    pub(crate) err: Style,
    /// Standard output is a terminal, so control characters must not reach it.
    pub(crate) out_is_terminal: bool,
    err_is_terminal: bool,
}

impl Terminal {
    pub(crate) fn new(surroundings: &Surroundings, is_json: bool, no_color: bool) -> Self {
        let color = !no_color && surroundings.wants_color();
        Self {
            is_json,
            out: Style { color: color && surroundings.stdout_is_terminal && !is_json },
            err: Style { color: color && surroundings.stderr_is_terminal },
            out_is_terminal: surroundings.stdout_is_terminal,
            err_is_terminal: surroundings.stderr_is_terminal,
        }
    }

    /// A line of data. A reader that went away is no error: `provost session list | head -1`.
    pub(crate) fn data(&self, line: &str) -> Result<(), Failure> {
        written(writeln!(io::stdout().lock(), "{line}"))
    }

    /// Data as it comes, without a line's end.
    pub(crate) fn stream(&self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
    }

    /// One JSON document on one line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(anyhow::Error::from)?;
        self.data(&text)
    }

    /// A page of a list as one JSON document.
    pub(crate) fn page(&self, page: &Page<impl Serialize>) -> Result<(), Failure> {
        let next = page.next.map(|cursor| cursor.to_string());
        self.json(&json!({ "data": page.items, "next_cursor": next }))
    }

    /// A line of progress for the person, if there is one.
    pub(crate) const fn progress(&self) -> ProgressLine {
        ProgressLine::new(self.err_is_terminal)
    }

    /// A line for the person.
    pub(crate) fn say(&self, line: &str) {
        // Nobody is left to be told that nobody listens.
        drop(writeln!(io::stderr().lock(), "{line}"));
    }
}

fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
