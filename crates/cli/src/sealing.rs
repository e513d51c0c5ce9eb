//! The audit log is sealed while a command works on a database, and a last time when it has ended.

use std::{
    num::NonZeroU32,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use app::{
    App,
    audit::{KeyFile, Sealer},
    clock::SystemSecrets,
};

use crate::failure::Failure;

/// How much longer a command may take to seal what it did; another process seals what is left.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database of a command, once it is open, and who seals its audit log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sealing(Arc<OnceLock<(App, Option<Sealer>)>>);

impl Sealing {
    /// Seals from now on, so often. Without a place for a key nothing is sealed.
    pub(crate) fn start(&self, app: App, key: Result<PathBuf, Failure>, every_seconds: NonZeroU32) {
        let sealer = match key {
            Ok(path) => Some(Sealer::new(app.clone(), KeyFile::new(path, Arc::new(SystemSecrets)))),
            Err(failure) => {
                tracing::warn!(error = failure.message, "the audit log is not sealed by this process");
                None
            }
        };
        let (_, sealer) = self.0.get_or_init(|| (app, sealer));
        let every = Duration::from_secs(every_seconds.get().into());
        sealer.iter().for_each(|sealer| sealer.start(every));
    }

    /// The command has ended: seals what it did and closes the database.
    pub(crate) async fn end(&self) {
        let Some((app, sealer)) = self.0.get() else { return };
        if let Some(sealer) = sealer {
            sealer.finish(PATIENCE).await;
        }
        app.store().close().await;
    }
}
