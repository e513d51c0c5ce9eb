//! How long a fork of a long session takes.

use std::path::Path;

use app::session::{ForkSession, History};
use domain::{
    id::{MessageId, SessionId},
    message::{Message, MessageBody, MessageType},
    timeline::{Change, TimelineItem},
};
use store::{Guard, SessionChange, SessionUpdate};

use super::{
    measure::Durations,
    report::{Figure, Report},
    sample, sessions, sqlite,
};

const MESSAGES: usize = 10_000;
const PER_TRANSACTION: usize = 500;
const RUNS: usize = 5;
const MOST_MILLISECONDS: f64 = 300.0;

/// Forks a session of ten thousand messages, without files.
pub(super) fn measure(folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let (app, caller) = sessions::app_on(sqlite::open(&folder.join("fork.db"))?).await?;
        let session = sample::session(caller.team_id);
        let parent = session.id;
        app.store().write(move |tx| tx.team(caller.team_id).sessions().insert(&session)).await?;
        for _ in 0..MESSAGES / PER_TRANSACTION {
            let change = said(parent);
            app.store().write(move |tx| tx.team(caller.team_id).sessions().change(change)).await?;
        }
        let mut durations = Durations::default();
        for _ in 0..RUNS {
            let fork = ForkSession {
                parent,
                history: History::All,
                folder: folder.join("forks"),
                files: None,
                name: None,
                state: Vec::new(),
            };
            let forked = durations.time_async(app.fork_session(caller, fork)).await?;
            let copied = forked.session.totals.total_messages;
            anyhow::ensure!(copied == i64::try_from(MESSAGES)?, "{copied} messages were copied");
        }
        let milliseconds = durations.p50() / 1000.0;
        report.add(&Figure {
            name: "fork of 10,000 messages, without files",
            figure: format!("{milliseconds:.0} ms"),
            ratio: None,
            target: format!("< {MOST_MILLISECONDS} ms"),
            is_met: Some(milliseconds < MOST_MILLISECONDS),
        })
    })
}

/// Prompts and answers, in turns.
fn said(session: SessionId) -> SessionChange {
    let at = sample::noon();
    let message = |number: usize| {
        let kind = if number.is_multiple_of(2) { MessageType::User } else { MessageType::Assistant };
        let text = format!("what was said as number {number}, in about as many words as people use for it");
        let body = MessageBody { external_id: Some(format!("m{number}")), ..MessageBody::text(kind, text) };
        let message = Message::new(MessageId::from_uuid(sample::uuid()), session, body, at);
        (Change::Created, TimelineItem::Message(message))
    };
    SessionChange {
        session_id: session,
        guard: Guard::Anyone,
        at,
        update: SessionUpdate::default(),
        items: (0..PER_TRANSACTION).map(message).collect(),
    }
}
