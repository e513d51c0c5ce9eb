//! Keys to the API.

use crate::{
    api_scope::ApiScopes,
    digest::Sha256Digest,
    id::{ApiKeyId, TeamId, UserId},
    name::Name,
    time::Timestamp,
};

/// A key by which a program acts for a person in one team. Only the digest of its secret is known.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ApiKey {
    /// Identity.
    pub id: ApiKeyId,
    /// The only team it opens.
    pub team_id: TeamId,
    /// The person it acts for.
    pub user_id: UserId,
    /// Name for people.
    pub name: Name,
    /// How the secret begins, so that people recognise it.
    pub prefix: ApiKeyPrefix,
    /// The digest of the secret.
    #[serde(skip)]
    pub secret_sha256: Sha256Digest,
    /// What it may be used for, within what the person may do.
    pub scopes: ApiScopes,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it opens nothing; `None` is never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, as far as that was noted.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// It is neither revoked nor expired.
    #[must_use]
    pub fn is_usable(&self, at: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|expires_at| at < expires_at)
    }
}

/// The beginning of a secret: 1 to 16 of A-Z, a-z, 0-9 and _; so short that it opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct ApiKeyPrefix(String);

/// A text that is no prefix. It does not repeat the text, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text is not the prefix of a key; accepted: 1 to 16 of A-Z, a-z, 0-9 and _")]
pub struct InvalidApiKeyPrefix;

impl ApiKeyPrefix {
    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for ApiKeyPrefix {
    type Err = InvalidApiKeyPrefix;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if (1..=16).contains(&text.len()) && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidApiKeyPrefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_whole_secret_is_no_prefix() {
        assert_eq!("pv_12345678".parse::<ApiKeyPrefix>().expect("a prefix").as_str(), "pv_12345678");
        for bad in ["", "pv 1", "pv_0123456789abcdef0123456789abcdef", "pv_ä"] {
            assert_eq!(bad.parse::<ApiKeyPrefix>(), Err(InvalidApiKeyPrefix), "{bad}");
        }
    }

    #[test]
    fn a_key_is_usable_until_it_expires_or_is_revoked() {
        let time = Timestamp::from_micros;
        let key = ApiKey {
            id: ApiKeyId::from_uuid(Uuid::nil()),
            team_id: TeamId::from_uuid(Uuid::nil()),
            user_id: UserId::from_uuid(Uuid::nil()),
            name: "laptop".parse().expect("a name"),
            prefix: "pv_abcd".parse().expect("a prefix"),
            secret_sha256: Sha256Digest::of(b"secret"),
            scopes: ApiScopes::default(),
            created_at: time(0),
            expires_at: Some(time(10)),
            last_used_at: None,
            revoked_at: None,
        };
        assert!(key.is_usable(time(9)));
        assert!(!key.is_usable(time(10)), "expired");
        assert!(ApiKey { expires_at: None, ..key.clone() }.is_usable(time(1_000_000)));
        assert!(!ApiKey { revoked_at: Some(time(5)), ..key }.is_usable(time(6)), "revoked");
    }
}
