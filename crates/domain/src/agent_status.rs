//! The state machine of an agent's definition.

text_enum! {
    /// Where an agent's definition is in its life.
    pub enum AgentStatus: "agent status" {
        /// Being written; no session starts with it.
        Draft = "draft",
        /// Sessions may start with it.
        Active = "active",
        /// For now, no session starts with it.
        Paused = "paused",
        /// Out of use; it can be taken up again as a draft.
        Archived = "archived",
    }
}

/// A move the state machine does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an agent cannot go from {from} to {to}; from {from} it can go to: {}", join(.from.successors()))]
pub struct IllegalAgentTransition {
    /// Status before.
    pub from: AgentStatus,
    /// Status asked for.
    pub to: AgentStatus,
}

impl AgentStatus {
    /// The statuses that can follow this one.
    #[must_use]
    pub const fn successors(self) -> &'static [Self] {
        match self {
            Self::Draft | Self::Paused => &[Self::Active, Self::Archived],
            Self::Active => &[Self::Paused, Self::Archived],
            Self::Archived => &[Self::Draft],
        }
    }

    /// This status followed by `to`.
    ///
    /// # Errors
    /// When the state machine has no such move; staying is not a move.
    pub fn transition_to(self, to: Self) -> Result<Self, IllegalAgentTransition> {
        if self.successors().contains(&to) { Ok(to) } else { Err(IllegalAgentTransition { from: self, to }) }
    }

    /// Sessions may start with an agent in this status.
    #[must_use]
    pub const fn is_startable(self) -> bool {
        matches!(self, Self::Active)
    }
}

fn join(statuses: &[AgentStatus]) -> String {
    statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_statuses_is_a_move_or_is_refused() {
        use AgentStatus::{Active, Archived, Draft, Paused};
        let legal = [
            (Draft, Active),
            (Draft, Archived),
            (Active, Paused),
            (Active, Archived),
            (Paused, Active),
            (Paused, Archived),
            (Archived, Draft),
        ];
        for &from in AgentStatus::ALL {
            for &to in AgentStatus::ALL {
                let expected = if legal.contains(&(from, to)) {
                    Ok(to)
                } else {
                    Err(IllegalAgentTransition { from, to })
                };
                assert_eq!(from.transition_to(to), expected, "{from} to {to}");
            }
        }
    }

    #[test]
    fn only_an_active_agent_starts_sessions() {
        let startable: Vec<_> = AgentStatus::ALL.iter().filter(|status| status.is_startable()).collect();
        assert_eq!(startable, [&AgentStatus::Active]);
    }

    #[test]
    fn a_refused_move_names_what_is_possible() {
        let error = AgentStatus::Draft.transition_to(AgentStatus::Paused).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "an agent cannot go from draft to paused; from draft it can go to: active, archived"
        );
    }
}
