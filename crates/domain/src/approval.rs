//! Approvals: questions to a person about one tool call, answered once.

use serde_json::Value;

use crate::{
    canonical::canonical_json,
    digest::Sha256Digest,
    id::{ApprovalId, SessionId, TeamId},
    time::Timestamp,
};

text_enum! {
    /// Where an approval is in its life.
    pub enum ApprovalStatus: "approval status" {
        /// Nobody answered yet.
        Pending = "pending",
        /// The call may run.
        Approved = "approved",
        /// The call may not run.
        Denied = "denied",
        /// Nobody answered in time.
        Expired = "expired",
        /// The agent no longer asks.
        Cancelled = "cancelled",
    }
}

/// A question to a person, as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Approval {
    /// Identity.
    pub id: ApprovalId,
    /// The tenant.
    pub team_id: TeamId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session's timeline.
    pub sequence: i64,
    /// The agent program's id of the tool call.
    pub tool_use_id: Option<String>,
    /// The tool.
    pub tool_name: String,
    /// What the tool is to do.
    pub input: Value,
    /// [`Approval::input_digest`] of the input as it was asked about.
    pub input_sha256: Sha256Digest,
    /// Rules the agent program suggests for the future.
    pub suggestions: Option<Value>,
    /// Where it is in its life.
    pub status: ApprovalStatus,
    /// When it was asked.
    pub requested_at: Timestamp,
    /// From when on nobody can answer.
    pub expires_at: Timestamp,
    /// Who answered, as `user:ID` or `system:PART`.
    pub decided_by: Option<String>,
    /// When it was answered.
    pub decided_at: Option<Timestamp>,
    /// What the person said to it.
    pub note: Option<String>,
    /// What the tool is to do instead.
    pub updated_input: Option<Value>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How an approval ends.
#[derive(Debug, Clone, PartialEq)]
pub enum ApprovalVerdict {
    /// The call may run, with another input if there is one.
    Approved {
        /// What the tool is to do instead.
        updated_input: Option<Value>,
    },
    /// The call may not run.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The agent no longer asks.
    Cancelled,
}

/// An answer to an approval.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalAnswer {
    /// How it ends.
    pub verdict: ApprovalVerdict,
    /// Who says so, as `user:ID` or `system:PART`.
    pub decided_by: String,
    /// What the person said to it.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Why an answer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IllegalAnswer {
    /// It has its answer.
    #[error("an approval cannot go from {from} to {to}; from {from} it can go to: {}", join(.from.successors()))]
    Settled {
        /// Status before.
        from: ApprovalStatus,
        /// Status asked for.
        to: ApprovalStatus,
    },
    /// The time to answer is over, whether or not that was recorded yet.
    #[error("the approval expired at {expires_at}; it can only go to: expired, cancelled")]
    TooLate {
        /// From when on nobody can answer.
        expires_at: Timestamp,
    },
    /// The time to answer is not over.
    #[error(
        "the approval expires only at {expires_at}; until then it can go to: approved, denied, cancelled"
    )]
    TooEarly {
        /// From when on nobody can answer.
        expires_at: Timestamp,
    },
}

impl ApprovalStatus {
    /// The statuses that can follow this one.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Pending => &[Self::Approved, Self::Denied, Self::Expired, Self::Cancelled],
            Self::Approved | Self::Denied | Self::Expired | Self::Cancelled => &[],
        }
    }

    /// This status followed by `to`.
    ///
    /// # Errors
    /// [`IllegalAnswer::Settled`] when the state machine has no such move; staying is not a move.
    pub fn transition_to(self, to: Self) -> Result<Self, IllegalAnswer> {
        if self.successors().contains(&to) { Ok(to) } else { Err(IllegalAnswer::Settled { from: self, to }) }
    }
}

impl ApprovalVerdict {
    /// The status it leads to.
    #[must_use]
    pub const fn status(&self) -> ApprovalStatus {
        match self {
            Self::Approved { .. } => ApprovalStatus::Approved,
            Self::Denied => ApprovalStatus::Denied,
            Self::Expired => ApprovalStatus::Expired,
            Self::Cancelled => ApprovalStatus::Cancelled,
        }
    }
}

impl Approval {
    /// What an approval remembers of an input: the same for equal inputs, in whatever order their fields came.
    #[must_use]
    pub fn input_digest(input: &Value) -> Sha256Digest {
        Sha256Digest::of(canonical_json(input).as_bytes())
    }

