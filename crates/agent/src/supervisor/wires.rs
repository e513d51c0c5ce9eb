//! The reader and the writer of an agent program's streams, and the channels to them.

use tokio::{
    io::{AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout},
    sync::mpsc,
    task::JoinSet,
};

use crate::{
    Limits,
    claude::{Heard, LineReader, hear},
    process::{StderrTail, Streams},
};

/// Few, because each can be as large as the longest line: a program that says more than is taken in waits.
const HEARD_AHEAD: usize = 8;
const LINES_AHEAD: usize = 8;

/// What connects a supervisor with a process. Dropping it ends the reader and the writer.
pub(crate) struct Wires {
    pub(crate) heard: mpsc::Receiver<Heard>,
    pub(super) lines: Option<mpsc::Sender<String>>,
    pub(crate) stderr: StderrTail,
    _actors: JoinSet<()>,
}

impl Wires {
    pub(crate) fn connect(streams: Streams, limits: &Limits) -> Self {
        let (heard_sender, heard) = mpsc::channel(HEARD_AHEAD);
        let (lines, line_receiver) = mpsc::channel(LINES_AHEAD);
        let mut actors = JoinSet::new();
        actors.spawn(read(streams.stdout, limits.line_bytes, heard_sender));
        actors.spawn(write(streams.stdin, line_receiver));
        let stderr = StderrTail::read(streams.stderr, limits.stderr_bytes);
        Self { heard, lines: Some(lines), stderr, _actors: actors }
    }

    /// Hands a line to the writer. Whether the program reads it is seen by its answer.
    pub(crate) async fn send(&self, line: String) {
        if let Some(lines) = &self.lines {
            let _gone = lines.send(line).await;
        }
    }

    /// Closes the program's input once the writer has written what it has.
    pub(super) fn close_input(&mut self) {
        self.lines = None;
    }
}

async fn read(stdout: ChildStdout, line_bytes: usize, heard: mpsc::Sender<Heard>) {
    let mut lines = LineReader::new(BufReader::with_capacity(64 * 1024, stdout), line_bytes);
    loop {
        match lines.next().await {
            Ok(Some(line)) => {
                let meaning = hear(&line);
                if meaning != Heard::Nothing && heard.send(meaning).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::warn!(%error, "the agent program's output cannot be read");
                return;
            }
        }
    }
}

async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<String>) {
    while let Some(mut line) = lines.recv().await {
        line.push('\n');
        if let Err(error) = stdin.write_all(line.as_bytes()).await {
            tracing::debug!(%error, "the agent program does not read any more");
            return;
        }
    }
}
