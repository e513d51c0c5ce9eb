//! The sessions that this process runs: their leases are renewed, and what other processes tell them is heard, for all of them
//! together, whatever each is busy with.

use std::{
    collections::{BTreeMap, HashSet},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    command::Command,
    id::{CommandId, SessionId, TeamId},
};
use store::StoreError;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::inbox::{Told, with_words};
use crate::App;

/// How long a session stays with an owner that says nothing.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// How often leases are renewed: they survive two missed times.
const RENEW_EVERY: Duration = Duration::from_secs(LEASE.as_secs() / 3);
/// How soon it is tried again when the database is away.
const RENEW_AGAIN: Duration = Duration::from_secs(1);
/// How often the store is asked what sessions are told: what somebody types elsewhere arrives in half of this on average.
const HEAR_EVERY: Duration = Duration::from_millis(250);
/// How much a session may be told before it has heard of it.
const UNHEARD: usize = 16;

/// A session and the fence that its owner holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeldSession {
    pub(crate) team_id: TeamId,
    pub(crate) id: SessionId,
    pub(crate) fence: i64,
}

/// The sessions that this process runs.
#[derive(Debug, Default)]
pub(crate) struct HeldSessions(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sessions: BTreeMap<SessionId, Entry>,
    /// Who looks after them, as long as there are any.
    is_renewed: bool,
    is_heard: bool,
}

#[derive(Debug)]
struct Entry {
    held: HeldSession,
    lose: Option<oneshot::Sender<StoreError>>,
    tell: mpsc::Sender<Told>,
    /// What it was told already of what still waits.
    told: HashSet<CommandId>,
}

/// Keeps a session until it is dropped or the session is lost.
#[derive(Debug)]
pub(crate) struct Hold {
    sessions: Arc<HeldSessions>,
    id: SessionId,
    fence: i64,
    lost: oneshot::Receiver<StoreError>,
    told: mpsc::Receiver<Told>,
}

/// What comes to a session that is held.
#[derive(Debug)]
pub(super) enum Heard {
    /// It is lost. Nothing is to be waited for after this.
    Lost(StoreError),
    /// It is told something; each comes once.
    Told(Told),
}

impl Hold {
    /// Waits for ever when nobody says anything.
    pub(super) async fn next(&mut self) -> Heard {
        tokio::select! {
            biased;
            // Whoever looks after sessions is gone only when another hold is in the place of this one.
            lost = &mut self.lost => Heard::Lost(lost.unwrap_or(StoreError::Fenced)),
            Some(told) = self.told.recv() => Heard::Told(told),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.sessions.lock();
        if state.sessions.get(&self.id).is_some_and(|entry| entry.held.fence == self.fence) {
            state.sessions.remove(&self.id);
        }
    }
}

impl HeldSessions {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn contains(&self, session: SessionId) -> bool {
        self.lock().sessions.contains_key(&session)
    }

    /// All of them. When there are none, whoever asks is not needed any more, and `is_needed` says so.
    fn list(&self, is_needed: fn(&mut State) -> &mut bool) -> Vec<HeldSession> {
        let mut state = self.lock();
        let held: Vec<_> = state.sessions.values().map(|entry| entry.held).collect();
        if held.is_empty() {
            *is_needed(&mut state) = false;
        }
        held
    }

    fn lose(&self, session: HeldSession, error: StoreError) {
        let mut state = self.lock();
        let entry = state.sessions.get_mut(&session.id).filter(|entry| entry.held.fence == session.fence);
        if let Some(lose) = entry.and_then(|entry| entry.lose.take()) {
            // Whoever ended meanwhile need not know.
            let _ = lose.send(error);
        }
    }

    /// Forgets what no longer waits of these sessions, and says what was not told yet to whoever runs them now.
    fn untold(&self, held: &[HeldSession], waiting: Vec<(Command, i64)>) -> Vec<(Command, HeldSession)> {
        let ids: HashSet<_> = waiting.iter().map(|(command, _)| command.id).collect();
        let mut state = self.lock();
        for session in held {
            if let Some(entry) = state.sessions.get_mut(&session.id) {
                entry.told.retain(|id| ids.contains(id));
            }
        }
        let of_owner = |(command, fence): (Command, i64)| {
            let entry = state.sessions.get(&command.session_id)?;
            let is_untold = entry.held.fence == fence && !entry.told.contains(&command.id);
            is_untold.then_some((command, entry.held))
        };
        waiting.into_iter().filter_map(of_owner).collect()
    }

