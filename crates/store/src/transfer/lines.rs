//! The lines of an export, one after the other.

use std::io::{BufRead, Read};

use serde::de::DeserializeOwned;

use super::{FORMAT_VERSION, Header, SESSION_FORMAT, TransferError};

/// The longest line that is read, in bytes: SQLite keeps no value of more than a thousand million.
const LONGEST_LINE: u64 = 1 << 30;

/// Lines with their numbers.
pub(super) struct Lines<'i> {
    input: &'i mut dyn BufRead,
    number: u64,
    text: Vec<u8>,
}

impl<'i> Lines<'i> {
    pub(super) fn of(input: &'i mut dyn BufRead) -> Self {
        Self { input, number: 0, text: Vec::new() }
    }

    /// The first line, which says what this is.
    pub(super) fn header(&mut self, format: &str) -> Result<Header, TransferError> {
        if self.next()?.is_none() {
            return Err(self.wrong("nothing to read"));
        }
        let what = if format == SESSION_FORMAT { "no bundle of a session" } else { "no export" };
        let header: Option<Header> = self.parse().ok();
        let header = header.filter(|header| header.format == format);
        let header = header.ok_or_else(|| self.wrong(&format!("this is {what} of Provost")))?;
        match header.version {
            FORMAT_VERSION => Ok(header),
            found => {
                Err(TransferError::OtherVersion { what: "format version", found, known: FORMAT_VERSION })
            }
        }
    }

    /// The next line, without which there is no end.
    pub(super) fn next_of_whole(&mut self) -> Result<&[u8], TransferError> {
        if self.next()?.is_none() {
            return Err(self.wrong("the export ends here, without its last line"));
        }
        Ok(&self.text)
    }

    /// That nothing follows.
    pub(super) fn end(&mut self) -> Result<(), TransferError> {
        match self.next()? {
            None => Ok(()),
            Some(_) => Err(self.wrong("something stands after the last line of the export")),
        }
    }

    /// The line that was read last.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    fn next(&mut self) -> Result<Option<&[u8]>, TransferError> {
        self.text.clear();
        self.number += 1;
        let mut limited = (&mut *self.input).take(LONGEST_LINE);
        limited.read_until(b'\n', &mut self.text)?;
        if self.text.last() != Some(&b'\n') && self.text.len() as u64 == LONGEST_LINE {
            return Err(self.wrong("the line is longer than anything that can be stored"));
        }
        Ok((!self.text.is_empty()).then_some(&self.text))
    }

    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, TransferError> {
        serde_json::from_slice(&self.text).map_err(|error| self.wrong(&error.to_string()))
    }

    pub(super) fn wrong(&self, what: &str) -> TransferError {
        TransferError::Line { line: self.number, table: None, field: None, what: what.to_owned() }
    }
}