    /// This approval with its answer.
    ///
    /// # Errors
    /// When it has an answer already, is over, or is not over yet.
    pub fn answered(self, answer: ApprovalAnswer) -> Result<Self, IllegalAnswer> {
        let ApprovalAnswer { verdict, decided_by, note, at } = answer;
        let status = self.status.transition_to(verdict.status())?;
        let (is_over, expires_at) = (at >= self.expires_at, self.expires_at);
        let updated_input = match verdict {
            ApprovalVerdict::Approved { .. } | ApprovalVerdict::Denied if is_over => {
                return Err(IllegalAnswer::TooLate { expires_at });
            }
            ApprovalVerdict::Expired if !is_over => return Err(IllegalAnswer::TooEarly { expires_at }),
            ApprovalVerdict::Approved { updated_input } => updated_input,
            ApprovalVerdict::Denied | ApprovalVerdict::Expired | ApprovalVerdict::Cancelled => None,
        };
        Ok(Self {
            status,
            decided_by: Some(decided_by),
            decided_at: Some(at),
            note,
            updated_input,
            updated_at: at,
            ..self
        })
    }
}

fn join(statuses: &[ApprovalStatus]) -> String {
    if statuses.is_empty() {
        return "nothing".to_owned();
    }
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    fn pending() -> Approval {
        let input = json!({ "command": "make" });
        Approval {
            id: ApprovalId::from_uuid(Uuid::nil()),
            team_id: TeamId::from_uuid(Uuid::nil()),
            session_id: SessionId::from_uuid(Uuid::nil()),
            sequence: 1,
            tool_use_id: None,
            tool_name: "Bash".into(),
            input_sha256: Approval::input_digest(&input),
            input,
            suggestions: None,
            status: ApprovalStatus::Pending,
            requested_at: Timestamp::from_micros(0),
            expires_at: Timestamp::from_micros(100),
            decided_by: None,
            decided_at: None,
            note: None,
            updated_input: None,
            updated_at: Timestamp::from_micros(0),
        }
    }

    fn answer(verdict: ApprovalVerdict, micros: i64) -> ApprovalAnswer {
        ApprovalAnswer {
            verdict,
            decided_by: "user:ada".into(),
            note: None,
            at: Timestamp::from_micros(micros),
        }
    }

    #[test]
    fn only_a_pending_approval_goes_anywhere() {
        for &from in ApprovalStatus::ALL {
            for &to in ApprovalStatus::ALL {
                let is_legal = from == ApprovalStatus::Pending && to != ApprovalStatus::Pending;
                assert_eq!(from.transition_to(to).is_ok(), is_legal, "{from} to {to}");
            }
        }
    }

    #[test]
    fn a_refused_answer_names_what_is_possible() {
        let denied = pending().answered(answer(ApprovalVerdict::Denied, 1)).expect("answered");
        let approved = denied.answered(answer(ApprovalVerdict::Approved { updated_input: None }, 2));
        assert_eq!(
            approved.expect_err("refused").to_string(),
            "an approval cannot go from denied to approved; from denied it can go to: nothing"
        );
    }

    #[test]
    fn an_answer_is_kept_with_who_gave_it() {
        let verdict = ApprovalVerdict::Approved { updated_input: Some(json!({ "command": "true" })) };
        let approved = pending().answered(answer(verdict, 99)).expect("answered");
        assert_eq!(approved.status, ApprovalStatus::Approved);
        assert_eq!(approved.updated_input, Some(json!({ "command": "true" })));
        assert_eq!(approved.decided_by.as_deref(), Some("user:ada"));
        assert_eq!(approved.decided_at, Some(Timestamp::from_micros(99)));
        assert_eq!(approved.input_sha256, pending().input_sha256, "what was asked stays");
    }

    #[test]
    fn nobody_answers_when_it_is_over_and_it_is_not_over_before() {
        let late = pending().answered(answer(ApprovalVerdict::Approved { updated_input: None }, 100));
        assert!(matches!(late, Err(IllegalAnswer::TooLate { .. })), "{late:?}");
        let early = pending().answered(answer(ApprovalVerdict::Expired, 99));
        assert!(matches!(early, Err(IllegalAnswer::TooEarly { .. })), "{early:?}");
        assert!(pending().answered(answer(ApprovalVerdict::Expired, 100)).is_ok());
        assert!(pending().answered(answer(ApprovalVerdict::Cancelled, 100)).is_ok());
    }

    #[test]
    fn equal_inputs_have_equal_digests() {
        assert_eq!(
            Approval::input_digest(&json!({ "a": 1, "b": 2 })),
            Approval::input_digest(&json!({ "b": 2, "a": 1 }))
        );
        assert_ne!(Approval::input_digest(&json!({ "a": 1 })), Approval::input_digest(&json!({ "a": "1" })));
    }
}
