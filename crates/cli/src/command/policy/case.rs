//! Cases as lines of JSON.

use std::io::{BufRead, Read as _};

use policy::Case;

use crate::failure::{Code, Failure};

/// The largest call or line of a batch that is read.
pub(super) const LARGEST_LINE_BYTES: u64 = 16 * 1024 * 1024;

/// The case on a line.
pub(super) fn read_case(line: &str, number: usize) -> Result<Case, Failure> {
    serde_json::from_str(line).map_err(|error| Failure::new(Code::Usage, format!("line {number}: {error}")))
}

/// Lines of bounded length; invalid UTF-8 is shown as such.
pub(super) fn bounded_lines(mut input: impl BufRead) -> impl Iterator<Item = Result<String, Failure>> {
    std::iter::from_fn(move || {
        let mut bytes = Vec::new();
        match input.by_ref().take(LARGEST_LINE_BYTES + 1).read_until(b'\n', &mut bytes) {
            Ok(0) => None,
            Ok(_) if bytes.len() as u64 > LARGEST_LINE_BYTES => Some(Err(Failure::new(
                Code::Usage,
                format!("a line is longer than {LARGEST_LINE_BYTES} bytes"),
            ))),
            Ok(_) => Some(Ok(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) => Some(Err(error.into())),
        }
    })
}
