//! What was decided about a tool call, what decided it, and what was looked at.

use domain::{
    approval::{Approval, ApprovalStatus},
    decision::DecidedBy,
    id::ApprovalId,
    permission::{Decision, Judgement},
};
use serde_json::{Map, Value};

/// A decision on a tool call as it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ruling {
    pub(crate) decision: Decision,
    /// One sentence for the person and the agent.
    pub(crate) reason: String,
    pub(crate) by: DecidedBy,
    /// The policy that decided, or the hook.
    pub(crate) policy: Option<String>,
    /// The question to a person that it answers.
    pub(crate) approval: Option<ApprovalId>,
    /// The agent is stopped as well.
    pub(crate) interrupted: bool,
    /// What was looked at.
    pub(crate) context: Map<String, Value>,
}

impl Ruling {
    pub(crate) fn new(by: DecidedBy, Judgement { decision, reason }: Judgement) -> Self {
        Self { decision, reason, by, policy: None, approval: None, interrupted: false, context: Map::new() }
    }

    pub(crate) fn deny(by: DecidedBy, reason: impl Into<String>) -> Self {
        Self::new(by, Judgement { decision: Decision::Deny, reason: reason.into() })
    }

    pub(crate) fn ask(by: DecidedBy, reason: impl Into<String>) -> Self {
        Self::new(by, Judgement { decision: Decision::Ask, reason: reason.into() })
    }

    /// A gate's hook refuses the call.
    pub(crate) fn blocked(hook: Option<&str>, reason: String) -> Self {
        let policy = hook.map(|name| format!("hook {name}"));
        Self { policy, ..Self::deny(DecidedBy::Policy, reason) }
    }

    /// A person's answer, or that there was none in time. Nobody answered yet: that is no permission.
    pub(crate) fn answered(approval: &Approval) -> Self {
        let note = approval.note.as_deref();
        let (decision, by, reason) = match approval.status {
            ApprovalStatus::Approved => {
                let note = note.map(|note| format!(": {note}")).unwrap_or_default();
                (Decision::Allow, DecidedBy::Person, format!("a person allowed it{note}"))
            }
            ApprovalStatus::Denied => {
                (Decision::Deny, DecidedBy::Person, note.unwrap_or("a person refused it").to_owned())
            }
            ApprovalStatus::Expired => {
                (Decision::Deny, DecidedBy::Timeout, "nobody answered in time; it was not refused".to_owned())
            }
            ApprovalStatus::Cancelled | ApprovalStatus::Pending => {
                (Decision::Deny, DecidedBy::Default, note.unwrap_or("the question was withdrawn").to_owned())
            }
        };
        let ruling = Self { approval: Some(approval.id), ..Self::new(by, Judgement { decision, reason }) };
        ruling.with("input_sha256", approval.input_sha256.to_string())
    }

    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.context.insert(field.to_owned(), value.into());
        self
    }
}
