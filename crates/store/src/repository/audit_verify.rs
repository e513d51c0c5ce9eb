//! Verifying a team's audit log in the database: one thread reads pages, another one computes digests of the page before.

use std::{
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use domain::{
    audit_key::KeyRing,
    audit_line::AuditLine,
    audit_seal::{AuditBreak, AuditVerification},
    audit_verifier::{AuditVerifier, CheckedLine},
    canonical::canonical_json,
    digest::Sha256Digest,
    id::{AuditEntryId, SessionId, TeamId},
    time::Timestamp,
};

use super::{
    audit_seal::AuditSeals,
    audit_walk::{LinePage, Piece},
};
use crate::{
    conn::Conn,
    error::StoreError,
    value::{FromValue, Row, Value},
};

/// The first of the columns that say what is in a line, and how many there are; before them stand its number and its time.
const FIRST_OF_CONTENT: usize = 2;
const CONTENT: usize = 16;
/// How many pieces are read ahead.
const AHEAD: usize = 4;

impl AuditSeals<'_, Conn> {
    /// Looks at every line and every seal and says where the log is broken first. Only signatures of these keys count; `now`
    /// is when it is looked at.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn verify(&self, keys: KeyRing, now: Timestamp) -> Result<AuditVerification, StoreError> {
        let verifier = AuditVerifier::new(keys, now);
        thread::scope(|scope| {
            let (pages, read) = sync_channel(AHEAD);
            let verifying = scope.spawn(move || verify_pieces(verifier, &read));
            // Nobody listens any more once the log is known to be broken.
            let outcome = self.walk(|piece| pages.send(piece).map_err(|_| Stopped::Broken));
            drop(pages);
            let verification =
                verifying.join().map_err(|_| StoreError::Panicked { message: "verifying".into() })?;
            match outcome {
                Err(Stopped::Store(error)) => Err(error),
                Ok(()) | Err(Stopped::Broken) => Ok(verification),
            }
        })
    }
}

/// Why the reading ended early.
enum Stopped {
    Broken,
    Store(StoreError),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

fn verify_pieces(mut verifier: AuditVerifier, pieces: &Receiver<Piece<RawLines>>) -> AuditVerification {
    let verify = |verifier: &mut AuditVerifier| -> Result<(), AuditBreak> {
        for piece in pieces {
            match piece {
                Piece::Seals(seals) => seals.into_iter().for_each(|seal| verifier.seal(seal)),
                Piece::Lines(lines) => lines.checked().try_for_each(|line| verifier.line(line))?,
            }
        }
        verifier.finish()
    };
    let broken = verify(&mut verifier).err();
    verifier.into_verification(broken)
}

/// Lines as little digested as possible: what their digests are of, one behind the other in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct RawLines {
    bytes: Vec<u8>,
    lines: Vec<RawLine>,
}

#[derive(Debug)]
struct RawLine {
    number: Option<i64>,
    at: Timestamp,
    /// `None` for a line that is none: one of its columns holds what cannot stand there.
    content: Option<RawContent>,
}

#[derive(Debug)]
struct RawContent {
    id: AuditEntryId,
    digest: Sha256Digest,
    detail_sha256: Option<Sha256Digest>,
    /// Where what the digest is of ends, and where the details behind it end, if there are any.
    line_end: usize,
    detail_end: Option<usize>,
}

impl LinePage for RawLines {
    const COLUMNS: &'static str = "number, at, id, team_id, actor_kind, actor_id, action, target_kind, outcome, target_id, session_id, \
        memory_operation, memory_namespace, request_id, ip, digest, detail_sha256, detail";

    fn push(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (number, at) = (row.get(0)?, row.get(1)?);
        let begin = self.bytes.len();
        let content = self.content(row, at);
        if content.is_none() {
            self.bytes.truncate(begin);
        }
        self.lines.push(RawLine { number, at, content });
        Ok(())
    }
}

