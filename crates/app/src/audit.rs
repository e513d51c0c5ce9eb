//! The audit log: what actors did, written in the transaction that does it; sealed by whoever is at hand, and verified.
//!
//! A use case says what happens as a [`Deed`] and appends it to its transaction. One that is refused writes nothing, so its deed
//! is noted by itself, where a rule refused it.

mod export;
mod key;
mod list;
mod redact;
mod sealer;
mod verify;

use std::fmt::Display;

use domain::{
    actor::Actor,
    audit::{ActorKind, AuditEvent, AuditOutcome},
    audit_action::AuditAction,
    id::{AuditEntryId, SessionId, TeamId},
};
use serde_json::{Map, Value};
use store::{StoreError, Tx};

pub use key::{KeyError, KeyFile};
pub use redact::RedactAuditError;
pub use sealer::{SealError, Sealer};
pub use verify::{ReadExportError, read_export};

use crate::{App, Caller};

/// Who does something, and in which team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doer {
    team_id: TeamId,
    kind: ActorKind,
    id: String,
}

impl Doer {
    /// Of any kind; the id is that of the person, agent or key, or the name of the part of Provost.
    #[must_use]
    pub fn new(team_id: TeamId, kind: ActorKind, id: impl Display) -> Self {
        Self { team_id, kind, id: id.to_string() }
    }
}

impl From<Caller> for Doer {
    fn from(Caller { team_id, user_id }: Caller) -> Self {
        Self::new(team_id, ActorKind::User, user_id)
    }
}

impl From<(TeamId, &Actor)> for Doer {
    fn from((team_id, actor): (TeamId, &Actor)) -> Self {
        match actor {
            Actor::User(id) => Self::new(team_id, ActorKind::User, id),
            Actor::System(part) => Self::new(team_id, ActorKind::System, part),
        }
    }
}

/// Something an actor does, on its way into the audit log. It succeeds unless it is said otherwise.
#[derive(Debug, Clone)]
#[must_use = "a deed is audited when it is appended or noted"]
pub struct Deed {
    event: AuditEvent,
    detail: Map<String, Value>,
}

impl App {
    /// Something that is done now.
    pub fn deed(&self, doer: impl Into<Doer>, action: AuditAction) -> Deed {
        let Doer { team_id, kind, id } = doer.into();
        let event = AuditEvent {
            id: AuditEntryId::from_uuid(self.next_id()),
            team_id,
            at: self.now(),
            actor_kind: kind,
            actor_id: id,
            action: action.into(),
            target_kind: action.target_kind().to_owned(),
            target_id: None,
            session_id: None,
            memory_operation: None,
            memory_namespace: None,
            detail: None,
            request_id: None,
            ip: None,
            outcome: AuditOutcome::Success,
        };
        Deed { event, detail: Map::new() }
    }

    /// Keeps a deed that changed nothing else in the database: one that was refused or failed, or only read. A database that is
    /// away hinders nobody: it is logged, and whoever did it goes on.
    pub async fn note(&self, deed: Deed) {
        let action = deed.event.action.clone();
        if let Err(error) = self.store().write(move |tx| deed.append(tx)).await {
            tracing::warn!(audit.action = %action, error = %error, "the audit log misses a line");
        }
    }
}

impl Deed {
    /// What it is done to, by its id or name.
    pub fn on(mut self, target: impl Display) -> Self {
        self.event.target_id = Some(target.to_string());
        self
    }

    /// The session it is done to.
    pub fn on_session(self, id: SessionId) -> Self {
        self.on(id).in_session(id)
    }

    /// The session it is done in.
    pub const fn in_session(mut self, id: SessionId) -> Self {
        self.event.session_id = Some(id);
        self
    }

    /// A detail more. Secrets in it are replaced by their digests.
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(field.to_owned(), value.into());
        self
    }

    /// A rule refuses it.
    pub fn denied(mut self, reason: impl Display) -> Self {
        self.event.outcome = AuditOutcome::Denied;
        self.with("reason", reason.to_string())
    }

    /// It is tried and fails.
    pub fn failed(mut self, reason: impl Display) -> Self {
        self.event.outcome = AuditOutcome::Failure;
        self.with("reason", reason.to_string())
    }

    /// Writes it, in the transaction of what is done.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn append(self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let Self { mut event, detail } = self;
        event.detail = (!detail.is_empty()).then(|| Value::Object(detail).into());
        tx.team(event.team_id).audit_log().append(event).map(drop)
    }
}

#[cfg(test)]
mod tests;
