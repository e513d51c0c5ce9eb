//! Waiting for a descriptor, signals and the clock at once, without a runtime: to start one takes longer than the whole work of a
//! program that does one small thing.

use std::{
    io::{self, Read},
    os::{fd::AsFd, unix::net::UnixStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ},
    flag,
    low_level::pipe,
};

use crate::{
    failure::{Code, Failure},
    signals::Interruption,
};

/// The signals that end a program which does not listen to them.
const ENDING: [(i32, Interruption); 3] =
    [(SIGINT, Interruption::CtrlC), (SIGTERM, Interruption::End), (SIGHUP, Interruption::End)];

/// Until when a program may take, and what else may end it.
#[derive(Debug)]
pub(crate) struct Watch {
    until: Instant,
    /// Readable once there was a signal.
    signals: UnixStream,
    /// Which one of [`ENDING`], from 1.
    signal: Arc<AtomicUsize>,
}

impl Watch {
    /// From now on signals do not end this process by themselves, and a file that may grow no more is an error of the write.
    pub(crate) fn until(until: Instant) -> io::Result<Self> {
        let (signals, sender) = UnixStream::pair()?;
        let signal = Arc::new(AtomicUsize::new(0));
        for (number, (raw, _)) in (1..).zip(ENDING) {
            flag::register_usize(raw, Arc::clone(&signal), number)?;
            pipe::register(raw, sender.try_clone()?)?;
        }
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))?;
        Ok(Self { until, signals, signal })
    }

    /// How much time is left.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Waits until a descriptor can be read; `false` when it cannot be before `until`.
    ///
    /// # Errors
    /// When there was a signal, or no time is left at all.
    pub(crate) fn readable(&self, from: impl AsFd, until: Instant) -> Result<bool, Failure> {
        self.wait(from, PollFlags::IN, until)
    }

    /// As [`Watch::readable`], until it can be written.
    pub(crate) fn writable(&self, to: impl AsFd, until: Instant) -> Result<bool, Failure> {
        self.wait(to, PollFlags::OUT, until)
    }

    /// Waits until a descriptor can be read, for as long as there is time.
    pub(crate) fn readable_in_time(&self, from: impl AsFd) -> Result<(), Failure> {
        self.readable(from, self.until).map(drop)
    }

    /// All that comes from what is called so in an error, up to so many bytes.
    pub(crate) fn read_to_end(
        &self,
        name: &str,
        mut from: impl Read + AsFd,
        most: u64,
    ) -> Result<Vec<u8>, Failure> {
        let mut read = Vec::new();
        let mut piece = [0; 8 * 1024];
        while (read.len() as u64) < most {
            self.readable_in_time(&from)?;
            match from.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => read.extend_from_slice(&piece[..length]),
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
                Err(error) => {
                    return Err(Failure::new(Code::Failed, format!("{name} cannot be read: {error}")));
                }
            }
        }
        read.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(read)
    }

    fn wait(&self, fd: impl AsFd, wish: PollFlags, until: Instant) -> Result<bool, Failure> {
        let until = until.min(self.until);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).map_err(io::Error::other)?;
            let mut watched =
                [PollFd::new(&fd, wish), PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN)];
            match poll(&mut watched, Some(&timeout)) {
                _ if self.signal.load(Ordering::Acquire) != 0 => return Err(self.interrupted()),
                // An end or an error of the descriptor is for its reader to find.
                Ok(_) if !watched[0].revents().is_empty() => return Ok(true),
                Ok(_) if self.left().is_zero() => return Err(Failure::new(Code::Failed, "it took too long")),
                Ok(_) if Instant::now() >= until => return Ok(false),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }

    fn interrupted(&self) -> Failure {
        let number = self.signal.load(Ordering::Acquire);
        let how = number.checked_sub(1).and_then(|index| ENDING.get(index)).map(|(_, how)| *how);
        Failure::new(
            Code::Failed,
            match how {
                Some(Interruption::CtrlC) => "it was interrupted",
                Some(Interruption::End) | None => "it was told to end",
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn watch(patience: Duration) -> Watch {
        Watch::until(Instant::now() + patience).expect("a watch")
    }

    #[test]
    fn what_comes_in_pieces_is_read_to_its_end_and_no_further_than_wanted() {
        let (mut sender, receiver) = UnixStream::pair().expect("a pair");
        sender.write_all(b"one ").and_then(|()| sender.write_all(b"two")).expect("written");
        drop(sender);
        assert_eq!(
            watch(Duration::from_secs(60)).read_to_end("it", &receiver, 100).expect("read"),
            b"one two"
        );
        let (mut sender, receiver) = UnixStream::pair().expect("a pair");
        sender.write_all(b"longer").expect("written");
        assert_eq!(watch(Duration::from_secs(60)).read_to_end("it", &receiver, 4).expect("read"), b"long");
    }

    #[test]
    fn what_does_not_come_in_time_is_too_late() {
        let (_sender, receiver) = UnixStream::pair().expect("a pair");
        let watch = watch(Duration::from_millis(20));
        assert!(!watch.readable(&receiver, Instant::now()).expect("not yet"));
        let failure = watch.read_to_end("it", &receiver, 1).expect_err("nothing comes");
        assert_eq!(failure.message, "it took too long");
    }
}