    /// Tells a session something; says whether it had room for it.
    fn tell(&self, session: HeldSession, told: Told) -> bool {
        let command = told.command.id;
        let mut state = self.lock();
        let entry = state.sessions.get_mut(&session.id).filter(|entry| entry.held.fence == session.fence);
        let Some(entry) = entry else { return false };
        let has_room = entry.tell.try_send(told).is_ok();
        if has_room {
            entry.told.insert(command);
        }
        has_room
    }
}

impl App {
    /// Keeps a session that this process just became the owner of.
    pub(crate) fn hold(&self, held: HeldSession) -> Hold {
        let (lose, lost) = oneshot::channel();
        let (tell, told) = mpsc::channel(UNHEARD);
        let entry = Entry { held, lose: Some(lose), tell, told: HashSet::new() };
        let sessions = Arc::clone(self.held_sessions());
        let (is_renewed, is_heard) = {
            let mut state = sessions.lock();
            if let Some(Entry { lose: Some(lose), .. }) = state.sessions.insert(held.id, entry) {
                // It was lost and is owned anew: who ran it until then goes on no more.
                let _ = lose.send(StoreError::Fenced);
            }
            (mem::replace(&mut state.is_renewed, true), mem::replace(&mut state.is_heard, true))
        };
        if !is_renewed {
            tokio::spawn(renew(self.clone()));
        }
        if !is_heard {
            tokio::spawn(hear(self.clone()));
        }
        Hold { sessions, id: held.id, fence: held.fence, lost, told }
    }
}

/// Renews all leases again and again, until nothing is held.
async fn renew(app: App) {
    loop {
        let held = app.held_sessions().list(|state| &mut state.is_renewed);
        if held.is_empty() {
            return;
        }
        // Counted from before: a slow database must not use up what leases have left.
        let now = Instant::now();
        let pause = match renew_all(&app, held.clone()).await {
            Ok(lost) => {
                lost.into_iter().for_each(|session| app.held_sessions().lose(session, StoreError::Fenced));
                RENEW_EVERY
            }
            Err(error) if error.is_retryable() => {
                tracing::warn!(error = %error, "leases could not be renewed yet");
                RENEW_AGAIN
            }
            Err(error) => {
                held.into_iter().for_each(|session| app.held_sessions().lose(session, error.clone()));
                RENEW_EVERY
            }
        };
        sleep_until(now + pause).await;
    }
}

/// Keeps sessions for another while; gives those that another process took over.
pub(crate) async fn renew_all(app: &App, held: Vec<HeldSession>) -> Result<Vec<HeldSession>, StoreError> {
    let app_now = app.clone();
    let renew = move |tx: &store::Tx<'_>| {
        let until = app_now.now().plus(LEASE);
        let mut lost = Vec::new();
        for session in held {
            let HeldSession { team_id, id, fence } = session;
            match tx.team(team_id).sessions().renew(id, fence, until) {
                Ok(()) => {}
                Err(StoreError::Fenced) => lost.push(session),
                Err(error) => return Err(error),
            }
        }
        Ok(lost)
    };
    app.store().write(renew).await
}

/// Tells all sessions what waits for them, again and again, until nothing is held.
async fn hear(app: App) {
    let mut times = interval(HEAR_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        let held = app.held_sessions().list(|state| &mut state.is_heard);
        if held.is_empty() {
            return;
        }
        if let Err(error) = hear_once(&app, held).await {
            // Whoever renews finds out too, and decides.
            tracing::debug!(error = %error, "nobody could be heard");
        }
    }
}

/// Tells what waits now. What cannot be read of one session is that session's own trouble.
async fn hear_once(app: &App, held: Vec<HeldSession>) -> Result<(), StoreError> {
    match hear_of(app, held.clone()).await {
        Err(error) if !error.is_retryable() => {
            for session in held {
                match hear_of(app, vec![session]).await {
                    Err(error) if !error.is_retryable() => app.held_sessions().lose(session, error),
                    outcome => outcome?,
                }
            }
            Ok(())
        }
        outcome => outcome,
    }
}

