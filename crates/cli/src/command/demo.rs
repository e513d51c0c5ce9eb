//! `provost demo`: a built-in agent repairs a small program. Nothing to set up, no account, no network; everything else is
//! the true path, from the child process to the rows.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use app::session::{Answer, Asker, BoxFuture, NewSession, Question, StartSession, Target};
use clap::Args;
use domain::{id::SessionId, runtime::RuntimeKind, session::SessionOptions, session_status::SessionStatus};
use tokio::process::Command;

use crate::{
    composition::{Context, Login, Opened, create_private_directory, temporary_directory},
    drive::{Prompts, drive},
    failure::{Code, Failure},
    terminal::{Terminal, asker::TerminalAsker, keyboard::Keyboard, text, timeline_view},
};

const PROGRAM: (&str, &str) = ("greet.sh", include_str!("demo/greet.sh"));
const CHECK: (&str, &str) = ("check.sh", include_str!("demo/check.sh"));
const SCENARIO: &str = include_str!("demo/scenario.toml");
const PROMPT: &str = "check.sh fails. Find out why and repair greet.sh.";

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Do not wait for a keystroke.
    #[arg(long)]
    yes: bool,
}

impl Demo {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let terminal = context.terminal;
        let Opened { app, caller } = context.open().await?;
        let folder = scratch_folder(&context)?;
        let scenario = folder.with_extension("toml");
        fs::write(&scenario, SCENARIO)?;

        heading(terminal, "1. a program whose check fails");
        terminal.say(&format!("in {}", folder.display()));
        if check(terminal, &folder).await? {
            return Err(Failure::new(Code::Internal, "the check passes before the repair"));
        }

        heading(
            terminal,
            "2. an agent repairs it: it may read, and is judged before it changes or runs anything",
        );
        let temporary = temporary_directory()?;
        let launch =
            context.launch_settings(RuntimeKind::Scripted, Some(&scenario), temporary.path(), Login::Own)?;
        let target = Target::New(Box::new(NewSession {
            name: Some("demo".to_owned()),
            prompt: Some(PROMPT.to_owned()),
            working_directory: folder.clone(),
            agent: None,
            template_id: None,
            options: SessionOptions {
                timeout: Duration::from_secs(context.settings.session.timeout_seconds.get().into()),
                ..SessionOptions::default()
            },
        }));
        let asker = self.asker(&context);
        let running = app.start_session(StartSession { caller, target, launch, asker }).await?;
        let id = running.session.id;
        let end =
            drive(terminal, running, Prompts { first: Some(PROMPT.to_owned()), keyboard: None }).await?;
        if end.status != SessionStatus::Completed {
            let why = end.error.unwrap_or_else(|| format!("the session is {}", end.status));
            return Err(Failure::new(Code::Failed, why).hint(format!("provost session timeline {id}")));
        }

        heading(terminal, "3. the check again");
        let passes = check(terminal, &folder).await?;

        heading(terminal, "4. what was recorded");
        let session = app.get_session(caller, id).await?;
        let entries = app.list_timeline(caller, id, 0, 1000).await?;
        for line in timeline_view::lines(terminal.err, &entries, session.created_at) {
            terminal.say(&line);
        }
        terminal.say(&format!("\ncost {}, played by the demo; nothing was billed", session.totals.cost));
        farewell(&context, &folder, id)?;
        if passes {
            return Ok(ExitCode::SUCCESS);
        }
        Err(Failure::new(Code::Failed, "the check still fails, because the repair was not allowed")
            .hint("run provost demo again and answer y"))
    }

    fn asker(&self, context: &Context) -> Arc<dyn Asker> {
        let is_watched = context.surroundings.stdin_is_terminal && context.surroundings.stderr_is_terminal;
        let person = (is_watched && !self.yes && !context.terminal.is_json).then(|| TerminalAsker {
            terminal: context.terminal,
            keyboard: Keyboard::open(),
            keeper: None,
        });
        Arc::new(DemoAsker { person })
    }
}

/// Lets the person decide about the repair itself; runs the check without a question and keeps the agent in its folder.
#[derive(Debug)]
struct DemoAsker {
    person: Option<TerminalAsker>,
}

impl Asker for DemoAsker {
    fn ask(&self, question: Question) -> BoxFuture<Answer> {
        let by = "the demo".to_owned();
        match (question.tool_name.as_str(), &self.person) {
            ("Read", _) => {
                let reason = "the demo keeps its agent inside the scratch folder".to_owned();
                Box::pin(std::future::ready(Answer::No { reason }))
            }
            ("Write" | "Edit", Some(person)) => person.ask(question),
            _ => Box::pin(std::future::ready(Answer::Once { input: None, by })),
        }
    }
}

/// A new folder with the program to repair.
fn scratch_folder(context: &Context) -> Result<PathBuf, Failure> {
    let parent = context.data_directory()?.join("demo");
    create_private_directory(&parent)?;
    let folder = tempfile::Builder::new().prefix("greet-").tempdir_in(&parent)?.keep();
    for (name, content) in [PROGRAM, CHECK] {
        let file = folder.join(name);
        fs::write(&file, content)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(folder)
}

/// Runs the program's own check and shows what it says.
async fn check(terminal: Terminal, folder: &Path) -> Result<bool, Failure> {
    let output = Command::new("sh").arg("check.sh").current_dir(folder).output().await?;
    let style = terminal.err;
    terminal.say(&style.dim("$ ./check.sh"));
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        terminal.say(&format!("  {line}"));
    }
    let passes = output.status.success();
    terminal.say(&if passes { style.green("  ✓ it passes") } else { style.red("  ✗ it fails") });
    Ok(passes)
}

fn heading(terminal: Terminal, words: &str) {
    terminal.say(&format!("\n{}", terminal.err.bold(words)));
}

fn farewell(context: &Context, folder: &Path, id: SessionId) -> Result<(), Failure> {
    let terminal = context.terminal;
    let short = text::short(id);
    let provost = context.surroundings.program_name();
    terminal.say(&format!("database {}", context.database_name()?));
    terminal.say(&format!("folder   {}", folder.display()));
    heading(terminal, "try next");
    let next = [
        (format!("{provost} session show {short}"), "the session"),
        (format!("{provost} session timeline {short} --json"), "all of it, for programs"),
        (format!("{provost} doctor"), "whether your own agent CLI is ready"),
        (format!("{provost} run \"explain this folder to me\""), "and then a real agent"),
    ];
    let width = next.iter().map(|(command, _)| command.chars().count()).max().unwrap_or_default();
    for (command, what) in &next {
        terminal.say(&format!("  {command:<width$}  {}", terminal.err.dim(what)));
    }
    if terminal.is_json {
        terminal.json(&serde_json::json!({ "session_id": id, "folder": folder }))?;
    }
    Ok(())
}
