//! Verifying the audit log.

use std::io::{self, BufRead, ErrorKind, Read as _};

use domain::{
    audit_export::{ExportError, ExportReader, ExportVerification},
    audit_key::KeyRing,
    audit_seal::{AuditBreak, AuditFault, AuditSeal, AuditVerification},
};
use store::{Conn, StoreError};

use crate::{App, Caller};

/// Longer than any line of an export, in bytes.
const LONGEST: u64 = 64 << 20;

/// Why an export was not verified.
#[derive(Debug, thiserror::Error)]
pub enum ReadExportError {
    /// It is no whole export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Verifies an export line by line; no database is needed. Of the keys in it only those of `trusted` count, or all when it
/// names none.
///
/// # Errors
/// See [`ReadExportError`]. A log that is broken is no error: the verification says where.
pub fn read_export(
    mut input: impl BufRead,
    trusted: Vec<String>,
) -> Result<ExportVerification, ReadExportError> {
    let mut reader = ExportReader::new(trusted);
    let mut line = String::new();
    loop {
        line.clear();
        match input.by_ref().take(LONGEST).read_line(&mut line) {
            Ok(0) => return Ok(reader.finish()?),
            Ok(_) => reader.line(line.trim_end_matches('\n'))?,
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(ExportError::Foreign.into()),
            Err(error) => return Err(error.into()),
        }
    }
}

impl App {
    /// Looks at the team's whole audit log. Of the keys that are known, only those of `trusted` count, or all when it names
    /// none.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verify_audit(
        &self,
        caller: Caller,
        trusted: Vec<String>,
    ) -> Result<AuditVerification, StoreError> {
        let now = self.now();
        let verify = move |conn: &Conn| {
            let keys: KeyRing = conn.audit_keys().list()?.into_iter().collect();
            conn.team(caller.team_id).audit_seals().verify(keys.only(&trusted), now)
        };
        self.store().scan(verify).await
    }

    /// Whether the team's audit log is the one that was exported, grown at most: its seals go as far at least, and the last one
    /// of the export is among them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn compare_audit(
        &self,
        caller: Caller,
        earlier: &ExportVerification,
    ) -> Result<Option<AuditBreak>, StoreError> {
        let Some(AuditSeal { number, first_number, digest, .. }) = earlier.last_seal else { return Ok(None) };
        let find = move |conn: &Conn| conn.team(caller.team_id).audit_seals().list(number - 1, 1);
        let found = self.store().read(find).await?;
        let fault = match found.first().filter(|seal| seal.number == number) {
            None => AuditFault::SealMissing,
            Some(seal) if seal.digest != digest => AuditFault::SealChanged,
            Some(_) => return Ok(None),
        };
        Ok(Some(AuditBreak { fault, seal: Some(number), line: Some(first_number), id: None }))
    }
}
