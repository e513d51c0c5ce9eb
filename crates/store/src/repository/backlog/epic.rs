//! Epics.

use domain::{
    backlog_key::EpicKey,
    epic::{Epic, EpicPriority, NewEpic, WorkStatus},
    id::EpicId,
    progress::Progress,
    time::Timestamp,
};

use super::{
    key_counter::{self, KeyScope},
    progress::Changed,
    workflow::Workflows,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    repository::{
        Reads,
        page::{Cursor, Page},
    },
    scope::Scope,
    statement::Order,
};

record! {
    Epic in "epics" {
        id, team_id, key, title, description, status, is_status_overridden, priority, business_value, slug, file_path,
        progress_pct, version, created_at, updated_at,
    }
    owned by EpicId as "epic" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

/// A team's epics.
#[derive(Debug, Clone, Copy)]
pub struct Epics<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

/// Which epics a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct EpicFilter {
    /// In this status.
    pub status: Option<WorkStatus>,
    /// Of this priority.
    pub priority: Option<EpicPriority>,
}

impl<C: Reads> Epics<'_, C> {
    /// The epic of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: EpicId) -> Result<Option<Epic>, StoreError> {
        self.scope.find_row(id)
    }

    /// The epic of this key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_key(&self, key: EpicKey) -> Result<Option<Epic>, StoreError> {
        self.scope.find_row_by("key", &key)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: EpicFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Epic>, StoreError> {
        let mut statement = self.scope.select::<Epic>();
        statement.and_equal("status", filter.status.as_ref());
        statement.and_equal("priority", filter.priority.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl Epics<'_, Tx<'_>> {
    /// Adds an epic without features and gives it as it stands. A key of its own is taken as it is, and none up to it is given
    /// later.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has, or had, one of this key or id; [`StoreError::Invalid`] when its value is out
    /// of range.
    pub fn insert(&self, new: NewEpic, at: Timestamp) -> Result<Epic, StoreError> {
        refuse_immeasurable(new.business_value)?;
        let taken = new.key.map(|key| key.number);
        let next = KeyScope::Epics.take(&self.scope, taken, usize::from(taken.is_none()))?;
        let number = taken.map_or_else(|| key_counter::number(next), Ok)?;
        let epic = Epic {
            id: new.id,
            team_id: self.scope.team(),
            key: EpicKey { number },
            title: new.title,
            description: new.description,
            status: Progress::NONE.status,
            is_status_overridden: false,
            priority: new.priority,
            business_value: new.business_value,
            slug: new.slug,
            file_path: new.file_path,
            progress_pct: Progress::NONE.percent,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        self.scope.insert(&epic)?;
        Ok(epic)
    }

    /// Replaces what people write on an epic by what stands here, and gives its new version. Its version is the one that the
    /// caller read. A status is kept only while it is overridden; else it follows the tasks again, as progress always does.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Invalid`] when its value is out of range.
    pub fn update(&self, epic: &Epic) -> Result<i64, StoreError> {
        refuse_immeasurable(epic.business_value)?;
        let workflow = Workflows { scope: self.scope }.hold()?;
        let version = self.scope.update_except(&["key", "progress_pct"], epic)?;
        if !epic.is_status_overridden {
            Changed::epic(epic.id).recompute(self.scope.tx(), &workflow)?;
        }
        Ok(version)
    }
}

fn refuse_immeasurable(business_value: Option<i64>) -> Result<(), StoreError> {
    match business_value.filter(|value| !Epic::BUSINESS_VALUES.contains(value)) {
        None => Ok(()),
        Some(value) => Err(StoreError::Invalid {
            field: "business_value",
            value: value.to_string(),
            accepted: format!("{} to {}", Epic::BUSINESS_VALUES.start(), Epic::BUSINESS_VALUES.end()),
        }),
    }
}
