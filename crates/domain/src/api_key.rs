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
    pub prefix: String,
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

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_key_is_usable_until_it_expires_or_is_revoked() {
        let time = Timestamp::from_micros;
        let key = ApiKey {
            id: ApiKeyId::from_uuid(Uuid::nil()),
            team_id: TeamId::from_uuid(Uuid::nil()),
            user_id: UserId::from_uuid(Uuid::nil()),
            name: "laptop".parse().expect("a name"),
            prefix: "pv_abcd".into(),
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
