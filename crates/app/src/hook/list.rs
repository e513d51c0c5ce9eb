//! Looking at hooks. What may be a secret is never given out.

use domain::{hook::Hook, name::Name};
use store::{Cursor, HookFilter, Page, StoreError};

use super::HookError;
use crate::{App, Caller};

impl App {
    /// A page of the team's hooks, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_hooks(
        &self,
        caller: Caller,
        filter: HookFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Hook>, StoreError> {
        let list = move |conn: &store::Conn| conn.team(caller.team_id).hooks().list(&filter, after, limit);
        let Page { items, next } = self.store().read(list).await?;
        Ok(Page { items: items.into_iter().map(Hook::shown).collect(), next })
    }

    /// The hook of this name.
    ///
    /// # Errors
    /// See [`HookError`].
    pub async fn get_hook(&self, caller: Caller, name: Name) -> Result<Hook, HookError> {
        self.find_hook(caller, name).await.map(Hook::shown)
    }

    /// The hook of this name, secrets included.
    pub(super) async fn find_hook(&self, caller: Caller, name: Name) -> Result<Hook, HookError> {
        let find = move |conn: &store::Conn| {
            let found = conn.team(caller.team_id).hooks().find_by_name(name.as_str())?;
            found.ok_or_else(|| HookError::NotFound(name.as_str().to_owned()))
        };
        self.store().read(find).await
    }
}
