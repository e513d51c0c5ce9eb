//! The end of what a process writes to standard error.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    task::JoinHandle,
};

/// Reads standard error to its end, so that the process never waits for a reader, and keeps a bounded tail of it.
#[derive(Debug)]
pub(crate) struct StderrTail {
    bytes: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

impl StderrTail {
    pub(crate) fn read(stderr: impl AsyncRead + Unpin + Send + 'static, limit: usize) -> Self {
        let bytes = Arc::new(Mutex::new(VecDeque::new()));
        let reader = tokio::spawn(drain(stderr, Arc::clone(&bytes), limit));
        Self { bytes, reader }
    }

    /// The tail once the stream ended. A stream that a stray process keeps open is not waited for.
    pub(crate) async fn finish(mut self) -> String {
        const LONGEST_WAIT: Duration = Duration::from_millis(500);
        if tokio::time::timeout(LONGEST_WAIT, &mut self.reader).await.is_err() {
            self.reader.abort();
        }
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(bytes.make_contiguous()).into_owned()
    }
}

async fn drain(mut stderr: impl AsyncRead + Unpin, tail: Arc<Mutex<VecDeque<u8>>>, limit: usize) {
    let mut buffer = vec![0; 8192];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&buffer[..count]);
        let excess = tail.len().saturating_sub(limit);
        tail.drain(..excess);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_end_is_kept() {
        let tail = StderrTail::read(std::io::Cursor::new(b"0123456789".repeat(3000)), 13);
        assert_eq!(tail.finish().await, "7890123456789");
    }
}
