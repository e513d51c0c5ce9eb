//! How much a memory matters, and how far it is to be believed.

/// 1 (hardly) to 10 (above all).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Importance(u8);

/// A number that is no importance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an importance; accepted: 1 to 10")]
pub struct InvalidImportance(i64);

impl Importance {
    /// What says nothing about it.
    pub const DEFAULT: Self = Self(5);

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Importance {
    type Error = InvalidImportance;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match u8::try_from(number) {
            Ok(number @ 1..=10) => Ok(Self(number)),
            _ => Err(InvalidImportance(number)),
        }
    }
}

/// 0 (a guess) to 1 (certain).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct Confidence(f64);

/// A number that is no confidence.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0} is not a confidence; accepted: 0 to 1")]
pub struct InvalidConfidence(f64);

impl Confidence {
    /// No doubt.
    pub const CERTAIN: Self = Self(1.0);

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Confidence {
    type Error = InvalidConfidence;

    fn try_from(number: f64) -> Result<Self, Self::Error> {
        if (0.0..=1.0).contains(&number) { Ok(Self(number)) } else { Err(InvalidConfidence(number)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratings_outside_their_range_are_refused() {
        for good in 1..=10 {
            assert_eq!(Importance::try_from(good).map(|importance| i64::from(importance.get())), Ok(good));
        }
        for bad in [i64::MIN, -1, 0, 11, 256 + 5] {
            assert_eq!(Importance::try_from(bad), Err(InvalidImportance(bad)));
        }
        for good in [0.0, 0.5, 1.0] {
            assert!(Confidence::try_from(good).is_ok(), "{good}");
        }
        for bad in [-0.1, 1.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(Confidence::try_from(bad).is_err(), "{bad}");
        }
    }
}
