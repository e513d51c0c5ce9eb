//! What models' tokens cost: of no team, the same for all.

use domain::{model_price::ModelPrice, money::MicroUsd, time::Timestamp};

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record as _, record},
    value::params,
};

record! {
    ModelPrice in "model_prices" {
        model, valid_from, input_usd_micros_per_million, output_usd_micros_per_million,
        cache_creation_usd_micros_per_million, cache_read_usd_micros_per_million, updated_by, updated_at,
    }
}

/// The prices of models.
#[derive(Debug, Clone, Copy)]
pub struct ModelPrices<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> ModelPrices<'_, C> {
    /// The model's prices at this time; `None` when it had none yet.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_at(&self, model: &str, at: Timestamp) -> Result<Option<ModelPrice>, StoreError> {
        let sql = format!(
            "SELECT {} FROM model_prices WHERE model = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1",
            ModelPrice::COLUMNS
        );
        self.conn.conn().find(&sql, params![model, at], |row| ModelPrice::from_columns(&mut row.columns()))
    }

    /// The prices at this time of the models whose names come after this one, at most `limit`, by name: with an empty name,
    /// the first of all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_at(&self, at: Timestamp, after: &str, limit: u32) -> Result<Vec<ModelPrice>, StoreError> {
        let sql = format!(
            "SELECT {} FROM model_prices p WHERE p.model > $1 AND p.valid_from = (
                 SELECT max(q.valid_from) FROM model_prices q WHERE q.model = p.model AND q.valid_from <= $2)
             ORDER BY p.model LIMIT $3",
            ModelPrice::columns_of("p")
        );
        let limit = i64::from(limit);
        self.conn
            .conn()
            .query(&sql, params![after, at, limit], |row| ModelPrice::from_columns(&mut row.columns()))
    }
}

impl ModelPrices<'_, Tx<'_>> {
    /// Sets a model's prices from a time on, in place of those that were set from the same time on.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the model's name is empty or longer than 200 characters, or a price is negative.
    pub fn set(&self, price: &ModelPrice) -> Result<(), StoreError> {
        refuse_invalid(price)?;
        let columns = ModelPrice::COLUMNS;
        let sql = format!(
            "INSERT INTO model_prices ({columns}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (model, valid_from) DO UPDATE SET
                 input_usd_micros_per_million = excluded.input_usd_micros_per_million,
                 output_usd_micros_per_million = excluded.output_usd_micros_per_million,
                 cache_creation_usd_micros_per_million = excluded.cache_creation_usd_micros_per_million,
                 cache_read_usd_micros_per_million = excluded.cache_read_usd_micros_per_million,
                 updated_by = excluded.updated_by, updated_at = excluded.updated_at"
        );
        self.conn.execute_one("model price", &sql, &price.values())
    }
}

fn refuse_invalid(price: &ModelPrice) -> Result<(), StoreError> {
    if !(1..=200).contains(&price.model.chars().count()) {
        let value = price.model.chars().take(200).collect();
        return Err(StoreError::Invalid { field: "model", value, accepted: "1 to 200 characters".into() });
    }
    let prices = [
        ("input_usd_micros_per_million", price.input_usd_micros_per_million),
        ("output_usd_micros_per_million", price.output_usd_micros_per_million),
        ("cache_creation_usd_micros_per_million", price.cache_creation_usd_micros_per_million),
        ("cache_read_usd_micros_per_million", price.cache_read_usd_micros_per_million),
    ];
    match prices.into_iter().find(|(_, price)| *price < MicroUsd::ZERO) {
        None => Ok(()),
        Some((field, price)) => Err(StoreError::Invalid {
            field,
            value: price.as_micros().to_string(),
            accepted: "0 or more".into(),
        }),
    }
}
