//! Money: integer micro-dollars, so that sums are exact.

/// Millionths of a US dollar.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct MicroUsd(i64);

/// An amount that is not a non-negative number of dollars.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount in dollars; accepted: a number from 0 to 1000000 such as 2.50")]
pub struct InvalidAmount(String);

impl MicroUsd {
    /// No money.
    pub const ZERO: Self = Self(0);
    /// The most that one thing can cost, a million dollars: nine million of the largest still have a sum.
    pub const LARGEST: Self = Self(1_000_000_000_000);
    const LARGEST_DOLLARS: f64 = 1e6;

    /// From an integer number of micro-dollars.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The integer number of micro-dollars.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Rounds a reported amount to the nearest micro-dollar. Not-a-number, negative and absurd amounts are refused.
    ///
    /// # Errors
    /// When the amount is not between 0 and [`MicroUsd::LARGEST`].
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    pub fn from_dollars(dollars: f64) -> Result<Self, InvalidAmount> {
        if (0.0..=Self::LARGEST_DOLLARS).contains(&dollars) {
            Ok(Self((dollars * 1e6).round() as i64))
        } else {
            Err(InvalidAmount(dollars.to_string()))
        }
    }

    /// Held at the largest amount instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left after spending; never less than nothing.
    #[must_use]
    pub const fn minus(self, spent: Self) -> Self {
        if spent.0 < self.0 { Self(self.0 - spent.0) } else { Self::ZERO }
    }

    /// What a cumulative total grew by since `earlier`; a smaller total means the counter was reset, so all of it is new.
    #[must_use]
    pub const fn growth_since(self, earlier: Self) -> Self {
        if self.0 < earlier.0 { self } else { Self(self.0 - earlier.0) }
    }

    /// Dollars as a decimal text without loss and without a currency sign: `2.5`, `0.0016`.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let text =
            format!("{sign}{}.{:06}", self.0.unsigned_abs() / 1_000_000, self.0.unsigned_abs() % 1_000_000);
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

impl std::fmt::Display for MicroUsd {
    /// For people: at least cents, more digits only when they say something.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimal = self.to_decimal();
        let digits = decimal.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        match digits {
            0 => f.pad(&format!("${decimal}.00")),
            1 => f.pad(&format!("${decimal}0")),
            _ => f.pad(&format!("${decimal}")),
        }
    }
}

impl std::str::FromStr for MicroUsd {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let dollars: f64 =
            text.trim_start_matches('$').parse().map_err(|_| InvalidAmount(text.to_owned()))?;
        Self::from_dollars(dollars).map_err(|_| InvalidAmount(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_decimal_text_loses_nothing(micros in 0_i64..1_000_000_000_000) {
            let amount = MicroUsd::from_micros(micros);
            prop_assert_eq!(amount.to_decimal().parse::<MicroUsd>().expect("own text"), amount);
        }
    }

    #[test]
    fn floating_point_noise_in_a_report_is_rounded_away() {
        let total = MicroUsd::from_dollars(0.002_400_000_000_000_000_2).expect("an amount");
        assert_eq!(total, MicroUsd::from_micros(2400));
    }

    #[test]
    fn a_total_below_the_last_one_counts_whole() {
        let after_reset = MicroUsd::from_micros(800).growth_since(MicroUsd::from_micros(5200));
        assert_eq!(after_reset, MicroUsd::from_micros(800));
    }

    #[test]
    fn people_see_at_least_cents() {
        assert_eq!(MicroUsd::from_micros(2_500_000).to_string(), "$2.50");
        assert_eq!(MicroUsd::from_micros(1600).to_string(), "$0.0016");
        assert_eq!(MicroUsd::ZERO.to_string(), "$0.00");
    }

    #[test]
    fn negative_and_absurd_amounts_are_refused() {
        for text in ["-1", "NaN", "1e300", "1000001", "", "much"] {
            assert!(text.parse::<MicroUsd>().is_err(), "{text}");
        }
        assert_eq!("1000000".parse::<MicroUsd>(), Ok(MicroUsd::LARGEST));
    }
}
