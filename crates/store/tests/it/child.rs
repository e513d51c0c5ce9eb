//! Other processes for tests that need some: this program again, running one ignored test as told on its standard input.

use std::{
    io::{BufRead, BufReader, IsTerminal, Lines, Write},
    path::{Path, PathBuf},
    process::{self, ChildStdout, Command, Stdio},
};

use domain::{
    id::{MessageId, SessionId},
    timeline::TimelineItem,
};
use provost_store::{Database, Guard, Migrate, OpenOptions, Store, StoreError};

use crate::{
    fixture::{block_on, sqlite_file},
    sample,
};

/// A running process; dropping it ends it.
pub(crate) struct Child {
    process: process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts this program with one of the ignored tests below.
    pub(crate) fn start(test: &str) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), test)
    }

    /// As [`Child::start`], in a process whose files stay below `blocks` (of 512 or 1024 bytes, as the shell counts).
    pub(crate) fn start_with_small_files(test: &str, blocks: u32) -> Self {
        let mut shell = Command::new("sh");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited]).arg(std::env::current_exe().unwrap());
        Self::spawn(shell, test)
    }

    fn spawn(mut command: Command, test: &str) -> Self {
        let mut process = command
            .args(["--exact", &format!("child::{test}"), "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Lets it begin, on this file and session.
    pub(crate) fn tell(&mut self, path: &Path, session: SessionId) {
        let mut input = self.process.stdin.take().unwrap();
        writeln!(input, "{session} {}", path.display()).unwrap();
    }

    /// The next thing it says, as a word and an id; `None` when it has ended.
    pub(crate) fn hear(&mut self) -> Option<(String, MessageId)> {
        loop {
            let line = self.lines.next()?.unwrap();
            let mut words = line.rsplit(' ');
            let id = words.next().and_then(|word| word.parse().ok());
            if let (Some(id), Some(word)) = (id, words.next()) {
                return Some((word.to_owned(), id));
            }
        }
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Waits for its end, and says whether it ended well.
    pub(crate) fn ends_well(mut self) -> bool {
        while self.hear().is_some() {}
        self.process.wait().unwrap().success()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The session and file to work on; `None` for people who run all ignored tests.
fn told() -> Option<(SessionId, PathBuf)> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return None;
    }
    let line = input.lines().next()?.unwrap();
    let (session, path) = line.split_once(' ').unwrap();
    Some((session.parse().unwrap(), path.into()))
}

fn open(path: PathBuf) -> Store {
    let database = Database::Sqlite(sqlite_file(path));
    Store::open(OpenOptions::new(database, Migrate::Forward(sample::time(0)))).unwrap()
}

/// Records a message and says what came of it.
async fn record(store: &Store, session: SessionId, text: &str) -> Result<(), StoreError> {
    let message = sample::message(session, text);
    let id = message.id;
    let items = vec![sample::created(TimelineItem::Message(message))];
    let change = sample::change(session, Guard::Anyone, items);
    let recorded = store.write(move |tx| tx.sessions().change(change)).await;
    println!(" {} {id}", if recorded.is_ok() { "acknowledged" } else { "refused" });
    recorded.map(drop)
}

#[test]
#[ignore = "runs as a process of other tests"]
fn opens() {
    if let Some((_, path)) = told() {
        drop(open(path));
    }
}

#[test]
#[ignore = "runs as a process of other tests"]
fn records_two_hundred_messages() {
    let Some((session, path)) = told() else { return };
    let store = open(path);
    block_on(async {
        let tasks = (0..4).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    record(&store, session, "a").await.unwrap();
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
}

#[test]
#[ignore = "runs as a process of other tests"]
fn records_until_it_is_killed() {
    let Some((session, path)) = told() else { return };
    let store = open(path);
    block_on(async {
        for _ in 0..8 {
            let store = store.clone();
            tokio::spawn(async move { while record(&store, session, "a").await.is_ok() {} });
        }
        std::future::pending::<()>().await;
    });
}

#[test]
#[ignore = "runs as a process of other tests"]
fn records_until_a_write_fails_and_then_reads() {
    let Some((session, path)) = told() else { return };
    let store = open(path);
    block_on(async {
        let tasks = (0..8).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let text = "a".repeat(10_000);
                while record(&store, session, &text).await.is_ok() {}
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        let timeline = store.read(move |conn| conn.timeline().list(session, 0, 10_000)).await;
        assert!(!timeline.unwrap().is_empty());
    });
}
