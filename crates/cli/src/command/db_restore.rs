//! `provost db restore`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use crate::{composition::Context, failure::Failure, long_work::LongWork};

#[derive(Debug, Args)]
pub(crate) struct DbRestore {
    /// A file that db backup wrote.
    file: PathBuf,
}

impl DbRestore {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let database = context.database_file("use pg_restore, or provost db import FILE")?;
        let backup = context.surroundings.current_directory.join(self.file);
        let (path, mut work) = (database.path.clone(), LongWork::stoppable(context.terminal)?);
        let copying = tokio::task::spawn_blocking(move || {
            database.restore(&backup, &mut |progress| {
                work.step(|| format!("{} of {} pages", progress.copied, progress.total))
            })
        });
        copying.await.map_err(anyhow::Error::from)??;
        if context.terminal.is_json {
            context.terminal.json(&json!({ "database": path }))?;
        } else {
            context.terminal.say(&format!("{} is as it was", path.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
