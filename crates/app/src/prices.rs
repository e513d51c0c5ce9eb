//! What tokens of models cost, for turns whose agent program does not say it.

use domain::{
    audit_action::AuditAction, cost::CostTotal, id::SessionId, model_price::ModelPrice, money::MicroUsd,
    time::Timestamp,
};
use store::{CostFilter, StoreError, Tx};

use crate::{App, Caller};

/// Prices of a model, for a million tokens each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPrice {
    /// The model, by the name that sessions know it by.
    pub model: String,
    /// Tokens that were read.
    pub input: MicroUsd,
    /// Tokens that were written.
    pub output: MicroUsd,
    /// Tokens that were written into the cache.
    pub cache_write: MicroUsd,
    /// Tokens that were read from the cache.
    pub cache_read: MicroUsd,
    /// From when on. Otherwise the first prices of a model hold for all time, and later ones from now on.
    pub valid_from: Option<Timestamp>,
}

impl App {
    /// Sets a model's prices. What was computed before stays as it was.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the model has no name or too long a one, or a price is negative.
    pub async fn set_price(&self, caller: Caller, new: NewPrice) -> Result<ModelPrice, StoreError> {
        let (now, updated_by) = (self.now(), caller.to_string());
        let deed = self.deed(caller, AuditAction::PriceSet);
        let set = move |tx: &Tx<'_>| {
            let is_first = tx.model_prices().find_at(&new.model, now)?.is_none();
            let usual = if is_first { Timestamp::from_micros(0) } else { now };
            let price = ModelPrice {
                model: new.model,
                valid_from: new.valid_from.unwrap_or(usual),
                input_usd_micros_per_million: new.input,
                output_usd_micros_per_million: new.output,
                cache_creation_usd_micros_per_million: new.cache_write,
                cache_read_usd_micros_per_million: new.cache_read,
                updated_by,
                updated_at: now,
            };
            tx.model_prices().set(&price)?;
            let valid_from = price.valid_from.to_string();
            deed.on(&price.model).with("valid_from", valid_from).append(tx)?;
            Ok(price)
        };
        self.store().write(set).await
    }

    /// What models cost now, by name, those after `after`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_prices(&self, after: String, limit: u32) -> Result<Vec<ModelPrice>, StoreError> {
        let now = self.now();
        self.store().read(move |conn| conn.model_prices().list_at(now, &after, limit)).await
    }

    /// What a session cost, and how many of its parts have no known cost.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sum_costs(&self, caller: Caller, session: SessionId) -> Result<CostTotal, StoreError> {
        let filter = CostFilter { session_id: Some(session), ..CostFilter::default() };
        self.store().read(move |conn| conn.team(caller.team_id).costs().total(&filter)).await
    }
}
