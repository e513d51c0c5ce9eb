//! Names that people give to sessions, templates and checkpoints.

/// One line of 1 to 200 characters without space around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct SessionName(String);

/// A text that is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a name; accepted: one line of 1 to 200 characters")]
pub struct InvalidSessionName(String);

impl SessionName {
    const LONGEST: usize = 200;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for SessionName {
    type Err = InvalidSessionName;

    /// Space around the name is left out.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        let well_formed =
            (1..=Self::LONGEST).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if well_formed { Ok(Self(name.to_owned())) } else { Err(InvalidSessionName(text.to_owned())) }
    }
}

impl std::fmt::Display for SessionName {
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
        fn a_name_survives_its_text(text in ".{0,250}") {
            if let Ok(name) = text.parse::<SessionName>() {
                prop_assert_eq!(name.as_str().parse::<SessionName>(), Ok(name.clone()));
                prop_assert_eq!(name.as_str(), text.trim());
            }
        }
    }

    #[test]
    fn a_name_is_one_line_of_bounded_length() {
        for good in ["a", " fix the test ", &"ü".repeat(200)] {
            assert!(good.parse::<SessionName>().is_ok(), "{good}");
        }
        for bad in ["", "  ", "a\nb", "a\0b", &"a".repeat(201)] {
            assert!(bad.parse::<SessionName>().is_err(), "{bad}");
        }
    }
}
