//! Adding policies.

use std::collections::HashSet;

use domain::{
    audit_action::AuditAction,
    dna::Text,
    id::PolicyId,
    policy::{Policy, PolicyName},
};
use policy::{PolicySet, PolicyText, Surroundings};
use store::{PolicyChange, Tx};

use super::PolicyError;
use crate::{App, Caller};

/// Policies that are to be.
#[derive(Debug, Clone)]
pub struct NewPolicies {
    /// At least one; their names are not taken.
    pub policies: Vec<PolicyText>,
    /// Whether they count at once.
    pub is_enabled: bool,
    /// Why; kept in the history of the set.
    pub reason: Option<Text<2000>>,
}

impl App {
    /// Adds policies as one change of the set, all or none.
    ///
    /// # Errors
    /// See [`PolicyError`]; one that cannot be read is refused before anything is stored.
    pub async fn add_policies(&self, caller: Caller, new: NewPolicies) -> Result<Vec<Policy>, PolicyError> {
        let NewPolicies { policies, is_enabled, reason } = new;
        PolicySet::read(&policies, Surroundings::default())?;
        let added = policies.into_iter().map(|text| self.policy_of(caller, text, is_enabled));
        let added = added.collect::<Result<Vec<_>, _>>()?;
        let mut names = HashSet::new();
        if let Some(twice) = added.iter().find(|policy| !names.insert(&policy.name)) {
            return Err(PolicyError::Repeated(twice.name.clone()));
        }
        let change = self.policy_change(caller, reason);
        let deeds: Vec<_> = added.iter().map(|_| self.deed(caller, AuditAction::PolicyCreate)).collect();
        let add = move |tx: &Tx<'_>| {
            let policies = tx.team(caller.team_id).policies();
            for policy in &added {
                if policies.find_by_name(&policy.name)?.is_some() {
                    return Err(PolicyError::Taken(policy.name.clone()));
                }
            }
            let revision = policies.insert_all(&added, &change)?;
            for (policy, deed) in added.iter().zip(deeds) {
                let deed = deed.on(policy.id).with("name", policy.name.as_str());
                deed.with("set_version", revision.version).append(tx)?;
            }
            Ok(added)
        };
        self.store().write(add).await
    }

    pub(super) fn policy_change(&self, caller: Caller, reason: Option<Text<2000>>) -> PolicyChange {
        let reason = reason.map(|reason| reason.as_str().to_owned());
        PolicyChange { changed_by: caller.to_string(), reason, at: self.now() }
    }

    fn policy_of(&self, caller: Caller, text: PolicyText, is_enabled: bool) -> Result<Policy, PolicyError> {
        let PolicyText { name, kind, priority, config } = text;
        let now = self.now();
        Ok(Policy {
            id: PolicyId::from_uuid(self.next_id()),
            team_id: caller.team_id,
            name: name.parse::<PolicyName>()?,
            kind,
            config,
            priority,
            is_enabled,
            version: 1,
            created_at: now,
            updated_at: now,
        })
    }
}
