//! Logs: what is logged, and that no secret is.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use domain::secret::redact_text;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;

use crate::{
    failure::{Code, Failure},
    terminal::Terminal,
};

/// Logs to standard error from now on, by these rules.
pub(crate) fn start(level: &str, terminal: Terminal) -> Result<(), Failure> {
    let subscriber = subscriber(level, terminal.err.color, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|error| anyhow::anyhow!(error).into())
}

/// Logs by these rules, to where it is told.
pub(crate) fn subscriber<W: Write + 'static>(
    level: &str,
    color: bool,
    writer: impl Fn() -> W + Send + Sync + 'static,
) -> Result<impl Subscriber, Failure> {
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Failure::new(Code::Usage, format!("log.level = {level:?} is not accepted: {error}"))
            .hint("accepted: error, warn, info, debug, trace, or rules such as info,provost_store=debug")
    })?;
    let writer = move || Redacting(writer());
    Ok(tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(color).finish())
}

/// Keeps what is logged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(crate) fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
        let lines = self.clone();
        move || lines.clone()
    }

    /// All that was kept; nothing is afterwards.
    pub(crate) fn take_text(&self) -> String {
        let text = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Passes on what is written, secrets replaced. Each event is written at once, so none is torn.
struct Redacting<W>(W);

impl<W: Write> Write for Redacting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(redact_text(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logged_secret_is_not_written() {
        let mut out = Redacting(Vec::new());
        writeln!(out, "WARN refused header=\"Authorization: Bearer 9f8e7d6c5b4a39281706f5e4d3c2b1a0\"")
            .expect("written");
        let text = String::from_utf8(out.0).expect("text");
        assert!(text.contains("[redacted:") && !text.contains("9f8e7d"), "{text}");
    }
}
