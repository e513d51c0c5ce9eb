//! `provost agent`: definitions that sessions run with.

use std::{path::PathBuf, process::ExitCode};

use app::{
    clock::{Clock, SystemClock},
    session::AgentName,
};
use clap::{Args, Subcommand};
use domain::{
    agent::{Agent, AgentVersion},
    agent_status::AgentStatus,
    dna::{AgentDefinition, Text},
    slug::Slug,
};
use serde_json::json;
use store::Cursor;

use crate::{
    composition::{Context, Opened},
    definition_file,
    failure::{Code, Failure},
    terminal::{Terminal, text},
};

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Create an agent from a TOML or JSON file.
    Create(Create),
    /// List agents, newest first.
    List(List),
    /// Show an agent and what it is made of.
    Show(Show),
    /// Change an agent by a file: what it is made of becomes its next version.
    Edit(Edit),
    /// List the versions of an agent, newest first.
    Versions(Versions),
    /// Make a version the one that new sessions take, or let sessions start with an agent again.
    Activate(Activate),
    /// Let no session start with an agent any more.
    Archive(Archive),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The file; - is standard input. docs/agents.md describes it.
    file: PathBuf,
    /// Let no session start with it yet.
    #[arg(long)]
    draft: bool,
    /// Why.
    #[arg(long)]
    reason: Option<Text<2000>>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only agents in this status: draft, active, paused or archived.
    #[arg(long, value_name = "STATUS")]
    status: Option<AgentStatus>,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The agent's slug, or slug@version for another version than the current one.
    agent: AgentName,
    /// Print what its sessions are told, and nothing else.
    #[arg(long)]
    prompt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Edit {
    /// The agent's slug.
    agent: Slug,
    /// The file; - is standard input.
    file: PathBuf,
    /// Why.
    #[arg(long)]
    reason: Option<Text<2000>>,
}

#[derive(Debug, Args)]
pub(crate) struct Versions {
    /// The agent's slug.
    agent: Slug,
    /// Only versions before this one.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    before: Option<i64>,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// The agent's slug, or slug@version for the version that new sessions are to take.
    agent: AgentName,
}

#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// The agent's slug.
    agent: Slug,
}

impl AgentCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Edit(command) => command.run(context).await,
            Self::Versions(command) => command.run(context).await,
            Self::Activate(command) => command.run(context).await,
            Self::Archive(command) => command.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let definition = definition(&context, &self.file)?;
        let Opened { app, caller } = context.open().await?;
        let agent = app.create_agent(caller, definition, self.draft, self.reason).await?;
        tell(context.terminal, &agent)
    }
}

impl List {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let page = app.list_agents(caller, self.status, self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say("no agents");
            return Ok(ExitCode::SUCCESS);
        }
        let heading = format!("{:<24}  {:<8}  {:>7}  {}", "agent", "status", "version", "what it is for");
        terminal.data(&terminal.out.dim(&heading))?;
        for agent in &page.items {
            let (slug, status, version) = (agent.slug.as_str(), agent.status, agent.current_version);
            let tagline = text::one_line(agent.tagline.as_str(), 60);
            terminal.data(&format!("{slug:<24}  {status:<8}  {version:>7}  {tagline}"))?;
        }
        if let Some(next) = page.next {
            let status = self.status.map(|status| format!(" --status {status}")).unwrap_or_default();
            terminal.say(&format!("more: provost agent list --limit {}{status} --cursor {next}", self.limit));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let (agent, version) = app.get_agent(caller, self.agent).await?;
        let terminal = context.terminal;
        let prompt = version.dna.system_prompt(&agent);
        if self.prompt {
            terminal.data(text::printable(prompt.trim_end()).as_ref())?;
        } else if terminal.is_json {
            terminal.json(&json!({ "agent": agent, "version": version, "system_prompt": prompt }))?;
        } else {
            for (name, value) in facts(&agent, &version) {
                let name = terminal.out.dim(&format!("{name:<18}"));
                terminal.data(&format!("{name} {}", text::printable(&value)))?;
            }
            let dna = toml::to_string_pretty(&written(&version)?).map_err(anyhow::Error::from)?;
            terminal.data(&format!("\n{}", text::printable(dna.trim_end())))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Edit {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let definition = definition(&context, &self.file)?;
        let Opened { app, caller } = context.open().await?;
        let agent = app.edit_agent(caller, self.agent, definition, self.reason).await?;
        tell(context.terminal, &agent)
    }
}

impl Versions {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let (agent, versions) = app.list_agent_versions(caller, self.agent, self.before, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&json!({ "agent": agent, "data": versions }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let now = SystemClock.now();
        for AgentVersion { version, reason, created_at, .. } in &versions {
            let mark = if *version == agent.current_version { "current" } else { "" };
            let reason = reason.as_ref().map_or("", Text::as_str);
            let (age, reason) = (text::ago(now.since(*created_at)), text::one_line(reason, 60));
            terminal.data(format!("{version:>4}  {mark:<8}{age:>14}  {reason}").trim_end())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Activate {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let agent = app.activate_agent(caller, self.agent).await?;
        tell(context.terminal, &agent)
    }
}

impl Archive {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let agent = app.archive_agent(caller, self.agent).await?;
        tell(context.terminal, &agent)
    }
}

fn definition(context: &Context, file: &std::path::Path) -> Result<AgentDefinition, Failure> {
    let json = definition_file::read(&context.surroundings.current_directory, file)?;
    AgentDefinition::try_from(&json)
        .map_err(|error| Failure::new(Code::Usage, error).hint("docs/agents.md describes the file"))
}

fn tell(terminal: Terminal, agent: &Agent) -> Result<ExitCode, Failure> {
    if terminal.is_json {
        terminal.json(agent)?;
    } else {
        let Agent { slug, status, current_version, .. } = agent;
        terminal.say(&format!("agent {slug} is {status}, in version {current_version}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn facts(agent: &Agent, version: &AgentVersion) -> Vec<(&'static str, String)> {
    let current = agent.current_version;
    let number = version.version;
    vec![
        ("name", agent.name.as_str().to_owned()),
        ("what it is for", agent.tagline.as_str().to_owned()),
        ("id", agent.id.to_string()),
        ("status", agent.status.to_string()),
        (
            "version",
            if number == current { number.to_string() } else { format!("{number}, current is {current}") },
        ),
        ("made by", version.created_by.clone()),
        ("made", version.created_at.to_string()),
    ]
}

/// The DNA as it would stand in a file; what is not set is left out, as TOML has no null.
fn written(version: &AgentVersion) -> Result<serde_json::Value, Failure> {
    let mut dna = serde_json::to_value(&version.dna).map_err(anyhow::Error::from)?;
    without_nulls(&mut dna);
    Ok(json!({ "dna": dna }))
}

fn without_nulls(value: &mut serde_json::Value) {
    if let serde_json::Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(without_nulls);
    }
}
