//! `provost run`: start a session, give it a prompt, and watch it.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use app::{
    App, Caller,
    session::{AgentName, Asker, NewSession, Overrides, SessionEnd, SessionReference, StartSession, Target},
};
use clap::Args;
use domain::{
    agent_event::TurnOutcome,
    money::MicroUsd,
    name::Name,
    permission::PermissionMode,
    priority::Priority,
    runtime::RuntimeKind,
    session::{Session, SessionOptions},
    session_status::SessionStatus,
};
use policy::{PolicyFile, PolicySet};
use serde_json::Value;

use crate::{
    command::{
        policy::source::{read_file, unreadable},
        session_fork::{ForkArguments, fork},
    },
    composition::{Context, Login, Opened, temporary_directory},
    drive::{Prompts, drive},
    failure::{Code, Failure},
    terminal::{
        asker::{InboxAsker, NobodyAsker, TerminalAsker, YesAsker},
        keeper::Keeper,
        keyboard::Keyboard,
        text,
    },
};

/// The largest prompt that is taken.
const LARGEST_PROMPT_BYTES: u64 = 10 * 1024 * 1024;

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// What the agent is to do; `-` or nothing reads it from standard input.
    prompt: Option<String>,
    /// Go on with prompts typed line by line until Ctrl-D.
    #[arg(long, short)]
    interactive: bool,
    /// Only record it: a worker runs it, by priority and then by age. What it asks waits for `provost approval`.
    #[arg(long, conflicts_with_all = ["interactive", "yes", "wait_for_approval", "resume"])]
    background: bool,
    /// How soon a worker takes it: 1 (first) to 10.
    #[arg(long, value_name = "N", requires = "background")]
    priority: Option<Priority>,
    /// The program that runs the session: claude or scripted.
    #[arg(long)]
    runtime: Option<RuntimeKind>,
    /// A scenario file to play; means --runtime scripted.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// The agent to run as: its slug, or slug@version.
    #[arg(long, value_name = "AGENT", conflicts_with = "resume")]
    agent: Option<AgentName>,
    /// The template to start from; what else is given here counts first.
    #[arg(long, value_name = "NAME", conflicts_with = "resume")]
    template: Option<Name>,
    /// The model to ask for.
    #[arg(long, conflicts_with = "resume")]
    model: Option<String>,
    /// Text appended to the agent's own system prompt.
    #[arg(long, value_name = "TEXT", conflicts_with = "resume")]
    system_prompt: Option<String>,
    /// The folder the agent works in; otherwise this one, and with --resume the one the session worked in.
    #[arg(long, value_name = "FOLDER")]
    cwd: Option<PathBuf>,
    /// Most model round trips per prompt.
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(1..))]
    max_turns: Option<u32>,
    /// Most money the session may spend, in dollars.
    #[arg(long, value_name = "USD", conflicts_with = "resume")]
    budget: Option<MicroUsd>,
    /// Who decides what no rule decides: default, acceptEdits, plan, bypassPermissions or dontAsk.
    #[arg(long, value_name = "MODE", conflicts_with = "resume")]
    permission_mode: Option<PermissionMode>,
    /// Longest silence in seconds while the agent works and no tool runs.
    #[arg(long, value_name = "SECONDS", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,
    /// A name for the session; its prompt names it otherwise.
    #[arg(long, conflicts_with = "resume")]
    name: Option<String>,
    /// Allow everything that would be asked.
    #[arg(long)]
    yes: bool,
    /// Without a terminal, let what is asked wait for `provost approval` instead of denying it.
    #[arg(long, conflicts_with = "yes")]
    wait_for_approval: bool,
    /// A policy file, or an agent CLI's settings.json, that holds in this session beside the team's policies.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    policy: Option<PathBuf>,
    /// Go on with an earlier session: an id, its beginning or end, or `last`. It keeps its folder and options.
    #[arg(long, value_name = "SESSION")]
    resume: Option<SessionReference>,
    /// Begin with the history of another session, in a copy of its folder; that one goes on.
    #[arg(long, value_name = "SESSION", conflicts_with_all = [
        "resume", "background", "agent", "template", "model", "system_prompt", "cwd", "max_turns", "budget",
        "permission_mode", "timeout", "policy",
    ])]
    fork: Option<SessionReference>,
    #[command(flatten)]
    forking: ForkArguments,
}

