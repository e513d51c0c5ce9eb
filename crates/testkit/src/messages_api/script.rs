//! Which turn comes next.

use super::turn::{Answer, Turn};

/// The turns of a test and how far they were played.
#[derive(Debug)]
pub(super) struct Script {
    turns: Vec<Turn>,
    position: usize,
    /// Requests that the turn at `position` has answered.
    answered: u32,
}

impl Script {
    pub(super) fn new(mut turns: Vec<Turn>) -> Self {
        if turns.is_empty() {
            turns.push(Turn::text("ok"));
        }
        Self { turns, position: 0, answered: 0 }
    }

    /// The turn that answers the next main request: a message is played once, a sticky error for ever, a passing
    /// error as often as it says, and the last turn of all is repeated.
    pub(super) fn next_turn(&mut self) -> Turn {
        let turn = self.turns[self.position].clone();
        self.answered += 1;
        let is_played_out = match turn.answer {
            Answer::Message { .. } => true,
            Answer::Error { requests, .. } => requests.is_some_and(|requests| self.answered >= requests),
        };
        if is_played_out && self.position + 1 < self.turns.len() {
            self.position += 1;
            self.answered = 0;
        }
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages_api::ApiError;

    #[test]
    fn turns_are_played_in_order_and_the_last_is_repeated() {
        let mut script = Script::new(vec![Turn::text("one"), Turn::text("two")]);
        assert_eq!(script.next_turn(), Turn::text("one"));
        assert_eq!(script.next_turn(), Turn::text("two"));
        assert_eq!(script.next_turn(), Turn::text("two"));
    }

    #[test]
    fn an_error_is_sticky() {
        let error = Turn::error(ApiError::InvalidRequest);
        let mut script = Script::new(vec![error.clone(), Turn::text("never")]);
        for _ in 0..7 {
            assert_eq!(script.next_turn(), error);
        }
    }

    #[test]
    fn a_passing_error_gives_way_after_its_requests() {
        let error = Turn::passing_error(ApiError::Overloaded, 2);
        let mut script = Script::new(vec![error.clone(), Turn::text("well again")]);
        assert_eq!(script.next_turn(), error);
        assert_eq!(script.next_turn(), error);
        assert_eq!(script.next_turn(), Turn::text("well again"));
    }

    #[test]
    fn an_empty_script_answers_ok() {
        assert_eq!(Script::new(Vec::new()).next_turn(), Turn::text("ok"));
    }
}
