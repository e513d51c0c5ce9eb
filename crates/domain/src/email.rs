//! The address a person is known by.

/// One `local@domain`, trimmed and case-folded, so that it is unique however it was typed.
///
/// The check is the practical part of RFC 5321: one `@`, something on both sides, no blanks or control characters,
/// at most 64 and 254 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an e-mail address; accepted: name@domain, at most 254 characters")]
pub struct InvalidEmail(String);

impl Email {
    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let folded = text.trim().to_lowercase();
        let well_formed = folded.split_once('@').is_some_and(|(local, domain)| {
            (1..=64).contains(&local.len())
                && !domain.is_empty()
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
                && !domain.contains("..")
        });
        let printable = !folded.chars().any(|c| c.is_whitespace() || c.is_control());
        if well_formed && printable && folded.len() <= 254 {
            Ok(Self(folded))
        } else {
            Err(InvalidEmail(text.to_owned()))
        }
    }
}

impl std::fmt::Display for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_was_typed() {
        let typed: Email = " Ada@Example.ORG ".parse().expect("an address");
        assert_eq!(typed.as_str(), "ada@example.org");
    }

    #[test]
    fn texts_without_both_sides_are_refused() {
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "a@.b", "a@b.", "a@b..c", "a@\u{7}b"] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }
}
