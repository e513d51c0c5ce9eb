//! `provost db backup`.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use serde_json::json;

use crate::{composition::Context, failure::Failure, long_work::LongWork, terminal::text};

#[derive(Debug, Args)]
pub(crate) struct DbBackup {
    /// The file to write.
    file: PathBuf,
    /// Replace the file if there is one.
    #[arg(long)]
    force: bool,
}

impl DbBackup {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let database = context.database_file("use pg_dump, or provost db export FILE")?;
        let path = context.surroundings.current_directory.join(self.file);
        let (target, mut work) = (path.clone(), LongWork::stoppable(context.terminal)?);
        let copying = tokio::task::spawn_blocking(move || {
            database.back_up(&target, self.force, &mut |progress| {
                work.step(|| format!("{} of {} pages", progress.copied, progress.total))
            })
        });
        copying.await.map_err(anyhow::Error::from)??;
        let size = fs::metadata(&path)?.len();
        if context.terminal.is_json {
            context.terminal.json(&json!({ "file": path, "size_bytes": size }))?;
        } else {
            context.terminal.say(&format!("{}: {}, looked through", path.display(), text::size(size)));
        }
        Ok(ExitCode::SUCCESS)
    }
}
