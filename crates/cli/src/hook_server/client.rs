//! The side of `provost hook-client`.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    io::{FdFlags, fcntl_setfd, ioctl_fionbio},
    net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket},
};

use super::{
    Place, Question, SUBCOMMAND,
    wire::{Answer, NOT_TAKEN, TAKEN},
};
use crate::{
    composition::create_private_directory,
    failure::{Code, Failure},
    surroundings::{Surroundings, own_program},
    variable,
    watch::Watch,
};

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nobody took the question; nothing happened, and nothing will.
    NotTaken,
    /// The server did; `None` is nothing to say.
    Answered(Option<String>),
}

/// How long a server may take to take a question, at most; one that hangs is not waited for.
const TO_TAKE: Duration = Duration::from_secs(1);
/// The part of the time that it may take at most: one in so many.
const PART_TO_TAKE: u32 = 8;
/// An answer is no longer than this.
const LONGEST_ANSWER: u64 = 64 * 1024 * 1024;

/// Asks the server, if there is one, and waits for its answer.
///
/// # Errors
/// When the server took the question and did not answer it, or there was a signal or no time left meanwhile.
pub(crate) fn ask(watch: &Watch, place: &Place, question: &Question) -> Result<Asked, Failure> {
    let message = question.message().map_err(io::Error::other)?;
    let Some(stream) = reach(place) else { return Ok(Asked::NotTaken) };
    let asking = Asking { watch, stream, to_take: Instant::now() + TO_TAKE.min(watch.left() / PART_TO_TAKE) };
    if !asking.send(&message)? || !asking.is_taken()? {
        return Ok(Asked::NotTaken);
    }
    asking.receive().map(Asked::Answered)
}

/// A connection to a server of this user; `None` when there is none, or it has too much to do.
fn reach(place: &Place) -> Option<UnixStream> {
    if !place.is_private() {
        return None;
    }
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None).ok()?;
    fcntl_setfd(&socket, FdFlags::CLOEXEC).ok()?;
    ioctl_fionbio(&socket, true).ok()?;
    connect(&socket, &SocketAddrUnix::new(place.socket()).ok()?).ok()?;
    let stream = UnixStream::from(socket);
    is_of_this_user(&stream).then_some(stream)
}

/// Whether the other end is a process of this user; true where the system does not say.
fn is_of_this_user(stream: &UnixStream) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid == rustix::process::getuid());
    #[cfg(not(target_os = "linux"))]
    return stream.peer_addr().is_ok();
}

/// A question on its way. Dropped, the server is told by the end of the connection that nobody waits.
struct Asking<'w> {
    watch: &'w Watch,
    stream: UnixStream,
    /// Until when the server is to take it.
    to_take: Instant,
}

impl Asking<'_> {
    /// `false` when the server does not hear it to the end.
    fn send(&self, message: &[u8]) -> Result<bool, Failure> {
        let mut left = message;
        while !left.is_empty() {
            match (&self.stream).write(left) {
                Ok(0) => return Ok(false),
                Ok(length) => left = &left[length..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.watch.writable(&self.stream, self.to_take)? {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    fn is_taken(&self) -> Result<bool, Failure> {
        if !self.watch.readable(&self.stream, self.to_take)? {
            // From here on the server cannot take it any more; what it said before is still read.
            drop(self.stream.shutdown(Shutdown::Both));
        }
        let mut taken = [NOT_TAKEN];
        Ok((&self.stream).read_exact(&mut taken).is_ok() && taken == [TAKEN])
    }

    fn receive(self) -> Result<Option<String>, Failure> {
        let answer = self.watch.read_to_end("the hook server's answer", &self.stream, LONGEST_ANSWER)?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|_| Failure::new(Code::Failed, "the hook server ended before it answered"))?;
        // Nobody is left to be told that nobody listens.
        drop(io::stderr().write_all(answer.log.as_bytes()));
        answer.outcome.map_err(Failure::from)
    }
}

/// Starts a server for those that come later, which ends when nobody asked for so long. Where one runs already, the new one ends
/// at once.
pub(crate) fn start(surroundings: &Surroundings, place: &Place, idle: Duration) -> Result<(), Failure> {
    create_private_directory(place.folder())?;
    if !place.is_private() {
        return Ok(());
    }
    let mut command = Command::new(own_program()?);
    command.arg(SUBCOMMAND).arg(place.folder()).arg(idle.as_secs().to_string());
    let certificates =
        variable::CERTIFICATES.iter().filter_map(|name| Some((name, surroundings.text(name)?)));
    command.env_clear().envs(certificates).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // It outlives this process, and is nobody's child then.
    command.spawn().map(drop)?;
    Ok(())
}
