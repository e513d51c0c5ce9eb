//! The threads that attend to clients. Each event is one thread's from its connection to its answer: to hand it on would take longer
//! than to judge it, and whatever a thread waits for, a disk or somebody's lock, holds up no other.

use std::{
    os::unix::net::{UnixListener, UnixStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    sync::Notify,
    time::{sleep, timeout},
};

/// The most threads; with all of them at work the next clients wait for one, or judge by themselves.
const MOST: usize = 64;
/// The most that wait for a client when there is nothing to do.
const MOST_WAITING: usize = 4;
/// No client waits longer. A thread that is at work for longer waits for a disk that does not answer, and is not waited for.
const LONGEST: Duration = Duration::from_secs(600);

/// Whether the server goes on after a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    GoOn,
    /// A client has another binary: this one was replaced, and makes room.
    End,
}

/// What a thread does for a client.
pub(super) trait Attend: Send + Sync + 'static {
    fn attend(&self, client: UnixStream) -> impl Future<Output = Next>;
}

#[derive(Debug)]
pub(super) struct Crew<A> {
    listener: UnixListener,
    work: A,
    state: Mutex<State>,
    /// Told when it is to end, and when the last client was attended to after that.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    waiting: usize,
    at_work: usize,
    /// When a client came or went last.
    last: Instant,
    is_to_end: bool,
}

impl State {
    /// How long it goes on when nobody comes.
    fn left(&self, idle: Duration) -> Duration {
        let patience = match self.at_work {
            _ if self.is_to_end => Duration::ZERO,
            0 => idle,
            _ => idle + LONGEST,
        };
        patience.saturating_sub(self.last.elapsed())
    }
}

impl<A: Attend> Crew<A> {
    pub(super) fn start(listener: UnixListener, work: A) -> Arc<Self> {
        let state = State { waiting: 0, at_work: 0, last: Instant::now(), is_to_end: false };
        let crew = Arc::new(Self { listener, work, state: Mutex::new(state), changed: Notify::new() });
        crew.lock().waiting += 1;
        Arc::clone(&crew).hire();
        crew
    }

    pub(super) const fn work(&self) -> &A {
        &self.work
    }

    /// Returns when nobody came for so long, or a client says that it is over.
    pub(super) async fn until_idle(&self, idle: Duration) {
        loop {
            let left = self.lock().left(idle);
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = sleep(left) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Nobody is attended to any more; returns when those are who are.
    pub(super) async fn end(&self) {
        self.lock().is_to_end = true;
        let ended = async {
            while self.lock().at_work > 0 {
                self.changed.notified().await;
            }
        };
        // Those that are left then end with the process.
        drop(timeout(LONGEST, ended).await);
    }

    /// One thread more, which counts as waiting already. Without a thread to be had the others go on.
    fn hire(self: Arc<Self>) {
        let crew = Arc::clone(&self);
        if thread::Builder::new().name("hook-server".to_owned()).spawn(move || crew.run()).is_err() {
            self.lock().waiting -= 1;
        }
    }

    fn run(self: Arc<Self>) {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
            let mut state = self.lock();
            state.waiting -= 1;
            state.is_to_end |= state.waiting + state.at_work == 0;
            self.changed.notify_one();
            return;
        };
        loop {
            let Ok((client, _)) = self.listener.accept() else {
                // Too many open files, say: what is at work ends and frees some.
                thread::sleep(Duration::from_millis(10));
                continue;
            };
            if !self.begin() {
                return;
            }
            let attended = || runtime.block_on(self.work.attend(client));
            let next = catch_unwind(AssertUnwindSafe(attended)).unwrap_or(Next::GoOn);
            if !self.finish(next) {
                return;
            }
        }
    }

    /// `false` when the client is not to be attended to. Otherwise somebody waits for the next one.
    fn begin(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        state.waiting -= 1;
        if state.is_to_end {
            return false;
        }
        state.at_work += 1;
        state.last = Instant::now();
        if state.waiting == 0 && state.at_work < MOST {
            state.waiting += 1;
            drop(state);
            Arc::clone(self).hire();
        }
        true
    }

    /// `false` when enough others wait for clients.
    fn finish(&self, next: Next) -> bool {
        let mut state = self.lock();
        state.at_work -= 1;
        state.last = Instant::now();
        state.is_to_end |= next == Next::End;
        if state.is_to_end {
            self.changed.notify_one();
        }
        let goes_on = state.waiting < MOST_WAITING && !state.is_to_end;
        state.waiting += usize::from(goes_on);
        goes_on
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Read as _},
        sync::Barrier,
    };

    use super::*;

    /// Lets a client go when so many are there.
    struct Together(Barrier);

    impl Attend for Together {
        async fn attend(&self, mut client: UnixStream) -> Next {
            self.0.wait();
            let mut said = [0];
            match client.read_exact(&mut said) {
                Ok(()) if said == *b"e" => Next::End,
                _ => Next::GoOn,
            }
        }
    }

    fn crew(folder: &tempfile::TempDir, together: usize) -> Arc<Crew<Together>> {
        let listener = UnixListener::bind(folder.path().join("socket")).expect("a socket");
        Crew::start(listener, Together(Barrier::new(together)))
    }

    fn client(folder: &tempfile::TempDir) -> UnixStream {
        UnixStream::connect(folder.path().join("socket")).expect("it listens")
    }

    #[tokio::test]
    async fn whoever_waits_holds_up_no_other_and_all_are_attended_before_the_end() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let crew = crew(&folder, 20);
        let clients: Vec<_> = (0..20).map(|_| client(&folder)).collect();
        while crew.lock().at_work < 20 {
            sleep(Duration::from_millis(1)).await;
        }
        assert!(crew.lock().left(Duration::ZERO) > Duration::from_secs(500), "somebody is at work");
        drop(clients);
        crew.end().await;
        let state = crew.lock();
        assert_eq!((state.at_work, state.waiting <= MOST_WAITING), (0, true));
    }

    #[tokio::test]
    async fn it_is_over_when_nobody_comes_or_a_client_says_so() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let crew = crew(&folder, 1);
        crew.until_idle(Duration::from_millis(20)).await;
        io::Write::write_all(&mut client(&folder), b"e").expect("said");
        crew.until_idle(Duration::from_secs(3600)).await;
        crew.end().await;
        let mut late = client(&folder);
        assert_eq!(late.read(&mut [0]).ok(), Some(0), "nobody is attended to any more");
    }
}
