//! Money held for work under way: reserve before it, settle or release after it.

use std::collections::BTreeSet;

use domain::{
    budget::{Budget, BudgetReservation, BudgetStanding, ReservationState},
    cost::{CostEntry, CostTotal},
    id::{BudgetId, ReservationId, SessionId},
    money::MicroUsd,
    time::Timestamp,
};

use super::{
    Reads,
    budget::{BudgetTargets, Budgets},
    cost::Costs,
    page::{Cursor, Page},
    session::Guard,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record as _, record},
    scope::Scope,
    statement::Order,
    value::{ToValue as _, params, stored_words},
};

stored_words! { ReservationState }

record! {
    BudgetReservation in "budget_reservations" {
        id, budget_id, session_id, amount_usd_micros, settled_usd_micros, state, created_at, updated_at,
    }
    dated by created_at;
}

/// Money of a team's budgets that is or was held.
#[derive(Debug, Clone, Copy)]
pub struct Reservations<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Why no money was held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReserveError {
    /// A hard budget has too little left. Of several, this is the one with the least.
    #[error(
        "{asked} does not fit the {} budget of {}: of {} are {} spent and {} held, {} left",
        .standing.budget.period, .standing.budget.target, .standing.budget.limit, .standing.spent, .standing.held,
        .standing.left()
    )]
    Exceeded {
        /// How much was to be held.
        asked: MicroUsd,
        /// The budget and how it stands.
        standing: Box<BudgetStanding>,
    },
    /// Anything else.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<C: Reads> Reservations<'_, C> {
    /// What is held for a session, in the order of ids.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_held(&self, session: SessionId) -> Result<Vec<BudgetReservation>, StoreError> {
        self.held(session, "")
    }

    /// What of a budget is or was held, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        budget: BudgetId,
        state: ReservationState,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<BudgetReservation>, StoreError> {
        let columns = BudgetReservation::COLUMNS;
        let mut statement = self
            .scope
            .statement(&format!("SELECT {columns} FROM budget_reservations r WHERE {}", of_the_team("?")));
        statement.and("budget_id = ?", [budget.to_value()]);
        statement.and("state = ?", [state.to_value()]);
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    fn held(&self, session: SessionId, lock: &str) -> Result<Vec<BudgetReservation>, StoreError> {
        let sql = format!(
            "SELECT {} FROM budget_reservations r WHERE {} AND session_id = $2 AND state = $3 ORDER BY id{lock}",
            BudgetReservation::COLUMNS,
            of_the_team("$1"),
        );
        let values = params![session, ReservationState::Held];
        self.scope.query(&sql, values, |row| BudgetReservation::from_columns(&mut row.columns()))
    }
}

impl Reservations<'_, Tx<'_>> {
    /// Holds money of every budget that applies, of all or of none, and gives how they then stand in the order of their ids.
    /// Of many who reserve at once never more succeed than a hard limit has room for, because each locks its budgets first.
    ///
    /// # Errors
    /// [`ReserveError::Exceeded`] when a hard budget has too little left; [`StoreError::Invalid`] when the amount is nothing,
    /// negative or more than a million dollars; else as [`Sessions::hold`](crate::Sessions::hold).
    pub fn reserve(
        &self,
        targets: &BudgetTargets,
        guard: Guard,
        amount: MicroUsd,
        at: Timestamp,
        mut next_id: impl FnMut() -> ReservationId,
    ) -> Result<Vec<BudgetStanding>, ReserveError> {
        refuse_immeasurable(amount)?;
        let session = targets.session_id;
        self.scope.sessions().hold(session, guard)?;
        let mut standings = self.lock_standings(targets, at)?;
        let exceeded =
            standings.iter().filter(|standing| standing.budget.is_hard && standing.left() < amount);
        if let Some(standing) = exceeded.min_by_key(|standing| standing.left()) {
            return Err(ReserveError::Exceeded { asked: amount, standing: Box::new(standing.clone()) });
        }
        for standing in &mut standings {
            let reservation = BudgetReservation {
                id: next_id(),
                budget_id: standing.budget.id,
                session_id: Some(session),
                amount_usd_micros: amount,
                settled_usd_micros: None,
                state: ReservationState::Held,
                created_at: at,
                updated_at: at,
            };
            self.scope.insert_below::<Budget, _>(standing.budget.id, &reservation)?;
            standing.held = standing.held.saturating_add(amount);
        }
        Ok(standings)
    }

