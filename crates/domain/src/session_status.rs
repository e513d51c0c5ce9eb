//! The state machine of a session. Transitions are drawn in `docs/agent-protocol.md`.

text_enum! {
    /// Where a session is in its life.
    pub enum SessionStatus: "session status" {
        /// Recorded; nothing runs yet.
        Created = "created",
        /// The agent process starts or resumes.
        Connecting = "connecting",
        /// Ready for the next prompt.
        Active = "active",
        /// A person must answer.
        Waiting = "waiting",
        /// The agent works.
        Processing = "processing",
        /// No process; the next prompt resumes.
        Paused = "paused",
        /// Ended well.
        Completed = "completed",
        /// Ended by an error.
        Failed = "failed",
        /// Ended by a person.
        Terminated = "terminated",
        /// Out of daily use; only its archive can be imported or forked.
        Archived = "archived",
    }
}

/// A move the state machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a session cannot go from {from} to {to}; from {from} it can go to: {}", join(.from.successors()))]
pub struct IllegalTransition {
    /// Status before.
    pub from: SessionStatus,
    /// Status asked for.
    pub to: SessionStatus,
}

impl SessionStatus {
    /// The statuses that can follow this one.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        use SessionStatus::{
            Active, Archived, Completed, Connecting, Created, Failed, Paused, Processing, Terminated, Waiting,
        };
        match self {
            Created => &[Connecting, Failed, Terminated],
            Connecting => &[Active, Paused, Failed, Terminated],
            Active => &[Waiting, Processing, Paused, Completed, Failed, Terminated],
            Waiting => &[Active, Processing, Paused, Failed, Terminated],
            Processing => &[Active, Waiting, Paused, Completed, Failed, Terminated],
            Paused => &[Connecting, Failed, Terminated],
            Completed | Failed | Terminated => &[Connecting, Archived],
            Archived => &[],
        }
    }

    /// This status followed by `to`.
    ///
    /// # Errors
    /// When the state machine has no such move; staying is not a move.
    pub fn transition_to(self, to: Self) -> Result<Self, IllegalTransition> {
        if self.successors().contains(&to) { Ok(to) } else { Err(IllegalTransition { from: self, to }) }
    }

    /// Nothing more happens unless somebody resumes.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Terminated | Self::Archived)
    }

    /// An agent process belongs to it, so it has an owner that renews its lease.
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Connecting | Self::Active | Self::Waiting | Self::Processing)
    }

    /// A prompt or `run --resume` may start its process again.
    #[must_use]
    pub fn is_resumable(self) -> bool {
        !self.is_running() && self.successors().contains(&Self::Connecting)
    }

    /// Where a session goes that is found without its owner: a running one can be resumed, one that never connected failed.
    /// `None` is at rest and stays there.
    #[must_use]
    pub const fn when_orphaned(self) -> Option<Self> {
        match self {
            Self::Created => Some(Self::Failed),
            Self::Connecting | Self::Active | Self::Waiting | Self::Processing => Some(Self::Paused),
            _ => None,
        }
    }
}

fn join(statuses: &[SessionStatus]) -> String {
    if statuses.is_empty() {
        return "nothing".to_owned();
    }
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archived_session_goes_nowhere() {
        for &to in SessionStatus::ALL {
            assert!(SessionStatus::Archived.transition_to(to).is_err());
        }
    }

    #[test]
    fn no_status_follows_itself() {
        for &status in SessionStatus::ALL {
            assert!(status.transition_to(status).is_err(), "{status}");
        }
    }

    #[test]
    fn every_final_status_but_archived_can_be_resumed() {
        for &status in SessionStatus::ALL {
            let expected = matches!(
                status,
                SessionStatus::Created
                    | SessionStatus::Paused
                    | SessionStatus::Completed
                    | SessionStatus::Failed
                    | SessionStatus::Terminated
            );
            assert_eq!(status.is_resumable(), expected, "{status}");
        }
    }

    #[test]
    fn every_status_that_can_be_orphaned_has_a_legal_place_to_go() {
        for &status in SessionStatus::ALL {
            if let Some(to) = status.when_orphaned() {
                assert!(status.transition_to(to).is_ok(), "{status} to {to}");
            }
        }
    }

    #[test]
    fn a_refused_move_names_what_is_possible() {
        let error = SessionStatus::Paused.transition_to(SessionStatus::Active).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "a session cannot go from paused to active; from paused it can go to: connecting, failed, terminated"
        );
    }
}
