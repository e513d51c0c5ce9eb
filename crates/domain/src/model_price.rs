//! What a model's tokens cost.

use crate::{money::MicroUsd, time::Timestamp, usage::TokenUsage};

/// A model's prices from some time on, until its next prices. Each is for a million tokens.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ModelPrice {
    /// The model's full name.
    pub model: String,
    /// The first moment of these prices.
    pub valid_from: Timestamp,
    /// Of tokens read that no cache held.
    pub input_usd_micros_per_million: MicroUsd,
    /// Of tokens written by the model.
    pub output_usd_micros_per_million: MicroUsd,
    /// Of tokens written to the prompt cache.
    pub cache_creation_usd_micros_per_million: MicroUsd,
    /// Of tokens read from the prompt cache.
    pub cache_read_usd_micros_per_million: MicroUsd,
    /// Who set them, as `user:ID` or `system:PART`.
    pub updated_by: String,
    /// When they were set.
    pub updated_at: Timestamp,
}

impl ModelPrice {
    /// What these tokens cost: exact, rounded half up to a micro-dollar once, at the end; held at the largest amount.
    /// Counts below zero cost nothing.
    #[must_use]
    pub fn cost(&self, usage: &TokenUsage) -> MicroUsd {
        const MILLION: i128 = 1_000_000;
        let cost = |tokens: i64, price: MicroUsd| i128::from(tokens.max(0)) * i128::from(price.as_micros());
        let millionths = [
            cost(usage.input_tokens, self.input_usd_micros_per_million),
            cost(usage.output_tokens, self.output_usd_micros_per_million),
            cost(usage.cache_creation_tokens, self.cache_creation_usd_micros_per_million),
            cost(usage.cache_read_tokens, self.cache_read_usd_micros_per_million),
        ];
        let half_up = millionths.into_iter().fold(MILLION / 2, i128::saturating_add);
        let micros = half_up.div_euclid(MILLION);
        MicroUsd::from_micros(i64::try_from(micros).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(prices: [i64; 4]) -> ModelPrice {
        let [input, output, creation, read] = prices.map(MicroUsd::from_micros);
        ModelPrice {
            model: "model".into(),
            valid_from: Timestamp::from_micros(0),
            input_usd_micros_per_million: input,
            output_usd_micros_per_million: output,
            cache_creation_usd_micros_per_million: creation,
            cache_read_usd_micros_per_million: read,
            updated_by: "system:test".into(),
            updated_at: Timestamp::from_micros(0),
        }
    }

    fn usage(
        [input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens]: [i64; 4],
    ) -> TokenUsage {
        TokenUsage { input_tokens, output_tokens, cache_creation_tokens, cache_read_tokens }
    }

    proptest! {
        #[test]
        fn a_cost_is_off_by_at_most_half_a_micro_dollar(
            prices in proptest::array::uniform4(0..100_000_000_i64),
            tokens in proptest::array::uniform4(0..1_000_000_000_i64),
        ) {
            let exact: i128 = prices.iter().zip(tokens).map(|(price, count)| i128::from(*price) * i128::from(count)).sum();
            let rounded = i128::from(price(prices).cost(&usage(tokens)).as_micros()) * 1_000_000;
            prop_assert!((-500_000..=499_999).contains(&(exact - rounded)), "{exact} {rounded}");
        }

        #[test]
        fn no_count_makes_a_cost_overflow(
            prices in proptest::array::uniform4(0..=i64::MAX),
            tokens in proptest::array::uniform4(any::<i64>()),
        ) {
            prop_assert!(price(prices).cost(&usage(tokens)) >= MicroUsd::ZERO);
        }
    }

    #[test]
    fn halves_are_rounded_up_once_for_all_four() {
        let cost = |tokens| price([100_000, 100_000, 100_000, 100_000]).cost(&usage(tokens)).as_micros();
        assert_eq!(cost([4, 0, 0, 0]), 0);
        assert_eq!(cost([5, 0, 0, 0]), 1);
        assert_eq!(cost([4, 4, 4, 4]), 2, "1.6 together, although 0.4 each");
    }

    #[test]
    fn a_million_of_each_costs_the_four_prices() {
        let sonnet = price([3_000_000, 15_000_000, 3_750_000, 300_000]);
        assert_eq!(sonnet.cost(&usage([1_000_000; 4])), MicroUsd::from_micros(22_050_000));
    }

    #[test]
    fn a_cost_beyond_all_money_is_held_there() {
        let dearest = price([i64::MAX; 4]);
        assert_eq!(dearest.cost(&usage([i64::MAX; 4])), MicroUsd::from_micros(i64::MAX));
    }
}
