//! What became of a policy: the revisions of the set in which it changed.

use domain::{
    policy::{Policy, PolicyName, PolicyRevision},
    time::Timestamp,
};
use store::{Conn, StoreError};

use super::{PolicyError, not_found};
use crate::{App, Caller};

/// How many revisions are in memory at once; each holds a whole set.
const PAGE: u32 = 20;

domain::text_enum! {
    /// What happened to a policy.
    pub enum PolicyMove: "move of a policy" {
        /// It was added.
        Created = "created",
        /// Its details or its priority changed.
        Updated = "updated",
        /// It began to count.
        Enabled = "enabled",
        /// It ceased to count.
        Disabled = "disabled",
        /// It was taken away.
        Deleted = "deleted",
    }
}

/// A revision of the set in which a policy changed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct PolicyHistoryEntry {
    /// The version of the set.
    pub set_version: i64,
    /// The policy's own version then; `None` when it was taken away.
    pub version: Option<i64>,
    /// What happened.
    pub change: PolicyMove,
    /// Who, as `user:ID` or `system:PART`.
    pub changed_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl App {
    /// The changes of the policy of this name, newest first, at most `limit`. One that was removed has a history too.
    ///
    /// # Errors
    /// [`PolicyError::NotFound`] when there never was one.
    pub async fn list_policy_history(
        &self,
        caller: Caller,
        name: PolicyName,
        limit: usize,
    ) -> Result<Vec<PolicyHistoryEntry>, PolicyError> {
        let list = move |conn: &Conn| {
            let history = history(conn, caller, &name, limit)?;
            if history.is_empty() {
                let policies = conn.team(caller.team_id).policies().list()?;
                return Err(not_found(&name, policies.iter().map(|policy| &policy.name)));
            }
            Ok(history)
        };
        self.store().read(list).await
    }

    /// The policy of this name as it was in a version of the set.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub async fn get_policy_at(
        &self,
        caller: Caller,
        name: PolicyName,
        version: i64,
    ) -> Result<Policy, PolicyError> {
        let find = move |conn: &Conn| {
            let policies = conn.team(caller.team_id).policies();
            let Some(revision) = policies.find_revision(version)? else {
                return Err(PolicyError::NoRevision { version, current: policies.current_version()? });
            };
            named(revision, &name).1.ok_or(PolicyError::NotThen { name, version })
        };
        self.store().read(find).await
    }
}

/// A revision without its set, and the policy in it.
fn named(mut revision: PolicyRevision, name: &PolicyName) -> (PolicyRevision, Option<Policy>) {
    let policies = std::mem::take(&mut revision.policies);
    (revision, policies.into_iter().find(|policy| policy.name == *name))
}

fn history(
    conn: &Conn,
    caller: Caller,
    name: &PolicyName,
    limit: usize,
) -> Result<Vec<PolicyHistoryEntry>, StoreError> {
    let policies = conn.team(caller.team_id).policies();
    let mut history = Vec::new();
    let mut later: Option<(PolicyRevision, Option<Policy>)> = None;
    let mut before = None;
    loop {
        let page = policies.list_revisions(before, PAGE)?;
        let is_last = page.len() < PAGE as usize;
        for revision in page {
            before = Some(revision.version);
            let (revision, earlier) = named(revision, name);
            if let Some((revision, policy)) = later.take() {
                history.extend(entry(revision, earlier.as_ref(), policy.as_ref()));
            }
            later = Some((revision, earlier));
            if history.len() >= limit {
                return Ok(history);
            }
        }
        if is_last {
            break;
        }
    }
    history.extend(later.and_then(|(revision, policy)| entry(revision, None, policy.as_ref())));
    Ok(history)
}

fn entry(
    revision: PolicyRevision,
    before: Option<&Policy>,
    after: Option<&Policy>,
) -> Option<PolicyHistoryEntry> {
    let change = match (before, after) {
        (None, None) => return None,
        (None, Some(_)) => PolicyMove::Created,
        (Some(_), None) => PolicyMove::Deleted,
        (Some(before), Some(after)) if before.id != after.id => PolicyMove::Created,
        (Some(before), Some(after)) if before.version == after.version => return None,
        (Some(before), Some(after)) => match (before.is_enabled, after.is_enabled) {
            (false, true) => PolicyMove::Enabled,
            (true, false) => PolicyMove::Disabled,
            _ => PolicyMove::Updated,
        },
    };
    let PolicyRevision { version, changed_by, reason, created_at, .. } = revision;
    let own = after.map(|policy| policy.version);
    Some(PolicyHistoryEntry {
        set_version: version,
        version: own,
        change,
        changed_by,
        reason,
        at: created_at,
    })
}
