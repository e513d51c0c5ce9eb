//! Seals: each chains a batch of a team's audit lines to all before it, so that none can be changed or taken out unseen.
//!
//! What a chain alone cannot show is that its end was cut off; for that somebody elsewhere must know a later seal.

use std::collections::BTreeSet;

use crate::{
    audit_key::SigningKey,
    digest::Sha256Digest,
    hexadecimal,
    id::{AuditEntryId, TeamId},
    time::Timestamp,
};

/// A seal as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSeal {
    /// The tenant.
    pub team_id: TeamId,
    /// Its number among the team's seals, from 1 without gaps.
    pub number: i64,
    /// The number of its first line, which follows the last of the seal before.
    pub first_number: i64,
    /// The number of its last line.
    pub last_number: i64,
    /// The digest of the seal before; zero for the first.
    pub previous: Sha256Digest,
    /// The digest of all of it; what is signed.
    pub digest: Sha256Digest,
    /// The key it is signed with.
    pub key_id: Option<String>,
    /// The signature over the digest's 32 bytes.
    #[serde(with = "hexadecimal::optional")]
    pub signature: Option<Vec<u8>>,
    /// When.
    pub sealed_at: Timestamp,
}

impl AuditSeal {
    /// What a seal is digested as; another form gets another number.
    const FORM: &'static [u8] = b"provost audit seal 1";

    /// The unsigned seal over these lines' digests, which are in order and follow those of the seal before. `None` for no
    /// lines.
    #[must_use]
    pub fn over(
        team_id: TeamId,
        before: Option<&Self>,
        lines: &[Sha256Digest],
        sealed_at: Timestamp,
    ) -> Option<Self> {
        let count = i64::try_from(lines.len()).ok().filter(|count| *count > 0)?;
        let first_number = before.map_or(1, |seal| seal.last_number + 1);
        let mut seal = Self {
            team_id,
            number: before.map_or(1, |seal| seal.number + 1),
            first_number,
            last_number: first_number + count - 1,
            previous: before.map_or(Sha256Digest::ZERO, |seal| seal.digest),
            digest: Sha256Digest::ZERO,
            key_id: None,
            signature: None,
            sealed_at,
        };
        seal.digest = seal.digest_over(lines);
        Some(seal)
    }

    /// The same seal, signed.
    #[must_use]
    pub fn signed(self, key: &SigningKey) -> Self {
        Self { key_id: Some(key.id()), signature: Some(key.sign(&self.digest)), ..self }
    }

    /// The digest it must have over these lines: of the form, the previous seal's digest, the team, its numbers, its time in
    /// microseconds and the lines' digests in order.
    #[must_use]
    pub fn digest_over(&self, lines: &[Sha256Digest]) -> Sha256Digest {
        let numbers = [self.number, self.first_number, self.last_number, self.sealed_at.as_micros()];
        let numbers = numbers.map(i64::to_be_bytes);
        let head: [&[u8]; 3] = [Self::FORM, self.previous.as_bytes(), self.team_id.as_uuid().as_bytes()];
        let numbers = numbers.iter().map(<[u8; 8]>::as_slice);
        let lines = lines.iter().map(|line| line.as_bytes().as_slice());
        Sha256Digest::of_pieces(head.into_iter().chain(numbers).chain(lines))
    }

    /// Whether it is the one after `before`.
    #[must_use]
    pub fn follows(&self, before: Option<&Self>) -> bool {
        let (number, last, digest) =
            before.map_or((0, 0, Sha256Digest::ZERO), |seal| (seal.number, seal.last_number, seal.digest));
        self.number == number + 1 && self.first_number == last + 1 && self.previous == digest
    }
}

text_enum! {
    /// What is wrong in a team's audit log.
    pub enum AuditFault: "audit fault" {
        /// A line is not there.
        LineMissing = "line_missing",
        /// A line is not as it was written.
        LineChanged = "line_changed",
        /// The lines of a seal are all there, in another order.
        LineReordered = "line_reordered",
        /// A line has a number that no seal covers: it was inserted, or the seals at the end were removed.
        LineUnsealed = "line_unsealed",
        /// A line says a time long before the seal that it came after: it was inserted later.
        LineBackdated = "line_backdated",
        /// A seal is genuine and was made over other lines: one was exchanged or inserted.
        LinesExchanged = "lines_exchanged",
        /// A seal is not there.
        SealMissing = "seal_missing",
        /// A seal fits neither its lines nor its signature, or not the seal before it.
        SealChanged = "seal_changed",
        /// A seal is signed with a key that is not known.
        KeyUnknown = "key_unknown",
        /// A seal is not signed.
        SignatureMissing = "signature_missing",
        /// A seal's signature is not of its digest.
        SignatureWrong = "signature_wrong",
    }
}