impl Run {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        if self.fork.is_none() && (self.forking.at.is_some() || self.forking.empty_folder) {
            return Err(Failure::new(Code::Usage, "--at and --empty-folder are for --fork"));
        }
        let prompt = self.prompt(&context)?;
        if self.background {
            return self.queue(context, prompt.unwrap_or_default()).await;
        }
        let keyboard = context.surroundings.stdin_is_terminal.then(Keyboard::open);
        let typed =
            if self.interactive { Some(keyboard.clone().unwrap_or_else(Keyboard::open)) } else { None };
        let Opened { app, caller } = context.open().await?;
        let asker = self.asker(&context, (&app, caller), keyboard);
        let (target, kind) = match (&self.resume, &self.fork) {
            (None, Some(reference)) => {
                let parent = app.resolve_session(caller, reference.clone()).await?;
                let forked = fork(&context, &app, caller, parent, &self.forking, self.name.clone()).await?;
                let Session { id, runtime, .. } = forked.session;
                (Target::Resume { id, working_directory: None }, self.runtime()?.unwrap_or(runtime))
            }
            (Some(reference), _) => {
                let id = app.resolve_session(caller, reference.clone()).await?;
                let session = app.get_session(caller, id).await?;
                let working_directory = self.cwd.as_ref().map(|_| self.folder(&context));
                (Target::Resume { id, working_directory }, self.runtime()?.unwrap_or(session.runtime))
            }
            (None, None) => {
                let kind = self.runtime()?.unwrap_or(context.settings.runtime.default);
                let new = self.new_session(&context, &app, caller, prompt.clone()).await?;
                (Target::New(Box::new(new)), kind)
            }
        };
        let temporary = temporary_directory()?;
        let scenario = self.scenario.as_deref();
        let launch = context.launch_settings(kind, scenario, temporary.path(), Login::Own)?;
        let running = app.start_session(StartSession { caller, target, launch, asker }).await?;
        let id = running.session.id;
        // What a fork began with is made to be found while it works.
        let indexing = app.clone();
        let indexing = tokio::spawn(async move { indexing.index_waiting().await });
        let end = drive(context.terminal, running, Prompts { first: prompt, keyboard: typed }).await?;
        if let Ok(Err(error)) = indexing.await {
            tracing::warn!(error = %error, "what was said before is not found yet");
        }
        if !context.terminal.is_json {
            let line =
                format!("{} session timeline {}", context.surroundings.program_name(), text::short(id));
            context.terminal.say(&context.terminal.err.dim(&line));
        }
        exit_code(&end)
    }

    /// The first prompt. Only an interactive session may begin without one.
    fn prompt(&self, context: &Context) -> Result<Option<String>, Failure> {
        if self.interactive && self.prompt.is_none() {
            return Ok(None);
        }
        let prompt = prompt_from(self.prompt.as_deref(), context);
        prompt.map(Some).map_err(|failure| failure.hint("or --interactive to type one after the other"))
    }

    /// Records the session for a worker.
    async fn queue(self, context: Context, prompt: String) -> Result<ExitCode, Failure> {
        let kind = self.runtime()?.unwrap_or(context.settings.runtime.default);
        let scenario = match kind {
            RuntimeKind::Scripted => Some(context.scenario(self.scenario.as_deref())?),
            RuntimeKind::Claude => None,
        };
        let Opened { app, caller } = context.open().await?;
        let mut new = self.new_session(&context, &app, caller, None).await?;
        if let Some(scenario) = scenario {
            let scenario = scenario.to_string_lossy().into_owned();
            new.options.sdk_options.insert("scenario".to_owned(), scenario.into());
        }
        let priority = self.priority.unwrap_or_default();
        let session = app.queue_session(caller, new, prompt, kind, priority).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&session)?;
            return Ok(ExitCode::SUCCESS);
        }
        let program = context.surroundings.program_name();
        terminal.data(&session.id.to_string())?;
        terminal.say(&format!("session {} waits for a worker: {program} worker", text::short(session.id)));
        let follow = format!("{program} session follow {}", text::short(session.id));
        terminal.say(&terminal.err.dim(&follow));
        Ok(ExitCode::SUCCESS)
    }

    /// The runtime that was asked for; only the scripted one plays a scenario.
    fn runtime(&self) -> Result<Option<RuntimeKind>, Failure> {
        match (self.runtime, &self.scenario) {
            (Some(RuntimeKind::Claude), Some(_)) => {
                Err(Failure::new(Code::Usage, "--scenario is for the runtime scripted, not for claude"))
            }
            (None, Some(_)) => Ok(Some(RuntimeKind::Scripted)),
            (asked, _) => Ok(asked),
        }
    }

    fn asker(
        &self,
        context: &Context,
        (app, caller): (&App, Caller),
        keyboard: Option<Keyboard>,
    ) -> Arc<dyn Asker> {
        let (policies, environment) = (context.default_policies(), context.basic_environment());
        let keeper = Keeper { app: app.clone(), caller, policies, environment };
        let can_ask = context.surroundings.stderr_is_terminal && !context.terminal.is_json;
        match keyboard {
            _ if self.yes => Arc::new(YesAsker),
            Some(keyboard) if can_ask => {
                Arc::new(TerminalAsker { terminal: context.terminal, keyboard, keeper: Some(keeper) })
            }
            _ if self.wait_for_approval => Arc::new(InboxAsker { terminal: context.terminal }),
            _ => Arc::new(NobodyAsker),
        }
    }

    /// Where the agent works: the folder that was named, or this one.
    fn folder(&self, context: &Context) -> PathBuf {
        let here = &context.surroundings.current_directory;
        let folder = self.cwd.as_ref().map_or_else(|| here.clone(), |folder| here.join(folder));
        folder.canonicalize().unwrap_or(folder)
    }

    async fn new_session(
        &self,
        context: &Context,
        app: &App,
        caller: Caller,
        prompt: Option<String>,
    ) -> Result<NewSession, Failure> {
        let working_directory = self.folder(context);
        let overrides = Overrides {
            model: self.model.clone().filter(|model| !model.is_empty()),
            system_prompt: self.system_prompt.clone().filter(|text| !text.is_empty()),
            permission_mode: self.permission_mode,
            max_turns: self.max_turns,
            budget: self.budget,
            timeout: self.timeout.map(|seconds| Duration::from_secs(seconds.into())),
        };
        let (agent, template) = (self.agent.clone(), self.template.clone());
        let mut plan = app.plan_session(caller, agent, template, defaults(context)?, overrides).await?;
        if let Some(file) = &self.policy {
            plan.options.custom_policies.extend(policies_of_file(file, context)?);
        }
        Ok(NewSession {
            name: self.name.clone(),
            prompt,
            working_directory,
            agent: plan.agent,
            template_id: plan.template_id,
            options: plan.options,
        })
    }
}

