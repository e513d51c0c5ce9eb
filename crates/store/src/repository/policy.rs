//! Policies. Every change of the set writes its next revision; there is no other way to change it.

use domain::{
    id::PolicyId,
    policy::{Policy, PolicyKind, PolicyName, PolicyRevision},
    time::Timestamp,
};

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::{Scope, missing},
    value::{Value, params, stored_documents, stored_words},
};

stored_words! { PolicyKind, PolicyName }
stored_documents! { Vec<Policy> }

record! {
    Policy in "policies" {
        id, team_id, name, kind, config, priority, is_enabled, version, created_at, updated_at,
    }
    owned by PolicyId as "policy" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

record! {
    PolicyRevision in "policy_revisions" { team_id, version, policies, changed_by, reason, created_at }
}

/// A team's policies.
#[derive(Debug, Clone, Copy)]
pub struct Policies<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Who changes the set, why and when; kept in its revision.
#[derive(Debug, Clone)]
pub struct PolicyChange {
    /// Who, as `user:ID` or `system:PART`.
    pub changed_by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl<C: Reads> Policies<'_, C> {
    /// The policy of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: PolicyId) -> Result<Option<Policy>, StoreError> {
        self.scope.find_row(id)
    }

    /// The policy of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_name(&self, name: &PolicyName) -> Result<Option<Policy>, StoreError> {
        self.scope.find_row_by("name", name)
    }

    /// The whole set in the order of evaluation, disabled policies included.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self) -> Result<Vec<Policy>, StoreError> {
        let mut statement = self.scope.select::<Policy>();
        statement.push(" ORDER BY priority, id", []);
        statement.rows(self.scope.connection())
    }

    /// The set's version; 0 before the first change.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn current_version(&self) -> Result<i64, StoreError> {
        self.scope
            .scalar("SELECT coalesce(max(version), 0) FROM policy_revisions WHERE team_id = $1", params![])
    }

    /// The set as it was at this version.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_revision(&self, version: i64) -> Result<Option<PolicyRevision>, StoreError> {
        let sql = format!(
            "SELECT {} FROM policy_revisions WHERE team_id = $1 AND version = $2",
            PolicyRevision::COLUMNS
        );
        self.scope.find(&sql, params![version], |row| PolicyRevision::from_columns(&mut row.columns()))
    }

    /// The revisions before this version, newest first, at most `limit`; `None` begins at the newest.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_revisions(&self, before: Option<i64>, limit: u32) -> Result<Vec<PolicyRevision>, StoreError> {
        let select = format!("SELECT {} FROM policy_revisions WHERE team_id = ?", PolicyRevision::COLUMNS);
        let mut statement = self.scope.statement(&select);
        if let Some(before) = before {
            statement.and("version < ?", [Value::Int(before)]);
        }
        statement.push(" ORDER BY version DESC LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }
}

impl Policies<'_, Tx<'_>> {
    /// Adds a policy and gives the set's new revision.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one of this name.
    pub fn insert(&self, policy: &Policy, change: &PolicyChange) -> Result<PolicyRevision, StoreError> {
        self.revise(change, || self.scope.insert(policy))
    }

    /// Adds policies as one change and gives the set's new revision. All or none.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one of these names, or one stands there twice.
    pub fn insert_all(
        &self,
        policies: &[Policy],
        change: &PolicyChange,
    ) -> Result<PolicyRevision, StoreError> {
        self.revise(change, || self.scope.insert_all(policies))
    }

    /// Replaces a policy by this one, whose version is the one that the caller read, and gives the set's new revision.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Conflict`] when the team has another of this name.
    pub fn update(&self, policy: &Policy, change: &PolicyChange) -> Result<PolicyRevision, StoreError> {
        self.revise(change, || self.scope.update(policy).map(drop))
    }

    /// Switches a policy on or off and gives the set's new revision.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn set_enabled(
        &self,
        id: PolicyId,
        is_enabled: bool,
        change: &PolicyChange,
    ) -> Result<PolicyRevision, StoreError> {
        let sql = "UPDATE policies SET is_enabled = $1, updated_at = $2, version = version + 1
             WHERE id = $3 AND (team_id = $4 AND deleted_at IS NULL) IS TRUE";
        self.revise(change, || match self.scope.execute(sql, params![is_enabled, change.at, id])? {
            0 => Err(missing::<Policy>(id)),
            _ => Ok(()),
        })
    }

    /// Deletes a policy softly, which leaves its name, and gives the set's new revision.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: PolicyId, change: &PolicyChange) -> Result<PolicyRevision, StoreError> {
        self.revise(change, || self.scope.delete::<Policy>(id, change.at))
    }

    /// Changes the set and writes down what it is then. One change at a time: the next sees what this one left.
    fn revise(
        &self,
        change: &PolicyChange,
        work: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<PolicyRevision, StoreError> {
        self.scope.hold()?;
        work()?;
        let PolicyChange { changed_by, reason, at } = change;
        let revision = PolicyRevision {
            team_id: self.scope.team(),
            version: self.current_version()? + 1,
            policies: self.list()?,
            changed_by: changed_by.clone(),
            reason: reason.clone(),
            created_at: *at,
        };
        self.scope.tx().insert(&revision)?;
        Ok(revision)
    }
}
