//! Rows as sessions of agents leave them.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    id::{MessageId, SessionId, TeamId, UserId},
    message::{Message, MessageBody, MessageType},
    runtime::RuntimeKind,
    session::{Session, SessionOptions, SessionTotals},
    session_status::SessionStatus,
    team::{Team, TeamSettings},
    time::Timestamp,
    timeline::{Change, TimelineItem},
    user::User,
};
use store::{Guard, SessionChange, SessionUpdate};
use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1_767_225_600_000);

fn uuid() -> Uuid {
    let millis = NEXT.fetch_add(1, Ordering::Relaxed);
    let scatter = millis.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
    let mut rest = [0; 10];
    rest[..8].copy_from_slice(&scatter);
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

fn now() -> Timestamp {
    let ticks = i64::try_from(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap_or(i64::MAX);
    Timestamp::from_micros(ticks.saturating_mul(1000))
}

pub(super) fn team() -> anyhow::Result<Team> {
    let at = now();
    let id = TeamId::from_uuid(uuid());
    Ok(Team {
        id,
        slug: "bench".parse()?,
        name: "Bench".parse()?,
        settings: TeamSettings::default(),
        retention_days: None,
        created_at: at,
        updated_at: at,
    })
}

pub(super) fn user() -> anyhow::Result<User> {
    let (id, at) = (UserId::from_uuid(uuid()), now());
    let email = format!("{id}@example.org").parse()?;
    Ok(User {
        id,
        email,
        display_name: "Ada".parse()?,
        password_hash: None,
        is_active: true,
        created_at: at,
        updated_at: at,
    })
}

pub(super) fn session(team_id: TeamId) -> Session {
    let options = SessionOptions { model: Some("model-of-the-day".into()), ..SessionOptions::default() };
    Session {
        name: "make the failing test pass and say why it failed".into(),
        status: SessionStatus::Completed,
        external_id: Some("0198c5a1-7a2b-7000-8000-0123456789ab".into()),
        working_directory: "/home/ada/projects/compiler".into(),
        ..Session::new(SessionId::from_uuid(uuid()), team_id, RuntimeKind::Scripted, options, now())
    }
}

/// What one event of an agent changes: a message, its number, the session's counters.
pub(super) fn agent_event(session_id: SessionId) -> SessionChange {
    let at = now();
    let text = "I looked at the test and at what it calls. The loop ends one step too early. ".repeat(4);
    let body = MessageBody::text(MessageType::Assistant, text);
    let message = Message::new(MessageId::from_uuid(uuid()), session_id, body, at);
    let added = SessionTotals { total_messages: 1, ..SessionTotals::default() };
    SessionChange {
        session_id,
        guard: Guard::Fence(0),
        at,
        update: SessionUpdate { added, ..SessionUpdate::default() },
        items: vec![(Change::Created, TimelineItem::Message(message))],
    }
}
