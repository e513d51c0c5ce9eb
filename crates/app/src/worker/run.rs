//! One session of a worker, from the queue to its rest.

use std::{sync::Arc, time::Duration};

use agent::StartError;
use domain::{
    agent_event::TurnOutcome, id::SessionId, session::Session, session_status::SessionStatus, time::Timestamp,
};
use store::StoreError;
use tokio::{sync::watch, time::sleep};

use super::{Shared, WorkerNote};
use crate::{
    Caller,
    patience::patiently,
    session::{RunningSession, SessionEnd, SessionUpdate, StartSession, StartSessionError, Target},
};

/// A run of a session.
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) stop: watch::Receiver<bool>,
}

/// How a session came to rest.
struct Rest {
    end: SessionEnd,
    verdict: Verdict,
    /// Its agent started.
    has_run: bool,
}

/// How a try ended, as far as the service that was asked is concerned.
enum Verdict {
    /// It works, or says nothing about whether it does.
    Fine,
    /// It failed in a way that may pass.
    Passing,
}

impl Running {
    pub(super) async fn run_and_tell(mut self, session: Session) {
        let id = session.id;
        let note = match self.run(session.clone()).await {
            Ok(note) => note,
            Err(error) => {
                let app = &self.shared.app;
                if let Err(error) = patiently(|| app.let_go(&session)).await {
                    tracing::error!(session.id = %id, error = %error, "a session is held and does not run");
                }
                WorkerNote::Left { id, reason: error.to_string() }
            }
        };
        self.shared.note(note).await;
    }

    async fn run(&mut self, session: Session) -> Result<WorkerNote, StoreError> {
        let (id, app) = (session.id, self.shared.app.clone());
        if let Err(until) = self.begin(&session).await {
            self.give_back(&session, until).await?;
            let reason = "its model service failed too often; it waits".to_owned();
            return Ok(WorkerNote::Left { id, reason });
        }
        let launch = match self.shared.settings.launcher.launch(&session) {
            Ok(launch) => launch,
            Err(reason) => {
                self.end(&session, &Verdict::Fine).await;
                app.fail_claimed(&session, reason.clone()).await?;
                return Ok(self.ended(id, SessionStatus::Failed, Some(reason), None));
            }
        };
        let user_id = session.user_id.unwrap_or(self.shared.settings.user_id);
        let caller = Caller { team_id: session.team_id, user_id };
        let asker = Arc::clone(&self.shared.settings.asker);
        let target = Target::Claimed(Box::new(session.clone()));
        match app.start_session(StartSession { caller, target, launch, asker }).await {
            Ok(running) => {
                let end = self.watch(running).await;
                let verdict = match end.last_outcome {
                    Some(TurnOutcome::ApiError { status: Some(408 | 429 | 500..=599) }) => Verdict::Passing,
                    _ => Verdict::Fine,
                };
                self.rest(&session, Rest { end, verdict, has_run: true }).await
            }
            Err(StartSessionError::Agent(error)) => {
                let verdict = if may_pass(&error) { Verdict::Passing } else { Verdict::Fine };
                let end = SessionEnd { has_used_tools: false, ..SessionEnd::lost(error.to_string()) };
                self.rest(&session, Rest { end, verdict, has_run: false }).await
            }
            Err(StartSessionError::Store(error)) => {
                self.end(&session, &Verdict::Fine).await;
                Err(error)
            }
            Err(error) => {
                self.end(&session, &Verdict::Fine).await;
                Ok(WorkerNote::Left { id, reason: error.to_string() })
            }
        }
    }

    /// Waits for the end. When the worker is to stop, the session may go on for a while and is stopped then.
    async fn watch(&mut self, running: RunningSession) -> SessionEnd {
        let RunningSession { handle, mut updates, .. } = running;
        // What it was to do stands in the store and was taken up before this is heard.
        let finish = handle.clone();
        tokio::spawn(async move { finish.finish().await });
        let grace = self.shared.settings.grace;
        let stop = &mut self.stop;
        let patience = async {
            // An error is a stop as well: whoever could say it is gone.
            let _ = stop.wait_for(|stop| *stop).await;
            sleep(grace).await;
        };
        tokio::pin!(patience);
        let mut is_stopped = false;
        loop {
            tokio::select! {
                update = updates.recv() => match update {
                    Some(SessionUpdate::Ended(end)) => return end,
                    Some(_) => {}
                    None => return SessionEnd::lost("the session was lost".to_owned()),
                },
                () = &mut patience, if !is_stopped => {
                    is_stopped = true;
                    // It says by its end what came of it.
                    let _ = handle.stop().await;
                }
            }
        }
    }

    /// The session rests: it is tried again, goes back to the queue, or stays.
    async fn rest(&self, session: &Session, rest: Rest) -> Result<WorkerNote, StoreError> {
        let Rest { end, verdict, has_run } = rest;
        self.end(session, &verdict).await;
        let (app, team, id) = (&self.shared.app, session.team_id, session.id);
        let find = || app.store().read(move |conn| conn.team(team).sessions().find(id));
        let Some(now) = patiently(find).await? else {
            return Ok(WorkerNote::Left { id, reason: "it was deleted".to_owned() });
        };
        let may_repeat = !has_run || (!end.answered.is_empty() && !end.has_used_tools);
        let mut again_in = None;
        if matches!(verdict, Verdict::Passing) && end.status == SessionStatus::Failed && may_repeat {
            again_in = patiently(|| app.try_again(now.clone(), end.answered.clone())).await?;
        }
        if end.status == SessionStatus::Paused && end.is_stopped && end.is_unfinished {
            // This worker stops; another one goes on.
            patiently(|| app.go_on_later(now.clone())).await?;
        } else if again_in.is_none() && has_run && !end.status.is_running() {
            patiently(|| app.wait_if_told(now.clone())).await?;
        }
        Ok(self.ended(id, end.status, end.error, again_in))
    }

    fn ended(
        &self,
        id: SessionId,
        status: SessionStatus,
        error: Option<String>,
        again_in: Option<Duration>,
    ) -> WorkerNote {
        WorkerNote::Ended { id, status, error, again_in }
    }

    async fn begin(&self, session: &Session) -> Result<(), Timestamp> {
        let key = (session.runtime, session.options.model.clone());
        let now = self.shared.app.now();
        self.shared.breakers.lock().await.entry(key).or_default().begin(now)
    }

    async fn end(&self, session: &Session, verdict: &Verdict) {
        let key = (session.runtime, session.options.model.clone());
        let now = self.shared.app.now();
        let mut breakers = self.shared.breakers.lock().await;
        let breaker = breakers.entry(key).or_default();
        match verdict {
            Verdict::Fine => breaker.succeeded(),
            Verdict::Passing => breaker.failed(now),
        }
    }

    /// Nothing was tried, so nothing is counted: it waits where it waited, and not before `until`.
    async fn give_back(&self, session: &Session, until: Timestamp) -> Result<(), StoreError> {
        let (team, id, fence, now) = (session.team_id, session.id, session.fence, self.shared.app.now());
        let postpone = move |tx: &store::Tx<'_>| tx.team(team).sessions().postpone(id, fence, until, now);
        self.shared.app.store().write(postpone).await
    }
}

/// Whether a program that did not start may start when it is tried again.
const fn may_pass(error: &StartError) -> bool {
    matches!(error, StartError::Spawn { .. } | StartError::HandshakeTimeout { .. })
}
