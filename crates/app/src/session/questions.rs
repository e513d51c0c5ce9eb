//! The questions of one session that wait for a person.

use std::collections::HashMap;

use domain::agent_event::ToolRequest;
use tokio::task::{AbortHandle, Id, JoinSet};

use super::{Answer, BoxFuture, decide::Grant};

/// Open questions; each is a task that waits for its answer.
#[derive(Debug, Default)]
pub(super) struct Questions {
    waiting: JoinSet<Answer>,
    open: HashMap<Id, Open>,
}

/// A question that waits, with what *for this session* was said to allow when it was asked.
#[derive(Debug)]
struct Open {
    request: ToolRequest,
    grant: Option<Grant>,
    task: AbortHandle,
}

/// A question with its answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) request: ToolRequest,
    pub(super) grant: Option<Grant>,
    pub(super) answer: Answer,
}

impl Questions {
    pub(super) fn ask(&mut self, request: ToolRequest, grant: Option<Grant>, answer: BoxFuture<Answer>) {
        let task = self.waiting.spawn(answer);
        self.open.insert(task.id(), Open { request, grant, task });
    }

    /// The next answer; `None` while no question is open, so a `select!` leaves it out. Asking that fails is a no.
    pub(super) async fn next(&mut self) -> Option<Answered> {
        loop {
            let (id, answer) = match self.waiting.join_next_with_id().await? {
                Ok((id, answer)) => (id, answer),
                Err(error) => (error.id(), Answer::No { reason: format!("nobody could be asked: {error}") }),
            };
            // A withdrawn question is no longer open, whatever came of it.
            if let Some(Open { request, grant, .. }) = self.open.remove(&id) {
                return Some(Answered { request, grant, answer });
            }
        }
    }

    /// Takes a question back; says whether it was open.
    pub(super) fn withdraw(&mut self, request_id: &str) -> bool {
        let asked =
            self.open.iter().find(|(_, open)| open.request.request_id == request_id).map(|(id, _)| *id);
        let withdrawn = asked.and_then(|id| self.open.remove(&id));
        withdrawn.inspect(|open| open.task.abort()).is_some()
    }

    pub(super) fn withdraw_all(&mut self) {
        self.open.clear();
        self.waiting.abort_all();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn request(request_id: &str) -> ToolRequest {
        ToolRequest {
            request_id: request_id.to_owned(),
            tool_use_id: "toolu_1".to_owned(),
            tool_name: "Bash".to_owned(),
            input: Value::Null,
            description: None,
            requires_person: false,
            extra: serde_json::Map::new(),
        }
    }

    #[tokio::test]
    async fn asking_that_fails_is_a_no() {
        let mut questions = Questions::default();
        questions.ask(request("r1"), None, Box::pin(async { panic!("the terminal is gone") }));
        let answered = questions.next().await.expect("an answer");
        assert!(matches!(answered.answer, Answer::No { .. }));
        assert!(questions.is_empty());
    }

    #[tokio::test]
    async fn a_withdrawn_question_gets_no_answer() {
        let mut questions = Questions::default();
        questions.ask(request("r1"), None, Box::pin(async { Answer::ForSession { by: "rule".into() } }));
        assert!(questions.withdraw("r1"));
        assert!(!questions.withdraw("r1"));
        assert!(questions.next().await.is_none());
    }
}
