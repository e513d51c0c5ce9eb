//! Verifying a team's audit log, from whatever it is read: seals, the lines they cover, then the lines that wait for one.

use std::{collections::VecDeque, time::Duration};

use crate::{
    audit::AuditEntry,
    audit_key::KeyRing,
    audit_seal::{AuditBreak, AuditFault, AuditSeal, AuditVerification},
    digest::Sha256Digest,
    id::AuditEntryId,
    time::Timestamp,
};

/// How much older than the seal before it a line may be. Lines are written when they happen, so longer than a busy database
/// keeps a writer waiting, and longer than clocks of a well-kept network differ.
const LATEST: Duration = Duration::from_secs(600);

/// A line that was read, and what its digest says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckedLine {
    /// Its number; `None` is not sealed yet.
    pub number: Option<i64>,
    /// Its id.
    pub id: AuditEntryId,
    /// Its time.
    pub at: Timestamp,
    /// The digest that stands in it.
    pub digest: Sha256Digest,
    /// It fits its digest.
    pub is_intact: bool,
    /// Its details were blanked.
    pub is_redacted: bool,
}

impl From<&AuditEntry> for CheckedLine {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            number: entry.number,
            id: entry.event.id,
            at: entry.event.at,
            digest: entry.digest,
            is_intact: entry.is_intact(),
            is_redacted: entry.is_redacted(),
        }
    }
}

/// Verifies a log as it is read. Keeps the seals that were read ahead, and the lines of one.
#[derive(Debug)]
pub struct AuditVerifier {
    keys: KeyRing,
    now: Timestamp,
    found: AuditVerification,
    waiting: VecDeque<AuditSeal>,
    last: Option<AuditSeal>,
    open: Option<OpenSeal>,
}

/// A seal whose lines are being read.
#[derive(Debug)]
struct OpenSeal {
    seal: AuditSeal,
    signature: Result<(), AuditFault>,
    lines: Vec<CheckedLine>,
}

impl OpenSeal {
    fn next_number(&self) -> i64 {
        self.seal.first_number + i64::try_from(self.lines.len()).unwrap_or(i64::MAX)
    }
}

impl AuditVerifier {
    /// Begins. Only signatures of these keys count; `now` is when the log is looked at.
    #[must_use]
    pub fn new(keys: KeyRing, now: Timestamp) -> Self {
        Self {
            keys,
            now,
            found: AuditVerification::default(),
            waiting: VecDeque::new(),
            last: None,
            open: None,
        }
    }

