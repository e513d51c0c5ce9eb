//! The audit log: what actors did and what was decided, each line with a digest that a changed line no longer fits.

// Of `core`, which has addresses and no sockets.
use core::net::IpAddr;
use serde_json::Value;

use crate::{
    audit_line::{AuditLine, without_nul},
    canonical::canonical_json,
    digest::Sha256Digest,
    id::{AuditEntryId, SessionId, TeamId},
    parsed_text::is_dotted,
    secret::redact_value,
    time::Timestamp,
};

text_enum! {
    /// What kind of actor did something.
    pub enum ActorKind: "actor kind" {
        /// A person.
        User = "user",
        /// An agent.
        Agent = "agent",
        /// A program with a key of a person.
        ApiKey = "api_key",
        /// A part of Provost acting on its own.
        System = "system",
    }
}

text_enum! {
    /// How it ended.
    pub enum AuditOutcome: "audit outcome" {
        /// It was done.
        Success = "success",
        /// It was tried and failed.
        Failure = "failure",
        /// It was not allowed.
        Denied = "denied",
    }
}

parsed_text! {
    /// What was done, such as `session.create`.
    pub struct ActionName: "name of an action",
        "two or more words of a-z, 0-9 and _, separated by dots, such as session.create",
        is_dotted;
}

/// Details of a line, in a form that every database gives back as it took it: numbers that are not whole stand as text, and
/// NUL as its visible symbol. Secrets in them stand as their digests.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct AuditDetail(Value);

impl From<Value> for AuditDetail {
    fn from(value: Value) -> Self {
        Self(settled(redact_value(&value).into_owned()))
    }
}

impl AuditDetail {
    /// As they were written: nothing is looked for in them, or a later release that finds more would not find them intact.
    #[must_use]
    pub const fn from_stored(value: Value) -> Self {
        Self(value)
    }

    /// The details.
    #[must_use]
    pub const fn as_value(&self) -> &Value {
        &self.0
    }

    /// Fingerprint of the details.
    #[must_use]
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(canonical_json(&self.0).as_bytes())
    }
}

fn settled(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => Value::String(number.to_string()),
        Value::String(text) => Value::String(without_nul(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(settled).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (without_nul(&key).into_owned(), settled(value))).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// Something to be kept in the audit log.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditEvent {
    /// Identity.
    pub id: AuditEntryId,
    /// The tenant.
    pub team_id: TeamId,
    /// When.
    pub at: Timestamp,
    /// What kind of actor did it.
    pub actor_kind: ActorKind,
    /// Who: an id, or the part of Provost.
    pub actor_id: String,
    /// What was done.
    pub action: ActionName,
    /// The noun it was done to, such as `session`.
    pub target_kind: String,
    /// Which one.
    pub target_id: Option<String>,
    /// The session it was done in.
    pub session_id: Option<SessionId>,
    /// What was done to memory.
    pub memory_operation: Option<String>,
    /// Where in memory.
    pub memory_namespace: Option<String>,
    /// Details; redaction blanks them.
    pub detail: Option<AuditDetail>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// Where the request came from.
    pub ip: Option<IpAddr>,
    /// How it ended.
    pub outcome: AuditOutcome,
}

impl AuditEvent {
    /// The digest of all fields. The details go in as their own digest, so that a line whose details were redacted still fits.
    fn digest_with(&self, detail: Option<Sha256Digest>) -> Sha256Digest {
        let ip = self.ip.map(|ip| ip.to_string());
        let line = AuditLine {
            id: self.id,
            team_id: self.team_id,
            at: self.at,
            actor_kind: self.actor_kind.as_str(),
            actor_id: &self.actor_id,
            action: self.action.as_str(),
            target_kind: &self.target_kind,
            outcome: self.outcome.as_str(),
            target_id: self.target_id.as_deref(),
            session_id: self.session_id,
            memory_operation: self.memory_operation.as_deref(),
            memory_namespace: self.memory_namespace.as_deref(),
            detail_sha256: detail,
            request_id: self.request_id.as_deref(),
            ip: ip.as_deref(),
        };
        line.digest()
    }
}

/// A line of the audit log as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct AuditEntry {
    /// What happened.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// Its place in the team's sealed order, from 1 without gaps; `None` until it is sealed.
    pub number: Option<i64>,
    /// The digest of the details as they were written; stays when they are redacted.
    pub detail_sha256: Option<Sha256Digest>,
    /// The digest of the line, of which seals are made.
    pub digest: Sha256Digest,
}

impl AuditEntry {
    /// The line that keeps an event.
    #[must_use]
    pub fn new(event: AuditEvent) -> Self {
        let detail_sha256 = event.detail.as_ref().map(AuditDetail::digest);
        let digest = event.digest_with(detail_sha256);
        Self { event, number: None, detail_sha256, digest }
    }

    /// The details were there and were blanked.
    #[must_use]
    pub const fn is_redacted(&self) -> bool {
        self.event.detail.is_none() && self.detail_sha256.is_some()
    }

