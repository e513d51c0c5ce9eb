//! Budgets: how much may be spent on whom in which time, and money held for work under way.

use crate::{
    budget_period::{BudgetPeriod, BudgetWindow},
    id::{AgentId, BudgetId, ReservationId, SessionId, TeamId, UserId},
    money::MicroUsd,
    time::Timestamp,
};

text_enum! {
    /// Whose spending a budget limits.
    pub enum BudgetScope: "budget scope" {
        /// One person's in the team.
        User = "user",
        /// The whole team's.
        Team = "team",
        /// One session's.
        Session = "session",
        /// One agent's, in all its sessions.
        Agent = "agent",
    }
}

/// Whose spending a budget limits, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(tag = "scope", content = "target_id", rename_all = "snake_case")]
pub enum BudgetTarget {
    /// A person's in the team.
    User(UserId),
    /// The whole team's.
    Team(TeamId),
    /// A session's.
    Session(SessionId),
    /// An agent's, in all its sessions.
    Agent(AgentId),
}

/// A part of a hundred: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "i64")]
pub struct Percent(u8);

/// A number that is no part of a hundred.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a percentage; accepted: a whole number from 1 to 100")]
pub struct InvalidPercent(i64);

/// A limit as it stands in the store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Budget {
    /// Identity.
    pub id: BudgetId,
    /// The tenant.
    pub team_id: TeamId,
    /// Whose spending it limits. A target has at most one budget of a period.
    #[serde(flatten)]
    pub target: BudgetTarget,
    /// In which time.
    pub period: BudgetPeriod,
    /// How much may be spent.
    #[serde(rename = "limit_usd_micros")]
    pub limit: MicroUsd,
    /// From which part of it on somebody should know.
    pub alert_percent: Percent,
    /// Work that does not fit does not start. Otherwise it is only told.
    pub is_hard: bool,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a budget stands at some time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BudgetStanding {
    /// The budget.
    pub budget: Budget,
    /// The time it is about.
    pub window: BudgetWindow,
    /// What was spent in that time.
    #[serde(rename = "spent_usd_micros")]
    pub spent: MicroUsd,
    /// What is held for work under way, whenever that began: it will be spent in this time.
    #[serde(rename = "held_usd_micros")]
    pub held: MicroUsd,
    /// How many costs in that time are unknown, so that they are missing from what was spent.
    pub unknown_costs: i64,
}

text_enum! {
    /// What became of held money.
    pub enum ReservationState: "reservation state" {
        /// The work is under way.
        Held = "held",
        /// The work is done and its cost is known.
        Settled = "settled",
        /// The work did not happen.
        Released = "released",
    }
}

/// A move that held money does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reservation that is {from} cannot become {to}; only a held one can, and only settled or released")]
pub struct IllegalReservationMove {
    /// State before.
    pub from: ReservationState,
    /// State asked for.
    pub to: ReservationState,
}

/// Money of one budget that is held for one session's work.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct BudgetReservation {
    /// Identity.
    pub id: ReservationId,
    /// The budget.
    pub budget_id: BudgetId,
    /// The session; `None` when it was purged.
    pub session_id: Option<SessionId>,
    /// How much was held.
    pub amount_usd_micros: MicroUsd,
    /// What was spent instead, once settled.
    pub settled_usd_micros: Option<MicroUsd>,
    /// What became of it.
    pub state: ReservationState,
    /// When it was held.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl BudgetTarget {
    /// The kind of target.
    #[must_use]
    pub const fn scope(self) -> BudgetScope {
        match self {
            Self::User(_) => BudgetScope::User,
            Self::Team(_) => BudgetScope::Team,
            Self::Session(_) => BudgetScope::Session,
            Self::Agent(_) => BudgetScope::Agent,
        }
    }
}

impl std::fmt::Display for BudgetTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Team(id) => write!(f, "team {id}"),
            Self::Session(id) => write!(f, "session {id}"),
            Self::Agent(id) => write!(f, "agent {id}"),
        }
    }
}

impl Percent {
    /// When budgets alert that say nothing about it.
    pub const DEFAULT_ALERT: Self = Self(80);

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// This part of an amount, rounded up: the least that reaches it.
    #[must_use]
    pub fn of(self, amount: MicroUsd) -> MicroUsd {
        let hundredths = i128::from(amount.as_micros()) * i128::from(self.0);
        // A part of an amount is never more than it.
        MicroUsd::from_micros(i64::try_from((hundredths + 99).div_euclid(100)).unwrap_or(i64::MAX))
    }
}

