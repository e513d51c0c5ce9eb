//! Points in time: UTC with microseconds, the precision both databases keep.

use std::time::Duration;

/// Microseconds since the Unix epoch, UTC. Shown and serialised as RFC 3339 with six decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// A text that is no RFC 3339 time, or one outside the years -9999 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an RFC 3339 time such as 2026-01-31T12:00:00Z")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// The earliest and latest microsecond a calendar date exists for (years -9999 to 9999).
    const RANGE: std::ops::RangeInclusive<i64> = -377_705_023_201_000_000..=253_402_207_200_000_000;

    /// From microseconds since the epoch; values beyond the calendar are held at its ends.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// This time moved forward, held at the end of the calendar.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }

    /// How long after `earlier` this is; zero when the clock went backwards.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub(crate) fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self::from_micros(time.as_microsecond())
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.6}", self.to_jiff())
    }
}

impl std::str::FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse().map_err(|_| InvalidTimestamp(text.to_owned()))?;
        Ok(time.into())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_survives_its_text(micros in Timestamp::RANGE) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(time.to_string().parse::<Timestamp>().expect("own text"), time);
        }
    }

    #[test]
    fn a_clock_that_went_backwards_gives_no_negative_duration() {
        assert_eq!(Timestamp::from_micros(5).since(Timestamp::from_micros(9)), Duration::ZERO);
    }

    #[test]
    fn a_text_that_is_no_time_is_named_in_the_error() {
        let error = "yesterday".parse::<Timestamp>().expect_err("no time");
        assert!(error.to_string().contains("yesterday"));
    }
}
