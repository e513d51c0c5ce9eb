//! Answering a question: the first answer stands.

use domain::{
    actor::Actor,
    approval::{Approval, ApprovalAnswer, ApprovalStatus, ApprovalVerdict},
    audit_action::AuditAction,
    command::{CommandKind, CommandStatus},
    id::{ApprovalId, TeamId},
    policy::PolicyName,
    timeline::{Change, TimelineEntry, TimelineItem},
};
use serde_json::json;
use store::{Guard, SessionChange, SessionUpdate, StoreError, Tx};

use super::question::unanswered;
use crate::{App, Caller, audit::Deed, patience::patiently};

/// An answer from outside the process that runs the session.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerApproval {
    /// The question.
    pub id: ApprovalId,
    /// The answer; of an [`ApprovalVerdict`], only the two that people give.
    pub verdict: ApprovalVerdict,
    /// What the person says to it; the agent is told when it is refused.
    pub note: Option<String>,
    /// The agent is stopped as well.
    pub interrupt: bool,
    /// Rules that let such calls pass from now on; see [`App::rules_for_approval`].
    pub always: Vec<String>,
}

/// What an answer did.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// The question with its answer.
    pub approval: Approval,
    /// A process runs the session and is told; otherwise the answer waits for the same call to come again.
    pub is_heard: bool,
}

/// Why an answer was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AnswerApprovalError {
    /// There is none of this id in the caller's team.
    #[error("there is no approval {0}")]
    NotFound(ApprovalId),
    /// It was answered already, or nobody can any more.
    #[error("{}", settled(.0))]
    Settled(Box<Approval>),
    /// The call asks the person something, and the approval has no answer to it.
    #[error(
        "approval {} asks {}; to approve it is to answer that, in the field answers of its input",
        .approval.id, quoted(.questions)
    )]
    Unanswered {
        /// As it was asked.
        approval: Box<Approval>,
        /// The questions without an answer.
        questions: Vec<String>,
    },
    /// The policy that would keep the rules is switched off, or is one of another kind.
    #[error("the policy {0} is disabled, or holds no rules, so no rule is kept there")]
    NotKept(PolicyName),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn quoted(questions: &[String]) -> String {
    const LONGEST: usize = 200;
    let quoted = questions.iter().map(|question| match question.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{:?} …", &question[..cut]),
        None => format!("{question:?}"),
    });
    quoted.collect::<Vec<_>>().join(" and ")
}

fn settled(approval: &Approval) -> String {
    let by = approval.decided_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
    let at = approval.decided_at.map(|at| format!(" at {at}")).unwrap_or_default();
    match approval.status {
        ApprovalStatus::Pending => {
            format!("approval {} expired at {}, so nobody can answer it", approval.id, approval.expires_at)
        }
        status => format!("approval {} is {status} already{by}{at}", approval.id),
    }
}

