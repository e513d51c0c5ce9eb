//! `provost session export|import`: a session as a bundle of JSON lines.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, ErrorKind, Seek},
    path::{Path, PathBuf},
    process::ExitCode,
};

use app::session::SessionReference;
use clap::Args;
use domain::{permission::PermissionMode, session::Session};
use serde_json::json;
use store::transfer::TransferError;

use super::db_import::open;
use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    new_file::NewFile,
};

#[derive(Debug, Args)]
pub(crate) struct SessionExport {
    /// An id, its beginning or end, or `last`.
    session: SessionReference,
    /// The file to write; - or nothing is standard output.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Replace the file if there is one.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SessionImport {
    /// The file to read; - or nothing is standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where its agent works from now on, instead of where it worked.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

impl SessionExport {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let file = self.file.filter(|file| file.as_os_str() != "-");
        let file =
            file.map(|file| NewFile::create(context.surroundings.current_directory.join(file), self.force));
        let file = file.transpose()?;
        let Opened { app, caller } = context.open().await?;
        let session = app.resolve_session(caller, self.session).await?;
        let Some(file) = file else {
            return match app.export_session(caller, session, BufWriter::new(io::stdout())).await {
                // A reader that went away is no error.
                Err(TransferError::Io { kind: ErrorKind::BrokenPipe, .. }) => Ok(ExitCode::SUCCESS),
                outcome => Ok(outcome.map(|_| ExitCode::SUCCESS)?),
            };
        };
        let summary = app.export_session(caller, session, BufWriter::new(file.handle()?)).await?;
        let (path, rows) = (file.finish()?, summary.rows);
        if context.terminal.is_json {
            context.terminal.json(&json!({
                "session": session, "file": path, "rows": rows, "tables": summary.tables,
            }))?;
        } else {
            context.terminal.say(&format!("{}: session {session}, {rows} rows", path.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SessionImport {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let mut input = open(self.file.as_deref(), &context)?;
        if input.fill_buf()?.first() != Some(&b'{') {
            return Err(Failure::new(Code::Failed, "this is no bundle of a session")
                .hint("provost session export writes one"));
        }
        let input = spooled(input)?;
        let folder = self.folder.map(|folder| existing(&context.surroundings.current_directory.join(folder)));
        let folder = folder.transpose()?;
        let Opened { app, caller } = context.open().await?;
        let session = app.import_session(caller, input, folder).await?;
        if context.terminal.is_json {
            context.terminal.json(&session)?;
            return Ok(ExitCode::SUCCESS);
        }
        let Session { id, status, working_directory, totals, options, .. } = &session;
        context.terminal.data(&id.to_string())?;
        let messages = totals.total_messages;
        context
            .terminal
            .say(&format!("{status}, {messages} messages; its agent works in {working_directory}"));
        if options.permission_mode != PermissionMode::Default {
            let mode = options.permission_mode;
            context
                .terminal
                .say(&context.terminal.err.yellow(&format!("its tool calls are decided in mode {mode}")));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// All of it in a file that is gone when it is closed: whoever writes into a pipe slowly keeps nobody from the database.
fn spooled(mut input: Box<dyn BufRead + Send>) -> Result<BufReader<File>, Failure> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    file.rewind()?;
    Ok(BufReader::new(file))
}

fn existing(folder: &Path) -> Result<String, Failure> {
    let found = folder.canonicalize().ok().filter(|folder| folder.is_dir());
    let found = found.ok_or_else(|| {
        Failure::new(Code::NotFound, format!("--folder {}: there is no such folder", folder.display()))
    });
    found.map(|folder| folder.to_string_lossy().into_owned())
}
