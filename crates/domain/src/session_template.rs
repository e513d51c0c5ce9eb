//! Options to start sessions from, under a name.

use crate::{
    id::{SessionTemplateId, TeamId},
    name::Name,
    session::SessionOptions,
    time::Timestamp,
};

/// A template as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct SessionTemplate {
    /// Identity.
    pub id: SessionTemplateId,
    /// The tenant.
    pub team_id: TeamId,
    /// Unique among the team's templates.
    pub name: Name,
    /// What people sort it under.
    pub category: Option<String>,
    /// What it is for.
    pub description: String,
    /// What a session that is started from it is asked to be.
    pub options: SessionOptions,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// How many sessions were started from it.
    pub usage_count: i64,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
