//! `provost db export`.

use std::{
    io::{self, BufWriter, ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
};

use app::clock::{Clock, SystemClock};
use clap::Args;
use serde_json::json;
use store::{
    Migrate, Store,
    transfer::{self, Summary, TransferError},
};

use crate::{composition::Context, failure::Failure, long_work::LongWork, new_file::NewFile};

/// Rows are small; the operating system is not asked for each.
const BUFFER: usize = 1 << 18;

#[derive(Debug, Args)]
pub(crate) struct DbExport {
    /// The file to write; - or nothing is standard output.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the file if there is one.
    #[arg(long)]
    force: bool,
}

impl DbExport {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let file = self.file.filter(|file| file.as_os_str() != "-");
        let file =
            file.map(|file| NewFile::create(context.surroundings.current_directory.join(file), self.force));
        let file = file.transpose()?;
        let store = context.open_store(Migrate::Expect)?;
        let Some(file) = file else {
            let summary = match export(&store, LongWork::shown(context.terminal), io::stdout()).await {
                // A reader that went away is no error: `provost db export | head -1`.
                Err(TransferError::Io { kind: ErrorKind::BrokenPipe, .. }) => return Ok(ExitCode::SUCCESS),
                outcome => outcome?,
            };
            context.terminal.say(&format!("{} rows of {} tables", summary.rows, summary.tables.len()));
            return Ok(ExitCode::SUCCESS);
        };
        let summary = export(&store, LongWork::stoppable(context.terminal)?, file.handle()?).await?;
        let path = file.finish()?;
        if context.terminal.is_json {
            context
                .terminal
                .json(&json!({ "file": path, "rows": summary.rows, "tables": summary.tables }))?;
        } else {
            let (rows, tables) = (summary.rows, summary.tables.len());
            context.terminal.say(&format!("{}: {rows} rows of {tables} tables", path.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn export(
    store: &Store,
    mut work: LongWork,
    out: impl Write + Send + 'static,
) -> Result<Summary, TransferError> {
    let now = SystemClock.now();
    let exported = store.scan(move |conn| {
        let mut out = BufWriter::with_capacity(BUFFER, out);
        transfer::export(conn, &mut out, now, &mut |progress| {
            work.step(|| format!("{} rows, at {}", progress.rows, progress.table))
        })
    });
    exported.await
}
