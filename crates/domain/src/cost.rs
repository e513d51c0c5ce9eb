//! What work cost.

use crate::{
    id::{AgentId, CostEntryId, SessionId, TaskId, TeamId, UserId},
    money::MicroUsd,
    time::Timestamp,
    usage::TokenUsage,
};

text_enum! {
    /// How a cost came to be known.
    pub enum CostSource: "cost source" {
        /// The agent program said it.
        Reported = "reported",
        /// From token counts and model prices.
        Computed = "computed",
        /// Read from an existing transcript or bundle.
        Imported = "imported",
    }
}

/// One cost. It is never changed; purging a session or a person takes their ids out of it, but never the amounts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CostEntry {
    /// Identity.
    pub id: CostEntryId,
    /// The tenant.
    pub team_id: TeamId,
    /// The session in which it arose.
    pub session_id: Option<SessionId>,
    /// The person it arose for.
    pub user_id: Option<UserId>,
    /// The agent that worked.
    pub agent_id: Option<AgentId>,
    /// The task that was worked on.
    pub task_id: Option<TaskId>,
    /// The model that was billed.
    pub model: Option<String>,
    /// The tokens that were billed.
    #[serde(flatten)]
    pub usage: TokenUsage,
    /// The amount; `None` is unknown, which is not nothing.
    #[serde(rename = "cost_usd_micros")]
    pub cost: Option<MicroUsd>,
    /// How it came to be known.
    pub source: CostSource,
    /// When it arose.
    pub at: Timestamp,
}

/// Many costs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct CostTotal {
    /// How many entries.
    pub entries: i64,
    /// How many of them are of unknown cost, so that they are missing from the amount.
    pub unknown_costs: i64,
    /// The known amounts together.
    #[serde(rename = "cost_usd_micros")]
    pub cost: MicroUsd,
    /// The tokens together.
    #[serde(flatten)]
    pub usage: TokenUsage,
}

impl CostTotal {
    /// Both together.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self {
            entries: self.entries.saturating_add(other.entries),
            unknown_costs: self.unknown_costs.saturating_add(other.unknown_costs),
            cost: self.cost.saturating_add(other.cost),
            usage: self.usage.saturating_add(other.usage),
        }
    }
}

impl<'e> FromIterator<&'e CostEntry> for CostTotal {
    fn from_iter<I: IntoIterator<Item = &'e CostEntry>>(entries: I) -> Self {
        entries.into_iter().fold(Self::default(), |total, entry| {
            total.saturating_add(Self {
                entries: 1,
                unknown_costs: i64::from(entry.cost.is_none()),
                cost: entry.cost.unwrap_or_default(),
                usage: entry.usage,
            })
        })
    }
}
