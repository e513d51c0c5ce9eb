//! Browsers that are logged in.

use core::net::IpAddr;

use crate::{
    digest::Sha256Digest,
    id::{LoginSessionId, UserId},
    time::Timestamp,
};

/// A browser in which a person is logged in. Only the digest of its cookie is known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LoginSession {
    /// Identity.
    pub id: LoginSessionId,
    /// Who is logged in.
    pub user_id: UserId,
    /// The digest of the cookie.
    #[serde(skip)]
    pub token_sha256: Sha256Digest,
    /// What the browser calls itself.
    pub user_agent: Option<UserAgent>,
    /// Where the login came from.
    pub ip: Option<IpAddr>,
    /// When the person logged in.
    pub created_at: Timestamp,
    /// When the browser was last seen, as far as that was noted.
    pub last_seen_at: Timestamp,
    /// From when on the cookie opens nothing.
    pub expires_at: Timestamp,
    /// When the person, or an admin, ended it.
    pub revoked_at: Option<Timestamp>,
}

impl LoginSession {
    /// It is neither revoked nor expired.
    #[must_use]
    pub fn is_usable(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && at < self.expires_at
    }
}

/// The words of a `User-Agent` header; what follows after 512 characters is cut off, and NUL is its visible symbol.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct UserAgent(String);

impl UserAgent {
    /// The most characters.
    pub const MAX_CHARS: usize = 512;

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for UserAgent {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.chars().take(Self::MAX_CHARS).map(|c| if c == '\0' { '␀' } else { c }).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_login_is_usable_until_it_expires_or_is_revoked() {
        let time = Timestamp::from_micros;
        let login = LoginSession {
            id: LoginSessionId::from_uuid(Uuid::nil()),
            user_id: UserId::from_uuid(Uuid::nil()),
            token_sha256: Sha256Digest::of(b"cookie"),
            user_agent: None,
            ip: None,
            created_at: time(0),
            last_seen_at: time(0),
            expires_at: time(10),
            revoked_at: None,
        };
        assert!(login.is_usable(time(9)));
        assert!(!login.is_usable(time(10)), "expired");
        assert!(!LoginSession { revoked_at: Some(time(5)), ..login }.is_usable(time(6)), "revoked");
    }

    #[test]
    fn a_browser_with_many_words_is_cut_off() {
        let Ok(long) = "ä".repeat(600).parse::<UserAgent>();
        assert_eq!(long.as_str().chars().count(), UserAgent::MAX_CHARS);
    }

    #[test]
    fn a_browser_says_nothing_that_no_database_stores() {
        let Ok(odd) = "a\0b".parse::<UserAgent>();
        assert_eq!(odd.as_str(), "a␀b");
    }
}
