//! Passwords as they are stored: never themselves.

/// An argon2id hash in the PHC string format, `$argon2id$v=19$m=…,t=…,p=…$SALT$HASH`. It never shows itself: not when
/// printed for debugging, and it cannot be serialised.
///
/// The form is that of the [PHC string format](https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// A text that is no password hash. It does not repeat the text, which may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the text is not a password hash; accepted: argon2id in the form $argon2id$v=19$m=…,t=…,p=…$SALT$HASH"
)]
pub struct InvalidPasswordHash;

impl PasswordHash {
    /// The hash as text, for verifying and storing only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for PasswordHash {
    type Err = InvalidPasswordHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hash = text.len() <= 512 && is_argon2id(text).unwrap_or(false);
        if is_hash { Ok(Self(text.to_owned())) } else { Err(InvalidPasswordHash) }
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

fn is_argon2id(text: &str) -> Option<bool> {
    let mut parts = text.strip_prefix("$argon2id$")?.split('$');
    let version = parts.next()?.strip_prefix("v=")?;
    let mut costs = parts.next()?.split(',');
    let (memory, time, lanes) = (costs.next()?, costs.next()?, costs.next()?);
    let (salt, hash) = (parts.next()?, parts.next()?);
    let is_cost = |text: &str, name: &str| text.strip_prefix(name).is_some_and(is_number);
    Some(
        is_number(version)
            && is_cost(memory, "m=")
            && is_cost(time, "t=")
            && is_cost(lanes, "p=")
            && is_base64(salt, 11)
            && is_base64(hash, 16)
            && costs.next().is_none()
            && parts.next().is_none(),
    )
}

fn is_number(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_base64(text: &str, min: usize) -> bool {
    text.len() >= min && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$gZiV/M1gPc22ElAH/Jh1Hw$CWOrkoo7oJBQ/iyh7uJ0LO2aLEfrHwTWllSAxT0zRno";

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(\\$argon2id)?[$v=19mtp,]{0,40}.{0,20}") {
            if let Ok(hash) = text.parse::<PasswordHash>() {
                prop_assert_eq!(hash.as_str(), text);
            }
        }
    }

    #[test]
    fn only_argon2id_is_a_password_hash() {
        assert_eq!(HASH.parse::<PasswordHash>().expect("a hash").as_str(), HASH);
        let bcrypt = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
        let other = [HASH.replace("argon2id", "argon2i"), HASH.replace(",p=1", ""), format!("{HASH}$x")];
        for bad in ["", "hunter2", bcrypt, "$argon2id$", "$argon2id$v=19$m=1,t=1,p=1$a$b"] {
            assert!(bad.parse::<PasswordHash>().is_err(), "{bad}");
        }
        for bad in other {
            assert!(bad.parse::<PasswordHash>().is_err(), "{bad}");
        }
    }

    #[test]
    fn neither_a_hash_nor_its_error_shows_the_text() {
        let hash: PasswordHash = HASH.parse().expect("a hash");
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
        let error = "hunter2".parse::<PasswordHash>().expect_err("a password");
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
