//! What a terminal, a service manager and the operating system say to a program.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// How somebody wants it to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    /// A person pressed Ctrl-C.
    CtrlC,
    /// The program is to end, or its terminal is gone.
    End,
}

/// The signals that end a program which does not listen to them.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Interruption {
        tokio::select! {
            _ = self.interrupt.recv() => Interruption::CtrlC,
            _ = self.terminate.recv() => Interruption::End,
            _ = self.hang_up.recv() => Interruption::End,
        }
    }
}
