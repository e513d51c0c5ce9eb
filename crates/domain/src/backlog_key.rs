//! The keys by which people call epics, features and tasks: `E04`, `E04-F01`, `T-E04-F01-001`, `T-0001`.
//!
//! They are read in either case and with more or fewer leading zeros, and always written one way. `T-` may be left out
//! before the key of a task of a feature.

use std::{fmt, str::FromStr};

/// The key of an epic, such as `E04`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EpicKey {
    /// Among the team's epics.
    pub number: KeyNumber,
}

/// The key of a feature, such as `E04-F01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeatureKey {
    /// The epic it belongs to.
    pub epic: EpicKey,
    /// Among the epic's features.
    pub number: KeyNumber,
}

/// The key of a task: `T-E04-F01-001`, or `T-0001` of one that belongs to no feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskKey {
    /// The feature it belongs to.
    pub feature: Option<FeatureKey>,
    /// Among the feature's tasks, or among the team's without a feature.
    pub number: KeyNumber,
}

/// A number in a key: 0 to 999,999,999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyNumber(u32);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not the key of {what}; accepted: {accepted}, in upper or lower case")]
pub struct InvalidKey {
    /// Whose key was wanted.
    pub what: &'static str,
    /// The text as given.
    pub value: String,
    /// What would do.
    pub accepted: &'static str,
}

impl KeyNumber {
    /// The largest.
    pub const MAX: Self = Self(999_999_999);

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Digits only, at least `width` of them.
    fn parse(digits: &str, width: usize) -> Option<Self> {
        let is_number =
            (width..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_number { digits.parse::<i64>().ok()? } else { return None };
        Self::try_from(number).ok()
    }
}

impl TryFrom<i64> for KeyNumber {
    type Error = InvalidKey;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match u32::try_from(number) {
            Ok(small) if small <= Self::MAX.0 => Ok(Self(small)),
            _ => Err(InvalidKey {
                what: "anything",
                value: number.to_string(),
                accepted: "a number of at most nine digits",
            }),
        }
    }
}

impl EpicKey {
    const fn invalid(value: String) -> InvalidKey {
        InvalidKey { what: "an epic", value, accepted: "E and two or more digits, such as E04" }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(Self { number: KeyNumber::parse(text.strip_prefix('E')?, 2)? })
    }
}

impl FeatureKey {
    const fn invalid(value: String) -> InvalidKey {
        InvalidKey {
            what: "a feature",
            value,
            accepted: "its epic's key, -F and two or more digits, such as E04-F01",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (epic, number) = text.split_once("-F")?;
        Some(Self { epic: EpicKey::parse(epic)?, number: KeyNumber::parse(number, 2)? })
    }
}

impl TaskKey {
    const fn invalid(value: String) -> InvalidKey {
        InvalidKey { what: "a task", value, accepted: "such as T-E04-F01-001, E04-F01-001 or T-0001" }
    }

    fn parse(text: &str) -> Option<Self> {
        let (has_prefix, rest) = text.strip_prefix("T-").map_or((false, text), |rest| (true, rest));
        if let Some((feature, number)) = rest.rsplit_once('-') {
            return Some(Self {
                feature: Some(FeatureKey::parse(feature)?),
                number: KeyNumber::parse(number, 3)?,
            });
        }
        let number = if has_prefix { KeyNumber::parse(rest, 4)? } else { return None };
        Some(Self { feature: None, number })
    }
}

impl fmt::Display for EpicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{:02}", self.number.0)
    }
}

impl fmt::Display for FeatureKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-F{:02}", self.epic, self.number.0)
    }
}

impl fmt::Display for TaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.feature {
            Some(feature) => write!(f, "T-{feature}-{:03}", self.number.0),
            None => write!(f, "T-{:04}", self.number.0),
        }
    }
}

macro_rules! key_texts {
    ($($key:ident),+) => {$(
        impl FromStr for $key {
            type Err = InvalidKey;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(&text.to_ascii_uppercase()).ok_or_else(|| Self::invalid(text.to_owned()))
            }
        }

        impl serde::Serialize for $key {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $key {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

key_texts! { EpicKey, FeatureKey, TaskKey }

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = KeyNumber> {
        prop_oneof![0_u32..1200, 0..=KeyNumber::MAX.0].prop_map(KeyNumber)
    }

    proptest! {
        #[test]
        fn keys_survive_their_texts_in_either_case(epic in number(), feature in number(), task in number()) {
            let epic = EpicKey { number: epic };
            let feature = FeatureKey { epic, number: feature };
            let (below, queued) = (TaskKey { feature: Some(feature), number: task }, TaskKey { feature: None, number: task });
            for text in [epic.to_string(), epic.to_string().to_lowercase()] {
                prop_assert_eq!(text.parse(), Ok(epic));
            }
            for text in [feature.to_string(), feature.to_string().to_lowercase()] {
                prop_assert_eq!(text.parse(), Ok(feature));
            }
            for text in [below.to_string(), below.to_string().to_lowercase(), below.to_string().replace("T-", "")] {
                prop_assert_eq!(text.parse(), Ok(below));
            }
            prop_assert_eq!(queued.to_string().to_lowercase().parse(), Ok(queued));
        }

        #[test]
        fn no_text_is_two_keys_and_none_panics(text in "\\PC*", near in "[tT]?-?[eE][0-9]{0,12}-?[fF]?[0-9]{0,3}-?[0-9]{0,4}") {
            for text in [text, near] {
                let kinds = [
                    text.parse::<EpicKey>().is_ok(),
                    text.parse::<FeatureKey>().is_ok(),
                    text.parse::<TaskKey>().is_ok(),
                ];
                prop_assert!(kinds.into_iter().filter(|is_key| *is_key).count() <= 1, "{text}");
            }
        }
    }

    #[test]
    fn keys_are_written_one_way() {
        let read = |text: &str| text.parse::<TaskKey>().expect("key").to_string();
        assert_eq!(read("e4000-f001-0001"), "T-E4000-F01-001");
        assert_eq!(read("t-00012"), "T-0012");
        assert_eq!("e004".parse::<EpicKey>().expect("key").to_string(), "E04");
    }

    #[test]
    fn what_is_no_key_is_named_in_the_error() {
        for bad in [
            "",
            "T",
            "T-",
            "0001",
            "T-1",
            "E4-F01-001",
            "T-E04-001",
            "E04-F01-01",
            "T-+001",
            "T-E04-F01-001-1",
            "ẞ",
        ] {
            let error = bad.parse::<TaskKey>().expect_err(bad);
            assert!(error.to_string().contains("T-E04-F01-001"), "{error}");
        }
        for bad in ["E4", "E", "F04", "E04-", "E9999999999", "E+4"] {
            assert!(bad.parse::<EpicKey>().is_err(), "{bad}");
        }
        for bad in ["E04", "E04-F1", "E04-01", "T-E04-F01"] {
            assert!(bad.parse::<FeatureKey>().is_err(), "{bad}");
        }
    }
}
