//! Switching policies on and off, and removing them.

use domain::{
    audit_action::AuditAction,
    dna::Text,
    policy::{Policy, PolicyName, PolicyRevision},
};
use store::Tx;

use super::{PolicyError, not_found};
use crate::{App, Caller};

impl App {
    /// Lets a policy count, or lets it rest; one that does already stays as it is.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub async fn switch_policy(
        &self,
        caller: Caller,
        name: PolicyName,
        is_enabled: bool,
        reason: Option<Text<2000>>,
    ) -> Result<Policy, PolicyError> {
        let action = if is_enabled { AuditAction::PolicyEnable } else { AuditAction::PolicyDisable };
        let deed = self.deed(caller, action).with("name", name.as_str());
        let change = self.policy_change(caller, reason);
        let switch = move |tx: &Tx<'_>| {
            let policies = tx.team(caller.team_id).policies();
            let policy = found(tx, caller, &name)?;
            if policy.is_enabled == is_enabled {
                return Ok(policy);
            }
            let revision = policies.set_enabled(policy.id, is_enabled, &change)?;
            deed.on(policy.id).with("set_version", revision.version).append(tx)?;
            Ok(as_of(&revision, policy))
        };
        self.store().write(switch).await
    }

    /// Removes a policy; its name is free again, and the history of the set keeps it.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub async fn remove_policy(
        &self,
        caller: Caller,
        name: PolicyName,
        reason: Option<Text<2000>>,
    ) -> Result<(), PolicyError> {
        let deed = self.deed(caller, AuditAction::PolicyDelete).with("name", name.as_str());
        let change = self.policy_change(caller, reason);
        let remove = move |tx: &Tx<'_>| {
            let policy = found(tx, caller, &name)?;
            let revision = tx.team(caller.team_id).policies().delete(policy.id, &change)?;
            Ok(deed.on(policy.id).with("set_version", revision.version).append(tx)?)
        };
        self.store().write(remove).await
    }
}

/// The policy of this name, in the transaction that changes it.
pub(super) fn found(tx: &Tx<'_>, caller: Caller, name: &PolicyName) -> Result<Policy, PolicyError> {
    let policies = tx.team(caller.team_id).policies();
    match policies.find_by_name(name)? {
        Some(policy) => Ok(policy),
        None => Err(not_found(name, policies.list()?.iter().map(|policy| &policy.name))),
    }
}

/// The policy as a revision holds it.
pub(super) fn as_of(revision: &PolicyRevision, before: Policy) -> Policy {
    revision.policies.iter().find(|policy| policy.id == before.id).cloned().unwrap_or(before)
}
