//! Switching hooks on and off, and removing them. Sessions that run hear of it within a second.

use domain::{audit_action::AuditAction, hook::Hook, name::Name};
use store::Tx;

use super::HookError;
use crate::{App, Caller};

impl App {
    /// Lets a hook run, or lets it rest; one that does already stays as it is.
    ///
    /// # Errors
    /// See [`HookError`].
    pub async fn switch_hook(&self, caller: Caller, name: Name, is_enabled: bool) -> Result<Hook, HookError> {
        let action = if is_enabled { AuditAction::HookEnable } else { AuditAction::HookDisable };
        let (now, deed) = (self.now(), self.deed(caller, action).with("name", name.as_str()));
        let switch = move |tx: &Tx<'_>| {
            let hooks = tx.team(caller.team_id).hooks();
            let found = hooks.find_by_name(name.as_str())?;
            let hook = found.ok_or_else(|| HookError::NotFound(name.as_str().to_owned()))?;
            if hook.is_enabled == is_enabled {
                return Ok(hook);
            }
            let mut hook = Hook { is_enabled, updated_at: now, ..hook };
            hook.version = hooks.update(&hook)?;
            deed.on(hook.id).append(tx)?;
            Ok(hook)
        };
        self.store().write(switch).await.map(Hook::shown)
    }

    /// Removes a hook; its name is free again, and what it did stays on record.
    ///
    /// # Errors
    /// See [`HookError`].
    pub async fn remove_hook(&self, caller: Caller, name: Name) -> Result<(), HookError> {
        let deed = self.deed(caller, AuditAction::HookDelete).with("name", name.as_str());
        let now = self.now();
        let remove = move |tx: &Tx<'_>| {
            let hooks = tx.team(caller.team_id).hooks();
            let found = hooks.find_by_name(name.as_str())?;
            let hook = found.ok_or_else(|| HookError::NotFound(name.as_str().to_owned()))?;
            hooks.delete(hook.id, now)?;
            Ok(deed.on(hook.id).append(tx)?)
        };
        self.store().write(remove).await
    }
}
