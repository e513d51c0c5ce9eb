//! A session's changes of status.

use crate::{
    id::{SessionId, TransitionId},
    session_status::{IllegalTransition, SessionStatus},
    time::Timestamp,
};

/// One change of status, with who made it and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Transition {
    /// Identity.
    pub id: TransitionId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// Status before; `None` at creation.
    pub from: Option<SessionStatus>,
    /// Status after.
    pub to: SessionStatus,
    /// Why.
    pub reason: String,
    /// Who, as `user:ID` or `system:PART`.
    pub actor: String,
    /// An admin made it although the state machine has no such move.
    pub forced: bool,
    /// When.
    pub created_at: Timestamp,
}

impl Transition {
    /// Whether it may be made: the first as it is, another as the state machine has it, a forced one to any other status.
    ///
    /// # Errors
    /// When it may not.
    pub fn permit(&self) -> Result<(), IllegalTransition> {
        match self.from {
            None => Ok(()),
            Some(from) if self.forced && from != self.to => Ok(()),
            Some(from) => from.transition_to(self.to).map(drop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_forced_transition_goes_anywhere_but_stays_nowhere() {
        for &from in SessionStatus::ALL {
            for &to in SessionStatus::ALL {
                let transition = |forced| Transition {
                    id: TransitionId::from_uuid(Uuid::nil()),
                    session_id: SessionId::from_uuid(Uuid::nil()),
                    sequence: 0,
                    from: Some(from),
                    to,
                    reason: "an admin says so".to_owned(),
                    actor: "user:ada".to_owned(),
                    forced,
                    created_at: Timestamp::from_micros(0),
                };
                assert_eq!(transition(false).permit(), from.transition_to(to).map(drop));
                assert_eq!(transition(true).permit().is_ok(), from != to, "{from} to {to}");
            }
        }
    }
}
