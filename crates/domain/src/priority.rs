//! How pressing something is, as a number.

/// 1, the highest, to 10; 5 where nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(into = "i64", try_from = "i64")]
pub struct Priority(u8);

/// A number or text that is no priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a priority; accepted: 1 (highest) to 10")]
pub struct InvalidPriority(String);

impl Priority {
    /// Before everything else.
    pub const HIGHEST: Self = Self(1);
    /// Of what says nothing about it.
    pub const DEFAULT: Self = Self(5);

    /// The number, 1 to 10.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for Priority {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl TryFrom<i64> for Priority {
    type Error = InvalidPriority;

    fn try_from(number: i64) -> Result<Self, Self::Error> {
        match u8::try_from(number) {
            Ok(small @ 1..=10) => Ok(Self(small)),
            _ => Err(InvalidPriority(number.to_string())),
        }
    }
}

impl From<Priority> for i64 {
    fn from(priority: Priority) -> Self {
        priority.0.into()
    }
}

impl std::str::FromStr for Priority {
    type Err = InvalidPriority;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse::<i64>().map_err(|_| InvalidPriority(text.to_owned()))?;
        Self::try_from(number)
    }
}

impl std::fmt::Display for Priority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn exactly_one_to_ten_are_priorities(number in any::<i64>(), near in -2_i64..14) {
            for number in [number, near] {
                prop_assert_eq!(Priority::try_from(number).is_ok(), (1..=10).contains(&number));
            }
        }

        #[test]
        fn a_priority_survives_its_text(number in 1_i64..=10, text in ".*") {
            let priority = Priority::try_from(number).expect("in range");
            prop_assert_eq!(priority.to_string().parse::<Priority>().expect("own text"), priority);
            if let Err(error) = text.parse::<Priority>() {
                prop_assert!(error.to_string().contains("1 (highest) to 10"));
            }
        }
    }
}
