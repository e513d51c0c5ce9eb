//! The questions of one session that wait for a person.

use std::{collections::HashMap, time::Duration};

use domain::{agent_event::ToolRequest, approval::Approval, id::ApprovalId, time::Timestamp};
use tokio::{
    task::{AbortHandle, Id, JoinSet},
    time::sleep,
};

use super::{Answer, BoxFuture};
use crate::{App, permission::Grant};

/// How long is slept at most before the clock is looked at again: it may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Open questions; each is a task that waits for its answer.
#[derive(Debug, Default)]
pub(super) struct Questions {
    waiting: JoinSet<Reply>,
    open: HashMap<Id, Open>,
}

/// A question that waits.
#[derive(Debug)]
struct Open {
    question: Asked,
    task: AbortHandle,
}

/// A question as it was asked.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: ToolRequest,
    pub(super) approval_id: ApprovalId,
    /// What *for this session* was said to allow.
    pub(super) grant: Option<Grant>,
}

/// How a question ended here.
#[derive(Debug)]
pub(super) enum Reply {
    /// Whoever was asked here answered.
    Here(Answer),
    /// Nobody answered in time.
    Expired,
}

impl Questions {
    /// Waits for an answer, until the question expires by the clock of the application.
    pub(super) fn ask(
        &mut self,
        app: App,
        question: Asked,
        expires_at: Timestamp,
        answer: BoxFuture<Answer>,
    ) {
        let wait = async move {
            tokio::select! {
                biased;
                answer = answer => Reply::Here(answer),
                () = until(app, expires_at) => Reply::Expired,
            }
        };
        let task = self.waiting.spawn(wait);
        self.open.insert(task.id(), Open { question, task });
    }

    /// The next that ends here; `None` while no question is open, so a `select!` leaves it out. Asking that fails reaches
    /// nobody.
    pub(super) async fn next(&mut self) -> Option<(Asked, Reply)> {
        loop {
            let (id, reply) = match self.waiting.join_next_with_id().await? {
                Ok((id, reply)) => (id, reply),
                Err(error) => {
                    let reason = format!("nobody could be asked: {error}");
                    (error.id(), Reply::Here(Answer::Nobody { reason }))
                }
            };
            // A withdrawn question is no longer open, whatever came of it.
            if let Some(Open { question, .. }) = self.open.remove(&id) {
                return Some((question, reply));
            }
        }
    }

    /// Takes back the question that the agent program asked by this request.
    pub(super) fn withdraw(&mut self, request_id: &str) -> Option<Asked> {
        self.take(|question| question.request.request_id == request_id)
    }

    /// Takes back the question that this approval keeps: it was answered elsewhere.
    pub(super) fn answered_elsewhere(&mut self, approval_id: ApprovalId) -> Option<Asked> {
        self.take(|question| question.approval_id == approval_id)
    }

    fn take(&mut self, is_wanted: impl Fn(&Asked) -> bool) -> Option<Asked> {
        let asked = self.open.iter().find(|(_, open)| is_wanted(&open.question)).map(|(id, _)| *id);
        let Open { question, task } = self.open.remove(&asked?)?;
        task.abort();
        Some(question)
    }

    /// Takes all back and gives what they were about.
    pub(super) fn withdraw_all(&mut self) -> Vec<Asked> {
        self.waiting.abort_all();
        self.open.drain().map(|(_, open)| open.question).collect()
    }

    /// Whether somebody waits for an answer to this approval.
    pub(super) fn contains(&self, approval: &Approval) -> bool {
        self.open.values().any(|open| open.question.approval_id == approval.id)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

async fn until(app: App, time: Timestamp) {
    loop {
        let left = time.since(app.now());
        if left.is_zero() {
            return;
        }
        sleep(left.min(LONGEST_SLEEP)).await;
    }
}

#[cfg(test)]
mod tests {
    use domain::id::ApprovalId;
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;
    use crate::fixture::Fixture;

    fn question(request_id: &str) -> Asked {
        let request = ToolRequest {
            request_id: request_id.to_owned(),
            tool_use_id: "toolu_1".to_owned(),
            tool_name: "Bash".to_owned(),
            input: Value::Null,
            description: None,
            requires_person: false,
            extra: serde_json::Map::new(),
        };
        Asked { request, approval_id: ApprovalId::from_uuid(Uuid::nil()), grant: None }
    }

    async fn ask(answer: BoxFuture<Answer>) -> (Fixture, Questions) {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let mut questions = Questions::default();
        let expires_at = app.now().plus(Duration::from_millis(100));
        questions.ask(app, question("r1"), expires_at, answer);
        (fixture, questions)
    }

    #[tokio::test]
    async fn asking_that_fails_reaches_nobody() {
        let (_fixture, mut questions) = ask(Box::pin(async { panic!("the terminal is gone") })).await;
        let (_, reply) = questions.next().await.expect("a reply");
        assert!(matches!(reply, Reply::Here(Answer::Nobody { .. })));
        assert!(questions.is_empty());
    }

    #[tokio::test]
    async fn a_withdrawn_question_gets_no_answer() {
        let answer = Box::pin(async { Answer::ForSession { by: "rule".into() } });
        let (_fixture, mut questions) = ask(answer).await;
        assert!(questions.withdraw("r1").is_some());
        assert!(questions.withdraw("r1").is_none());
        assert!(questions.next().await.is_none());
    }

    #[tokio::test]
    async fn a_question_expires_by_the_clock_of_the_application() {
        let (fixture, mut questions) = ask(Box::pin(std::future::pending())).await;
        let (_, waits) = tokio::join!(
            async {
                sleep(Duration::from_millis(150)).await;
                fixture.clock.advance(Duration::from_millis(100));
            },
            tokio::time::timeout(Duration::from_secs(10), questions.next()),
        );
        assert!(matches!(waits.expect("in time"), Some((_, Reply::Expired))));
    }
}
