//! Whole numbers between two ends.

use serde_json::Value as Json;

use super::{
    DnaError,
    fields::{FromJson, refused},
};

/// A number from `MIN` to `MAX`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Bounded<const MIN: u32, const MAX: u32>(u32);

/// A number beyond its ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{value} is refused; accepted: {min} to {max}")]
pub struct OutOfBounds {
    /// The number as given.
    pub value: u32,
    /// The least that is accepted.
    pub min: u32,
    /// The most that is accepted.
    pub max: u32,
}

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number, moved to the nearer end when it is beyond.
    #[must_use]
    pub const fn saturating(value: u32) -> Self {
        match value {
            _ if value < MIN => Self(MIN),
            _ if value > MAX => Self(MAX),
            _ => Self(value),
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MIN: u32, const MAX: u32> TryFrom<u32> for Bounded<MIN, MAX> {
    type Error = OutOfBounds;

    fn try_from(value: u32) -> Result<Self, OutOfBounds> {
        if (MIN..=MAX).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfBounds { value, min: MIN, max: MAX })
        }
    }
}

impl<const MIN: u32, const MAX: u32> FromJson for Bounded<MIN, MAX> {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let number = json.as_u64().and_then(|number| u32::try_from(number).ok());
        number
            .and_then(|number| Self::try_from(number).ok())
            .ok_or_else(|| refused(path, json, format!("a whole number from {MIN} to {MAX}")))
    }
}
