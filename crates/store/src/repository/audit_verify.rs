//! Verifying a team's audit log in the database: one thread reads pages, another one computes digests of the page before.

use std::{
    borrow::Cow,
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
use uuid::Uuid;

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

/// Lines as the database gave them, copied one behind the other: to make out what they say is for another thread than to read them.
#[derive(Debug, Default)]
pub(super) struct RawLines {
    texts: String,
    bytes: Vec<u8>,
    lines: Vec<RawLine>,
}

#[derive(Debug)]
struct RawLine {
    number: Option<i64>,
    at: Timestamp,
    /// `None` for a line that is none: one of its columns holds what cannot stand there.
    content: Option<[Cell; CONTENT]>,
}

/// A column of a line: what it is, and how much of its page's memory it takes, behind the one before.
#[derive(Debug, Clone, Copy)]
enum Cell {
    Null,
    Text(usize),
    Bytes(usize),
    Id(Uuid),
}

/// How far the memory of a page was read.
#[derive(Debug, Default)]
struct Cursor {
    text: usize,
    byte: usize,
}

impl LinePage for RawLines {
    const COLUMNS: &'static str = "number, at, id, team_id, actor_kind, actor_id, action, target_kind, outcome, target_id, session_id, \
        memory_operation, memory_namespace, request_id, ip, digest, detail_sha256, detail";

    fn push(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        let (number, at) = (row.get(0)?, row.get(1)?);
        let (texts, bytes) = (self.texts.len(), self.bytes.len());
        let content = self.content(row);
        if content.is_none() {
            self.texts.truncate(texts);
            self.bytes.truncate(bytes);
        }
        self.lines.push(RawLine { number, at, content });
        Ok(())
    }
}

impl RawLines {
    /// Copies what is in a line.
    fn content(&mut self, row: &Row<'_>) -> Option<[Cell; CONTENT]> {
        let mut cells = [Cell::Null; CONTENT];
        for (index, cell) in (FIRST_OF_CONTENT..).zip(&mut cells) {
            // A text that is none is an error, for one.
            *cell = match row.raw(index).ok()? {
                Value::Null => Cell::Null,
                Value::Text(text) | Value::Json(text) => {
                    self.texts.push_str(&text);
                    Cell::Text(text.len())
                }
                Value::Bytes(bytes) => {
                    self.bytes.extend_from_slice(&bytes);
                    Cell::Bytes(bytes.len())
                }
                Value::Id(id) => Cell::Id(id),
                _ => return None,
            };
        }
        Some(cells)
    }

    /// The lines with what their digests say of them.
    fn checked(&self) -> impl Iterator<Item = CheckedLine> {
        let (mut cursor, mut digested) = (Cursor::default(), Vec::new());
        self.lines.iter().map(move |RawLine { number, at, content }| {
            let (number, at) = (*number, *at);
            let columns = content.as_ref().map(|cells| cells.map(|cell| self.value(cell, &mut cursor)));
            let checked = columns.and_then(|columns| check(&columns, at, &mut digested));
            CheckedLine { number, ..checked.unwrap_or_else(|| broken(at)) }
        })
    }

    /// The next column, from where the one before ended.
    fn value(&self, cell: Cell, cursor: &mut Cursor) -> Value<'_> {
        match cell {
            Cell::Null => Value::Null,
            Cell::Text(length) => {
                let begin = cursor.text;
                cursor.text += length;
                Value::Text(Cow::Borrowed(&self.texts[begin..cursor.text]))
            }
            Cell::Bytes(length) => {
                let begin = cursor.byte;
                cursor.byte += length;
                Value::Bytes(Cow::Borrowed(&self.bytes[begin..cursor.byte]))
            }
            Cell::Id(id) => Value::Id(id),
        }
    }
}

/// A line that is none.
fn broken(at: Timestamp) -> CheckedLine {
    let id = AuditEntryId::from_uuid(Uuid::nil());
    CheckedLine { number: None, id, at, digest: Sha256Digest::ZERO, is_intact: false, is_redacted: false }
}

/// What the digest of a line says of it; `None` when it is none. `digested` is memory to write in.
fn check(columns: &[Value<'_>; CONTENT], at: Timestamp, digested: &mut Vec<u8>) -> Option<CheckedLine> {
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
    digested.clear();
    line.write(digested);
    let detail = optional_text(detail)?;
    let is_intact = Sha256Digest::of(digested) == digest
        && detail.is_none_or(|detail| is_of(detail.as_bytes(), detail_sha256));
    let is_redacted = detail.is_none() && detail_sha256.is_some();
    Some(CheckedLine { number: None, id, at, digest, is_intact, is_redacted })
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