impl RawLines {
    /// Adds the bytes of a line.
    fn content(&mut self, row: &Row<'_>, at: Timestamp) -> Option<RawContent> {
        let mut columns = [const { Value::Null }; CONTENT];
        for (index, column) in (FIRST_OF_CONTENT..).zip(&mut columns) {
            // A text that is none, for one.
            let Ok(value) = row.raw(index) else { return None };
            *column = value;
        }
        self.put(&columns, at)
    }

    fn put(&mut self, columns: &[Value<'_>; CONTENT], at: Timestamp) -> Option<RawContent> {
        let [
            id,
            team_id,
            actor_kind,
            actor_id,
            action,
            target_kind,
            outcome,
            target_id,
            session_id,
            memory_operation,
            memory_namespace,
            request_id,
            ip,
            digest,
            detail_sha256,
            detail,
        ] = columns;
        let (id, digest) = (read(id)?, read(digest)?);
        let detail_sha256 = read::<Option<Sha256Digest>>(detail_sha256)?;
        let line = AuditLine {
            id,
            team_id: read::<TeamId>(team_id)?,
            at,
            actor_kind: text(actor_kind)?,
            actor_id: text(actor_id)?,
            action: text(action)?,
            target_kind: text(target_kind)?,
            outcome: text(outcome)?,
            target_id: optional_text(target_id)?,
            session_id: read::<Option<SessionId>>(session_id)?,
            memory_operation: optional_text(memory_operation)?,
            memory_namespace: optional_text(memory_namespace)?,
            detail_sha256,
            request_id: optional_text(request_id)?,
            ip: optional_text(ip)?,
        };
        line.write(&mut self.bytes);
        let line_end = self.bytes.len();
        let detail = optional_text(detail)?;
        self.bytes.extend_from_slice(detail.unwrap_or_default().as_bytes());
        let detail_end = detail.map(|_| self.bytes.len());
        Some(RawContent { id, digest, detail_sha256, line_end, detail_end })
    }

    /// The lines with what their digests say of them.
    fn checked(&self) -> impl Iterator<Item = CheckedLine> {
        let mut begin = 0;
        self.lines.iter().map(move |RawLine { number, at, content }| {
            let (number, at) = (*number, *at);
            let Some(content) = content else {
                let id = AuditEntryId::from_uuid(uuid::Uuid::nil());
                let digest = Sha256Digest::ZERO;
                return CheckedLine { number, id, at, digest, is_intact: false, is_redacted: false };
            };
            let RawContent { id, digest, detail_sha256, line_end, detail_end } = *content;
            let line = &self.bytes[begin..line_end];
            let detail = detail_end.map(|end| &self.bytes[line_end..end]);
            begin = detail_end.unwrap_or(line_end);
            let is_redacted = detail.is_none() && detail_sha256.is_some();
            let is_intact =
                Sha256Digest::of(line) == digest && detail.is_none_or(|detail| is_of(detail, detail_sha256));
            CheckedLine { number, id, at, digest, is_intact, is_redacted }
        })
    }
}

/// Whether these are the details of that digest. SQLite keeps the very text that was digested, PostgreSQL another text of the
/// same value.
fn is_of(detail: &[u8], digest: Option<Sha256Digest>) -> bool {
    let Some(digest) = digest else { return false };
    if Sha256Digest::of(detail) == digest {
        return true;
    }
    let value = serde_json::from_slice(detail);
    value.is_ok_and(|value| Sha256Digest::of(canonical_json(&value).as_bytes()) == digest)
}

fn read<T: FromValue>(value: &Value<'_>) -> Option<T> {
    T::from_value(value.clone())
}

fn text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    if let Value::Text(text) | Value::Json(text) = value { Some(text) } else { None }
}

fn optional_text<'v>(value: &'v Value<'_>) -> Option<Option<&'v str>> {
    if *value == Value::Null { Some(None) } else { text(value).map(Some) }
}
