//! Rows as sessions of agents leave them.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    epic::NewEpic,
    feature::NewFeature,
    id::{EpicId, FeatureId, MaintenanceRunId, MessageId, SessionId, TaskId, TeamId, UserId},
    message::{Message, MessageBody, MessageType},
    runtime::RuntimeKind,
    session::{Session, SessionOptions, SessionTotals},
    session_status::SessionStatus,
    task::NewTask,
    team::{Team, TeamSettings},
    time::Timestamp,
    timeline::{Change, TimelineItem},
    user::User,
};
use store::{Guard, Maintenance, Occasion, SessionChange, SessionUpdate};
use uuid::Uuid;

static NEXT: AtomicU64 = AtomicU64::new(1_767_225_600_000);

/// The team of everything whose team need not be asked for.
pub(super) const TEAM: TeamId = TeamId::from_uuid(Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_7ea3));

/// When the backlog is worked on: a while after all of it was added.
pub(super) fn noon() -> Timestamp {
    Timestamp::from_micros(1_767_268_800_000_000)
}

pub(super) fn uuid() -> Uuid {
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
    Ok(Team {
        id: TEAM,
        slug: "bench".parse()?,
        name: "Bench".parse()?,
        settings: TeamSettings::default(),
        retention_days: None,
        version: 1,
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
        version: 1,
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

/// Somebody at work, at noon.
pub(super) fn occasion() -> Occasion<'static> {
    Occasion { actor: "user:ada", at: noon(), next_id: &uuid }
}

/// Somebody who cleans up.
pub(super) fn maintenance() -> Maintenance {
    Maintenance {
        id: MaintenanceRunId::from_uuid(uuid()),
        team_id: Some(TEAM),
        actor: "user:ada".into(),
        reason: "measured".into(),
        at: noon(),
    }
}

pub(super) fn epic() -> anyhow::Result<NewEpic> {
    Ok(NewEpic::new(EpicId::from_uuid(uuid()), "An epic".parse()?))
}

pub(super) fn feature(epic: EpicId) -> anyhow::Result<NewFeature> {
    Ok(NewFeature::new(FeatureId::from_uuid(uuid()), epic, "A feature".parse()?))
}

pub(super) fn tasks(count: usize) -> anyhow::Result<Vec<NewTask>> {
    let task = || {
        let title = "Make the failing test pass and say why it failed".parse()?;
        Ok(NewTask {
            description:
                "The loop ends one step too early when the bound is even; see the log of the last run.".into(),
            agent_type: Some("coder".parse()?),
            ..NewTask::new(TaskId::from_uuid(uuid()), title)
        })
    };
    (0..count).map(|_| task()).collect()
}
