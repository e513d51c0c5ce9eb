//! For tests: the use cases on a temporary database, with a clock that is moved by hand.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{
    actor::Actor,
    approval::{Approval, ApprovalStatus},
    id::{ApprovalId, SessionId},
    runtime::RuntimeKind,
    session::{Lease, LeaseOwner, Session, SessionOptions},
    session_status::SessionStatus,
    time::Timestamp,
    timeline::{Change, TimelineEntry, TimelineItem},
};
use serde_json::Value;
use store::{
    Database, Guard, Migrate, OpenOptions, SessionChange, SessionUpdate, SqliteFile, Store, WhenMissing,
};

use crate::{
    App, Caller,
    clock::{Clock, SystemIds},
    session::{
        held::LEASE,
        record::{Recorder, transition},
    },
};

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    pub(crate) fn advance(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_micros()).expect("a short time"), Ordering::SeqCst);
    }
}

impl ManualClock {
    /// As a machine's clock jumps when it is set right.
    pub(crate) fn jump_back(&self, duration: Duration) {
        self.0.fetch_sub(i64::try_from(duration.as_micros()).expect("a short time"), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A database, and processes that work on it.
pub(crate) struct Fixture {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) caller: Caller,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = SqliteFile {
            path: folder.path().join("provost.db"),
            when_missing: WhenMissing::Create,
            busy_timeout: Duration::from_secs(5),
        };
        let clock = Arc::new(ManualClock(AtomicI64::new(1_000_000_000)));
        let options = OpenOptions::new(Database::Sqlite(file), Migrate::Forward(clock.now()));
        let store = Store::open(options).expect("opens");
        let app = App::new(store.clone(), clock.clone(), Arc::new(SystemIds), process("here"));
        let caller = app.install("ada").await.expect("installs");
        Self { clock, caller, store, _folder: folder }
    }

    /// The use cases as a process on this host has them.
    pub(crate) fn app_on(&self, host: &str) -> App {
        App::new(self.store.clone(), self.clock.clone(), Arc::new(SystemIds), process(host))
    }

    /// A session that is ready for prompts, and its recorder.
    pub(crate) async fn active_session(&self, app: &App) -> Recorder {
        let session = self.session(app);
        let created = transition(app, session.id, None, SessionStatus::Created, "created", &AUTHOR);
        let change = SessionChange {
            session_id: session.id,
            guard: Guard::Anyone,
            at: app.now(),
            update: SessionUpdate::default(),
            items: vec![(Change::Created, TimelineItem::Transition(created))],
        };
        let (row, lease) =
            (session.clone(), Lease { owner: app.owner().clone(), expires_at: app.now().plus(LEASE) });
        let create = move |tx: &store::Tx<'_>| {
            let sessions = tx.team(row.team_id).sessions();
            sessions.insert(&row)?;
            sessions.change(change)?;
            sessions.acquire(&row, &lease)
        };
        let fence = app.store().write(create).await.expect("creates");
        let mut recorder = Recorder::new(app.clone(), &session, fence);
        recorder.transition(SessionStatus::Connecting, "starting", &AUTHOR).await.expect("connects");
        recorder.transition(SessionStatus::Active, "ready", &AUTHOR).await.expect("is ready");
        recorder
    }

    /// A question of a session that waits for its answer for a minute.
    pub(crate) fn question(&self, session_id: SessionId, tool_name: &str, input: Value) -> Approval {
        let now = self.clock.now();
        Approval {
            id: ApprovalId::from_uuid(self.app_on("here").next_id()),
            team_id: self.caller.team_id,
            session_id,
            sequence: 0,
            tool_use_id: None,
            tool_name: tool_name.to_owned(),
            input_sha256: Approval::input_digest(&input),
            input,
            suggestions: None,
            status: ApprovalStatus::Pending,
            requested_at: now,
            expires_at: now.plus(Duration::from_secs(60)),
            decided_by: None,
            decided_at: None,
            note: None,
            updated_input: None,
            updated_at: now,
        }
    }

    pub(crate) async fn get(&self, id: SessionId) -> Session {
        self.app_on("here").get_session(self.caller, id).await.expect("exists")
    }

    pub(crate) async fn timeline(&self, id: SessionId) -> Vec<TimelineEntry> {
        self.app_on("here").list_timeline(self.caller, id, 0, 1000).await.expect("exists")
    }

    /// What `provost db check` finds.
    pub(crate) async fn findings(&self) -> Vec<store::Finding> {
        self.store.scan(store::check).await.expect("can be read")
    }

    fn session(&self, app: &App) -> Session {
        let (id, options) = (SessionId::from_uuid(app.next_id()), SessionOptions::default());
        Session {
            user_id: Some(self.caller.user_id),
            ..Session::new(id, self.caller.team_id, RuntimeKind::Scripted, options, app.now())
        }
    }
}

/// The author of what tests do.
pub(crate) const AUTHOR: Actor = Actor::System("test");

fn process(host: &str) -> LeaseOwner {
    LeaseOwner { host: host.into(), boot_id: "boot".into(), pid: 1, started: 1 }
}
