//! Decisions on tool calls; written only through the timeline.

use domain::{
    approval::Approval,
    decision::{DecidedBy, PermissionDecision},
    id::SessionId,
    permission::Decision,
    session::Session,
};

use super::Reads;
use crate::{
    error::StoreError,
    record::record,
    scope::Scope,
    value::{ToValue, Value, stored_words},
};

stored_words! { DecidedBy }

record! {
    PermissionDecision in "permission_decisions" {
        id, session_id, sequence, tool_call_id, tool_use_id, tool_name, input_data, context, decision, decided_by,
        policy_name, approval_id, reason, interrupted, decided_at,
    }
}

/// Decisions on tool calls in a team's sessions.
#[derive(Debug, Clone, Copy)]
pub struct Decisions<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> Decisions<'_, C> {
    /// The decisions of a session after a number of its timeline, at most `limit`, in order; all or those that said this.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        session: SessionId,
        decision: Option<Decision>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PermissionDecision>, StoreError> {
        let mut statement = self.scope.select_below::<Session, PermissionDecision>("session_id", &session);
        statement.and_equal("decision", decision.as_ref());
        statement.and("sequence > ?", [Value::Int(after)]);
        statement.push(" ORDER BY sequence LIMIT ?", [Value::Int(i64::from(limit))]);
        statement.rows(self.scope.connection())
    }

    /// What was decided about the call of an approval, in order: that a person is asked, and what became of their answer.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_about(&self, approval: &Approval) -> Result<Vec<PermissionDecision>, StoreError> {
        let session = approval.session_id;
        let mut statement = self.scope.select_below::<Session, PermissionDecision>("session_id", &session);
        let values = [approval.id.to_value(), approval.tool_use_id.to_value(), Value::Int(approval.sequence)];
        statement.and(
            "(approval_id = ? OR (decision = 'ask' AND tool_use_id = ? AND sequence < ?)) IS TRUE",
            values,
        );
        statement.push(" ORDER BY sequence", []);
        statement.rows(self.scope.connection())
    }
}
