//! `provost policy`: what agents may do, kept for the team, and what it says about tool calls.

mod add;
mod case;
mod explain;
mod lint;
mod list;
mod remove;
mod replay;
mod show;
pub(crate) mod source;
mod switch;
mod test;
mod update;

use std::process::ExitCode;

use clap::Subcommand;
use domain::{policy::Policy, time::Timestamp};

use app::clock::{Clock, SystemClock};

use crate::{
    composition::Context,
    failure::Failure,
    terminal::{Terminal, text},
};

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// List the team's policies in the order of evaluation.
    List(list::List),
    /// Show a policy, what became of it, or what it was.
    Show(show::Show),
    /// Add a policy, those of a file, or the permissions in an agent CLI's settings.json.
    Add(add::Add),
    /// Give a policy other details or another priority.
    Update(update::Update),
    /// Let a policy count.
    Enable(switch::Switch),
    /// Let a policy rest.
    Disable(switch::Switch),
    /// Remove a policy; the history of the set keeps it.
    Remove(remove::Remove),
    /// Show what each policy says about a tool call, and why.
    Explain(explain::Explain),
    /// Find rules that can never match, that others make superfluous, or that permit more than they seem to.
    Lint(lint::Lint),
    /// Judge recorded tool calls by other policies, and say which would be decided differently.
    Replay(replay::Replay),
    /// Judge the cases of a file and say which are judged otherwise than expected.
    Test(test::Test),
}

impl PolicyCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Add(command) => command.run(context).await,
            Self::Update(command) => command.run(context).await,
            Self::Enable(command) => command.run(context, true).await,
            Self::Disable(command) => command.run(context, false).await,
            Self::Remove(command) => command.run(context).await,
            Self::Explain(command) => command.run(context).await,
            Self::Lint(command) => command.run(context).await,
            Self::Replay(command) => command.run(context).await,
            Self::Test(command) => command.run(context).await,
        }
    }
}

fn now() -> Timestamp {
    SystemClock.now()
}

const fn state(policy: &Policy) -> &'static str {
    if policy.is_enabled { "enabled" } else { "disabled" }
}

/// A policy that was changed, as JSON, or what is said of it.
fn tell(terminal: Terminal, policy: &Policy, what: &str) -> Result<ExitCode, Failure> {
    if terminal.is_json {
        terminal.json(policy)?;
    } else {
        terminal.say(&format!("policy {} {what}", text::one_line(policy.name.as_str(), 200)));
    }
    Ok(ExitCode::SUCCESS)
}
