//! Rows of governance to store: unremarkable, and unique where they must be.

use domain::{
    approval::{Approval, ApprovalAnswer, ApprovalStatus, ApprovalVerdict},
    audit::{ActorKind, AuditEvent, AuditOutcome},
    decision::{DecidedBy, PermissionDecision},
    hook_execution::HookExecution,
    id::{ApprovalId, AuditEntryId, DecisionId, HookExecutionId, MaintenanceRunId, SessionId, TeamId},
    permission::Decision,
    time::Timestamp,
    timeline::TimelineItem,
};
use provost_store::Maintenance;
use serde_json::json;

use crate::{
    fixture::Fixture,
    sample::{self, Item},
};

pub(crate) fn hook_execution(session_id: SessionId, hook_name: &str) -> HookExecution {
    HookExecution {
        id: HookExecutionId::from_uuid(sample::uuid()),
        session_id,
        sequence: 0,
        hook_name: hook_name.into(),
        hook_type: "PreToolUse".parse().unwrap(),
        tool_call_id: None,
        tool_use_id: Some("toolu_1".into()),
        tool_name: Some("Bash".into()),
        input_data: Some(json!({ "command": "make" })),
        output_data: Some(json!({ "continue": true })),
        context_data: None,
        continue_execution: true,
        duration_us: 250,
        error_message: None,
        executed_at: sample::time(1),
    }
}

pub(crate) fn decision(session_id: SessionId, decision: Decision) -> PermissionDecision {
    PermissionDecision {
        id: DecisionId::from_uuid(sample::uuid()),
        session_id,
        sequence: 0,
        tool_call_id: None,
        tool_use_id: Some("toolu_1".into()),
        tool_name: "Bash".into(),
        input_data: Some(json!({ "command": "make" })),
        context: Some(json!({ "policy_version": 3 })),
        decision,
        decided_by: DecidedBy::Policy,
        policy_name: Some("no network".into()),
        approval_id: None,
        reason: Some("the test says so".into()),
        interrupted: false,
        decided_at: sample::time(1),
    }
}

/// Asked at second 1, over at second 300.
pub(crate) fn approval(session_id: SessionId) -> Approval {
    let input = json!({ "command": "make" });
    Approval {
        id: ApprovalId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        session_id,
        sequence: 0,
        tool_use_id: Some("toolu_1".into()),
        tool_name: "Bash".into(),
        input_sha256: Approval::input_digest(&input),
        input,
        suggestions: Some(json!([{ "rule": "Bash(make:*)" }])),
        status: ApprovalStatus::Pending,
        requested_at: sample::time(1),
        expires_at: sample::time(300),
        decided_by: None,
        decided_at: None,
        note: None,
        updated_input: None,
        updated_at: sample::time(1),
    }
}

pub(crate) fn answer(verdict: ApprovalVerdict, at: Timestamp) -> ApprovalAnswer {
    ApprovalAnswer { verdict, decided_by: "user:ada".into(), note: Some("as agreed".into()), at }
}

pub(crate) const fn asked(approval: Approval) -> Item {
    sample::created(TimelineItem::Approval(approval))
}

pub(crate) const fn ran(execution: HookExecution) -> Item {
    sample::created(TimelineItem::HookExecution(execution))
}

pub(crate) const fn decided(decision: PermissionDecision) -> Item {
    sample::created(TimelineItem::Decision(decision))
}

pub(crate) fn audit_event(team_id: TeamId, action: &str) -> AuditEvent {
    AuditEvent {
        id: AuditEntryId::from_uuid(sample::uuid()),
        team_id,
        at: sample::time(1),
        actor_kind: ActorKind::User,
        actor_id: "ada".into(),
        action: action.parse().unwrap(),
        target_kind: "session".into(),
        target_id: Some("1".into()),
        session_id: None,
        memory_operation: None,
        memory_namespace: None,
        detail: Some(json!({ "name": "fix the test" }).into()),
        request_id: None,
        ip: None,
        outcome: AuditOutcome::Success,
    }
}

pub(crate) fn maintenance(seconds: i64) -> Maintenance {
    Maintenance {
        id: MaintenanceRunId::from_uuid(sample::uuid()),
        team_id: Some(sample::TEAM),
        actor: "system:test".into(),
        reason: "the test says so".into(),
        at: sample::time(seconds),
    }
}

impl Fixture {
    /// Asks a person and gives the approval as it stands in the store.
    pub(crate) async fn ask(&self, approval: Approval) -> Approval {
        let entries = self.change(approval.session_id, vec![asked(approval)]).await.unwrap();
        let TimelineItem::Approval(approval) = entries[0].item.clone() else { panic!("an approval") };
        approval
    }

    /// Runs statements inside a maintenance run of the test's own, in one transaction.
    pub(crate) fn maintain_raw(&self, sql: &str) -> Result<(), String> {
        let id = sample::uuid();
        let now = self.place().pick("0", "now()");
        let begin = format!(
            "BEGIN; INSERT INTO maintenance_runs (id, actor, reason, opened_at) VALUES ('{id}', 'a', 'b', {now})"
        );
        let close = format!("UPDATE maintenance_runs SET closed_at = {now} WHERE id = '{id}'; COMMIT");
        self.place().raw(&format!("{begin}; {sql}; {close}")).map(drop)
    }
}