async fn hear_of(app: &App, held: Vec<HeldSession>) -> Result<(), StoreError> {
    let ids: Vec<_> = held.iter().map(|session| session.id).collect();
    let waiting = app.store().read(move |conn| conn.leases().list_queued_commands(&ids)).await?;
    let untold = app.held_sessions().untold(&held, waiting);
    if untold.is_empty() {
        return Ok(());
    }
    let read = move |conn: &store::Conn| {
        let told = untold.into_iter().map(|(command, session)| {
            Ok::<_, StoreError>((session, with_words(conn, session.team_id, command)?))
        });
        told.collect::<Result<Vec<_>, _>>()
    };
    let mut full = HashSet::new();
    for (session, told) in app.store().read(read).await? {
        // In their order: what does not fit waits, and all behind it.
        if !full.contains(&session.id) && !app.held_sessions().tell(session, told) {
            full.insert(session.id);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;
    use crate::{
        fixture::Fixture,
        session::{Words, record::Recorder},
    };

    async fn two(fixture: &Fixture, app: &App) -> (Recorder, Recorder) {
        (fixture.active_session(app).await, fixture.active_session(app).await)
    }

    #[tokio::test]
    async fn each_session_is_told_what_is_its_own_and_once() {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let (first, second) = two(&fixture, &app).await;
        let mut holds = [app.hold(first.held()), app.hold(second.held())];
        let elsewhere = fixture.app_on("elsewhere");
        let prompts = 2 * UNHEARD;
        for number in 0..prompts {
            let words = Words::Prompt(number.to_string());
            elsewhere.tell_session(fixture.caller, first.session_id(), words).await.expect("told");
        }
        elsewhere.tell_session(fixture.caller, second.session_id(), Words::Interrupt).await.expect("told");
        // More than fit at a time come all the same, in their order.
        for number in 0..prompts {
            let heard = holds[0].next().await;
            assert!(
                matches!(&heard, Heard::Told(told) if told.text == Some(number.to_string())),
                "{heard:?}"
            );
        }
        let heard = holds[1].next().await;
        let is_own = |told: &Told| told.command.session_id == second.session_id();
        assert!(matches!(&heard, Heard::Told(told) if is_own(told)), "{heard:?}");
        sleep(2 * HEAR_EVERY).await;
        assert!(holds.iter_mut().all(|hold| hold.told.try_recv().is_err()), "each once");
    }

    #[tokio::test]
    async fn who_lost_a_session_is_told_and_the_others_go_on() {
        let fixture = Fixture::new().await;
        let (app, elsewhere) = (fixture.app_on("here"), fixture.app_on("elsewhere"));
        let (first, second) = two(&fixture, &app).await;
        fixture.clock.advance(LEASE * 2);
        assert!(renew_all(&app, vec![second.held()]).await.expect("renewed").is_empty());
        elsewhere.recover_sessions().await.expect("takes the first over");
        let (mut lost, mut kept) = (app.hold(first.held()), app.hold(second.held()));
        assert!(matches!(lost.next().await, Heard::Lost(StoreError::Fenced)));
        assert!(kept.lost.try_recv().is_err());
    }

    #[tokio::test]
    async fn who_held_a_session_before_is_told_that_another_hold_has_it() {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let recorder = fixture.active_session(&app).await;
        let mut before = app.hold(recorder.held());
        let held = recorder.held();
        let _now = app.hold(HeldSession { fence: held.fence + 1, ..held });
        assert!(matches!(before.next().await, Heard::Lost(StoreError::Fenced)));
        drop(before);
        assert!(app.held_sessions().contains(held.id), "the other hold stays");
    }

    #[tokio::test]
    async fn whoever_looks_after_sessions_does_so_once_and_as_long_as_there_are_any() {
        let fixture = Fixture::new().await;
        let app = fixture.app_on("here");
        let recorder = fixture.active_session(&app).await;
        for _ in 0..3 {
            drop(app.hold(recorder.held()));
        }
        let state = || {
            let state = app.held_sessions().lock();
            (state.sessions.len(), state.is_heard)
        };
        assert_eq!(state(), (0, true));
        while state().1 {
            sleep(HEAR_EVERY).await;
        }
        let _hold = app.hold(recorder.held());
        assert_eq!(state(), (1, true));
    }
}
