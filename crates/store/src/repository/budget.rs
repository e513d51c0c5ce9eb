//! Budgets, and how they stand.

use domain::{
    budget::{Budget, BudgetScope, BudgetStanding, BudgetTarget, Percent},
    budget_period::BudgetPeriod,
    id::{AgentId, BudgetId, SessionId, TeamId, UserId},
    money::MicroUsd,
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    Reads,
    page::{Cursor, Page},
    reference,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Dated, Owned, Record, Versioned},
    scope::Scope,
    statement::{Order, Statement},
    value::{Columns, FromValue, ToValue, Value, params, stored_words},
};

stored_words! { BudgetPeriod, BudgetScope }

impl ToValue for Percent {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.get().into())
    }
}

impl FromValue for Percent {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

/// A team's budgets.
#[derive(Debug, Clone, Copy)]
pub struct Budgets<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which budgets a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct BudgetFilter {
    /// Of this scope.
    pub scope: Option<BudgetScope>,
    /// Of this period.
    pub period: Option<BudgetPeriod>,
}

/// Whom work is for, beside the team: budgets of all of them apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetTargets {
    /// The session that works.
    pub session_id: SessionId,
    /// The person it works for.
    pub user_id: Option<UserId>,
    /// The agent that works in it.
    pub agent_id: Option<AgentId>,
}

impl<C: Reads> Budgets<'_, C> {
    /// The budget of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: BudgetId) -> Result<Option<Budget>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: BudgetFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Budget>, StoreError> {
        let mut statement = self.scope.select::<Budget>();
        statement.and_equal("scope", filter.scope.as_ref());
        statement.and_equal("period", filter.period.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// How every budget that applies stands at this time, in the order of their ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn standings(
        &self,
        targets: &BudgetTargets,
        at: Timestamp,
    ) -> Result<Vec<BudgetStanding>, StoreError> {
        let budgets: Vec<Budget> = self.applying(targets).rows(self.scope.connection())?;
        budgets.into_iter().map(|budget| self.standing(budget, at)).collect()
    }

    /// Every budget that applies, in the order of their ids, which is also the order in which they are locked.
    pub(super) fn applying(&self, targets: &BudgetTargets) -> Statement<'static> {
        let BudgetTargets { session_id, user_id, agent_id } = *targets;
        let targets = [
            Some(BudgetTarget::Team(self.scope.team())),
            Some(BudgetTarget::Session(session_id)),
            user_id.map(BudgetTarget::User),
            agent_id.map(BudgetTarget::Agent),
        ];
        let mut statement = self.scope.select::<Budget>();
        let mut separator = " AND (";
        for target in targets.into_iter().flatten() {
            let scope = Value::Text(target.scope().as_str().into());
            statement.push(
                &format!("{separator}scope = ? AND target_id = ?"),
                [scope, Value::Id(target_id(target))],
            );
            separator = " OR ";
        }
        statement.push(") ORDER BY id", []);
        statement
    }

    /// How a budget stands. One statement sees costs and held money at one moment, so that money which is settled just now
    /// is in one of them, never in none. What a purged session held, nobody can settle; it is not held any more.
    pub(super) fn standing(&self, budget: Budget, at: Timestamp) -> Result<BudgetStanding, StoreError> {
        let window = budget.period.window(at);
        let (id, team) = (Value::Id(*budget.id.as_uuid()), Value::Id(*self.scope.team().as_uuid()));
        let mut statement = Statement::new(
            "SELECT CAST(coalesce(sum(cost_usd_micros), 0) AS bigint), count(*) - count(cost_usd_micros),
                 (SELECT CAST(coalesce(sum(amount_usd_micros), 0) AS bigint) FROM budget_reservations
                  WHERE budget_id = ? AND state = 'held' AND session_id IS NOT NULL)
             FROM cost_entries WHERE team_id = ?",
            [id, team],
        );
        if let Some(column) = cost_column(budget.target) {
            statement.and(&format!("{column} = ?"), [Value::Id(target_id(budget.target))]);
        }
        // The whole calendar is more than PostgreSQL can hold, and need not be asked for.
        if budget.period != BudgetPeriod::Total {
            statement.and("at >= ? AND at < ?", [Value::Time(window.start), Value::Time(window.end)]);
        }
        let sums: Vec<(MicroUsd, i64, MicroUsd)> =
            statement.query(self.scope.connection(), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let (spent, unknown_costs, held) = sums.into_iter().next().unwrap_or_default();
        Ok(BudgetStanding { budget, window, spent, held, unknown_costs })
    }
}

