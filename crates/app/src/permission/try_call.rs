//! What would become of a call in a session that began now: nothing runs, and nothing is recorded.

use std::path::PathBuf;

use agent::Environment;
use domain::{
    decision::DecidedBy,
    id::SessionId,
    permission::{Decision, PermissionMode},
    session::SessionOptions,
};
use policy::{Call, PolicyError, PolicySet, Verdict};
use serde_json::Value;
use store::StoreError;
use uuid::Uuid;

use super::{Asking, Decider, DefaultPolicies, Source, UnusablePolicies, find_links};
use crate::{App, Caller};

/// A call that is tried.
#[derive(Debug, Clone)]
pub struct TriedCall {
    /// The tool.
    pub tool_name: String,
    /// What it is given.
    pub input: Value,
    /// The folder of the session, and of the call.
    pub folder: PathBuf,
    /// The mode of the session.
    pub mode: PermissionMode,
}

/// What would become of it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Tried {
    /// What becomes of it.
    pub decision: Decision,
    /// What decides.
    pub decided_by: DecidedBy,
    /// The policy, where one does.
    pub policy: Option<String>,
    /// Why, one sentence.
    pub reason: String,
    /// What the policies say, each of them.
    pub policies: Verdict,
}

/// Why a call cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TryCallError {
    /// The policies of the settings.
    #[error(transparent)]
    Policies(#[from] UnusablePolicies),
    /// The policies of the team.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Judges a call by the policies that hold for the team's sessions, with the links that the disk has now.
    ///
    /// # Errors
    /// See [`TryCallError`].
    pub async fn try_call(
        &self,
        caller: Caller,
        call: TriedCall,
        (defaults, environment): (&DefaultPolicies, &Environment),
    ) -> Result<Tried, TryCallError> {
        let TriedCall { tool_name, input, folder, mode } = call;
        let said = (defaults, &SessionOptions::default());
        let mut source = Source::new(self.clone(), caller.team_id, said, (&folder, environment))?;
        let (policies, surroundings) = source.policies().await?;
        let set = PolicySet::read(&policies, surroundings)?;
        let cwd = folder.to_string_lossy().into_owned();
        let plan = set.plan(&Call { tool_name: &tool_name, input: &input, cwd: &cwd });
        let links = find_links(&plan.paths(set.surroundings())).unwrap_or_default();
        let verdict = set.judge(&plan, &links, self.now());
        let no_session = SessionId::from_uuid(Uuid::nil());
        let mut decider = Decider::new(no_session, mode, folder, source);
        let asking = Asking { tool_name: &tool_name, input: &input, cwd: Some(&cwd), requires_person: false };
        let ruling = decider.judge(&asking).await?.ruling;
        Ok(Tried {
            decision: ruling.decision,
            decided_by: ruling.by,
            policy: ruling.policy,
            reason: ruling.reason,
            policies: verdict,
        })
    }
}
