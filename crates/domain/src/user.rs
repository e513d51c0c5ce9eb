//! People.

use crate::{email::Email, id::UserId, time::Timestamp};

/// A person who runs sessions or answers what agents ask.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct User {
    /// Identity.
    pub id: UserId,
    /// Unique address.
    pub email: Email,
    /// Name for people.
    pub display_name: String,
    /// An inactive user may not act.
    pub is_active: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
