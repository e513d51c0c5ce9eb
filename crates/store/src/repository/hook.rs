//! Hooks.

use domain::{
    hook::{Hook, HookEvent, HookKind},
    id::HookId,
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx, error::StoreError, record::record, scope::Scope, statement::Order, value::stored_words,
};

stored_words! { HookEvent, HookKind }

record! {
    Hook in "hooks" {
        id, team_id, name, event, matcher, kind, config, priority, is_gate, timeout_ms, is_enabled, version, created_at,
        updated_at,
    }
    owned by HookId as "hook" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

/// A team's hooks.
#[derive(Debug, Clone, Copy)]
pub struct Hooks<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which hooks a list holds; `None` is any.
#[derive(Debug, Clone, Default)]
pub struct HookFilter {
    /// Of this event.
    pub event: Option<HookEvent>,
    /// Of this kind.
    pub kind: Option<HookKind>,
    /// Enabled or disabled.
    pub is_enabled: Option<bool>,
}

impl<C: Reads> Hooks<'_, C> {
    /// The hook of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: HookId) -> Result<Option<Hook>, StoreError> {
        self.scope.find_row(id)
    }

    /// The hook of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_name(&self, name: &str) -> Result<Option<Hook>, StoreError> {
        self.scope.find_row_by("name", &name)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: &HookFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Hook>, StoreError> {
        let mut statement = self.scope.select::<Hook>();
        statement.and_equal("event", filter.event.as_ref());
        statement.and_equal("kind", filter.kind.as_ref());
        statement.and_equal("is_enabled", filter.is_enabled.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// The enabled hooks of an event in the order in which they run.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_chain(&self, event: &HookEvent) -> Result<Vec<Hook>, StoreError> {
        let mut statement = self.scope.select::<Hook>();
        statement.and_equal("event", Some(event));
        statement.and(self.scope.pick("is_enabled = 1", "is_enabled"), []);
        statement.push(" ORDER BY priority, id", []);
        statement.rows(self.scope.connection())
    }
}

impl Hooks<'_, Tx<'_>> {
    /// Adds a hook.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one of this name; [`StoreError::Invalid`] when it has no time at all.
    pub fn insert(&self, hook: &Hook) -> Result<(), StoreError> {
        refuse_hasty(hook)?;
        self.scope.insert(hook)
    }

    /// Replaces a hook by this one, whose version is the one that the caller read, and gives its new version.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Conflict`] when the team has another of this name; [`StoreError::Invalid`] when it has no time at all.
    pub fn update(&self, hook: &Hook) -> Result<i64, StoreError> {
        refuse_hasty(hook)?;
        self.scope.update(hook)
    }

    /// Deletes a hook softly; its name is free again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: HookId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<Hook>(id, at)
    }
}

fn refuse_hasty(hook: &Hook) -> Result<(), StoreError> {
    if hook.timeout_ms > 0 {
        return Ok(());
    }
    let (value, accepted) = (hook.timeout_ms.to_string(), "1 or more".to_owned());
    Err(StoreError::Invalid { field: "timeout_ms", value, accepted })
}
