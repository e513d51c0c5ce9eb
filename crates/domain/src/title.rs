//! What a piece of work is called.

/// One line of 1 to 200 characters, without spaces around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Title(String);

/// A text that is no title.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a title; accepted: one line of 1 to 200 characters")]
pub struct InvalidTitle(String);

impl Title {
    /// The most characters.
    pub const MOST: usize = 200;

    /// The title as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Title {
    type Err = InvalidTitle;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let title = text.trim();
        let well_formed =
            (1..=Self::MOST).contains(&title.chars().count()) && !title.contains(char::is_control);
        if well_formed {
            Ok(Self(title.to_owned()))
        } else {
            // A long text is not repeated whole.
            Err(InvalidTitle(text.chars().take(Self::MOST + 1).collect()))
        }
    }
}

impl std::fmt::Display for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Title {
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
        fn a_title_is_one_short_line_and_survives_its_text(text in ".{0,300}") {
            if let Ok(title) = text.parse::<Title>() {
                prop_assert!((1..=200).contains(&title.as_str().chars().count()));
                prop_assert!(!title.as_str().contains('\n'));
                prop_assert_eq!(title.to_string().parse::<Title>().expect("own text"), title);
            }
        }
    }

    #[test]
    fn blank_long_and_broken_titles_are_refused() {
        for bad in ["", "  ", "a\nb", "a\0b", &"ä".repeat(201)] {
            assert!(bad.parse::<Title>().is_err(), "{bad:?}");
        }
        assert_eq!(" Fix it ".parse::<Title>().expect("title").as_str(), "Fix it");
        assert!("ä".repeat(200).parse::<Title>().is_ok());
    }
}
