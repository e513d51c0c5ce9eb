//! `provost doctor`: what is found, what is missing, how to mend it; one verdict and one next command at the end.

use std::{process::ExitCode, time::Duration};

use agent::{Launch, LaunchOptions, Limits, RunningAgent, Runtime};
use app::clock::{Clock, SystemClock};
use clap::Args;
use domain::{
    agent_event::{AgentEvent, AgentInput},
    runtime::RuntimeKind,
};
use serde::Serialize;
use serde_json::json;
use store::{Migrate, migration};

use crate::{
    composition::{Context, Login, create_private_directory, temporary_directory},
    failure::{Code, Failure},
    settings::Origin,
};

/// How long the agent program may take to say hello here.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug, Args)]
pub(crate) struct Doctor {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    is_well: bool,
    found: String,
    /// How to mend it.
    mend: Option<String>,
}

impl Doctor {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let mut findings = vec![settings(&context), data_folder(&context), database(&context).await];
        findings.extend(claude(&context).await);
        let is_well = findings.iter().all(|finding| finding.is_well);
        let has_storage = findings.iter().take(3).all(|finding| finding.is_well);
        let (verdict, next) = match (is_well, has_storage) {
            (true, _) => ("everything is there", "run \"say hello\""),
            (false, true) => ("Provost works; the agent CLI needs your attention", "demo"),
            (false, false) => ("Provost cannot store anything yet", "init"),
        };
        let next = format!("{} {next}", context.surroundings.program_name());
        let terminal = context.terminal;
        if terminal.is_json {
            terminal
                .json(&json!({ "is_well": is_well, "verdict": verdict, "next": next, "data": findings }))?;
        } else {
            for finding in &findings {
                let mark = if finding.is_well { terminal.out.green("✓") } else { terminal.out.red("✗") };
                terminal.data(&format!("{mark} {:<16} {}", finding.what, finding.found))?;
                if let Some(mend) = &finding.mend {
                    terminal.data(&format!("  {:<16} {}", "", terminal.out.yellow(mend)))?;
                }
            }
            terminal.data(&format!("\n{verdict}\nnext: {next}"))?;
        }
        Ok(if is_well { ExitCode::SUCCESS } else { Code::Failed.into() })
    }
}

fn well(what: &'static str, found: impl Into<String>) -> Finding {
    Finding { what, is_well: true, found: found.into(), mend: None }
}

fn ill(what: &'static str, failure: &Failure) -> Finding {
    let mend = failure.hints.first().cloned();
    Finding { what, is_well: false, found: failure.message.clone(), mend }
}

fn settings(context: &Context) -> Finding {
    let mut files: Vec<String> = context
        .layers
        .iter()
        .filter_map(|(_, _, origin)| match origin {
            Origin::File(path) => Some(path.display().to_string()),
            Origin::Default | Origin::Variable(_) | Origin::Flag(_) => None,
        })
        .collect();
    files.sort_unstable();
    files.dedup();
    let found =
        if files.is_empty() { "the defaults; no file says otherwise".to_owned() } else { files.join(", ") };
    well("settings", found)
}

fn data_folder(context: &Context) -> Finding {
    let writable = context.data_directory().and_then(|directory| {
        create_private_directory(&directory)?;
        // Permission bits say less than trying: the disk may be full or mounted read-only.
        tempfile::NamedTempFile::new_in(&directory)?;
        Ok(directory)
    });
    match writable {
        Ok(directory) => well("data folder", directory.display().to_string()),
        Err(failure) => ill("data folder", &failure),
    }
}

async fn database(context: &Context) -> Finding {
    let migrate = if context.settings.database.auto_migrate {
        Migrate::Forward(SystemClock.now())
    } else {
        Migrate::Expect
    };
    let opened = async {
        let store = context.open_store(migrate)?;
        let statuses = store.read(migration::status).await?;
        store.close().await;
        let version =
            statuses.iter().filter(|status| status.applied_at.is_some()).map(|status| status.version).max();
        Ok::<_, Failure>(format!("{}, schema version {}", context.database_name()?, version.unwrap_or(0)))
    };
    match opened.await {
        Ok(found) => well("database", found),
        Err(failure) => ill("database", &failure.of_database_in(&context.layers)),
    }
}

/// The agent CLI: whether it is there, whether it starts, whether it is logged in.
async fn claude(context: &Context) -> Vec<Finding> {
    match start_claude(context).await {
        Ok(running) => {
            let version = running.version.clone().unwrap_or_else(|| "of unknown version".to_owned());
            let command = context.settings.runtime.claude.command.display();
            let program = well("agent CLI", format!("{command} {version}"));
            let has_login = running.account.has_login();
            end(running).await;
            let login = match has_login {
                true => well("its login", "there is one"),
                false => ill(
                    "its login",
                    &Failure::new(Code::Failed, "none")
                        .hint(format!("log in: {command} /login, or set ANTHROPIC_API_KEY")),
                ),
            };
            vec![program, login]
        }
        Err(failure) => vec![ill("agent CLI", &failure)],
    }
}

/// Starts it as `provost run` does, but in an empty folder, so that no project's settings play a part.
async fn start_claude(context: &Context) -> Result<RunningAgent, Failure> {
    let folder = temporary_directory()?;
    let launch = context.launch_settings(RuntimeKind::Claude, None, folder.path(), Login::Own)?;
    let limits = Limits { handshake: launch.limits.handshake.min(PATIENCE), ..launch.limits };
    let running = agent::start(Launch {
        // Nobody's session begins here.
        runtime: Runtime::Claude {
            command: context.settings.runtime.claude.command.clone(),
            session_hooks: None,
        },
        working_directory: folder.path().to_owned(),
        options: LaunchOptions { setting_sources: launch.setting_sources, ..LaunchOptions::default() },
        environment: launch.environment,
        limits,
    });
    Ok(running.await?.ready().await?)
}

async fn end(mut running: RunningAgent) {
    // One that ended by itself needs no asking.
    let _ = running.input.send(AgentInput::Close).await;
    while let Some(event) = running.events.recv().await {
        if matches!(event, AgentEvent::Exited(_)) {
            break;
        }
    }
}
