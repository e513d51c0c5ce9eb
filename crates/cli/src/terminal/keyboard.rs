//! Lines a person types, for whoever waits for one at the moment.

use std::{io::BufRead, sync::Arc};

use tokio::sync::{Mutex, mpsc};

/// Standard input, line by line. Clones read the same input, one at a time.
#[derive(Debug, Clone)]
pub(crate) struct Keyboard {
    lines: Arc<Mutex<mpsc::Receiver<String>>>,
}

impl Keyboard {
    /// Starts reading. The thread that does so ends with the input or with the process.
    pub(crate) fn open() -> Self {
        let (typed, lines) = mpsc::channel(1024);
        let read = move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { break };
                if typed.blocking_send(line).is_err() {
                    break;
                }
            }
        };
        // Without the thread nothing is ever typed, which every reader takes for the end of input.
        drop(std::thread::Builder::new().name("keyboard".into()).spawn(read));
        Self { lines: Arc::new(Mutex::new(lines)) }
    }

    /// The next line; `None` when there will be none.
    pub(crate) async fn line(&self) -> Option<String> {
        self.lines.lock().await.recv().await
    }

    /// The next line typed after `show` was shown. What was typed before is thrown away: it was no answer to this.
    pub(crate) async fn answer(&self, show: impl FnOnce()) -> Option<String> {
        let mut lines = self.lines.lock().await;
        while lines.try_recv().is_ok() {}
        show();
        lines.recv().await
    }
}
