//! `provost db import`.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, ErrorKind},
    path::{Path, PathBuf},
    process::ExitCode,
};

use app::clock::{Clock, SystemClock};
use clap::Args;
use serde_json::json;
use store::{Migrate, transfer};

use crate::{
    composition::Context,
    failure::{Code, Failure},
    long_work::LongWork,
};

/// Lines are short; the operating system is not asked for each.
const BUFFER: usize = 1 << 18;

#[derive(Debug, Args)]
pub(crate) struct DbImport {
    /// The file to read; - or nothing is standard input.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl DbImport {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let mut input = open(self.file.as_deref(), &context)?;
        // What is no export at all is found before a database is made for it.
        if input.fill_buf()?.first() != Some(&b'{') {
            return Err(Failure::new(Code::Failed, "this is no export of Provost")
                .hint("provost db export writes one"));
        }
        let store = context.open_store_creating(Migrate::Forward(SystemClock.now()), true)?;
        let mut work = LongWork::shown(context.terminal);
        let imported = store.write(move |tx| {
            transfer::import(tx, &mut input, &mut |progress| {
                work.step(|| format!("{} rows, at {}", progress.rows, progress.table))
            })
        });
        let summary = imported.await?;
        store.index_waiting().await?;
        store.close().await;
        if context.terminal.is_json {
            context.terminal.json(&json!({ "rows": summary.rows, "tables": summary.tables }))?;
        } else {
            let (rows, tables) = (summary.rows, summary.tables.len());
            context.terminal.say(&format!("{rows} rows of {tables} tables, as they were exported"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What there is to read: a file, or standard input.
pub(crate) fn open(file: Option<&Path>, context: &Context) -> Result<Box<dyn BufRead + Send>, Failure> {
    let Some(file) = file.filter(|file| file.as_os_str() != "-") else {
        return Ok(Box::new(BufReader::with_capacity(BUFFER, io::stdin())));
    };
    let path = context.surroundings.current_directory.join(file);
    let opened = File::open(&path).map_err(|error| {
        let code = if error.kind() == ErrorKind::NotFound { Code::NotFound } else { Code::Failed };
        Failure::new(code, format!("{} cannot be read: {error}", path.display()))
    })?;
    Ok(Box::new(BufReader::with_capacity(BUFFER, opened)))
}
