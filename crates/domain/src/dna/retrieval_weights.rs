//! What makes a memory worth giving to an agent.

use serde::ser::SerializeMap as _;
use serde_json::Value as Json;

use super::{
    DnaError,
    fields::{Fields, FromJson, refused},
};

text_enum! {
    /// Something that speaks for a memory.
    pub enum Signal: "signal" {
        /// It means what is being talked about.
        Semantic = "semantic",
        /// It was used lately.
        Recency = "recency",
        /// It matters.
        Importance = "importance",
        /// It comes from the same session.
        Continuity = "continuity",
        /// It is related to one that was found.
        Relationship = "relationship",
    }
}

/// How much each signal counts: 0 to 1 each, and 1 together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetrievalWeights([f64; Signal::ALL.len()]);

/// Weights that are no numbers from 0 to 1, or are not 1 together.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("weights with the sum {sum} are refused; accepted: 0 to 1 each, 1 together")]
pub struct InvalidWeights {
    /// What they are together.
    pub sum: f64,
}

impl RetrievalWeights {
    /// How far from 1 the sum may be.
    pub const TOLERANCE: f64 = 1e-6;

    /// The weights that this says for each signal. When they are not quite 1 together they are scaled to be, so that
    /// rounding on the way through a database never makes them refused.
    ///
    /// # Errors
    /// When one is not from 0 to 1, or they are further from 1 together than [`RetrievalWeights::TOLERANCE`].
    pub fn from_fn(weight: impl Fn(Signal) -> f64) -> Result<Self, InvalidWeights> {
        let mut weights = [0.0; Signal::ALL.len()];
        Signal::ALL.iter().for_each(|&signal| weights[position(signal)] = weight(signal));
        let sum: f64 = weights.iter().sum();
        let is_share = |weight: &f64| (0.0..=1.0).contains(weight);
        if weights.iter().all(is_share) && (sum - 1.0).abs() <= Self::TOLERANCE {
            let is_exact = (sum - 1.0).abs() <= f64::EPSILON * 8.0;
            Ok(Self(if is_exact { weights } else { weights.map(|weight| weight / sum) }))
        } else {
            Err(InvalidWeights { sum })
        }
    }

    /// How much this signal counts.
    #[must_use]
    pub const fn of(&self, signal: Signal) -> f64 {
        self.0[position(signal)]
    }
}

const fn position(signal: Signal) -> usize {
    match signal {
        Signal::Semantic => 0,
        Signal::Recency => 1,
        Signal::Importance => 2,
        Signal::Continuity => 3,
        Signal::Relationship => 4,
    }
}

impl Default for RetrievalWeights {
    fn default() -> Self {
        Self([0.35, 0.20, 0.20, 0.15, 0.10])
    }
}

impl serde::Serialize for RetrievalWeights {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Signal::ALL.len()))?;
        for &signal in Signal::ALL {
            map.serialize_entry(signal.as_str(), &self.of(signal))?;
        }
        map.end()
    }
}

/// One weight on its way to become one of five.
struct Weight(f64);

impl FromJson for Weight {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let number = json.as_f64().filter(|number| (0.0..=1.0).contains(number));
        number.map(Self).ok_or_else(|| refused(path, json, "0 to 1"))
    }
}

impl FromJson for RetrievalWeights {
    /// Weights are given all or not at all: a default for some would hardly fit the others.
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let mut weights = [0.0; Signal::ALL.len()];
        for &signal in Signal::ALL {
            let Weight(weight) = fields.required(signal.as_str())?;
            weights[position(signal)] = weight;
        }
        fields.finish()?;
        Self::from_fn(|signal| weights[position(signal)])
            .map_err(|error| refused(path, json, format!("weights with the sum 1, not {}", error.sum)))
    }
}