/// The policies of a file as a session keeps them.
fn policies_of_file(path: &Path, context: &Context) -> Result<Vec<Value>, Failure> {
    let PolicyFile { surroundings, policies } = read_file(path, context)?;
    PolicySet::read(&policies, surroundings.unwrap_or_default()).map_err(unreadable)?;
    let documents = policies.iter().map(serde_json::to_value).collect::<Result<_, _>>();
    Ok(documents.map_err(anyhow::Error::from)?)
}

/// What sessions are asked to be by the settings.
fn defaults(context: &Context) -> Result<SessionOptions, Failure> {
    let set = &context.settings.session;
    let budget = Some(set.budget_usd)
        .filter(|usd| *usd != 0.0)
        .map(MicroUsd::from_dollars)
        .transpose()
        .map_err(|error| Failure::new(Code::Usage, format!("session.budget_usd: {error}")))?;
    Ok(SessionOptions {
        model: Some(set.model.clone()).filter(|model| !model.is_empty()),
        permission_mode: set.permission_mode,
        max_turns: Some(set.max_turns).filter(|turns| *turns > 0),
        budget,
        timeout: Duration::from_secs(set.timeout_seconds.get().into()),
        ..SessionOptions::default()
    })
}

const HOW_TO_PROMPT: &str = "type it behind the command in quotes, or pipe it in";

/// A prompt from an argument or from standard input.
pub(crate) fn prompt_from(argument: Option<&str>, context: &Context) -> Result<String, Failure> {
    let text = match argument {
        Some("-") => Some(read_prompt()?),
        Some(prompt) => Some(prompt.to_owned()),
        None if context.surroundings.stdin_is_terminal => None,
        None => Some(read_prompt()?),
    };
    match text {
        Some(text) if !text.trim().is_empty() => Ok(text),
        Some(_) => Err(Failure::new(Code::Usage, "the prompt is empty").hint(HOW_TO_PROMPT)),
        None => Err(Failure::new(Code::Usage, "a prompt is missing").hint(HOW_TO_PROMPT)),
    }
}

fn read_prompt() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LARGEST_PROMPT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_PROMPT_BYTES {
        return Err(Failure::new(
            Code::Usage,
            format!("the prompt is larger than {LARGEST_PROMPT_BYTES} bytes"),
        ));
    }
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(Code::Usage, format!("the prompt is not UTF-8: {error}")))
}

/// Only a completed session is a success; a spent budget is a refusal.
fn exit_code(end: &SessionEnd) -> Result<ExitCode, Failure> {
    let Some(error) = &end.error else {
        let is_success = end.status == SessionStatus::Completed;
        return Ok(if is_success { ExitCode::SUCCESS } else { Code::Failed.into() });
    };
    Err(match end.last_outcome {
        Some(TurnOutcome::BudgetExhausted) => {
            Failure::new(Code::Refused, error).hint("start a new session with a larger --budget")
        }
        // The agent program gives no status when it has no login to try at all.
        Some(TurnOutcome::ApiError { status: None | Some(401 | 403) }) => Failure::new(Code::Failed, error)
            .hint("log in: start claude and type /login, or set ANTHROPIC_API_KEY")
            .hint("provost doctor shows what it finds"),
        _ => Failure::new(Code::Failed, error).hint("to go on: provost run --resume last \"…\""),
    })
}
