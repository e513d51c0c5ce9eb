//! The tenant: every row belongs to one.

use crate::{id::TeamId, slug::Slug, time::Timestamp};

/// A group of people and agents that share sessions, policies and memory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Team {
    /// Identity.
    pub id: TeamId,
    /// Unique short name; a fresh install has `default`.
    pub slug: Slug,
    /// Name for people.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

text_enum! {
    /// What a member may do; each role includes the ones after it.
    pub enum Role: "role" {
        /// May do everything, remove the team included.
        Owner = "owner",
        /// May manage members, policies and settings.
        Admin = "admin",
        /// May run sessions.
        Member = "member",
        /// May look.
        Viewer = "viewer",
    }
}