    /// Reads the next seal. It may stand any number of seals before the lines it covers.
    pub fn seal(&mut self, seal: AuditSeal) {
        self.waiting.push_back(seal);
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// Where the log is broken.
    pub fn line(&mut self, line: CheckedLine) -> Result<(), AuditBreak> {
        self.open_next()?;
        let seal = self.open.as_ref().map(|open| open.seal.number);
        let broken = |fault| Err(AuditBreak { fault, seal, line: line.number, id: Some(line.id) });
        match (line.number, &self.open) {
            (Some(number), Some(open)) if number != open.next_number() => self.refuse_incomplete()?,
            (Some(_), None) => return broken(AuditFault::LineUnsealed),
            (None, Some(_)) => self.refuse_incomplete()?,
            _ => {}
        }
        if !line.is_intact {
            return broken(AuditFault::LineChanged);
        }
        if self.is_backdated(&line) {
            return broken(AuditFault::LineBackdated);
        }
        self.found.redacted += i64::from(line.is_redacted);
        let Some(open) = &mut self.open else {
            self.found.unsealed += 1;
            return Ok(());
        };
        self.found.lines += 1;
        open.lines.push(line);
        if open.next_number() > open.seal.last_number { self.close() } else { Ok(()) }
    }

    /// Nothing follows.
    ///
    /// # Errors
    /// Where the log is broken: lines of the last seals are missing.
    pub fn finish(&mut self) -> Result<(), AuditBreak> {
        self.open_next()?;
        self.refuse_incomplete()
    }

    /// What was found so far; with where it is broken, when that is known.
    #[must_use]
    pub fn into_verification(self, broken: Option<AuditBreak>) -> AuditVerification {
        AuditVerification { broken, ..self.found }
    }

    /// Begins with the next seal, once all lines of the one before were read.
    fn open_next(&mut self) -> Result<(), AuditBreak> {
        if self.open.is_some() {
            return Ok(());
        }
        let Some(seal) = self.waiting.pop_front() else { return Ok(()) };
        let (number, line) =
            self.last.as_ref().map_or((1, 1), |last| (last.number + 1, last.last_number + 1));
        let fault = match seal.number {
            other if other != number => Some(AuditFault::SealMissing),
            _ if !seal.follows(self.last.as_ref()) => Some(AuditFault::SealChanged),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(AuditBreak { fault, seal: Some(number), line: Some(line), id: None });
        }
        let signature = self.keys.check(&seal);
        self.open = Some(OpenSeal { seal, signature, lines: Vec::new() });
        Ok(())
    }

    fn refuse_incomplete(&self) -> Result<(), AuditBreak> {
        let Some(open) = &self.open else { return Ok(()) };
        let (seal, line) = (Some(open.seal.number), Some(open.next_number()));
        Err(AuditBreak { fault: AuditFault::LineMissing, seal, line, id: None })
    }

    /// The last seal was made long after the time that the line says; and so was the next one, or will be, which is not so
    /// where a clock was set back.
    fn is_backdated(&self, line: &CheckedLine) -> bool {
        let next = self.open.as_ref().map_or(self.now, |open| open.seal.sealed_at);
        self.last.as_ref().is_some_and(|last| line.at.plus(LATEST) < last.sealed_at.min(next))
    }

    /// All lines of the seal were read.
    fn close(&mut self) -> Result<(), AuditBreak> {
        let Some(OpenSeal { seal, signature, mut lines }) = self.open.take() else { return Ok(()) };
        let broken = |fault, line, id| Err(AuditBreak { fault, seal: Some(seal.number), line, id });
        let first = Some(seal.first_number);
        let digests = |lines: &[CheckedLine]| lines.iter().map(|line| line.digest).collect::<Vec<_>>();
        if seal.digest_over(&digests(&lines)) == seal.digest {
            if let Err(fault) = signature {
                return broken(fault, first, None);
            }
            self.found.seals += 1;
            self.found.keys.extend(seal.key_id.clone());
            self.last = Some(seal);
            return Ok(());
        }
        if signature.is_err() {
            return broken(AuditFault::SealChanged, first, None);
        }
        // As the sealer had them.
        let read = lines.clone();
        lines.sort_unstable_by_key(|line| (line.at, line.id));
        if seal.digest_over(&digests(&lines)) == seal.digest {
            let moved = read.iter().zip(&lines).find(|(read, sealed)| read.id != sealed.id);
            let (line, id) = moved.map_or((first, None), |(line, _)| (line.number, Some(line.id)));
            return broken(AuditFault::LineReordered, line, id);
        }
        broken(AuditFault::LinesExchanged, first, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audit::{ActorKind, AuditEvent, AuditOutcome},
        audit_key::SigningKey,
        id::TeamId,
    };
    use proptest::prelude::*;
    use serde_json::json;
    use uuid::Uuid;

    const TEAM: TeamId = TeamId::from_uuid(Uuid::from_u128(7));
    const MINUTE: i64 = 60_000_000;

    fn key() -> SigningKey {
        SigningKey::from_seed([3; 32])
    }

    fn entry(number: i64, minute: i64) -> AuditEntry {
        let mut entry = AuditEntry::new(AuditEvent {
            id: AuditEntryId::from_uuid(Uuid::from_u128(u128::from(number.unsigned_abs()) + 100)),
            team_id: TEAM,
            at: Timestamp::from_micros(minute * MINUTE),
            actor_kind: ActorKind::User,
            actor_id: "ada".into(),
            action: "session.start".parse().expect("an action"),
            target_kind: "session".into(),
            target_id: Some(number.to_string()),
            session_id: None,
            memory_operation: None,
            memory_namespace: None,
            detail: Some(json!({ "number": number }).into()),
            request_id: None,
            ip: None,
            outcome: AuditOutcome::Success,
        });
        entry.number = Some(number);
        entry
    }

    /// A log: seals and lines as they are read.
    #[derive(Debug, Clone)]
    struct Log {
        seals: Vec<AuditSeal>,
        lines: Vec<AuditEntry>,
        now: i64,
    }

    impl Log {
        /// One seal for each size, an hour apart, each line a minute before its seal.
        fn of(sizes: &[usize]) -> Self {
            let mut log = Self { seals: Vec::new(), lines: Vec::new(), now: 0 };
            for &size in sizes {
                log.now += 60;
                let first = log.lines.len();
                let next = i64::try_from(first).expect("few");
                let lines = (0..size).zip(next + 1..).map(|(_, number)| entry(number, log.now - 1));
                log.lines.extend(lines);
                let digests: Vec<_> = log.lines[first..].iter().map(|line| line.digest).collect();
                let at = Timestamp::from_micros(log.now * MINUTE);
                let seal = AuditSeal::over(TEAM, log.seals.last(), &digests, at).expect("lines");
                log.seals.push(seal.signed(&key()));
            }
            log
        }

        fn verify(&self) -> AuditVerification {
            let keys = [key().public(Timestamp::from_micros(1))].into_iter().collect();
            let mut verifier = AuditVerifier::new(keys, Timestamp::from_micros(self.now * MINUTE));
            let broken = self.read(&mut verifier).err();
            verifier.into_verification(broken)
        }

        fn read(&self, verifier: &mut AuditVerifier) -> Result<(), AuditBreak> {
            let (mut sealed, unsealed): (Vec<_>, Vec<_>) =
                self.lines.iter().partition(|line| line.number.is_some());
            sealed.sort_by_key(|line| line.number);
            let mut lines = sealed.into_iter().peekable();
            for seal in &self.seals {
                verifier.seal(seal.clone());
                while let Some(line) =
                    lines.next_if(|line| line.number.is_some_and(|number| number <= seal.last_number))
                {
                    verifier.line(line.into())?;
                }
            }
            lines.chain(unsealed).try_for_each(|line| verifier.line(line.into()))?;
            verifier.finish()
        }

        fn broken(&self) -> (AuditFault, Option<i64>, Option<i64>) {
            let broken = self.verify().broken.expect("broken");
            (broken.fault, broken.seal, broken.line)
        }
    }

    #[test]
    fn an_empty_log_is_well() {
        assert_eq!(Log::of(&[]).verify(), AuditVerification::default());
    }

    #[test]
    fn what_is_there_is_counted() {
        let mut log = Log::of(&[2, 3]);
        log.lines[1].event.detail = None;
        log.lines.push(AuditEntry { number: None, ..entry(6, log.now) });
        let found = log.verify();
        assert_eq!(
            (found.seals, found.lines, found.redacted, found.unsealed, found.broken),
            (2, 5, 1, 1, None)
        );
        assert_eq!(found.keys.into_iter().collect::<Vec<_>>(), [key().id()]);
    }

    proptest! {
        #[test]
        fn whatever_is_done_to_a_log_is_found_where_it_was_done(
            sizes in prop::collection::vec(1_usize..5, 1..5), at in any::<prop::sample::Index>(), what in 0..7,
        ) {
            let whole = Log::of(&sizes);
            prop_assert_eq!(whole.verify().broken, None);
            let mut log = whole;
            let at = at.index(log.lines.len());
            let number = log.lines[at].number.expect("sealed");
            let seal = log.seals.iter().find(|seal| seal.last_number >= number).expect("a seal").clone();
            let place = (Some(seal.number), Some(number));
            let of_seal = (Some(seal.number), Some(seal.first_number));
            let next = log.lines.get(at + 1).and_then(|line| line.number).filter(|next| *next <= seal.last_number);
            let (fault, place) = match what {
                0 => { log.lines[at].event.actor_id = "eve".into(); (AuditFault::LineChanged, place) }
                1 => { log.lines.remove(at); (AuditFault::LineMissing, place) }
                2 => {
                    let forged = AuditEvent { actor_id: "eve".into(), ..log.lines[at].event.clone() };
                    log.lines[at] = AuditEntry { number: Some(number), ..AuditEntry::new(forged) };
                    (AuditFault::LinesExchanged, of_seal)
                }
                3 => match next {
                    Some(next) => {
                        log.lines[at].number = Some(next);
                        log.lines[at + 1].number = Some(number);
                        (AuditFault::LineReordered, place)
                    }
                    None => return Ok(()),
                },
                4 => {
                    let index = usize::try_from(seal.number - 1).expect("small");
                    log.seals[index].sealed_at = Timestamp::from_micros(1 + seal.sealed_at.as_micros());
                    (AuditFault::LinesExchanged, of_seal)
                }
                5 => {
                    let index = usize::try_from(seal.number - 1).expect("small");
                    log.seals[index].signature = Some(vec![0; 64]);
                    (AuditFault::SignatureWrong, of_seal)
                }
                _ => {
                    let index = usize::try_from(seal.number - 1).expect("small");
                    log.seals.remove(index);
                    if log.seals.len() == index {
                        (AuditFault::LineUnsealed, (None, Some(seal.first_number)))
                    } else {
                        (AuditFault::SealMissing, of_seal)
                    }
                }
            };
            prop_assert_eq!(log.broken(), (fault, place.0, place.1));
        }
    }

    #[test]
    fn a_line_inserted_in_the_past_is_found_before_and_after_it_is_sealed() {
        let mut log = Log::of(&[2]);
        let backdated = AuditEntry { number: None, ..entry(3, log.now - 11) };
        log.lines.push(backdated);
        log.now += 1;
        assert_eq!(log.broken(), (AuditFault::LineBackdated, None, None));
        let line = log.lines.last_mut().expect("a line");
        line.number = Some(3);
        let (digest, at) = (line.digest, Timestamp::from_micros(log.now * MINUTE));
        log.seals
            .push(AuditSeal::over(TEAM, log.seals.last(), &[digest], at).expect("a line").signed(&key()));
        assert_eq!(log.broken(), (AuditFault::LineBackdated, Some(2), Some(3)));
    }

    #[test]
    fn lines_written_after_a_clock_was_set_back_are_well() {
        let mut log = Log::of(&[2]);
        log.lines.push(AuditEntry { number: None, ..entry(3, log.now - 45) });
        log.now -= 44;
        assert_eq!(log.verify().broken, None);
    }

    #[test]
    fn a_changed_seal_that_signs_nothing_is_a_changed_seal() {
        let mut log = Log::of(&[2, 1]);
        log.seals[1].digest = Sha256Digest::ZERO;
        assert_eq!(log.broken(), (AuditFault::SealChanged, Some(2), Some(3)));
        let mut log = Log::of(&[2, 1]);
        log.seals[1].previous = Sha256Digest::ZERO;
        assert_eq!(log.broken(), (AuditFault::SealChanged, Some(2), Some(3)));
    }

    #[test]
    fn a_seal_of_another_key_is_of_an_unknown_key() {
        let mut log = Log::of(&[1]);
        log.seals[0] = log.seals[0].clone().signed(&SigningKey::from_seed([9; 32]));
        assert_eq!(log.broken(), (AuditFault::KeyUnknown, Some(1), Some(1)));
        log.seals[0] = AuditSeal { key_id: None, signature: None, ..log.seals[0].clone() };
        assert_eq!(log.broken(), (AuditFault::SignatureMissing, Some(1), Some(1)));
    }
}
