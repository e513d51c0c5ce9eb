//! Questions to a person: asked as an approval, answered here or anywhere else, or by nobody in time.

use domain::{
    agent_event::{AgentInput, PermissionAnswer, ToolRequest},
    approval::{Approval, ApprovalStatus, ApprovalVerdict},
    command::{Command, CommandStatus},
    decision::DecidedBy,
    id::ApprovalId,
    permission::Decision,
};
use serde_json::Value;
use store::{SessionUpdate as RowUpdate, StoreError};
use tokio::time::Instant;

use super::{Ending, SessionActor};
use crate::{
    permission::{Asking, Ruled, Ruling},
    session::{
        Answer, Question,
        questions::{Asked, Reply},
    },
};

impl SessionActor {
    /// The agent program raises the question a gate answered with *ask*, or one of its own. What the rules deny is denied
    /// here too, whoever would answer.
    pub(super) async fn on_permission(&mut self, request: ToolRequest) -> Result<(), StoreError> {
        let Ruled { ruling, grant, .. } = self.ruled_at_gate(&request).await?;
        if ruling.decision == Decision::Deny {
            let entries = self.recorder.judged(&request, &ruling).await?;
            self.publish(entries).await;
            return self.refuse_call(request, ruling.reason, false).await;
        }
        let reason = match ruling.decision {
            Decision::Allow => "the agent program itself asks about it".to_owned(),
            Decision::Ask | Decision::Deny => ruling.reason,
        };
        let approval = self.approval_for(&request).await?;
        let (approval_id, expires_at) = (approval.id, approval.expires_at);
        let entries = self.recorder.asked(&request, approval).await?;
        self.publish(entries).await;
        let grant = Some(grant).filter(|_| !request.requires_person);
        let question = Question {
            approval_id,
            expires_at,
            session_id: self.recorder.session_id(),
            tool_name: request.tool_name.clone(),
            input: request.input.clone(),
            description: request.description.clone(),
            reason,
            requires_person: request.requires_person,
            session_grant: grant.as_ref().map(|grant| self.decider.describe(grant)),
        };
        let asked = Asked { request, approval_id, grant };
        self.questions.ask(self.recorder.app(), asked, expires_at, self.asker.ask(question));
        Ok(())
    }

    /// What was decided when the call came to the gate; it is judged again when it did not, or came with another input.
    async fn ruled_at_gate(&mut self, request: &ToolRequest) -> Result<Ruled, StoreError> {
        let at_gate = self.asked_at_gate.remove(&request.tool_use_id);
        match at_gate.filter(|(input, _)| *input == request.input) {
            Some((_, ruled)) => Ok(ruled),
            None => self.decider.rule(&Asking::from(request)).await,
        }
    }

    /// The row that keeps a question: one of the same call that still waits from before a restart, or a new one.
    async fn approval_for(&self, request: &ToolRequest) -> Result<Approval, StoreError> {
        let app = self.recorder.app();
        let input_sha256 = Approval::input_digest(&request.input);
        let held = self.recorder.held();
        let waiting = app.list_waiting_approvals(held.team_id, held.id).await?;
        let is_same = |approval: &Approval| {
            approval.tool_name == request.tool_name
                && approval.input_sha256 == input_sha256
                && !self.questions.contains(approval)
        };
        let now = app.now();
        if let Some(approval) =
            waiting.into_iter().find(|approval| is_same(approval) && now < approval.expires_at)
        {
            return Ok(approval);
        }
        Ok(Approval {
            id: ApprovalId::from_uuid(app.next_id()),
            team_id: held.team_id,
            session_id: held.id,
            sequence: 0,
            tool_use_id: Some(request.tool_use_id.clone()),
            tool_name: request.tool_name.clone(),
            input: request.input.clone(),
            input_sha256,
            suggestions: request.extra.get("permission_suggestions").cloned(),
            status: ApprovalStatus::Pending,
            requested_at: now,
            expires_at: now.plus(self.approval_wait),
            decided_by: None,
            decided_at: None,
            note: None,
            updated_input: None,
            updated_at: now,
        })
    }

    /// A question ended here. Somebody elsewhere may have been faster, and then it is their answer that counts.
    pub(super) async fn on_reply(&mut self, asked: Asked, reply: Reply) -> Result<(), StoreError> {
        let mut is_for_session = false;
        let (verdict, note) = match reply {
            Reply::Here(Answer::Once { input, by }) => {
                (ApprovalVerdict::Approved { updated_input: input }, Some(by))
            }
            Reply::Here(Answer::ForSession { by }) => {
                is_for_session = true;
                (ApprovalVerdict::Approved { updated_input: None }, Some(format!("{by}, for this session")))
            }
            Reply::Here(Answer::No { reason }) => (ApprovalVerdict::Denied, Some(reason)),
            Reply::Here(Answer::Nobody { reason }) => (ApprovalVerdict::Cancelled, Some(reason)),
            Reply::Expired => (ApprovalVerdict::Expired, None),
        };
        let id = asked.approval_id;
        let team_id = self.recorder.held().team_id;
        let app = self.recorder.app();
        let (settled, entry) = app.settle_approval(team_id, (id, &self.author), verdict, note).await?;
        self.publish(entry.into_iter().collect()).await;
        if is_for_session && settled.status == ApprovalStatus::Approved && settled.updated_input.is_none() {
            self.decider.remember(asked.grant.clone());
        }
        self.heed(asked, settled, false).await
    }