    /// The work is done: records what it cost, and that what was held for the session is settled by it. Gives what was held;
    /// nothing where no budget applied. The costs are recorded in any case, also when they are more than was held.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a cost is of another session; else as [`Costs::insert_all`] and
    /// [`Sessions::hold`](crate::Sessions::hold).
    pub fn settle(
        &self,
        session: SessionId,
        guard: Guard,
        costs: &[CostEntry],
        at: Timestamp,
    ) -> Result<Vec<BudgetReservation>, StoreError> {
        if let Some(foreign) = costs.iter().find(|cost| cost.session_id != Some(session)) {
            return Err(StoreError::Invalid {
                field: "session_id",
                value: foreign.session_id.map(|id| id.to_string()).unwrap_or_default(),
                accepted: session.to_string(),
            });
        }
        self.scope.sessions().hold(session, guard)?;
        Costs { scope: self.scope }.insert_all(costs)?;
        self.end(session, ReservationState::Settled, Some(costs.iter().collect::<CostTotal>().cost), at)
    }

    /// The work did not happen, or who did it died: what was held for the session is free again. Gives what was held.
    ///
    /// # Errors
    /// As [`Sessions::hold`](crate::Sessions::hold).
    pub fn release(
        &self,
        session: SessionId,
        guard: Guard,
        at: Timestamp,
    ) -> Result<Vec<BudgetReservation>, StoreError> {
        self.scope.sessions().hold(session, guard)?;
        self.end(session, ReservationState::Released, None, at)
    }

    /// Every budget that applies, locked in the order of ids so that nobody waits in a circle, and how it stands.
    fn lock_standings(
        &self,
        targets: &BudgetTargets,
        at: Timestamp,
    ) -> Result<Vec<BudgetStanding>, StoreError> {
        let budgets = Budgets { scope: self.scope };
        let mut statement = budgets.applying(targets);
        statement.push(self.scope.pick("", " FOR NO KEY UPDATE"), []);
        let locked: Vec<Budget> = statement.rows(self.scope.connection())?;
        locked.into_iter().map(|budget| budgets.standing(budget, at)).collect()
    }

    /// Where a session reserved several times of one budget, the first reservation carries all that was spent, so that sums
    /// over a budget's reservations are what was spent.
    fn end(
        &self,
        session: SessionId,
        to: ReservationState,
        spent: Option<MicroUsd>,
        at: Timestamp,
    ) -> Result<Vec<BudgetReservation>, StoreError> {
        let mut ended = self.held(session, self.scope.pick("", " FOR UPDATE"))?;
        let mut charged = BTreeSet::new();
        for reservation in &mut ended {
            let is_first = charged.insert(reservation.budget_id);
            let from = reservation.state;
            reservation.state =
                from.transition_to(to).map_err(|error| StoreError::Conflict { what: error.to_string() })?;
            reservation.settled_usd_micros = spent.map(|spent| if is_first { spent } else { MicroUsd::ZERO });
            reservation.updated_at = at;
            self.update(reservation, from)?;
        }
        Ok(ended)
    }

    /// Stores what became of a reservation that is locked in this state.
    fn update(&self, reservation: &BudgetReservation, from: ReservationState) -> Result<(), StoreError> {
        let BudgetReservation { id, settled_usd_micros, state, updated_at, .. } = reservation;
        let sql = format!(
            "UPDATE budget_reservations AS r SET state = $1, settled_usd_micros = $2, updated_at = $3
             WHERE id = $4 AND (state = $5) IS TRUE AND {}",
            of_the_team("$6")
        );
        match self.scope.execute(&sql, params![*state, *settled_usd_micros, *updated_at, *id, from])? {
            0 => Err(StoreError::Conflict { what: format!("reservation {id} is no longer {from}") }),
            _ => Ok(()),
        }
    }
}

/// The condition that a reservation is of one of the team's budgets, deleted ones included: what they hold is to be settled
/// or released all the same.
fn of_the_team(team: &str) -> String {
    format!("EXISTS (SELECT 1 FROM budgets b WHERE (b.team_id = {team}) IS TRUE AND b.id = r.budget_id)")
}

fn refuse_immeasurable(amount: MicroUsd) -> Result<(), StoreError> {
    let most = MicroUsd::LARGEST.as_micros();
    if (1..=most).contains(&amount.as_micros()) {
        return Ok(());
    }
    Err(StoreError::Invalid {
        field: "amount_usd_micros",
        value: amount.as_micros().to_string(),
        accepted: format!("1 to {most}"),
    })
}
