//! `provost hook`: code that runs at an event of an agent and may change or stop it.

mod add;
mod log;
mod test;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use domain::{
    hook::{Hook, HookEvent, HookKind},
    name::Name,
};
use store::{Cursor, HookFilter};

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::{Terminal, text},
};

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Add a hook: a program, a server, or one that is built in.
    Add(add::Add),
    /// List hooks, newest first.
    List(List),
    /// Show a hook; what may be a secret is only said to be set.
    Show(Show),
    /// Run a hook on an example of its event, or on one of your own, and see what it would do.
    Test(test::Test),
    /// Let a hook run.
    Enable(Enable),
    /// Let a hook rest.
    Disable(Disable),
    /// Remove a hook; what it did stays on record.
    Remove(Remove),
    /// Show what hooks did in a session, in order.
    Log(log::Log),
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only hooks of this event.
    #[arg(long)]
    event: Option<HookEvent>,
    /// Only hooks of this kind: builtin, script or webhook.
    #[arg(long)]
    kind: Option<HookKind>,
    /// How many.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The hook's name.
    hook: Name,
}

#[derive(Debug, Args)]
pub(crate) struct Enable {
    /// The hook's name.
    hook: Name,
}

#[derive(Debug, Args)]
pub(crate) struct Disable {
    /// The hook's name.
    hook: Name,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// The hook's name.
    hook: Name,
}

impl HookCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::Add(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Test(command) => command.run(context).await,
            Self::Enable(command) => switch(context, command.hook, true).await,
            Self::Disable(command) => switch(context, command.hook, false).await,
            Self::Remove(command) => command.run(context).await,
            Self::Log(command) => command.run(context).await,
        }
    }
}

impl List {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let filter = HookFilter { event: self.event.clone(), kind: self.kind, is_enabled: None };
        let page = app.list_hooks(caller, filter, self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say("no hooks; provost hook add adds one");
            return Ok(ExitCode::SUCCESS);
        }
        let heading =
            line(["hook", "event", "matcher", "kind", "gate"].map(str::to_owned), "priority", "state");
        terminal.data(&terminal.out.dim(&heading))?;
        for hook in &page.items {
            terminal.data(&listed(hook))?;
        }
        if let Some(next) = page.next {
            let event = self.event.map(|event| format!(" --event {event}")).unwrap_or_default();
            let kind = self.kind.map(|kind| format!(" --kind {kind}")).unwrap_or_default();
            terminal
                .say(&format!("more: provost hook list --limit {}{event}{kind} --cursor {next}", self.limit));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let hook = app.get_hook(caller, self.hook).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.json(&hook)?;
            return Ok(ExitCode::SUCCESS);
        }
        for (name, value) in facts(&hook) {
            let name = terminal.out.dim(&format!("{name:<10}"));
            terminal.data(&format!("{name} {}", text::printable(&value)))?;
        }
        let config = serde_json::to_string_pretty(&hook.config).map_err(anyhow::Error::from)?;
        terminal.data(&format!("\n{}", text::printable(&config)))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        app.remove_hook(caller, self.hook.clone()).await?;
        context.terminal.say(&format!("hook {} is removed", self.hook));
        Ok(ExitCode::SUCCESS)
    }
}

async fn switch(context: Context, name: Name, is_enabled: bool) -> Result<ExitCode, Failure> {
    let Opened { app, caller } = context.open().await?;
    let hook = app.switch_hook(caller, name, is_enabled).await?;
    tell(context.terminal, &hook)
}

fn tell(terminal: Terminal, hook: &Hook) -> Result<ExitCode, Failure> {
    if terminal.is_json {
        terminal.json(hook)?;
    } else {
        terminal.say(&format!("hook {} is {}", text::one_line(&hook.name, 200), state(hook)));
    }
    Ok(ExitCode::SUCCESS)
}

const fn state(hook: &Hook) -> &'static str {
    if hook.is_enabled { "enabled" } else { "disabled" }
}

fn listed(hook: &Hook) -> String {
    let Hook { name, event, matcher, kind, priority, is_gate, .. } = hook;
    let matcher = matcher.as_deref().unwrap_or("*");
    let gate = if *is_gate { "gate" } else { "" };
    let columns = [text::one_line(name, 24), text::one_line(event.as_str(), 20), text::one_line(matcher, 20)];
    let [name, event, matcher] = columns;
    line([name, event, matcher, kind.to_string(), gate.to_owned()], &priority.to_string(), state(hook))
}

fn line([name, event, matcher, kind, gate]: [String; 5], priority: &str, state: &str) -> String {
    format!("{name:<24}  {event:<20}  {matcher:<20}  {kind:<8}  {gate:<4}  {priority:>8}  {state}")
}

fn facts(hook: &Hook) -> [(&'static str, String); 9] {
    let gate = if hook.is_gate { "yes: a failure of it blocks" } else { "no: a failure of it is recorded" };
    [
        ("name", hook.name.clone()),
        ("id", hook.id.to_string()),
        ("event", hook.event.to_string()),
        ("matcher", hook.matcher.clone().unwrap_or_else(|| "*".to_owned())),
        ("kind", hook.kind.to_string()),
        ("gate", gate.to_owned()),
        ("priority", hook.priority.to_string()),
        ("timeout", format!("{} ms", hook.timeout_ms)),
        ("state", state(hook).to_owned()),
    ]
}