    /// A person answered from elsewhere; the answer stands in the approval.
    pub(super) async fn on_answer_told(&mut self, command: Command) -> Result<(), StoreError> {
        let named = command.payload.get("approval_id").and_then(Value::as_str);
        let Some(id) = named.and_then(|id| id.parse::<ApprovalId>().ok()) else {
            return self.refuse(command).await;
        };
        let interrupt = command.payload.get("interrupt") == Some(&Value::Bool(true));
        self.settle(command, CommandStatus::Done, RowUpdate::default()).await?;
        // One that nobody waits for any more lets the same call pass when it comes again.
        let Some(asked) = self.questions.answered_elsewhere(id) else { return Ok(()) };
        let team_id = self.recorder.held().team_id;
        let missing = || StoreError::Missing { what: format!("approval {id}") };
        let approval = self.recorder.app().find_approval_row(team_id, id).await?.ok_or_else(missing)?;
        self.heed(asked, approval, interrupt).await
    }

    /// Does what the answer says: first on record, then to the agent.
    async fn heed(&mut self, asked: Asked, approval: Approval, interrupt: bool) -> Result<(), StoreError> {
        let Asked { mut request, .. } = asked;
        self.last_sign_of_life = Instant::now();
        let mut ruling = Ruling::answered(&approval);
        if ruling.decision == Decision::Allow {
            let is_edited = approval.updated_input.is_some();
            request.input = approval.updated_input.unwrap_or(request.input);
            ruling = self.ruling_on_approved(&request, is_edited, ruling).await?;
        }
        let is_refused = ruling.decision != Decision::Allow;
        ruling.interrupted = interrupt && is_refused;
        if request.tool_name == "ExitPlanMode" && !is_refused {
            self.decider.leave_plan_mode();
        }
        let still_waiting = !self.questions.is_empty();
        let entries = self.recorder.answered(&request, &ruling, still_waiting).await?;
        self.publish(entries).await;
        if is_refused {
            return self.refuse_call(request, ruling.reason, ruling.interrupted).await;
        }
        let answer = PermissionAnswer::Allow { input: request.input };
        self.tell_agent(AgentInput::AnswerPermission { request_id: request.request_id, answer }).await;
        Ok(())
    }

    /// What a person approved is judged once more: they may have edited the input, and a policy may deny since they were asked what
    /// it let them decide then. A call that only carries their answers is theirs alone.
    async fn ruling_on_approved(
        &mut self,
        request: &ToolRequest,
        is_edited: bool,
        answered: Ruling,
    ) -> Result<Ruling, StoreError> {
        let Ruled { ruling, .. } = self.decider.judge_approved(&Asking::from(request)).await?;
        let is_denied = ruling.decision == Decision::Deny
            && (is_edited || matches!(ruling.by, DecidedBy::Policy | DecidedBy::Cache));
        if is_denied && !request.requires_person {
            return Ok(Ruling { approval: answered.approval, ..ruling });
        }
        Ok(if is_edited { Ruling { context: ruling.context, ..answered } } else { answered })
    }

    async fn refuse_call(
        &mut self,
        request: ToolRequest,
        reason: String,
        interrupt: bool,
    ) -> Result<(), StoreError> {
        let answer = PermissionAnswer::Deny { reason, interrupt };
        self.tell_agent(AgentInput::AnswerPermission { request_id: request.request_id, answer }).await;
        Ok(())
    }

    /// The agent program does not wait for this any more.
    pub(super) async fn on_cancelled(&mut self, request_id: &str) -> Result<(), StoreError> {
        self.hooks.withdraw(request_id);
        if let Some(asked) = self.questions.withdraw(request_id) {
            self.cancel(&asked).await?;
            let still_waiting = !self.questions.is_empty();
            let entries = self.recorder.withdrawn(still_waiting).await?;
            self.publish(entries).await;
        }
        Ok(())
    }

    /// Nobody waits for the answer to these any more. Who lets go of the session keeps its questions: they can be answered
    /// before the next process asks them again.
    pub(super) async fn cancel_questions(&mut self) -> Result<(), StoreError> {
        for asked in self.questions.withdraw_all() {
            self.cancel(&asked).await?;
        }
        Ok(())
    }

    async fn cancel(&self, asked: &Asked) -> Result<(), StoreError> {
        if self.ending == Some(Ending::Stopped) {
            return Ok(());
        }
        let (team_id, question) = (self.recorder.held().team_id, (asked.approval_id, &self.author));
        let app = self.recorder.app();
        let (_, entry) = app.settle_approval(team_id, question, ApprovalVerdict::Cancelled, None).await?;
        self.publish(entry.into_iter().collect()).await;
        Ok(())
    }
}
