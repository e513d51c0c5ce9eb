//! The guard of this process's agents, from the first one on.

use std::sync::{Arc, OnceLock};

use agent::guard::Guard;

use crate::failure::{Code, Failure};

/// Shared by all that start agents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guarding(Arc<OnceLock<Guard>>);

impl Guarding {
    /// Does nothing when it stands already.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        if self.0.get().is_none() {
            let guard = std::env::current_exe().and_then(|program| Guard::start(&program));
            let guard = guard.map_err(|error| {
                Failure::new(Code::Failed, format!("the guard of the agents cannot be started: {error}"))
            })?;
            // Of two at once the second one ends again.
            let _first = self.0.set(guard);
        }
        Ok(())
    }
}