impl TryFrom<i64> for Percent {
    type Error = InvalidPercent;

    fn try_from(number: i64) -> Result<Self, InvalidPercent> {
        match u8::try_from(number) {
            Ok(percent @ 1..=100) => Ok(Self(percent)),
            _ => Err(InvalidPercent(number)),
        }
    }
}

impl BudgetStanding {
    /// Spent and held together.
    #[must_use]
    pub const fn used(&self) -> MicroUsd {
        self.spent.saturating_add(self.held)
    }

    /// What can still be held; never less than nothing.
    #[must_use]
    pub const fn left(&self) -> MicroUsd {
        self.budget.limit.minus(self.used())
    }

    /// So much is used that somebody should know.
    #[must_use]
    pub fn is_alerting(&self) -> bool {
        self.used() >= self.budget.alert_percent.of(self.budget.limit)
    }

    /// More was spent than the limit; a session under a hard budget is to be interrupted.
    #[must_use]
    pub fn is_overspent(&self) -> bool {
        self.spent > self.budget.limit
    }
}

impl ReservationState {
    /// This state followed by `to`.
    ///
    /// # Errors
    /// When it is not held any more, or `to` is no end of it.
    pub fn transition_to(self, to: Self) -> Result<Self, IllegalReservationMove> {
        match (self, to) {
            (Self::Held, Self::Settled | Self::Released) => Ok(to),
            (from, to) => Err(IllegalReservationMove { from, to }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        #[test]
        fn a_part_is_the_least_that_reaches_it(number in 1..=100_i64, micros in 0..=i64::MAX) {
            let percent = Percent::try_from(number).unwrap();
            let part = i128::from(percent.of(MicroUsd::from_micros(micros)).as_micros());
            let wanted = i128::from(micros) * i128::from(number);
            prop_assert!(part * 100 >= wanted && (part - 1) * 100 < wanted);
        }

        #[test]
        fn only_one_to_a_hundred_is_a_percentage(number in -200..400_i64) {
            let percent = Percent::try_from(number);
            prop_assert_eq!(percent.is_ok(), (1..=100).contains(&number));
            prop_assert!(percent.is_err() || percent == Ok(serde_json::from_str(&number.to_string()).unwrap()));
        }
    }

    #[test]
    fn only_held_money_moves() {
        use ReservationState::{Held, Released, Settled};
        for &from in ReservationState::ALL {
            for &to in ReservationState::ALL {
                let is_drawn = matches!((from, to), (Held, Settled | Released));
                let expected = if is_drawn { Ok(to) } else { Err(IllegalReservationMove { from, to }) };
                assert_eq!(from.transition_to(to), expected);
            }
        }
    }

    #[test]
    fn held_money_counts_as_used_but_not_as_overspent() {
        let budget = Budget {
            id: BudgetId::from_uuid(Uuid::nil()),
            team_id: TeamId::from_uuid(Uuid::nil()),
            target: BudgetTarget::Team(TeamId::from_uuid(Uuid::nil())),
            period: BudgetPeriod::Daily,
            limit: MicroUsd::from_micros(100),
            alert_percent: Percent::DEFAULT_ALERT,
            is_hard: true,
            version: 1,
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
        };
        let window = budget.period.window(Timestamp::from_micros(0));
        let standing = |spent, held| BudgetStanding {
            budget: budget.clone(),
            window,
            spent: MicroUsd::from_micros(spent),
            held: MicroUsd::from_micros(held),
            unknown_costs: 0,
        };
        assert!(!standing(50, 29).is_alerting());
        assert!(standing(50, 30).is_alerting());
        assert_eq!(standing(50, 30).left(), MicroUsd::from_micros(20));
        assert_eq!(standing(90, 30).left(), MicroUsd::ZERO);
        assert!(!standing(100, 30).is_overspent());
        assert!(standing(101, 0).is_overspent());
        let json = serde_json::to_value(&budget).unwrap();
        assert_eq!((&json["scope"], &json["limit_usd_micros"]), (&"team".into(), &100.into()));
    }
}
