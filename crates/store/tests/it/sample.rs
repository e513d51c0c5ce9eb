//! Rows to store: unremarkable, and unique where they must be.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    api_key::ApiKey,
    api_scope::ApiScopes,
    command::{Command, CommandKind, CommandStatus},
    digest::Sha256Digest,
    id::{
        ApiKeyId, CommandId, LoginSessionId, MessageId, SessionId, TeamId, ToolCallId, TransitionId, UserId,
    },
    login_session::LoginSession,
    message::{Message, MessageBody, MessageType},
    runtime::RuntimeKind,
    session::{Lease, LeaseOwner, Session, SessionOptions, SessionTotals},
    session_status::SessionStatus,
    team::{Team, TeamSettings},
    time::Timestamp,
    timeline::{Change, TimelineItem},
    tool_call::ToolCall,
    transition::Transition,
    user::User,
};
use provost_store::{Guard, SessionChange, SessionUpdate};
use serde_json::json;
use uuid::Uuid;

/// A row of a session's change.
pub(crate) type Item = (Change, TimelineItem);

/// Seconds after the beginning of the tests' world.
pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000 + seconds * 1_000_000)
}

/// An id later than all before it; no two processes draw the same.
pub(crate) fn uuid() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(1_767_225_600_000);
    let millis = NEXT.fetch_add(1, Ordering::Relaxed);
    let mut rest = [0; 10];
    rest[6..].copy_from_slice(&std::process::id().to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

/// The team that every fixture has.
pub(crate) const TEAM: TeamId = TeamId::from_uuid(Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_7ea3_0001));

pub(crate) fn team(slug: &str) -> Team {
    Team {
        id: if slug == "default" { TEAM } else { TeamId::from_uuid(uuid()) },
        slug: slug.parse().unwrap(),
        name: slug.to_uppercase().parse().unwrap(),
        settings: TeamSettings::default(),
        retention_days: None,
        version: 1,
        created_at: time(0),
        updated_at: time(0),
    }
}

pub(crate) fn user(email: &str) -> User {
    User {
        id: UserId::from_uuid(uuid()),
        email: email.parse().unwrap(),
        display_name: "Ada".parse().unwrap(),
        password_hash: None,
        is_active: true,
        version: 1,
        created_at: time(0),
        updated_at: time(0),
    }
}

/// A key of the fixture's team.
pub(crate) fn api_key(user_id: UserId, secret: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_uuid(uuid()),
        team_id: TEAM,
        user_id,
        name: "laptop".parse().unwrap(),
        prefix: "pv_12345678".parse().unwrap(),
        secret_sha256: Sha256Digest::of(secret.as_bytes()),
        scopes: ApiScopes::default(),
        created_at: time(1),
        expires_at: None,
        last_used_at: None,
        revoked_at: None,
    }
}

pub(crate) fn login(user_id: UserId, cookie: &str) -> LoginSession {
    LoginSession {
        id: LoginSessionId::from_uuid(uuid()),
        user_id,
        token_sha256: Sha256Digest::of(cookie.as_bytes()),
        user_agent: None,
        ip: None,
        created_at: time(1),
        last_seen_at: time(1),
        expires_at: time(100),
        revoked_at: None,
    }
}

pub(crate) fn session(team_id: TeamId) -> Session {
    let (id, options) = (SessionId::from_uuid(uuid()), SessionOptions::default());
    Session {
        name: "fix the test".into(),
        working_directory: "/work".into(),
        ..Session::new(id, team_id, RuntimeKind::Scripted, options, time(0))
    }
}

pub(crate) fn lease(pid: u32, expires_at: Timestamp) -> Lease {
    Lease { owner: LeaseOwner { host: "host".into(), boot_id: "boot".into(), pid, started: 1 }, expires_at }
}

pub(crate) fn message(session_id: SessionId, text: &str) -> Message {
    let body = MessageBody::text(MessageType::Assistant, text);
    Message::new(MessageId::from_uuid(uuid()), session_id, body, time(1))
}

pub(crate) fn tool_call(session_id: SessionId) -> ToolCall {
    let id = ToolCallId::from_uuid(uuid());
    ToolCall::new(id, session_id, format!("toolu_{id}"), "Bash".into(), json!({"command": "true"}), time(1))
}

pub(crate) fn command(session_id: SessionId) -> Command {
    Command {
        id: CommandId::from_uuid(uuid()),
        session_id,
        sequence: 0,
        kind: CommandKind::Prompt,
        payload: json!({"text": "go on"}),
        author: "system:test".into(),
        status: CommandStatus::Queued,
        created_at: time(1),
        updated_at: time(1),
    }
}

pub(crate) fn transition(session_id: SessionId, from: SessionStatus, to: SessionStatus) -> Transition {
    Transition {
        id: TransitionId::from_uuid(uuid()),
        session_id,
        sequence: 0,
        from: Some(from),
        to,
        reason: "the test says so".into(),
        actor: "system:test".into(),
        forced: false,
        created_at: time(1),
    }
}

pub(crate) const fn created(item: TimelineItem) -> Item {
    (Change::Created, item)
}

pub(crate) fn created_message(session: SessionId, text: &str) -> Item {
    created(TimelineItem::Message(message(session, text)))
}

pub(crate) fn moved(session: SessionId, from: SessionStatus, to: SessionStatus) -> Item {
    created(TimelineItem::Transition(transition(session, from, to)))
}

/// A change that counts the rows it creates, as the application does.
pub(crate) fn change(session_id: SessionId, guard: Guard, items: Vec<Item>) -> SessionChange {
    let count = |is_counted: fn(&TimelineItem) -> bool| {
        let created = items.iter().filter(|(change, item)| *change == Change::Created && is_counted(item));
        i64::try_from(created.count()).unwrap()
    };
    let added = SessionTotals {
        total_messages: count(|item| matches!(item, TimelineItem::Message(_))),
        total_tool_calls: count(|item| matches!(item, TimelineItem::ToolCall(_))),
        total_hook_executions: count(|item| matches!(item, TimelineItem::HookExecution(_))),
        total_permission_checks: count(|item| matches!(item, TimelineItem::Decision(_))),
        ..SessionTotals::default()
    };
    let update = SessionUpdate { added, ..SessionUpdate::default() };
    SessionChange { session_id, guard, at: time(2), update, items }
}
