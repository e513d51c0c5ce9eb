//! Features.

use domain::{
    backlog_key::FeatureKey,
    epic::{Epic, WorkStatus},
    feature::{Feature, NewFeature},
    id::{EpicId, FeatureId},
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
    scope::{Scope, missing},
    statement::Order,
    value::params,
};

record! {
    Feature in "features" {
        id, team_id, epic_id, key, title, description, status, is_status_overridden, execution_order, slug, file_path,
        progress_pct, version, created_at, updated_at,
    }
    owned by FeatureId as "feature" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

/// A team's features.
#[derive(Debug, Clone, Copy)]
pub struct Features<'c, C> {
    pub(in crate::repository) scope: Scope<'c, C>,
}

/// Which features a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct FeatureFilter {
    /// Of this epic.
    pub epic_id: Option<EpicId>,
    /// In this status.
    pub status: Option<WorkStatus>,
}

impl<C: Reads> Features<'_, C> {
    /// The feature of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: FeatureId) -> Result<Option<Feature>, StoreError> {
        self.scope.find_row(id)
    }

    /// The feature of this key.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_key(&self, key: FeatureKey) -> Result<Option<Feature>, StoreError> {
        self.scope.find_row_by("key", &key)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: FeatureFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Feature>, StoreError> {
        let mut statement = self.scope.select_by::<Feature>(filter.epic_id.is_some());
        statement.and_equal("epic_id", filter.epic_id.as_ref());
        statement.and_equal("status", filter.status.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl Features<'_, Tx<'_>> {
    /// Adds a feature without tasks to an epic and gives it as it stands. A key of its own is taken as it is, and none up to it
    /// is given later.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when the epic is not there; [`StoreError::Conflict`] when the team has, or had, one of this key
    /// or id; [`StoreError::Invalid`] when its key is not of the epic.
    pub fn insert(&self, new: NewFeature, at: Timestamp) -> Result<Feature, StoreError> {
        // Nobody may delete the epic meanwhile.
        let lock = self.scope.pick("", " FOR NO KEY UPDATE");
        let sql = format!(
            "SELECT key FROM epics WHERE (team_id = $1 AND deleted_at IS NULL) IS TRUE AND id = $2{lock}"
        );
        let epic = self.scope.find(&sql, params![new.epic_id], |row| row.get(0))?;
        let epic = epic.ok_or_else(|| missing::<Epic>(new.epic_id))?;
        if let Some(key) = new.key.filter(|key| key.epic != epic) {
            let example = FeatureKey { epic, number: key_counter::number(1)? };
            return Err(StoreError::Invalid {
                field: "key",
                value: key.to_string(),
                accepted: format!("a key such as {example}"),
            });
        }
        let taken = new.key.map(|key| key.number);
        let next = KeyScope::Features(epic).take(&self.scope, taken, usize::from(taken.is_none()))?;
        let number = taken.map_or_else(|| key_counter::number(next), Ok)?;
        let feature = Feature {
            id: new.id,
            team_id: self.scope.team(),
            epic_id: new.epic_id,
            key: FeatureKey { epic, number },
            title: new.title,
            description: new.description,
            status: Progress::NONE.status,
            is_status_overridden: false,
            execution_order: new.execution_order,
            slug: new.slug,
            file_path: new.file_path,
            progress_pct: Progress::NONE.percent,
            version: 1,
            created_at: at,
            updated_at: at,
        };
        self.scope.insert(&feature)?;
        Ok(feature)
    }

    /// Replaces what people write on a feature by what stands here, and gives its new version. Its version is the one that the
    /// caller read. A status is kept only while it is overridden; else it follows the tasks again, as progress always does.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there.
    pub fn update(&self, feature: &Feature) -> Result<i64, StoreError> {
        let workflow = Workflows { scope: self.scope }.hold()?;
        let version = self.scope.update_except(&["epic_id", "key", "progress_pct"], feature)?;
        if !feature.is_status_overridden {
            // Of the epic it is stored under, whatever the caller says.
            let stored = self.find(feature.id)?;
            let changed = Changed::from(stored.map(|stored| (stored.epic_id, stored.id)));
            changed.recompute(self.scope.tx(), &workflow)?;
        }
        Ok(version)
    }
}
