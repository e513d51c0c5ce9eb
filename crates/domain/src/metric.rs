//! Metrics: measured values under a name.

use std::collections::BTreeMap;

use crate::{
    id::{MetricId, SessionId, TeamId},
    time::Timestamp,
};

/// What was measured: `^[a-z][a-z0-9_.]*$`, at most 100 characters, such as `tool.duration_ms`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct MetricName(String);

/// A text that is no name of a metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a metric name; accepted: 1 to 100 of a-z, 0-9, _ and ., beginning with a letter")]
pub struct InvalidMetricName(String);

/// A measured value: a number from 0 to 1e100, so that no sum of such values overflows.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct MetricValue(f64);

/// A number that is no measured value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a metric value; accepted: a number from 0 to 1e100")]
pub struct InvalidMetricValue(String);

/// What a value was measured of: at most 20 names of 1 to 100 characters, each with a text of at most 200.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct MetricLabels(BTreeMap<String, String>);

/// Labels that are too many or too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "label {label:?} = {value:?} is refused; accepted: at most 20 labels of 1 to 100 characters, with values of at most 200"
)]
pub struct InvalidMetricLabels {
    /// The label's name.
    pub label: String,
    /// Its value.
    pub value: String,
}

/// A measured value as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Metric {
    /// Identity.
    pub id: MetricId,
    /// The tenant.
    pub team_id: TeamId,
    /// What was measured.
    pub name: MetricName,
    /// How much.
    pub value: MetricValue,
    /// Of what.
    pub labels: MetricLabels,
    /// The session it was measured in; `None` also when that was purged.
    pub session_id: Option<SessionId>,
    /// When.
    pub at: Timestamp,
}

/// Many values of one name together.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct MetricSummary {
    /// How many; at least one.
    pub count: i64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean.
    pub average: f64,
    /// All together.
    pub sum: f64,
}

impl MetricName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for MetricName {
    type Err = InvalidMetricName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
        let well_formed = (1..=100).contains(&text.len())
            && text.bytes().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_lowercase());
        if well_formed { Ok(Self(text.to_owned())) } else { Err(InvalidMetricName(text.to_owned())) }
    }
}

impl std::fmt::Display for MetricName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl MetricValue {
    const LARGEST: f64 = 1e100;

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for MetricValue {
    type Error = InvalidMetricValue;

    fn try_from(number: f64) -> Result<Self, InvalidMetricValue> {
        if (0.0..=Self::LARGEST).contains(&number) {
            // Without the sign of a negative zero, which would survive on one database only.
            Ok(Self(number.abs()))
        } else {
            Err(InvalidMetricValue(number.to_string()))
        }
    }
}

impl MetricLabels {
    const MOST: usize = 20;

    /// The value of this label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<&str> {
        self.0.get(label).map(String::as_str)
    }
}

impl TryFrom<BTreeMap<String, String>> for MetricLabels {
    type Error = InvalidMetricLabels;

    fn try_from(labels: BTreeMap<String, String>) -> Result<Self, InvalidMetricLabels> {
        let fits = |label: &str, value: &str| {
            (1..=100).contains(&label.chars().count()) && value.chars().count() <= 200
        };
        let refused =
            labels.iter().enumerate().find(|(n, (label, value))| *n >= Self::MOST || !fits(label, value));
        match refused {
            None => Ok(Self(labels)),
            Some((_, (label, value))) => {
                Err(InvalidMetricLabels { label: label.clone(), value: value.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_is_the_text_it_was_parsed_from(text in "[a-z][a-z0-9_.]{0,99}") {
            let name: MetricName = text.parse().unwrap();
            prop_assert_eq!(name.as_str(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            drop(text.parse::<MetricName>());
        }

        #[test]
        fn values_are_finite_and_not_negative(number in any::<f64>()) {
            let value = MetricValue::try_from(number).ok().map(MetricValue::get);
            prop_assert_eq!(value, (0.0..=1e100).contains(&number).then_some(number));
        }
    }

    #[test]
    fn names_begin_with_a_letter() {
        for bad in ["", "1a", "_a", ".a", "A", "a b", "a-b", "ä", &"a".repeat(101)] {
            assert!(bad.parse::<MetricName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_are_bounded() {
        let labels = |count: usize, name: &str, value: &str| {
            let labels = (0..count).map(|n| (format!("{name}{n:02}"), value.to_owned()));
            MetricLabels::try_from(labels.collect::<BTreeMap<_, _>>())
        };
        assert_eq!(labels(20, "tool", "Bash").unwrap().get("tool07"), Some("Bash"));
        assert!(labels(21, "tool", "Bash").is_err());
        assert!(labels(1, &"a".repeat(99), "").is_err());
        assert!(labels(1, "tool", &"ä".repeat(200)).is_ok());
        assert!(labels(1, "tool", &"ä".repeat(201)).is_err());
    }
}
