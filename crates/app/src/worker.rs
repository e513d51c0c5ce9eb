//! Workers: they take sessions from the queue and run them, several at once, until they are told to stop.

mod run;

use std::{collections::HashMap, fmt::Debug, num::NonZeroUsize, sync::Arc, time::Duration};

use domain::{
    id::{SessionId, UserId},
    retry::CircuitBreaker,
    runtime::RuntimeKind,
    session::{Lease, Session},
    session_status::SessionStatus,
};
use store::StoreError;
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep},
};

use self::run::Running;
use crate::{
    App,
    session::{Asker, LaunchSettings, RecoveredSession, held::LEASE},
};

/// How often an empty queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often sessions of dead owners are looked for.
const RECOVER_EVERY: Duration = Duration::from_secs(5);
/// How long a worker waits when the database is away.
const AWAY: Duration = Duration::from_secs(1);

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// How many sessions it runs at once.
    pub concurrency: NonZeroUsize,
    /// How their agents are started.
    pub launcher: Arc<dyn Launcher>,
    /// Who is asked about tool calls.
    pub asker: Arc<dyn Asker>,
    /// For whom sessions run that no person began.
    pub user_id: UserId,
    /// How long sessions may go on after it was told to stop, before they are paused.
    pub grace: Duration,
    /// Ends when nothing runs and nothing waits.
    pub until_empty: bool,
}

/// Knows how the agent of a session is started here.
pub trait Launcher: Debug + Send + Sync {
    /// How, or why it cannot be.
    ///
    /// # Errors
    /// A sentence for people.
    fn launch(&self, session: &Session) -> Result<LaunchSettings, String>;
}

/// What a worker did, for whoever watches it.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkerNote {
    /// A session was found without its process.
    Recovered(RecoveredSession),
    /// It begins on a session.
    Took(Box<Session>),
    /// A session came to rest.
    Ended {
        /// The session.
        id: SessionId,
        /// Where it rests.
        status: SessionStatus,
        /// Why it failed.
        error: Option<String>,
        /// After how long it is tried again.
        again_in: Option<Duration>,
    },
    /// A session was left to others, or to a later time.
    Left {
        /// The session.
        id: SessionId,
        /// Why.
        reason: String,
    },
}

/// What the runs of one worker share.
#[derive(Debug)]
struct Shared {
    app: App,
    settings: WorkerSettings,
    breakers: Mutex<HashMap<(RuntimeKind, Option<String>), CircuitBreaker>>,
    notes: mpsc::Sender<WorkerNote>,
}

impl App {
    /// Runs sessions from the queue until `stop` is true, or nothing waits any more if that was asked for. Then those that run
    /// go on for a while, and what is still not done is paused and waits for another worker. Nothing runs when it returns.
    ///
    /// # Errors
    /// When the database fails in a way that does not pass.
    pub async fn work(
        &self,
        settings: WorkerSettings,
        mut stop: watch::Receiver<bool>,
        notes: mpsc::Sender<WorkerNote>,
    ) -> Result<(), StoreError> {
        let shared = Arc::new(Shared { app: self.clone(), settings, breakers: Mutex::default(), notes });
        let mut running = JoinSet::new();
        let (end, ends) = watch::channel(false);
        let outcome = shared.take_until_stopped(&mut running, &mut stop, &ends).await;
        if let Err(error) = &outcome {
            tracing::error!(error = %error, "the worker stops; what runs comes to its end first");
        }
        end.send_replace(true);
        while running.join_next().await.is_some() {}
        outcome
    }
}

impl Shared {
    async fn take_until_stopped(
        self: &Arc<Self>,
        running: &mut JoinSet<()>,
        stop: &mut watch::Receiver<bool>,
        ends: &watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        let mut recover_at = Instant::now();
        while !*stop.borrow() {
            let pause = match self.look(running, stop, ends, &mut recover_at).await {
                Ok(true) => return Ok(()),
                Ok(false) => LOOK_EVERY,
                Err(error) if error.is_retryable() => {
                    tracing::warn!(error = %error, "the queue cannot be read yet");
                    AWAY
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                // Whoever could say it is gone, so nobody will.
                changed = stop.changed() => if changed.is_err() { return Ok(()) },
                Some(_) = running.join_next() => {}
                () = sleep(pause) => {}
            }
        }
        Ok(())
    }

    /// Begins what can be begun; says whether there is nothing left to do, where that is an end.
    async fn look(
        self: &Arc<Self>,
        running: &mut JoinSet<()>,
        stop: &watch::Receiver<bool>,
        ends: &watch::Receiver<bool>,
        recover_at: &mut Instant,
    ) -> Result<bool, StoreError> {
        if Instant::now() >= *recover_at {
            *recover_at = Instant::now() + RECOVER_EVERY;
            self.recover().await?;
        }
        while running.len() < self.settings.concurrency.get() && !*stop.borrow() {
            let Some(session) = self.claim().await? else { break };
            self.note(WorkerNote::Took(Box::new(session.clone()))).await;
            let run = Running { shared: Arc::clone(self), stop: ends.clone() };
            running.spawn(run.run_and_tell(session));
        }
        let is_done = self.settings.until_empty && running.is_empty();
        if !is_done {
            return Ok(false);
        }
        // What another worker left when it died waits as well.
        self.recover().await?;
        self.app.store().read(|conn| conn.session_queue().is_empty()).await
    }

    async fn recover(&self) -> Result<(), StoreError> {
        for session in self.app.recover_sessions().await? {
            self.note(WorkerNote::Recovered(session)).await;
        }
        self.app.expire_approvals().await?;
        Ok(())
    }

    async fn claim(&self) -> Result<Option<Session>, StoreError> {
        let now = self.app.now();
        // As long as its agent may take to start, and a little more.
        let lease = Lease { owner: self.app.owner().clone(), expires_at: now.plus(2 * LEASE) };
        self.app.store().write(move |tx| tx.session_queue().claim_next(&lease, now)).await
    }

    async fn note(&self, note: WorkerNote) {
        // Nobody has to watch.
        drop(self.notes.send(note).await);
    }
}
