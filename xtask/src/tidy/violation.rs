//! One place that breaks a rule.

use std::fmt;
use std::path::{Path, PathBuf};

/// Shown as `file:line: what is wrong; what to do instead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    file: PathBuf,
    line: usize,
    wrong: String,
    remedy: &'static str,
}

impl Violation {
    /// `line` counts from 1; `wrong` and `remedy` read as lowercase fragments.
    pub(crate) fn new(file: &Path, line: usize, wrong: impl Into<String>, remedy: &'static str) -> Self {
        Self { file: file.to_owned(), line, wrong: wrong.into(), remedy }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}; {}", self.file.display(), self.line, self.wrong, self.remedy)
    }
}
