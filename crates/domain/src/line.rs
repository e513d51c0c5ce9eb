//! One macro for names and keys: texts of one line with a bounded length.

/// A text that is no line of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{value:?} is not a {what}; accepted: 1 to {longest} bytes of text without control characters and without blanks at its ends"
)]
pub struct InvalidLine {
    /// What it was to be, such as `memory key`.
    pub what: &'static str,
    /// The text as given, cut when it is very long.
    pub value: String,
    /// The most bytes accepted.
    pub longest: usize,
}

/// The text, if it is one line of at most so many bytes.
pub(crate) fn line(what: &'static str, longest: usize, text: &str) -> Result<String, InvalidLine> {
    let is_line = (1..=longest).contains(&text.len())
        && text.trim().len() == text.len()
        && !text.chars().any(char::is_control);
    if is_line {
        return Ok(text.to_owned());
    }
    Err(InvalidLine { what, value: text.chars().take(200).collect(), longest })
}

/// Declares types of one-line texts, each with what errors call it and its most bytes.
macro_rules! line_types {
    ($($(#[$meta:meta])* $name:ident: $what:literal, $longest:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The most bytes it has.
            pub const LONGEST: usize = $longest;

            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::line::InvalidLine;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::line::line($what, $longest, text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }
    )+};
}
pub(crate) use line_types;
