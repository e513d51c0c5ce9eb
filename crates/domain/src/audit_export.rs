//! A team's audit log as lines of JSON that can be verified without a database: a header, the keys, each seal with its lines
//! behind it, the lines that wait for a seal, a footer.

use serde::{Deserialize, Serialize};

use crate::{
    audit::AuditEntry,
    audit_key::{AuditKey, KeyRing},
    audit_seal::{AuditBreak, AuditSeal, AuditVerification},
    audit_verifier::AuditVerifier,
    id::TeamId,
    time::Timestamp,
};

/// One line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[expect(clippy::large_enum_variant, reason = "nearly all of an export is of the largest kind")]
pub enum ExportLine {
    /// The first one.
    Header(ExportHeader),
    /// A key that seals are signed with.
    Key(AuditKey),
    /// A seal; the lines it covers follow.
    Seal(AuditSeal),
    /// A line of the log.
    Line(AuditEntry),
    /// The last one: an export without it was cut off.
    End(ExportEnd),
}

/// What an export is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHeader {
    /// Always `provost-audit`.
    pub format: String,
    /// The version of the form of lines.
    pub version: u32,
    /// Whose log it is.
    pub team_id: TeamId,
    /// When it was written.
    pub exported_at: Timestamp,
}

/// How much an export holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportEnd {
    /// Seals.
    pub seals: i64,
    /// Lines under seals.
    pub lines: i64,
    /// Lines that wait for a seal.
    pub unsealed: i64,
}

/// Why a file is no whole export.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It begins as no export of an audit log does, or as one of a version that is not known.
    #[error("this is no export of an audit log that this program knows")]
    Foreign,
    /// A line of it is none of an export, or stands where it cannot.
    #[error("line {line} of the file: {what}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Its end is missing, or says other counts.
    #[error("the file was cut off or put together: {0}")]
    End(String),
}

impl ExportHeader {
    const FORMAT: &'static str = "provost-audit";
    const VERSION: u32 = 1;

    /// The header of this release.
    #[must_use]
    pub fn new(team_id: TeamId, exported_at: Timestamp) -> Self {
        Self { format: Self::FORMAT.to_owned(), version: Self::VERSION, team_id, exported_at }
    }
}

/// Reads an export line by line and verifies what it holds.
#[derive(Debug, Default)]
pub struct ExportReader {
    trusted: Vec<String>,
    read: u64,
    header: Option<ExportHeader>,
    keys: Vec<AuditKey>,
    verifier: Option<AuditVerifier>,
    counted: ExportEnd,
    last_seal: Option<AuditSeal>,
    broken: Option<AuditBreak>,
    end: Option<ExportEnd>,
}

/// What an export says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportVerification {
    /// Whose log it is, and when it was written.
    pub header: ExportHeader,
    /// What was found in it.
    pub verification: AuditVerification,
    /// Its last seal, which the log must have for ever.
    pub last_seal: Option<AuditSeal>,
}

impl ExportReader {
    /// Begins; of the keys in the export only these count, or all when none is named.
    #[must_use]
    pub fn new(trusted: Vec<String>) -> Self {
        Self { trusted, ..Self::default() }
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// See [`ExportError`]. What is wrong in the log itself is no error here; [`ExportReader::finish`] tells it.
    pub fn line(&mut self, text: &str) -> Result<(), ExportError> {
        self.read += 1;
        let line = self.read;
        let wrong = |what: String| ExportError::Line { line, what };
        let parsed = serde_json::from_str(text);
        let Some(header) = &self.header else {
            return match parsed {
                Ok(ExportLine::Header(header))
                    if (header.format.as_str(), header.version)
                        == (ExportHeader::FORMAT, ExportHeader::VERSION) =>
                {
                    self.header = Some(header);
                    Ok(())
                }
                _ => Err(ExportError::Foreign),
            };
        };
        if self.end.is_some() {
            return Err(wrong("it stands behind the end".to_owned()));
        }
        let team_id = header.team_id;
        let foreign = || wrong("it is of another team".to_owned());
        match parsed.map_err(|error| wrong(error.to_string()))? {
            ExportLine::Header(_) => Err(wrong("there is a header already".to_owned())),
            ExportLine::Key(key) if self.verifier.is_none() => {
                self.keys.push(key);
                Ok(())
            }
            ExportLine::Key(_) => Err(wrong("a key stands before all seals".to_owned())),
            ExportLine::Seal(seal) if seal.team_id != team_id => Err(foreign()),
            ExportLine::Line(entry) if entry.event.team_id != team_id => Err(foreign()),
            ExportLine::Seal(seal) => {
                self.counted.seals += 1;
                self.last_seal = Some(seal.clone());
                self.note(|verifier| {
                    verifier.seal(seal);
                    Ok(())
                });
                Ok(())
            }
            ExportLine::Line(entry) => {
                let is_sealed = entry.number.is_some();
                self.counted.lines += i64::from(is_sealed);
                self.counted.unsealed += i64::from(!is_sealed);
                self.note(|verifier| verifier.line((&entry).into()));
                Ok(())
            }
            ExportLine::End(end) => {
                self.end = Some(end);
                Ok(())
            }
        }
    }

    /// What the export holds.
    ///
    /// # Errors
    /// [`ExportError::End`] when its end is missing; [`ExportError::Foreign`] when there was nothing at all.
    pub fn finish(mut self) -> Result<ExportVerification, ExportError> {
        self.note(AuditVerifier::finish);
        let header = self.header.ok_or(ExportError::Foreign)?;
        match self.end {
            None => return Err(ExportError::End("its last line is missing".to_owned())),
            Some(end) if end != self.counted && self.broken.is_none() => {
                return Err(ExportError::End("it holds other lines than its end says".to_owned()));
            }
            Some(_) => {}
        }
        let found = self.verifier.map(|verifier| verifier.into_verification(self.broken));
        Ok(ExportVerification { header, verification: found.unwrap_or_default(), last_seal: self.last_seal })
    }

    /// Verifies a piece, unless the log is known to be broken before it.
    fn note(&mut self, read: impl FnOnce(&mut AuditVerifier) -> Result<(), AuditBreak>) {
        if self.broken.is_some() {
            return;
        }
        let Some(header) = &self.header else { return };
        let (keys, trusted) = (&self.keys, &self.trusted);
        let verifier = self.verifier.get_or_insert_with(|| {
            let keys: KeyRing = keys.iter().cloned().collect();
            AuditVerifier::new(keys.only(trusted), header.exported_at)
        });
        self.broken = read(verifier).err();
    }
}
