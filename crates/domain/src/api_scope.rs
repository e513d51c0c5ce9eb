//! What a key may be used for.

use std::collections::BTreeSet;

/// `NOUN:VERB`, such as `sessions:read`; each side is 1 to 32 of a-z and _, or `*` for any.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct ApiScope(String);

/// A text that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a scope; accepted: NOUN:VERB, each 1 to 32 of a-z and _, or * for any")]
pub struct InvalidApiScope(String);

impl ApiScope {
    /// The scope as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It covers this verb on this noun.
    #[must_use]
    pub fn allows(&self, noun: &str, verb: &str) -> bool {
        let covers = |side: &str, word: &str| side == "*" || side == word;
        self.0
            .split_once(':')
            .is_some_and(|(own_noun, own_verb)| covers(own_noun, noun) && covers(own_verb, verb))
    }
}

impl std::str::FromStr for ApiScope {
    type Err = InvalidApiScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_word = |side: &str| {
            (1..=32).contains(&side.len())
                && side.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        let is_side = |side: &str| side == "*" || is_word(side);
        match text.split_once(':') {
            Some((noun, verb)) if is_side(noun) && is_side(verb) => Ok(Self(text.to_owned())),
            _ => Err(InvalidApiScope(text.chars().take(80).collect())),
        }
    }
}

impl std::fmt::Display for ApiScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for ApiScope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// All that a key may be used for; an empty set is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ApiScopes(BTreeSet<ApiScope>);

impl ApiScopes {
    /// The scopes in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &ApiScope> {
        self.0.iter()
    }

    /// One of them covers this verb on this noun.
    #[must_use]
    pub fn allow(&self, noun: &str, verb: &str) -> bool {
        self.0.iter().any(|scope| scope.allows(noun, verb))
    }
}

impl FromIterator<ApiScope> for ApiScopes {
    fn from_iter<I: IntoIterator<Item = ApiScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn scopes(texts: &[&str]) -> ApiScopes {
        texts.iter().map(|text| text.parse::<ApiScope>().expect("a scope")).collect()
    }

    proptest! {
        #[test]
        fn a_scope_survives_its_text(text in "([a-z_*]{0,34}:)?.{0,34}") {
            if let Ok(scope) = text.parse::<ApiScope>() {
                prop_assert_eq!(scope.as_str(), &text);
            }
        }

        #[test]
        fn the_scope_of_everything_covers_everything(noun in "[a-z_]{1,32}", verb in "[a-z_]{1,32}") {
            prop_assert!(scopes(&["*:*"]).allow(&noun, &verb));
            prop_assert!(!ApiScopes::default().allow(&noun, &verb));
        }
    }

    #[test]
    fn a_scope_covers_its_noun_and_verb_only() {
        let some = scopes(&["sessions:read", "tasks:*", "*:list"]);
        for (noun, verb) in [("sessions", "read"), ("tasks", "claim"), ("keys", "list")] {
            assert!(some.allow(noun, verb), "{noun}:{verb}");
        }
        for (noun, verb) in [("sessions", "write"), ("task", "claim"), ("keys", "read")] {
            assert!(!some.allow(noun, verb), "{noun}:{verb}");
        }
    }

    #[test]
    fn texts_that_are_no_scope_are_refused() {
        for bad in ["", ":", "a", "a:", ":b", "A:b", "a:b:c", "a b:c", "**:a", "sessions:re*d"] {
            assert!(bad.parse::<ApiScope>().is_err(), "{bad}");
        }
    }
}
