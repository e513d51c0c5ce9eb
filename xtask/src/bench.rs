//! `cargo xtask bench`: how near the store comes to a raw database, measured in one run so that the figures compare.

mod backlog;
mod backlog_fill;
mod backlog_raw;
mod fork;
mod governance;
mod hook_client;
mod measure;
mod memory;
mod migration;
mod opening;
mod postgres;
mod program;
mod queue;
mod raw;
mod report;
mod sample;
mod sessions;
mod sqlite;
mod transcripts;
mod workload;
mod writers;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use report::Report;

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Measure each figure for less long: for a look, not for a record.
    #[arg(long)]
    quick: bool,
    /// A PostgreSQL superuser's address; a database of its own is created there and dropped.
    #[arg(long, env = "PROVOST_TEST_POSTGRES", value_name = "URL")]
    postgres: Option<String>,
    /// Measure this build, whatever it was built for, instead of one with --release: the figures are worth nothing then.
    #[arg(long)]
    as_built: bool,
    /// Where the measured files are, for the figures are those of a disk; otherwise where this program was built.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Measure only what sessions do: many at once, the queue, forks, imports.
    #[arg(long)]
    only_sessions: bool,
    /// Measure only what governance costs: decisions, gates, the audit log.
    #[arg(long, conflicts_with = "only_sessions")]
    only_governance: bool,
    /// Measure only how fast the command hook of an agent CLI answers.
    #[arg(long, conflicts_with_all = ["only_sessions", "only_governance"])]
    only_hook_client: bool,
}

impl Options {
    /// How long one figure is measured.
    const fn span(&self) -> Duration {
        Duration::from_millis(if self.quick { 400 } else { 2000 })
    }

    /// How many tasks the measured backlogs have.
    const fn backlogs(&self) -> &'static [u32] {
        if self.quick { &[10_000] } else { &[10_000, 100_000, 1_000_000] }
    }

    /// How often each program is started.
    const fn starts(&self) -> usize {
        if self.quick { 50 } else { 400 }
    }

    /// How long the many writers write.
    const fn long_span(&self) -> Duration {
        Duration::from_secs(if self.quick { 2 } else { 30 })
    }
}

/// Measures everything and prints a line per figure.
///
/// # Errors
/// When something cannot be measured at all; a missed target is no error.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if cfg!(debug_assertions) && !options.as_built {
        return run_optimised();
    }
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => program::folder()?,
    };
    let folder = tempfile::TempDir::with_prefix_in("bench-", folder)?;
    let mut report = Report::begin()?;
    if options.only_sessions {
        measure_sessions(folder.path(), options, &mut report)?;
        return report.end();
    }
    if options.only_governance {
        governance::measure(folder.path(), &mut report)?;
        return report.end();
    }
    if options.only_hook_client {
        hook_client::measure(folder.path(), options.starts(), &mut report)?;
        return report.end();
    }
    // First, while nothing else has used memory.
    memory::measure(folder.path(), &mut report)?;
    sqlite::measure(folder.path(), options.span(), &mut report)?;
    sqlite::measure_backlog(folder.path(), options.backlogs(), options.span(), &mut report)?;
    opening::measure(folder.path(), &mut report)?;
    writers::measure(folder.path(), options.long_span(), &mut report)?;
    migration::measure(folder.path(), &mut report)?;
    measure_sessions(folder.path(), options, &mut report)?;
    governance::measure(folder.path(), &mut report)?;
    match &options.postgres {
        Some(url) => postgres::measure(url, options.backlogs(), options.span(), &mut report)?,
        None => report.skip("PostgreSQL", "neither --postgres nor PROVOST_TEST_POSTGRES")?,
    }
    program::measure(folder.path(), &mut report)?;
    hook_client::measure(folder.path(), options.starts(), &mut report)?;
    report.end()
}

/// What the session engine does, on both databases.
fn measure_sessions(folder: &Path, options: &Options, report: &mut Report) -> anyhow::Result<()> {
    sessions::measure(folder, options.long_span() / 3, report)?;
    sqlite::measure_queue(folder, report)?;
    match &options.postgres {
        Some(url) => postgres::measure_queue(url, report)?,
        None => report.skip("the queue on PostgreSQL", "neither --postgres nor PROVOST_TEST_POSTGRES")?,
    }
    fork::measure(folder, report)?;
    transcripts::measure(folder, report)
}

/// Builds everything as it is shipped, and starts this program again from there.
fn run_optimised() -> anyhow::Result<()> {
    let bench = ["run", "--release", "--quiet", "--bin", "xtask", "--"].map(OsString::from);
    let bench = bench.into_iter().chain(std::env::args_os().skip(1));
    for arguments in
        [["build", "--release", "--workspace", "--bins"].map(OsString::from).to_vec(), bench.collect()]
    {
        let status = Command::new("cargo").args(&arguments).status()?;
        anyhow::ensure!(status.success(), "cargo {arguments:?} failed");
    }
    Ok(())
}