impl App {
    /// Answers a question and tells whoever runs its session. The first answer stands, and the second learns of it.
    ///
    /// # Errors
    /// See [`AnswerApprovalError`].
    pub async fn answer_approval(
        &self,
        caller: Caller,
        answer: AnswerApproval,
    ) -> Result<Answered, AnswerApprovalError> {
        let AnswerApproval { id, verdict, note, interrupt, always } = answer;
        let author = Actor::User(caller.user_id);
        let answer = self.answer_of(&author, verdict, note);
        let deed = self.answer_deed(caller.team_id, &author, id, &answer);
        let refused = deed.clone();
        let app = self.clone();
        let write = move |tx: &Tx<'_>| {
            let team = tx.team(caller.team_id);
            let asked = team.approvals().find(id)?.ok_or(AnswerApprovalError::NotFound(id))?;
            // Whoever runs it must not let go of it between what is asked here and the command that tells it.
            team.sessions().hold(asked.session_id, Guard::Anyone)?;
            let asked = team.approvals().find(id)?.ok_or(AnswerApprovalError::NotFound(id))?;
            let approval = asked
                .clone()
                .answered(answer.clone())
                .map_err(|_| AnswerApprovalError::Settled(Box::new(asked.clone())))?;
            let questions = unanswered(&asked, &answer.verdict);
            if !questions.is_empty() {
                return Err(AnswerApprovalError::Unanswered { approval: Box::new(asked), questions });
            }
            team.approvals().answer(id, &answer)?;
            let session = team.sessions().find(approval.session_id)?;
            let is_heard = session.is_some_and(|session| session.status.is_running());
            if is_heard {
                let payload = json!({ "approval_id": id, "interrupt": interrupt });
                let (kind, status) = (CommandKind::Answer, CommandStatus::Queued);
                let command = app.command(approval.session_id, kind, payload, status, &author);
                team.sessions().change(SessionChange {
                    session_id: approval.session_id,
                    guard: Guard::Anyone,
                    at: answer.at,
                    update: SessionUpdate::default(),
                    items: vec![(Change::Created, TimelineItem::Command(command))],
                })?;
            }
            deed.in_session(approval.session_id).append(tx)?;
            if !always.is_empty() {
                app.keep_rules(tx, caller, id, &always)?;
            }
            Ok(Answered { approval, is_heard })
        };
        let outcome = self.store().write(write).await;
        if let Err(error @ AnswerApprovalError::Settled(approval)) = &outcome {
            self.note(refused.in_session(approval.session_id).denied(error)).await;
        }
        outcome
    }

    /// Answers a question of a session that this process runs. Gives the question as it stands then, for somebody else may
    /// have been faster, and the entry of the timeline that says so.
    pub(crate) async fn settle_approval(
        &self,
        team_id: TeamId,
        (id, author): (ApprovalId, &Actor),
        verdict: ApprovalVerdict,
        note: Option<String>,
    ) -> Result<(Approval, Option<TimelineEntry>), StoreError> {
        let answer = self.answer_of(author, verdict, note);
        let deed = self.answer_deed(team_id, author, id, &answer);
        let write = || {
            let (answer, deed) = (answer.clone(), deed.clone());
            self.store().write(move |tx: &Tx<'_>| {
                let approvals = tx.team(team_id).approvals();
                let missing = || StoreError::Missing { what: format!("approval {id}") };
                let asked = approvals.find(id)?.ok_or_else(missing)?;
                let Ok(approval) = asked.clone().answered(answer.clone()) else { return Ok((asked, None)) };
                let entry = approvals.answer(id, &answer)?;
                deed.in_session(approval.session_id).append(tx)?;
                Ok::<_, StoreError>((approval, Some(entry)))
            })
        };
        match patiently(write).await {
            Err(StoreError::Conflict { .. }) => {
                let found = self.find_approval_row(team_id, id).await?;
                let missing = || StoreError::Missing { what: format!("approval {id}") };
                Ok((found.ok_or_else(missing)?, None))
            }
            settled => settled,
        }
    }

    /// Lets questions expire whose time is over and whose sessions nobody runs.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub async fn expire_approvals(&self) -> Result<usize, StoreError> {
        const MOST_AT_ONCE: u32 = 100;
        let now = self.now();
        if !self.store().read(move |conn| conn.due_approvals().has_due(now)).await? {
            return Ok(0);
        }
        let app = self.clone();
        let expire = move |tx: &Tx<'_>| {
            let author = Actor::System("expiry");
            let expired = tx.due_approvals().expire(&author.to_string(), now, MOST_AT_ONCE)?;
            for approval in &expired {
                let deed = app.deed((approval.team_id, &author), AuditAction::ApprovalExpire);
                deed.on(approval.id).in_session(approval.session_id).append(tx)?;
            }
            Ok::<_, StoreError>(expired.len())
        };
        self.store().write(expire).await
    }

    fn answer_of(&self, author: &Actor, verdict: ApprovalVerdict, note: Option<String>) -> ApprovalAnswer {
        ApprovalAnswer { verdict, decided_by: author.to_string(), note, at: self.now() }
    }

    fn answer_deed(&self, team_id: TeamId, author: &Actor, id: ApprovalId, answer: &ApprovalAnswer) -> Deed {
        let action = match answer.verdict {
            ApprovalVerdict::Approved { .. } => AuditAction::ApprovalApprove,
            ApprovalVerdict::Denied => AuditAction::ApprovalDeny,
            ApprovalVerdict::Expired => AuditAction::ApprovalExpire,
            ApprovalVerdict::Cancelled => AuditAction::ApprovalCancel,
        };
        let deed = self.deed((team_id, author), action).on(id);
        let deed = match &answer.verdict {
            ApprovalVerdict::Approved { updated_input: Some(input) } => {
                deed.with("edited_input_sha256", Approval::input_digest(input).to_string())
            }
            _ => deed,
        };
        match &answer.note {
            Some(note) => deed.with("note", note.as_str()),
            None => deed,
        }
    }
}
