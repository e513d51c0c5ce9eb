//! People.

use crate::{email::Email, id::UserId, name::Name, password::PasswordHash, time::Timestamp};

/// A person who runs sessions or answers what agents ask.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Unique address.
    pub email: Email,
    /// Name for people.
    pub display_name: Name,
    /// What a password is checked against; `None` cannot log in by password.
    #[serde(skip)]
    pub password_hash: Option<PasswordHash>,
    /// An inactive user may not act.
    pub is_active: bool,
    /// Grows with each update of address and name.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_shown_without_the_password_hash() {
        let hash = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaA";
        let user = User {
            id: UserId::from_uuid(uuid::Uuid::nil()),
            email: "ada@example.org".parse().expect("an address"),
            display_name: "Ada".parse().expect("a name"),
            password_hash: Some(hash.parse().expect("a hash")),
            is_active: true,
            version: 1,
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
        };
        let shown = format!("{user:?} {}", serde_json::to_string(&user).expect("json"));
        assert!(!shown.contains("argon2id"), "{shown}");
    }
}
