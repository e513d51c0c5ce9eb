//! `provost import`: what other programs kept.

use std::{path::PathBuf, process::ExitCode};

use app::import::{ImportProgress, ImportReport};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    long_work::LongWork,
    terminal::{Terminal, text},
    variable,
};

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Read the sessions that the Claude Code CLI kept by itself; again brings only what is new.
    ClaudeTranscripts(ClaudeTranscripts),
}

#[derive(Debug, Args)]
pub(crate) struct ClaudeTranscripts {
    /// The folder they are below; the CLI's own unless given.
    folder: Option<PathBuf>,
}

impl ImportCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::ClaudeTranscripts(command) => command.run(context).await,
        }
    }
}

impl ClaudeTranscripts {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let folder = self.folder(&context)?;
        let mut work = LongWork::stoppable(context.terminal)?;
        let Opened { app, caller } = context.open().await?;
        let mut progress = |progress: ImportProgress| {
            let ImportProgress { files, of_files, bytes } = progress;
            work.step(|| format!("{files} of {of_files} files, {} MB", bytes / 1_000_000))
        };
        let report = app.import_transcripts(caller, &folder, &mut progress).await?;
        tell(context.terminal, &report)?;
        Ok(if report.is_stopped { Code::Failed.into() } else { ExitCode::SUCCESS })
    }

    fn folder(&self, context: &Context) -> Result<PathBuf, Failure> {
        if let Some(folder) = &self.folder {
            return Ok(context.surroundings.current_directory.join(folder));
        }
        let own = context.surroundings.text(variable::CLAUDE_CONFIG_DIR).map(PathBuf::from);
        let usual = || Some(PathBuf::from(context.surroundings.text(variable::HOME)?).join(".claude"));
        own.or_else(usual).map(|folder| folder.join("projects")).ok_or_else(|| {
            Failure::new(Code::Usage, "there is no home folder to look in").hint("name the folder")
        })
    }
}

fn tell(terminal: Terminal, report: &ImportReport) -> Result<(), Failure> {
    if terminal.is_json {
        let unreadable: Vec<_> = report
            .unreadable
            .iter()
            .map(|line| json!({ "file": line.file, "at_byte": line.at_byte, "reason": line.reason }))
            .collect();
        return terminal.json(&json!({
            "new_sessions": report.new_sessions,
            "grown_sessions": report.grown_sessions,
            "known_sessions": report.known_sessions,
            "own_sessions": report.own_sessions,
            "empty_files": report.empty_files,
            "messages": report.messages,
            "tool_calls": report.tool_calls,
            "bytes": report.bytes,
            "unreadable_lines": report.unreadable_lines,
            "unreadable": unreadable,
            "is_stopped": report.is_stopped,
        }));
    }
    let ImportReport { new_sessions, grown_sessions, known_sessions, own_sessions, empty_files, .. } = report;
    terminal.say(&format!(
        "{new_sessions} sessions are new, {grown_sessions} have grown, {known_sessions} are as they were"
    ));
    terminal.say(&format!("{} messages and {} tool calls were added", report.messages, report.tool_calls));
    if *own_sessions > 0 {
        terminal.say(&format!("{own_sessions} were run by Provost, which has them already"));
    }
    if *empty_files > 0 {
        terminal.say(&format!("in {empty_files} files nobody said anything"));
    }
    for line in &report.unreadable {
        let place = line.at_byte.map(|at| format!(", byte {at}")).unwrap_or_default();
        let said = format!("{}{place}: {}", line.file.display(), line.reason);
        terminal.say(&terminal.err.yellow(&text::printable(&said)));
    }
    let told = report.unreadable.len() as u64;
    if report.unreadable_lines > told {
        terminal.say(&format!("and {} lines more that cannot be read", report.unreadable_lines - told));
    }
    if report.is_stopped {
        terminal.say("stopped; the next import goes on from here");
    }
    Ok(())
}