impl Budgets<'_, Tx<'_>> {
    /// Adds a budget.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its target has one of this period; [`StoreError::Missing`] when its target is not there;
    /// [`StoreError::Invalid`] when its limit is negative.
    pub fn insert(&self, budget: &Budget) -> Result<(), StoreError> {
        self.refuse_unusable(budget)?;
        self.scope.insert(budget)
    }

    /// Replaces a budget by this one, whose version is the one that the caller read, and gives its new version. A lower limit
    /// holds for what is reserved from now on.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; else as [`Budgets::insert`].
    pub fn update(&self, budget: &Budget) -> Result<i64, StoreError> {
        self.refuse_unusable(budget)?;
        self.scope.update(budget)
    }

    /// Deletes a budget softly: it limits nothing any more, and its target can have another of its period.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: BudgetId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<Budget>(id, at)
    }

    fn refuse_unusable(&self, budget: &Budget) -> Result<(), StoreError> {
        if budget.limit < MicroUsd::ZERO {
            return Err(StoreError::Invalid {
                field: "limit_usd_micros",
                value: budget.limit.as_micros().to_string(),
                accepted: "0 or more".into(),
            });
        }
        match budget.target {
            BudgetTarget::Team(team) if team == self.scope.team() => Ok(()),
            BudgetTarget::Team(_) => Err(StoreError::Missing { what: budget.target.to_string() }),
            BudgetTarget::Session(id) => reference::require(&self.scope, "sessions", "session", Some(id)),
            BudgetTarget::Agent(id) => reference::require(&self.scope, "agents", "agent", Some(id)),
            BudgetTarget::User(id) => {
                let sql = "SELECT id FROM users WHERE id = $1";
                let found = self.scope.connection().find(sql, params![id], |row| row.get::<Uuid>(0))?;
                found.map(drop).ok_or_else(|| StoreError::Missing { what: budget.target.to_string() })
            }
        }
    }
}

fn target_id(target: BudgetTarget) -> Uuid {
    match target {
        BudgetTarget::User(id) => *id.as_uuid(),
        BudgetTarget::Team(id) => *id.as_uuid(),
        BudgetTarget::Session(id) => *id.as_uuid(),
        BudgetTarget::Agent(id) => *id.as_uuid(),
    }
}

/// The column of costs in which a target stands; a team's are all of its costs.
const fn cost_column(target: BudgetTarget) -> Option<&'static str> {
    match target {
        BudgetTarget::User(_) => Some("user_id"),
        BudgetTarget::Team(_) => None,
        BudgetTarget::Session(_) => Some("session_id"),
        BudgetTarget::Agent(_) => Some("agent_id"),
    }
}

fn target(scope: BudgetScope, id: Uuid) -> BudgetTarget {
    match scope {
        BudgetScope::User => BudgetTarget::User(UserId::from_uuid(id)),
        BudgetScope::Team => BudgetTarget::Team(TeamId::from_uuid(id)),
        BudgetScope::Session => BudgetTarget::Session(SessionId::from_uuid(id)),
        BudgetScope::Agent => BudgetTarget::Agent(AgentId::from_uuid(id)),
    }
}

impl Record for Budget {
    const TABLE: &'static str = "budgets";
    const COLUMNS: &'static str = "id, team_id, scope, target_id, period, limit_usd_micros, alert_percent, is_hard, version, \
        created_at, updated_at";

    fn values(&self) -> Vec<Value<'_>> {
        vec![
            self.id.to_value(),
            self.team_id.to_value(),
            Value::Text(self.target.scope().as_str().into()),
            Value::Id(target_id(self.target)),
            self.period.to_value(),
            self.limit.to_value(),
            self.alert_percent.to_value(),
            self.is_hard.to_value(),
            self.version.to_value(),
            self.created_at.to_value(),
            self.updated_at.to_value(),
        ]
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            team_id: columns.next()?,
            target: target(columns.next()?, columns.next()?),
            period: columns.next()?,
            limit: columns.next()?,
            alert_percent: columns.next()?,
            is_hard: columns.next()?,
            version: columns.next()?,
            created_at: columns.next()?,
            updated_at: columns.next()?,
        })
    }
}

impl Owned for Budget {
    type Id = BudgetId;
    const NOUN: &'static str = "budget";
    const LIVE: &'static str = "deleted_at IS NULL";

    fn id(&self) -> BudgetId {
        self.id
    }

    fn team_id(&self) -> TeamId {
        self.team_id
    }
}

impl Versioned for Budget {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Dated for Budget {
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: *self.id.as_uuid() }
    }
}
