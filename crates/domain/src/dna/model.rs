//! What thinks.

use serde_json::Value as Json;

use super::{
    Bounded, DnaError, Text,
    fields::{Fields, FromJson, refused},
};

/// Which model, and how it is asked.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct ModelDna {
    /// Its name; `None` is the one the agent program takes by itself.
    pub name: Option<Text<200>>,
    /// How freely it chooses its words; 1 unless said.
    pub temperature: Temperature,
    /// The most tokens of an answer; 8,000 unless said.
    pub max_output_tokens: Bounded<100, 32_000>,
    /// The model that is asked when the first does not answer; another than the first.
    pub fallback: Option<Text<200>>,
}

impl Default for ModelDna {
    fn default() -> Self {
        Self {
            name: None,
            temperature: Temperature::default(),
            max_output_tokens: Bounded::saturating(8000),
            fallback: None,
        }
    }
}

impl FromJson for ModelDna {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let default = Self::default();
        let model = Self {
            name: fields.optional("name")?,
            temperature: fields.or_default("temperature")?,
            max_output_tokens: fields.or("max_output_tokens", default.max_output_tokens)?,
            fallback: fields.optional("fallback")?,
        };
        fields.finish()?;
        match &model.fallback {
            Some(name) if model.fallback == model.name => {
                let json = Json::from(name.as_str());
                Err(refused(&format!("{path}.fallback"), &json, "another model than name"))
            }
            _ => Ok(model),
        }
    }
}

/// 0 (always the likeliest word) to 2.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct Temperature(f64);

/// A number that is no temperature.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("temperature = {0} is refused; accepted: 0 to 2")]
pub struct InvalidTemperature(f64);

impl Temperature {
    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for Temperature {
    fn default() -> Self {
        Self(1.0)
    }
}

impl TryFrom<f64> for Temperature {
    type Error = InvalidTemperature;

    fn try_from(number: f64) -> Result<Self, InvalidTemperature> {
        if (0.0..=2.0).contains(&number) { Ok(Self(number)) } else { Err(InvalidTemperature(number)) }
    }
}

impl FromJson for Temperature {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let number = json.as_f64().and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| refused(path, json, "0 to 2"))
    }
}
