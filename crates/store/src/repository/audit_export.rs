//! Writing a team's audit log out, so that it can be verified without this database.

use std::{
    collections::VecDeque,
    io::{self, Write},
};

use domain::{
    audit::AuditEntry,
    audit_export::{ExportEnd, ExportHeader, ExportLine},
    audit_seal::AuditSeal,
    time::Timestamp,
};

use super::{audit_seal::AuditSeals, audit_walk::Piece};
use crate::{conn::Conn, error::StoreError};

/// Why the log was not written out.
#[derive(Debug, thiserror::Error)]
pub enum AuditExportError {
    /// Where it goes to.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AuditSeals<'_, Conn> {
    /// Writes the log as lines of JSON, as it is at one moment; what is broken in it is written as it is.
    ///
    /// # Errors
    /// See [`AuditExportError`]; then what was written has no end and is known for that.
    pub fn export(&self, out: &mut impl Write, at: Timestamp) -> Result<ExportEnd, AuditExportError> {
        let mut lines = Lines { out, waiting: VecDeque::new(), count: ExportEnd::default() };
        lines.write(&ExportLine::Header(ExportHeader::new(self.scope.team(), at)))?;
        for key in self.scope.connection().audit_keys().list()? {
            lines.write(&ExportLine::Key(key))?;
        }
        self.walk(|piece: Piece<Vec<AuditEntry>>| match piece {
            Piece::Seals(seals) => {
                lines.waiting.extend(seals);
                Ok(())
            }
            Piece::Lines(entries) => entries.into_iter().try_for_each(|entry| lines.entry(entry)),
        })?;
        lines.seals_up_to(i64::MAX)?;
        lines.write(&ExportLine::End(lines.count))?;
        lines.out.flush()?;
        Ok(lines.count)
    }
}

/// What is written, and the seals whose place has not come yet.
struct Lines<'o, W> {
    out: &'o mut W,
    waiting: VecDeque<AuditSeal>,
    count: ExportEnd,
}

impl<W: Write> Lines<'_, W> {
    /// A line, behind the seal that covers it.
    fn entry(&mut self, entry: AuditEntry) -> Result<(), AuditExportError> {
        self.seals_up_to(entry.number.unwrap_or(i64::MAX))?;
        self.count.lines += i64::from(entry.number.is_some());
        self.count.unsealed += i64::from(entry.number.is_none());
        self.write(&ExportLine::Line(entry))
    }

    /// The seals that begin up to this number.
    fn seals_up_to(&mut self, number: i64) -> Result<(), AuditExportError> {
        while let Some(seal) = self.waiting.pop_front_if(|seal| seal.first_number <= number) {
            self.count.seals += 1;
            self.write(&ExportLine::Seal(seal))?;
        }
        Ok(())
    }

    fn write(&mut self, line: &ExportLine) -> Result<(), AuditExportError> {
        serde_json::to_writer(&mut self.out, line).map_err(io::Error::from)?;
        Ok(self.out.write_all(b"\n")?)
    }
}
