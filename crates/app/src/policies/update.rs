//! Changing a policy.

use domain::{
    audit_action::AuditAction,
    dna::Text,
    policy::{Policy, PolicyName},
};
use policy::{PolicySet, PolicyText, Surroundings};
use serde_json::Value;
use store::Tx;

use super::{
    PolicyError,
    switch::{as_of, found},
};
use crate::{App, Caller};

/// What a policy is given; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct PolicyEdit {
    /// Details of its kind.
    pub config: Option<Value>,
    /// Lower is evaluated and explained first.
    pub priority: Option<i64>,
    /// The policy's version that the change is meant for; otherwise the current one.
    pub expected_version: Option<i64>,
}

impl App {
    /// Gives a policy other details or another priority. One that says so already makes no revision.
    ///
    /// # Errors
    /// See [`PolicyError`]; it is `Stale` when the policy has not the expected version.
    pub async fn update_policy(
        &self,
        caller: Caller,
        name: PolicyName,
        edit: PolicyEdit,
        reason: Option<Text<2000>>,
    ) -> Result<Policy, PolicyError> {
        let deed = self.deed(caller, AuditAction::PolicyUpdate).with("name", name.as_str());
        let change = self.policy_change(caller, reason);
        let update = move |tx: &Tx<'_>| {
            let before = found(tx, caller, &name)?;
            let PolicyEdit { config, priority, expected_version } = edit;
            let after = Policy {
                config: config.unwrap_or_else(|| before.config.clone()),
                priority: priority.unwrap_or(before.priority),
                version: expected_version.unwrap_or(before.version),
                ..before.clone()
            };
            PolicySet::read(&[PolicyText::from(&after)], Surroundings::default())?;
            if after == before {
                return Ok(before);
            }
            let after = Policy { updated_at: change.at, ..after };
            let revision = tx.team(caller.team_id).policies().update(&after, &change)?;
            deed.on(before.id).with("set_version", revision.version).append(tx)?;
            Ok(as_of(&revision, before))
        };
        self.store().write(update).await
    }
}
