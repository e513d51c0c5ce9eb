//! The questions of a team.

use domain::{
    approval::{Approval, ApprovalStatus},
    decision::PermissionDecision,
    id::{ApprovalId, SessionId, TeamId},
};
use store::{ApprovalFilter, Cursor, Page, StoreError};

use crate::{App, Caller, patience::patiently};

impl App {
    /// Questions in a status, or all, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_approvals(
        &self,
        caller: Caller,
        status: Option<ApprovalStatus>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Approval>, StoreError> {
        let filter = ApprovalFilter { status, session_id: None };
        let list = move |conn: &store::Conn| conn.team(caller.team_id).approvals().list(filter, after, limit);
        self.store().read(list).await
    }

    /// Why a person is asked, and what was decided by their answer, in order; each with its reason.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_decisions_about(
        &self,
        caller: Caller,
        approval: Approval,
    ) -> Result<Vec<PermissionDecision>, StoreError> {
        self.store().read(move |conn| conn.team(caller.team_id).decisions().list_about(&approval)).await
    }

    /// What a session asked and nobody answered yet, the newest of it.
    pub(crate) async fn list_waiting_approvals(
        &self,
        team: TeamId,
        session: SessionId,
    ) -> Result<Vec<Approval>, StoreError> {
        const MOST: u32 = 100;
        let filter = ApprovalFilter { status: Some(ApprovalStatus::Pending), session_id: Some(session) };
        let list = || self.store().read(move |conn| conn.team(team).approvals().list(filter, None, MOST));
        Ok(patiently(list).await?.items)
    }

    pub(crate) async fn find_approval_row(
        &self,
        team: TeamId,
        id: ApprovalId,
    ) -> Result<Option<Approval>, StoreError> {
        patiently(|| self.store().read(move |conn| conn.team(team).approvals().find(id))).await
    }
}
