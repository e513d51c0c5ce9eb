//! *Always*: rules that let a call pass without asking from now on, found for it, tried on it, and kept with the answer.

use agent::Environment;
use domain::{
    approval::Approval,
    audit_action::AuditAction,
    id::{ApprovalId, PolicyId, SessionId},
    permission::Decision,
    policy::{Policy, PolicyKind, PolicyName},
    session::Session,
};
use policy::{Call, PolicySet, PolicyText, Verdict};
use serde_json::{Value, json};
use store::{PolicyChange, StoreError, Tx};

use super::AnswerApprovalError;
use crate::{
    App, Caller,
    permission::{DefaultPolicies, UnusablePolicies, find_links},
    session::GetSessionError,
};

/// The policy that keeps the rules of such answers.
pub const ALWAYS: &str = "allowed by approvals";

/// Why there are no rules for a call.
#[derive(Debug, thiserror::Error)]
pub enum AlwaysError {
    /// It has unknown words, or a path with wildcards, or the like.
    #[error("no rule says exactly this call")]
    NotExact,
    /// Something else still decides.
    #[error("with {} it would still be {}: {}", .rules.join(", "), .decision, .reason)]
    StillDecided {
        /// The rules that were tried.
        rules: Vec<String>,
        /// What would become of the call.
        decision: Decision,
        /// Why.
        reason: String,
    },
    /// A rule is none.
    #[error(transparent)]
    Rule(#[from] policy::PolicyError),
    /// The session's policies cannot be used.
    #[error(transparent)]
    Policies(#[from] UnusablePolicies),
    /// Its session is gone.
    #[error("there is no session {0}")]
    NoSession(SessionId),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Rules that let the call of a question pass from now on: the given ones, or the narrowest there are. They are tried on
    /// the call beside all policies that its session has.
    ///
    /// # Errors
    /// See [`AlwaysError`].
    pub async fn rules_for_approval(
        &self,
        caller: Caller,
        approval: &Approval,
        given: Vec<String>,
        (defaults, environment): (&DefaultPolicies, &Environment),
    ) -> Result<Vec<String>, AlwaysError> {
        let session = self.get_session(caller, approval.session_id).await.map_err(|error| match error {
            GetSessionError::NotFound(id) => AlwaysError::NoSession(id),
            GetSessionError::Store(error) => error.into(),
        })?;
        let mut source = self.policy_source_of(&session, defaults, environment)?;
        let (policies, surroundings) = source.policies().await?;
        let cwd = self.folder_of_call(&session, approval).await?;
        let call = Call { tool_name: &approval.tool_name, input: &approval.input, cwd: &cwd };
        let plan = PolicySet::read(&policies, surroundings.clone())?.plan(&call);
        let narrowest = || plan.narrowest_rules(&surroundings).ok_or(AlwaysError::NotExact);
        let rules = if given.is_empty() { narrowest()? } else { given };
        let with_rules: Vec<_> = policies.into_iter().chain([policy_text(&rules)]).collect();
        let set = PolicySet::read(&with_rules, surroundings.clone())?;
        let links = find_links(&plan.paths(&surroundings)).map_err(|_| AlwaysError::NotExact)?;
        let Verdict { decision, reason, .. } = set.judge(&plan, &links, self.now());
        match decision {
            Some(Decision::Allow) => Ok(rules),
            decision => {
                let decision = decision.unwrap_or(Decision::Ask);
                Err(AlwaysError::StillDecided { rules, decision, reason })
            }
        }
    }

    /// The folder in which the call was to work when it was asked about.
    async fn folder_of_call(&self, session: &Session, approval: &Approval) -> Result<String, StoreError> {
        let (team, id, tool_use_id) = (session.team_id, session.id, approval.tool_use_id.clone());
        let before = approval.sequence;
        let find = move |conn: &store::Conn| {
            const NEAR: i64 = 100;
            let asked = Some(Decision::Ask);
            let near = conn.team(team).decisions().list(id, asked, (before - NEAR).max(0), u32::MAX)?;
            let of_call = near.into_iter().rev().find(|decision| decision.tool_use_id == tool_use_id);
            let context = of_call.and_then(|decision| decision.context);
            Ok::<_, StoreError>(context.and_then(|context| context["cwd"].as_str().map(str::to_owned)))
        };
        let found = self.store().read(find).await?;
        Ok(found.unwrap_or_else(|| session.working_directory.clone()))
    }

    /// Keeps rules in the team's policy for them, in the transaction of the answer that they came with.
    pub(super) fn keep_rules(
        &self,
        tx: &Tx<'_>,
        caller: Caller,
        approval: ApprovalId,
        rules: &[String],
    ) -> Result<(), AnswerApprovalError> {
        let policies = tx.team(caller.team_id).policies();
        let now = self.now();
        let reason = Some(format!("approval {approval}"));
        let change = PolicyChange { changed_by: caller.to_string(), reason, at: now };
        let found = policies.find_by_name(&always())?;
        let action = if found.is_some() { AuditAction::PolicyUpdate } else { AuditAction::PolicyCreate };
        let (id, revision) = match found {
            Some(policy) if policy.is_enabled && policy.kind == PolicyKind::Rules => {
                let policy = Policy { config: with_allowed(policy.config, rules), updated_at: now, ..policy };
                (policy.id, policies.update(&policy, &change)?)
            }
            Some(policy) => return Err(AnswerApprovalError::NotKept(policy.name)),
            None => {
                let text = policy_text(rules);
                let policy = Policy {
                    id: PolicyId::from_uuid(self.next_id()),
                    team_id: caller.team_id,
                    name: always(),
                    kind: text.kind,
                    config: text.config,
                    priority: text.priority,
                    is_enabled: true,
                    version: 1,
                    created_at: now,
                    updated_at: now,
                };
                (policy.id, policies.insert(&policy, &change)?)
            }
        };
        let deed = self.deed(caller, action).on(id).with("name", ALWAYS).with("rules", json!(rules));
        deed.with("set_version", revision.version).append(tx)?;
        Ok(())
    }
}

#[expect(clippy::expect_used, reason = "a test parses it")]
fn always() -> PolicyName {
    ALWAYS.parse().expect("a name of a policy")
}

fn policy_text(rules: &[String]) -> PolicyText {
    let config = json!({ "allow": rules });
    PolicyText { name: ALWAYS.to_owned(), kind: PolicyKind::Rules, priority: 100, config }
}

/// The details of a policy of rules with these allowed as well.
fn with_allowed(mut config: Value, rules: &[String]) -> Value {
    let Some(fields) = config.as_object_mut() else { return policy_text(rules).config };
    let allowed = fields.entry("allow").or_insert_with(|| json!([]));
    if let Some(allowed) = allowed.as_array_mut() {
        let new: Vec<Value> = rules.iter().map(|rule| json!(rule)).collect();
        allowed.extend(new.into_iter().filter(|rule| !allowed.contains(rule)).collect::<Vec<_>>());
    }
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_added_once_to_what_is_there() {
        assert_eq!(always().as_str(), ALWAYS);
        let config = json!({ "deny": ["Bash(x)"], "allow": ["Bash(a)"] });
        let rules = ["Bash(a)", "Bash(b)"].map(str::to_owned);
        assert_eq!(
            with_allowed(config, &rules),
            json!({ "deny": ["Bash(x)"], "allow": ["Bash(a)", "Bash(b)"] })
        );
        assert_eq!(with_allowed(json!({}), &rules), json!({ "allow": rules }));
    }
}
