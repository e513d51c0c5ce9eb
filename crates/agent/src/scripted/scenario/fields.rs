//! Takes fields out of one table of a scenario and says clearly what is wrong with them.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Outcome, ScenarioError};

/// The fields of a table that were not taken yet.
pub(super) struct Fields {
    place: String,
    fields: Map<String, Value>,
}

impl Fields {
    pub(super) fn new(place: impl Into<String>, value: Value) -> Result<Self, ScenarioError> {
        let place = place.into();
        match value {
            Value::Object(fields) => Ok(Self { place, fields }),
            other => {
                Err(ScenarioError::Field { place, problem: format!("{other} is not a table of fields") })
            }
        }
    }

    pub(super) fn error(&self, problem: impl Into<String>) -> ScenarioError {
        ScenarioError::Field { place: self.place.clone(), problem: problem.into() }
    }

    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field)
    }

    pub(super) fn text(&mut self, field: &str) -> Result<Option<String>, ScenarioError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(field, &other, "a text")),
        }
    }

    pub(super) fn count(&mut self, field: &str, largest: u64) -> Result<Option<u64>, ScenarioError> {
        match self.take(field) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|&count| count <= largest) {
                Some(count) => Ok(Some(count)),
                None => Err(self.wrong(field, &value, &format!("a whole number from 0 to {largest}"))),
            },
        }
    }

    pub(super) fn list(&mut self, field: &str) -> Result<Vec<Value>, ScenarioError> {
        match self.take(field) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(self.wrong(field, &other, "a list")),
        }
    }

    pub(super) fn duration(&mut self, field: &str) -> Result<Option<Duration>, ScenarioError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        match duration(&text) {
            Some(duration) => Ok(Some(duration)),
            None => Err(self.wrong(field, &Value::from(text), "a time such as \"200ms\", \"2s\" or \"1m\"")),
        }
    }

    pub(super) fn outcome(&mut self, field: &str) -> Result<Option<Outcome>, ScenarioError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        match Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == text) {
            Some(outcome) => Ok(Some(outcome)),
            None => {
                let accepted = Outcome::ALL.map(Outcome::as_str).join(", ");
                Err(self.wrong(field, &Value::from(text), &format!("one of: {accepted}")))
            }
        }
    }

    pub(super) fn wrong(&self, field: &str, value: &Value, accepted: &str) -> ScenarioError {
        self.error(format!("{field} = {value} is not accepted; it must be {accepted}"))
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self, accepted: &str) -> Result<(), ScenarioError> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(field) => Err(self.error(format!("unknown field {field}; accepted: {accepted}"))),
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number.into())),
        "s" => Some(Duration::from_secs(number.into())),
        "m" => Some(Duration::from_secs(u64::from(number) * 60)),
        _ => None,
    }
}
