//! One macro for texts that are parsed once and valid ever after, such as names and addresses.

/// Why a text is refused: says which text, as what, and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not a {what}; accepted: {accepted}")]
pub struct InvalidText {
    /// What it should have been, such as `hook event`.
    pub what: &'static str,
    /// The text as given, or its beginning.
    pub value: String,
    /// What would do.
    pub accepted: &'static str,
}

impl InvalidText {
    /// The most characters of a refused text that its error repeats.
    const SHOWN: usize = 200;

    pub(crate) fn new(what: &'static str, value: &str, accepted: &'static str) -> Self {
        Self { what, value: value.chars().take(Self::SHOWN).collect(), accepted }
    }
}

/// Declares a text that exists only when the rule holds for it.
macro_rules! parsed_text {
    ($(#[$meta:meta])* pub struct $name:ident: $what:literal, $accepted:literal, $rule:expr;) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if ($rule)(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::InvalidText::new($what, text, $accepted))
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// A name for people: 1 to 200 characters, none of them a control character, no space at either end.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}

/// One line of at most so many bytes: no control character, no blank at either end.
pub(crate) fn is_line(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.trim().len() == text.len()
        && !text.chars().any(char::is_control)
}

/// Words of `a-z`, `0-9` and `_`, at least two, separated by dots; at most 100 characters.
pub(crate) fn is_dotted(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.len() <= 100 && text.contains('.') && text.split('.').all(is_word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{audit::ActionName, hook::HookEvent, policy::PolicyName};

    proptest! {
        #[test]
        fn whatever_is_accepted_is_kept_as_it_was(text in ".{0,12}|[a-z]{1,4}\\.[a-z_]{1,4}") {
            if let Ok(name) = text.parse::<PolicyName>() {
                prop_assert_eq!(name.as_str(), &text);
            }
            if let Ok(action) = text.parse::<ActionName>() {
                prop_assert_eq!(action.to_string(), text.clone());
            }
            if let Ok(event) = text.parse::<HookEvent>() {
                prop_assert_eq!(event.as_str(), &text);
            }
        }
    }

    #[test]
    fn actions_are_dotted_words() {
        for good in ["session.create", "api_key.revoke", "memory.write.user", "a.1"] {
            assert!(good.parse::<ActionName>().is_ok(), "{good}");
        }
        for bad in
            ["", "session", "session.", ".create", "Session.create", "a..b", "a b.c", "ä.b", &"a.".repeat(51)]
        {
            assert!(bad.parse::<ActionName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_have_no_spaces_at_the_ends_and_no_control_characters() {
        for good in ["no network", "ß", &"ä".repeat(200)] {
            assert!(good.parse::<PolicyName>().is_ok(), "{good}");
        }
        for bad in ["", " a", "a ", "a\nb", "\0", &"a".repeat(201)] {
            assert!(bad.parse::<PolicyName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refused_text_is_named_with_what_is_accepted() {
        let error = "Session".parse::<ActionName>().expect_err("refused");
        assert_eq!(
            error.to_string(),
            "\"Session\" is not a name of an action; accepted: two or more words of a-z, 0-9 and _, separated by dots, such as session.create"
        );
        let long = "x".repeat(1_000_000).parse::<ActionName>().expect_err("refused");
        assert!(long.to_string().len() < 500, "an error repeats only a beginning");
    }
}
