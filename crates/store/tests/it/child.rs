//! Other processes for tests that need some: this program again, with a part to play.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    path::Path,
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

/// Stands among the arguments of a process that has a part; to the test runner it is a filter that fits nothing.
const MARK: &str = "told-on-standard-input";

/// What a process does with the file and the session it is told of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// Opens the file and ends.
    Open,
    /// Records two hundred messages by four tasks.
    RecordTwoHundred,
    /// Records by eight tasks until it is killed.
    RecordUntilKilled,
    /// Records by eight tasks until writing fails, and then reads.
    RecordUntilFailing,
}

/// A running process; dropping it ends it.
pub(crate) struct Child {
    process: process::Child,
    lines: Lines<BufReader<ChildStdout>>,
    part: Part,
}

impl Child {
    /// Starts this program; it waits to be told where.
    pub(crate) fn start(part: Part) -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()), part)
    }

    /// As [`Child::start`], in a process whose files stay below `blocks` (of 512 or 1024 bytes, as the shell counts).
    pub(crate) fn start_with_small_files(part: Part, blocks: u32) -> Self {
        let mut shell = Command::new("sh");
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited]).arg(std::env::current_exe().unwrap());
        Self::spawn(shell, part)
    }

    fn spawn(mut command: Command, part: Part) -> Self {
        let mut process = command
            .args(["--exact", "child::plays_its_part_when_it_has_one", "--nocapture", MARK])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, part }
    }

    /// Lets it begin, on this file and session.
    pub(crate) fn tell(&mut self, path: &Path, session: SessionId) {
        let mut input = self.process.stdin.take().unwrap();
        writeln!(input, "{:?} {session} {}", self.part, path.display()).unwrap();
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

#[test]
fn plays_its_part_when_it_has_one() {
    if !std::env::args().any(|argument| argument == MARK) {
        return;
    }
    let told = std::io::stdin().lines().next().unwrap().unwrap();
    let mut words = told.splitn(3, ' ');
    let part = words.next().unwrap();
    let session = words.next().unwrap().parse().unwrap();
    let database = Database::Sqlite(sqlite_file(words.next().unwrap().into()));
    let store = Store::open(OpenOptions::new(database, Migrate::Forward(sample::time(0)))).unwrap();
    match part {
        "Open" => {}
        "RecordTwoHundred" => block_on(record_two_hundred(&store, session)),
        "RecordUntilKilled" => block_on(record_until_killed(&store, session)),
        "RecordUntilFailing" => block_on(record_until_failing(&store, session)),
        unknown => panic!("{unknown}"),
    }
}

async fn record_two_hundred(store: &Store, session: SessionId) {
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
}

async fn record_until_killed(store: &Store, session: SessionId) {
    for _ in 0..8 {
        let store = store.clone();
        tokio::spawn(async move { while record(&store, session, "a").await.is_ok() {} });
    }
    std::future::pending::<()>().await;
}

async fn record_until_failing(store: &Store, session: SessionId) {
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
    let timeline = store.read(move |conn| conn.team(sample::TEAM).timeline().list(session, 0, 10_000)).await;
    assert!(!timeline.unwrap().is_empty());
}

/// Records a message and says what came of it.
#[expect(clippy::print_stdout, reason = "the test that started this process listens")]
async fn record(store: &Store, session: SessionId, text: &str) -> Result<(), StoreError> {
    let message = sample::message(session, text);
    let id = message.id;
    let items = vec![sample::created(TimelineItem::Message(message))];
    let change = sample::change(session, Guard::Anyone, items);
    let recorded = store.write(move |tx| tx.team(sample::TEAM).sessions().change(change)).await;
    println!(" {} {id}", if recorded.is_ok() { "acknowledged" } else { "refused" });
    recorded.map(drop)
}
