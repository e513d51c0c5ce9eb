//! The guard of this process's agents, from the first one on.

use std::sync::{Arc, Mutex, PoisonError};

use agent::guard::Guard;

use crate::{
    failure::{Code, Failure},
    surroundings::own_program,
};

/// Shared by all that start agents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guarding(Arc<Mutex<Option<Guard>>>);

impl Guarding {
    /// Does nothing when it stands. There is never a second one beside it: as it ended, it would end the agents.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !guard.as_mut().is_some_and(Guard::stands) {
            let started = own_program().and_then(|program| Guard::start(&program));
            let failed = |error| {
                Failure::new(Code::Failed, format!("the guard of the agents cannot be started: {error}"))
            };
            *guard = Some(started.map_err(failed)?);
        }
        Ok(())
    }
}
