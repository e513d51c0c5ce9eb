//! `provost audit export`.

use std::{
    io::{self, BufWriter, ErrorKind},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use serde_json::json;
use store::AuditExportError;

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    new_file::NewFile,
};

#[derive(Debug, Args)]
pub(crate) struct AuditExport {
    /// The file to write; - or nothing is standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if there is one.
    #[arg(long)]
    force: bool,
}

impl AuditExport {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let file = self.output.filter(|file| file.as_os_str() != "-");
        let file =
            file.map(|file| NewFile::create(context.surroundings.current_directory.join(file), self.force));
        let file = file.transpose()?;
        let Opened { app, caller } = context.open().await?;
        let Some(file) = file else {
            return match app.export_audit(caller, BufWriter::new(io::stdout())).await {
                // A reader that went away is no error.
                Err(AuditExportError::Io(error)) if error.kind() == ErrorKind::BrokenPipe => {
                    Ok(ExitCode::SUCCESS)
                }
                outcome => Ok(outcome.map(|_| ExitCode::SUCCESS)?),
            };
        };
        let end = app.export_audit(caller, BufWriter::new(file.handle()?)).await?;
        let path = file.finish()?;
        if context.terminal.is_json {
            context.terminal.json(&json!({
                "file": path, "seals": end.seals, "lines": end.lines, "unsealed": end.unsealed,
            }))?;
        } else {
            let (lines, seals) = (end.lines + end.unsealed, end.seals);
            context.terminal.say(&format!("{}: {lines} lines, {seals} seals", path.display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}