/// Where a team's audit log is broken first, and how.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AuditBreak {
    /// What is wrong there.
    pub fault: AuditFault,
    /// The number of the seal, where there is one.
    pub seal: Option<i64>,
    /// The number of the line, or of the first one that the seal is to cover; `None` is a line that is not sealed yet.
    pub line: Option<i64>,
    /// The line, where there is one.
    pub id: Option<AuditEntryId>,
}

impl std::fmt::Display for AuditBreak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seal = self.seal.map_or_else(|| "a seal".to_owned(), |number| format!("seal {number}"));
        let number =
            self.line.map_or_else(|| "a line without a number".to_owned(), |number| format!("line {number}"));
        let line = self.id.map_or_else(|| number.clone(), |id| format!("{number} ({id})"));
        match self.fault {
            AuditFault::LineMissing => write!(f, "{line} is missing"),
            AuditFault::LineChanged => write!(f, "{line} was changed after it was written"),
            AuditFault::LineReordered => {
                write!(f, "{line} is out of its place: the lines of {seal} were reordered")
            }
            AuditFault::LineUnsealed => {
                write!(f, "{line} has a number that no seal covers: it was inserted, or seals were removed")
            }
            AuditFault::LineBackdated => {
                write!(
                    f,
                    "{line} is older than the seal before it: it was inserted later, or a clock was wrong"
                )
            }
            AuditFault::LinesExchanged => {
                write!(
                    f,
                    "{seal} is genuine and was made over other lines: one from {number} on was exchanged or inserted"
                )
            }
            AuditFault::SealMissing => write!(f, "{seal}, which begins with {number}, is missing"),
            AuditFault::SealChanged => write!(f, "{seal}, which begins with {number}, was changed"),
            AuditFault::KeyUnknown => write!(f, "{seal} is signed with a key that is not known"),
            AuditFault::SignatureMissing => write!(f, "{seal} is not signed"),
            AuditFault::SignatureWrong => write!(f, "{seal} has a wrong signature"),
        }
    }
}

/// What looking at a team's whole audit log found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct AuditVerification {
    /// Seals that fit.
    pub seals: i64,
    /// Sealed lines that fit.
    pub lines: i64,
    /// How many lines were redacted.
    pub redacted: i64,
    /// Lines that fit and wait for a seal.
    pub unsealed: i64,
    /// The keys that seals are signed with.
    pub keys: BTreeSet<String>,
    /// Where it stopped; `None` is well.
    pub broken: Option<AuditBreak>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const TEAM: TeamId = TeamId::from_uuid(Uuid::from_u128(1));

    fn lines() -> impl Strategy<Value = Vec<Sha256Digest>> {
        prop::collection::vec(any::<[u8; 32]>().prop_map(Sha256Digest::from_bytes), 1..6)
    }

    #[test]
    fn there_is_no_seal_over_nothing() {
        assert_eq!(AuditSeal::over(TEAM, None, &[], Timestamp::from_micros(1)), None);
    }

    proptest! {
        #[test]
        fn seals_follow_one_another_and_fit_only_their_lines(batches in prop::collection::vec(lines(), 1..5)) {
            let mut before: Option<AuditSeal> = None;
            for batch in batches {
                let seal = AuditSeal::over(TEAM, before.as_ref(), &batch, Timestamp::from_micros(9)).expect("lines");
                prop_assert!(seal.follows(before.as_ref()));
                prop_assert_eq!(seal.digest_over(&batch), seal.digest);
                prop_assert_ne!(seal.digest_over(&batch[1..]), seal.digest);
                let mut swapped = batch.clone();
                swapped.reverse();
                prop_assert_eq!(seal.digest_over(&swapped) == seal.digest, swapped == batch);
                let moved = AuditSeal { last_number: seal.last_number + 1, ..seal.clone() };
                prop_assert_ne!(moved.digest_over(&batch), seal.digest);
                prop_assert!(!seal.follows(Some(&seal)));
                before = Some(seal);
            }
        }
    }
}
