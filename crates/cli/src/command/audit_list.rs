//! `provost audit list`.

use std::{process::ExitCode, str::FromStr};

use app::session::SessionReference;
use clap::Args;
use domain::{
    audit::{ActorKind, AuditEntry, AuditOutcome},
    id::SessionId,
    time::Timestamp,
};
use store::{AuditFilter, Cursor};

use crate::{
    composition::{Context, Opened},
    failure::Failure,
    terminal::{style::Style, text},
};

#[derive(Debug, Args)]
pub(crate) struct AuditList {
    #[command(flatten)]
    filter: Filter,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Args)]
struct Filter {
    /// Only actions that begin like this, such as session. or session.start.
    #[arg(long, value_name = "PREFIX")]
    action: Option<String>,
    /// Only what this actor did: user:ID, agent:ID, api_key:ID or system:PART.
    #[arg(long, value_name = "KIND:ID")]
    actor: Option<Actor>,
    /// Only what was done to this kind of thing, or to one of them: session, or agent:ID.
    #[arg(long, value_name = "KIND[:ID]")]
    target: Option<Target>,
    /// Only what was done in this session: an id, its beginning or end, or `last`.
    #[arg(long)]
    session: Option<SessionReference>,
    /// Only what ended like this: success, failure or denied.
    #[arg(long)]
    outcome: Option<AuditOutcome>,
    /// Only from this time on, such as 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

#[derive(Debug, Clone)]
struct Actor(ActorKind, String);

#[derive(Debug, Clone)]
struct Target {
    kind: String,
    id: Option<String>,
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, id) = text.split_once(':').ok_or("accepted: a kind and an id, such as user:ID")?;
        Ok(Self(kind.parse().map_err(|error: domain::UnknownWord| error.to_string())?, id.to_owned()))
    }
}

impl FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            Some((kind, id)) => Self { kind: kind.to_owned(), id: Some(id.to_owned()) },
            None => Self { kind: text.to_owned(), id: None },
        })
    }
}

impl AuditList {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let session_id = match self.filter.session.clone() {
            Some(session) => Some(app.resolve_session(caller, session).await?),
            None => None,
        };
        let flags = self.filter.flags(session_id);
        let Filter { action, actor, target, outcome, since, until, .. } = self.filter;
        let (target_kind, target_id) = target.map_or((None, None), |Target { kind, id }| (Some(kind), id));
        let filter = AuditFilter {
            action_prefix: action,
            actor: actor.map(|Actor(kind, id)| (kind, id)),
            target_kind,
            target_id,
            session_id,
            outcome,
            since,
            until,
        };
        let page = app.list_audit(caller, filter, self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say("no audit lines");
        }
        page.items.iter().try_for_each(|entry| terminal.data(&line(terminal.out, entry)))?;
        if let Some(next) = page.next {
            terminal.say(&format!("more: provost audit list --limit {}{flags} --cursor {next}", self.limit));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Filter {
    /// As they were typed.
    fn flags(&self, session: Option<SessionId>) -> String {
        let target = self.target.as_ref().map(|Target { kind, id }| match id {
            Some(id) => format!("{kind}:{id}"),
            None => kind.clone(),
        });
        let flags = [
            ("action", self.action.clone()),
            ("actor", self.actor.as_ref().map(|Actor(kind, id)| format!("{kind}:{id}"))),
            ("target", target),
            ("session", session.map(|session| session.to_string())),
            ("outcome", self.outcome.map(|outcome| outcome.to_string())),
            ("since", self.since.map(|since| since.to_string())),
            ("until", self.until.map(|until| until.to_string())),
        ];
        flags.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value?))).collect()
    }
}

/// Ends with the id, whole, because `provost audit redact` wants it.
fn line(style: Style, entry: &AuditEntry) -> String {
    let event = &entry.event;
    let outcome = format!("{:<7}", event.outcome);
    let outcome = match event.outcome {
        AuditOutcome::Success => outcome,
        AuditOutcome::Failure | AuditOutcome::Denied => style.red(&outcome),
    };
    let target = match &event.target_id {
        Some(id) => format!("{} {}", event.target_kind, end(id)),
        None => event.target_kind.clone(),
    };
    let seconds = event.at.to_string().chars().take(19).collect::<String>();
    format!(
        "{seconds}  {:<20}  {outcome}  {:<17}  {target:<26}  {}",
        event.action,
        format!("{}:{}", event.actor_kind, end(&event.actor_id)),
        style.dim(&event.id.to_string()),
    )
}

/// The end of an id, which tells them apart; all of a short name.
fn end(id: &str) -> String {
    let is_id = id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if is_id { id[28..].to_owned() } else { text::one_line(id, 24) }
}
