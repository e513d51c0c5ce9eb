//! Epics: large pieces of work, made of features.

use crate::{
    backlog_key::EpicKey,
    id::{EpicId, TeamId},
    name::Name,
    time::Timestamp,
};

text_enum! {
    /// Where an epic or a feature is. Follows its tasks unless a person overrides it.
    pub enum WorkStatus: "status of an epic or feature" {
        /// No task has begun.
        Draft = "draft",
        /// Something is under way.
        Active = "active",
        /// All tasks are done.
        Completed = "completed",
        /// Out of daily use; only a person says so.
        Archived = "archived",
    }
}

text_enum! {
    /// How pressing an epic is.
    pub enum EpicPriority: "priority of an epic" {
        /// Before others.
        High = "high",
        /// As it comes.
        Medium = "medium",
        /// After others.
        Low = "low",
    }
}

/// An epic as it stands in the store.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Epic {
    /// Identity.
    pub id: EpicId,
    /// The tenant.
    pub team_id: TeamId,
    /// What people call it.
    pub key: EpicKey,
    /// Its name.
    pub title: Name,
    /// What it is about, Markdown.
    pub description: String,
    /// Follows its tasks unless overridden.
    pub status: WorkStatus,
    /// A person set the status; it no longer follows the tasks.
    pub is_status_overridden: bool,
    /// How pressing it is.
    pub priority: EpicPriority,
    /// What it is worth, 1 to 10.
    pub business_value: Option<i64>,
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

impl Epic {
    /// What [`Epic::business_value`] can be.
    pub const BUSINESS_VALUES: std::ops::RangeInclusive<i64> = 1..=10;
}

/// An epic that is to be: what its creator decides.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEpic {
    /// Identity.
    pub id: EpicId,
    /// What people are to call it; `None` takes the next key.
    pub key: Option<EpicKey>,
    /// See [`Epic::title`].
    pub title: Name,
    /// See [`Epic::description`].
    pub description: String,
    /// See [`Epic::priority`].
    pub priority: EpicPriority,
    /// See [`Epic::business_value`].
    pub business_value: Option<i64>,
    /// See [`Epic::slug`].
    pub slug: Option<String>,
    /// See [`Epic::file_path`].
    pub file_path: Option<String>,
}

impl NewEpic {
    /// An epic of which only the name is known.
    #[must_use]
    pub const fn new(id: EpicId, title: Name) -> Self {
        Self {
            id,
            key: None,
            title,
            description: String::new(),
            priority: EpicPriority::Medium,
            business_value: None,
            slug: None,
            file_path: None,
        }
    }
}
