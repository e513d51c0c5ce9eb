//! An answer for good: rules in the team's policy by which such calls pass from now on.

use agent::Environment;
use app::{
    App, Caller,
    approvals::{AnswerApproval, ApprovalReference},
    permission::DefaultPolicies,
    session::Question,
};
use domain::approval::ApprovalVerdict;

use crate::failure::Failure;

/// Keeps rules for the person at the terminal.
#[derive(Debug, Clone)]
pub(crate) struct Keeper {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) policies: DefaultPolicies,
    pub(crate) environment: Environment,
}

impl Keeper {
    /// The narrowest rules that let this call pass; `None` when there are none.
    pub(super) async fn rules(&self, question: &Question) -> Option<Vec<String>> {
        let reference = ApprovalReference::Id(question.approval_id);
        let approval = self.app.find_approval(self.caller, reference).await.ok()?;
        let place = (&self.policies, &self.environment);
        self.app.rules_for_approval(self.caller, &approval, Vec::new(), place).await.ok()
    }

    /// Keeps them and allows the call, in one step; the session hears of it as from another terminal.
    pub(super) async fn keep(&self, question: &Question, always: Vec<String>) -> Result<(), Failure> {
        let verdict = ApprovalVerdict::Approved { updated_input: None };
        let answer =
            AnswerApproval { id: question.approval_id, verdict, note: None, interrupt: false, always };
        self.app.answer_approval(self.caller, answer).await?;
        Ok(())
    }
}
