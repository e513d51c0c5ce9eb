//! A line of the audit log as its digest sees it, borrowed from wherever it stands: millions are verified without a copy.

use std::borrow::Cow;

use crate::{
    digest::Sha256Digest,
    id::{AuditEntryId, SessionId, TeamId},
    time::Timestamp,
};

/// Everything the digest of a line is of.
#[derive(Debug, Clone, Copy)]
pub struct AuditLine<'l> {
    /// Identity.
    pub id: AuditEntryId,
    /// The tenant.
    pub team_id: TeamId,
    /// When.
    pub at: Timestamp,
    /// What kind of actor did it.
    pub actor_kind: &'l str,
    /// Who.
    pub actor_id: &'l str,
    /// What was done.
    pub action: &'l str,
    /// The noun it was done to.
    pub target_kind: &'l str,
    /// How it ended.
    pub outcome: &'l str,
    /// Which one it was done to.
    pub target_id: Option<&'l str>,
    /// The session it was done in.
    pub session_id: Option<SessionId>,
    /// What was done to memory.
    pub memory_operation: Option<&'l str>,
    /// Where in memory.
    pub memory_namespace: Option<&'l str>,
    /// The digest of the details as they were written.
    pub detail_sha256: Option<Sha256Digest>,
    /// The request that caused it.
    pub request_id: Option<&'l str>,
    /// Where the request came from.
    pub ip: Option<&'l str>,
}

impl AuditLine<'_> {
    /// What a line is digested as; another form gets another number.
    const FORM: &'static [u8] = b"provost audit line 1";

    /// The digest of all fields.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        let mut bytes = Vec::with_capacity(512);
        self.write(&mut bytes);
        Sha256Digest::of(&bytes)
    }

    /// Appends what the digest is of: the form, id, team, time in microseconds, actor kind and id, action, target kind,
    /// outcome, then the fields that can be absent, each after a byte that says whether it is there. Everything stands
    /// behind its length, so that no two lines give the same bytes.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        piece(bytes, Self::FORM);
        piece(bytes, self.id.as_uuid().as_bytes());
        piece(bytes, self.team_id.as_uuid().as_bytes());
        piece(bytes, &self.at.as_micros().to_be_bytes());
        for text in [self.actor_kind, self.actor_id, self.action, self.target_kind, self.outcome] {
            piece(bytes, without_nul(text).as_bytes());
        }
        optional_text(bytes, self.target_id);
        optional(bytes, self.session_id.as_ref().map(|id| id.as_uuid().as_bytes().as_slice()));
        optional_text(bytes, self.memory_operation);
        optional_text(bytes, self.memory_namespace);
        optional(bytes, self.detail_sha256.as_ref().map(|digest| digest.as_bytes().as_slice()));
        optional_text(bytes, self.request_id);
        optional_text(bytes, self.ip);
    }
}

fn piece(bytes: &mut Vec<u8>, piece: &[u8]) {
    bytes.extend_from_slice(&(piece.len() as u64).to_be_bytes());
    bytes.extend_from_slice(piece);
}

fn optional(bytes: &mut Vec<u8>, field: Option<&[u8]>) {
    piece(bytes, &[u8::from(field.is_some())]);
    piece(bytes, field.unwrap_or_default());
}

fn optional_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    optional(bytes, text.map(without_nul).as_deref().map(str::as_bytes));
}

/// As texts are stored.
pub(crate) fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "␀").into() } else { text.into() }
}
