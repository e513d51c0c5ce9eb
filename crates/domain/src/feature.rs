//! Features: parts of an epic, made of tasks.

use crate::{
    backlog_key::FeatureKey,
    epic::WorkStatus,
    id::{EpicId, FeatureId, TeamId},
    name::Name,
    time::Timestamp,
};

/// A feature as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Feature {
    /// Identity.
    pub id: FeatureId,
    /// The tenant.
    pub team_id: TeamId,
    /// The epic it is part of.
    pub epic_id: EpicId,
    /// What people call it.
    pub key: FeatureKey,
    /// Its name.
    pub title: Name,
    /// What it is about, Markdown.
    pub description: String,
    /// Follows its tasks unless overridden.
    pub status: WorkStatus,
    /// A person set the status; it no longer follows the tasks.
    pub is_status_overridden: bool,
    /// Its place among the epic's features.
    pub execution_order: Option<i64>,
    /// Its name in addresses and file names.
    pub slug: Option<String>,
    /// Where its Markdown file is.
    pub file_path: Option<String>,
    /// How much of its tasks is done, 0 to 100; follows the tasks.
    pub progress_pct: f64,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody last changed it.
    pub updated_at: Timestamp,
}

/// A feature that is to be: what its creator decides.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFeature {
    /// Identity.
    pub id: FeatureId,
    /// The epic it is to be part of.
    pub epic_id: EpicId,
    /// What people are to call it; `None` takes the next key.
    pub key: Option<FeatureKey>,
    /// See [`Feature::title`].
    pub title: Name,
    /// See [`Feature::description`].
    pub description: String,
    /// See [`Feature::execution_order`].
    pub execution_order: Option<i64>,
    /// See [`Feature::slug`].
    pub slug: Option<String>,
    /// See [`Feature::file_path`].
    pub file_path: Option<String>,
}

impl NewFeature {
    /// A feature of which only the name is known.
    #[must_use]
    pub const fn new(id: FeatureId, epic_id: EpicId, title: Name) -> Self {
        Self {
            id,
            epic_id,
            key: None,
            title,
            description: String::new(),
            execution_order: None,
            slug: None,
            file_path: None,
        }
    }
}