    /// Whether the line, details included unless they were redacted, is as it was written.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let detail = self.event.detail.as_ref().map(AuditDetail::digest);
        (detail == self.detail_sha256 || self.is_redacted())
            && self.event.digest_with(self.detail_sha256) == self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, strategy::ValueTree as _};
    use serde_json::json;
    use uuid::Uuid;

    fn optional() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[ab]{0,3}")
    }

    fn event() -> impl Strategy<Value = AuditEvent> {
        let texts = ("[ab]{0,3}", optional(), optional(), optional(), optional());
        (texts, any::<u128>(), prop::option::of(any::<u128>()), prop::option::of(any::<[u8; 4]>())).prop_map(
            |((actor, target, operation, namespace, request), id, session, ip)| AuditEvent {
                id: AuditEntryId::from_uuid(Uuid::from_u128(id)),
                team_id: TeamId::from_uuid(Uuid::from_u128(7)),
                at: Timestamp::from_micros(1_767_225_600_000_000),
                actor_kind: ActorKind::User,
                actor_id: actor,
                action: "session.create".parse().expect("an action"),
                target_kind: "session".into(),
                target_id: target,
                session_id: session.map(|id| SessionId::from_uuid(Uuid::from_u128(id))),
                memory_operation: operation,
                memory_namespace: namespace,
                detail: Some(json!({ "a": id.to_string() }).into()),
                request_id: request,
                ip: ip.map(IpAddr::from),
                outcome: AuditOutcome::Success,
            },
        )
    }

    /// Every field once, each changed.
    fn changed(event: &AuditEvent) -> Vec<AuditEvent> {
        let longer = |text: &Option<String>| Some(format!("{}x", text.as_deref().unwrap_or_default()));
        let other = Uuid::from_u128(event.id.as_uuid().as_u128() ^ 1);
        let same = || event.clone();
        vec![
            AuditEvent { id: AuditEntryId::from_uuid(other), ..same() },
            AuditEvent { team_id: TeamId::from_uuid(other), ..same() },
            AuditEvent { at: Timestamp::from_micros(event.at.as_micros() + 1), ..same() },
            AuditEvent { actor_kind: ActorKind::System, ..same() },
            AuditEvent { actor_id: format!("{}x", event.actor_id), ..same() },
            AuditEvent { action: "session.delete".parse().expect("an action"), ..same() },
            AuditEvent { target_kind: "sessio".into(), ..same() },
            AuditEvent { target_id: longer(&event.target_id), ..same() },
            AuditEvent { session_id: Some(SessionId::from_uuid(other)), ..same() },
            AuditEvent { memory_operation: longer(&event.memory_operation), ..same() },
            AuditEvent { memory_namespace: longer(&event.memory_namespace), ..same() },
            AuditEvent { detail: None, ..same() },
            AuditEvent { detail: Some(json!({ "a": null }).into()), ..same() },
            AuditEvent { request_id: longer(&event.request_id), ..same() },
            AuditEvent { ip: Some(IpAddr::from([0_u8; 16])), ..same() },
            AuditEvent { outcome: AuditOutcome::Denied, ..same() },
        ]
    }

    proptest! {
        #[test]
        fn any_changed_field_changes_the_digest(event in event()) {
            let line = AuditEntry::new(event.clone());
            prop_assert!(line.is_intact());
            for changed in changed(&event) {
                let forged = AuditEntry { event: changed.clone(), ..line.clone() };
                prop_assert_ne!(AuditEntry::new(changed.clone()).digest, line.digest, "{:?}", changed);
                prop_assert_eq!(forged.is_intact(), forged.is_redacted(), "{:?}", changed);
            }
        }

        #[test]
        fn different_events_have_different_digests(left in event(), right in event()) {
            let is_same = AuditEntry::new(left.clone()).digest == AuditEntry::new(right.clone()).digest;
            prop_assert_eq!(is_same, left == right);
        }

        #[test]
        fn settling_twice_changes_nothing(text in ".{0,8}", number in any::<f64>()) {
            let once = AuditDetail::from(json!({ "k": [text, number], text.as_str(): 1 }));
            prop_assert_eq!(AuditDetail::from(once.as_value().clone()), once);
        }
    }

    #[test]
    fn a_redacted_line_is_intact_and_a_forged_one_is_not_even_then() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let event = event().new_tree(&mut runner).expect("an event").current();
        let mut line = AuditEntry::new(event);
        line.event.detail = None;
        assert!(line.is_redacted() && line.is_intact());
        line.event.actor_id.push('x');
        assert!(!line.is_intact());
        let mut invented = AuditEntry { detail_sha256: None, ..line };
        invented.event.detail = Some(json!(1).into());
        assert!(!invented.is_intact(), "details where none were written");
    }

    #[test]
    fn the_digest_is_the_same_in_every_release() {
        let event = AuditEvent {
            id: AuditEntryId::from_uuid(Uuid::from_u128(1)),
            team_id: TeamId::from_uuid(Uuid::from_u128(2)),
            at: Timestamp::from_micros(3),
            actor_kind: ActorKind::ApiKey,
            actor_id: "4".into(),
            action: "memory.write".parse().expect("an action"),
            target_kind: "memory".into(),
            target_id: Some("5".into()),
            session_id: None,
            memory_operation: Some("put".into()),
            memory_namespace: Some("team:6".into()),
            detail: Some(json!({ "b": 1, "a": [0.5, "x"] }).into()),
            request_id: None,
            ip: Some(IpAddr::from([127, 0, 0, 1])),
            outcome: AuditOutcome::Failure,
        };
        let digest = AuditEntry::new(event).digest.to_string();
        assert_eq!(digest, "81b19f27ff196ab2462abbb47719c710f65d8bd96162b49994099bbaa020da98");
    }
}
