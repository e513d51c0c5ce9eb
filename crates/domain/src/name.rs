//! What people call a thing.

/// One line of 1 to 200 characters, without blanks around it and without control characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name; accepted: 1 to 200 characters on one line")]
pub struct InvalidName(String);

impl Name {
    /// The most characters.
    pub const MAX_CHARS: usize = 200;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        let is_length = (1..=Self::MAX_CHARS).contains(&trimmed.chars().count());
        if is_length && !trimmed.chars().any(char::is_control) {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err(InvalidName(text.chars().take(Self::MAX_CHARS).collect()))
        }
    }
}

impl<'de> serde::Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_survives_its_text(text in ".{0,210}") {
            if let Ok(name) = text.parse::<Name>() {
                let again: Name = name.as_str().parse().expect("own text");
                prop_assert_eq!(again, name);
            }
        }
    }

    #[test]
    fn blanks_around_a_name_do_not_count() {
        assert_eq!(" Ada Lovelace ".parse::<Name>().expect("a name").as_str(), "Ada Lovelace");
    }

    #[test]
    fn empty_long_and_broken_names_are_refused() {
        for bad in ["", "  ", "a\nb", "a\0b", &"ä".repeat(201)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
        assert!("ä".repeat(200).parse::<Name>().is_ok());
    }
}
