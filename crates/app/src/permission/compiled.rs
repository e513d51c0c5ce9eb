//! Policies that were compiled before: the same texts in the same surroundings make the same set.

use std::sync::{Arc, Mutex, PoisonError};

use policy::{PolicyError, PolicySet, PolicyText, Surroundings};

/// A set, or why it cannot be read.
pub(super) type Read = Arc<Result<PolicySet, PolicyError>>;

/// The sets that were used last.
#[derive(Debug, Default)]
pub(crate) struct CompiledPolicies(Mutex<Vec<Compiled>>);

#[derive(Debug)]
struct Compiled {
    policies: Vec<PolicyText>,
    surroundings: Surroundings,
    read: Read,
}

impl CompiledPolicies {
    /// The most that are kept; the one used longest ago makes room.
    const MOST: usize = 32;

    pub(super) fn read(&self, policies: &[PolicyText], surroundings: &Surroundings) -> Read {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &Compiled| known.policies == policies && known.surroundings == *surroundings;
        let mut known = lock();
        if let Some(at) = known.iter().position(is_same) {
            let found = known.remove(at);
            let read = Arc::clone(&found.read);
            known.push(found);
            return read;
        }
        drop(known);
        // Others are not held up by what may take long.
        let read = Arc::new(PolicySet::read(policies, surroundings.clone()));
        let compiled = Compiled {
            policies: policies.to_vec(),
            surroundings: surroundings.clone(),
            read: Arc::clone(&read),
        };
        let mut known = lock();
        if known.len() == Self::MOST {
            known.remove(0);
        }
        known.push(compiled);
        read
    }
}

#[cfg(test)]
mod tests {
    use domain::policy::PolicyKind;
    use serde_json::json;

    use super::*;

    fn policy(rule: &str) -> PolicyText {
        let config = json!({ "deny": [rule] });
        PolicyText { name: "mine".to_owned(), kind: PolicyKind::Rules, priority: 100, config }
    }

    #[test]
    fn only_the_same_policies_in_the_same_surroundings_are_not_compiled_again() {
        let compiled = CompiledPolicies::default();
        let here = Surroundings::default();
        let elsewhere = Surroundings { project_root: "/elsewhere".to_owned(), ..here.clone() };
        let first = compiled.read(&[policy("Bash")], &here);
        assert!(Arc::ptr_eq(&first, &compiled.read(&[policy("Bash")], &here)));
        assert!(!Arc::ptr_eq(&first, &compiled.read(&[policy("Read")], &here)));
        assert!(!Arc::ptr_eq(&first, &compiled.read(&[policy("Bash")], &elsewhere)));
    }

    #[test]
    fn what_is_not_used_for_long_makes_room() {
        let compiled = CompiledPolicies::default();
        let here = Surroundings::default();
        let first = compiled.read(&[policy("Bash")], &here);
        for number in 0..CompiledPolicies::MOST {
            compiled.read(&[policy(&format!("Read(/{number})"))], &here);
        }
        assert_eq!(compiled.0.lock().unwrap().len(), CompiledPolicies::MOST);
        assert!(!Arc::ptr_eq(&first, &compiled.read(&[policy("Bash")], &here)));
    }
}
