//! Looking at policies.

use domain::{
    id::TeamId,
    policy::{Policy, PolicyName},
};
use policy::PolicyText;
use store::{Conn, StoreError};

use super::{PolicyError, not_found};
use crate::{App, Caller};

/// All policies of a team as they stand.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct StoredSet {
    /// Disabled ones included, in the order of evaluation.
    #[serde(rename = "data")]
    pub policies: Vec<Policy>,
    /// Grows by one with each change; 0 before the first.
    pub set_version: i64,
}

/// The team's policies that count, in the order of evaluation.
///
/// # Errors
/// When the database cannot be read.
pub fn stored_policies(conn: &Conn, team: TeamId) -> Result<Vec<PolicyText>, StoreError> {
    let policies = conn.team(team).policies().list()?;
    Ok(policies.iter().filter(|policy| policy.is_enabled).map(PolicyText::from).collect())
}

impl App {
    /// The team's policies with the version of their set, as one moment saw them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_policies(&self, caller: Caller) -> Result<StoredSet, StoreError> {
        let list = move |conn: &Conn| {
            let policies = conn.team(caller.team_id).policies();
            Ok(StoredSet { set_version: policies.current_version()?, policies: policies.list()? })
        };
        self.store().read(list).await
    }

    /// The team's policies that count, in the order of evaluation.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_enabled_policies(&self, caller: Caller) -> Result<Vec<PolicyText>, StoreError> {
        self.store().read(move |conn: &Conn| stored_policies(conn, caller.team_id)).await
    }

    /// The policy of this name.
    ///
    /// # Errors
    /// See [`PolicyError`].
    pub async fn get_policy(&self, caller: Caller, name: PolicyName) -> Result<Policy, PolicyError> {
        let find = move |conn: &Conn| {
            let policies = conn.team(caller.team_id).policies();
            match policies.find_by_name(&name)? {
                Some(policy) => Ok(policy),
                None => Err(not_found(&name, policies.list()?.iter().map(|policy| &policy.name))),
            }
        };
        self.store().read(find).await
    }
}
