//! Cases as lines of JSON.

use std::io::{BufRead, Read as _};

use policy::Case;

use crate::failure::{Code, Failure};

/// The largest call or line of a batch that is read.
pub(super) const LARGEST_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// A case, and the line it stands on.
#[derive(Debug)]
pub(super) struct PlacedCase {
    pub(super) case: Case,
    /// Such as `standard input, line 3`.
    pub(super) place: String,
}

/// The cases of an input that is called so, one a line; empty lines are none.
///
/// # Errors
/// When a line is too long or no case; source, line and column are named.
pub(super) fn cases(input: impl BufRead, source: &str) -> impl Iterator<Item = Result<PlacedCase, Failure>> {
    let placed = bounded_lines(input).zip(1_u64..).map(move |(line, number)| {
        let place = format!("{source}, line {number}");
        let line =
            line.map_err(|problem| Failure::new(problem.code, format!("{place}: {}", problem.message)))?;
        let is_case = !line.trim().is_empty();
        is_case.then(|| read_case(&line, place)).transpose()
    });
    placed.filter_map(Result::transpose)
}

fn read_case(line: &str, place: String) -> Result<PlacedCase, Failure> {
    match serde_json::from_str(line) {
        Ok(case) => Ok(PlacedCase { case, place }),
        Err(error) => Err(Failure::new(Code::Usage, format!("{place}, {}", in_line(&error)))),
    }
}

/// What is wrong with the JSON of one line, the column first; which line it is only the input knows.
fn in_line(error: &serde_json::Error) -> String {
    let (said, column) = (error.to_string(), error.column());
    let problem = said.strip_suffix(&format!(" at line {} column {column}", error.line()));
    format!("column {column}: {}", problem.unwrap_or(&said))
}

/// Lines of bounded length; invalid UTF-8 is shown as such.
fn bounded_lines(mut input: impl BufRead) -> impl Iterator<Item = Result<String, Failure>> {
    std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        match input.by_ref().take(LARGEST_LINE_BYTES + 1).read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) if bytes.len() as u64 > LARGEST_LINE_BYTES => {
                Some(Err(Failure::new(Code::Usage, format!("it is longer than {LARGEST_LINE_BYTES} bytes"))))
            }
            Ok(_) => Some(Ok(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Some(Err(error.into())),
        }
    })
}
