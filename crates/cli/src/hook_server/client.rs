//! The side of `provost hook-client`.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::Duration,
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
};

/// What came of asking.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Nobody took the question.
    NotTaken,
    /// The server did; `None` is nothing to say.
    Answered(Result<Option<String>, Failure>),
}

/// A question that may be open, for somebody else to give it up.
#[derive(Debug, Default)]
pub(crate) struct Asking(Mutex<Option<UnixStream>>);

/// How long a server may take to take a question, at most; one that hangs is not waited for.
const TO_TAKE: Duration = Duration::from_secs(1);
/// The part of the time that it may take at most: one in so many.
const PART_TO_TAKE: u32 = 4;

impl Asking {
    /// Asks the server, if there is one, and waits so long for its answer.
    pub(crate) fn ask(&self, place: &Place, question: &Question, patience: Duration) -> Asked {
        match self.send(place, question, patience) {
            Ok(Some(stream)) => Asked::Answered(receive(stream)),
            // Whatever fails before the server has taken the question, nothing happened, and nothing will.
            Err(_) | Ok(None) => {
                self.give_up();
                Asked::NotTaken
            }
        }
    }

    /// Nobody waits for the answer any more; the server is told by the end of the connection.
    pub(crate) fn give_up(&self) {
        if let Some(stream) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // It may be over already.
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// `None` when the question was not taken.
    fn send(&self, place: &Place, question: &Question, patience: Duration) -> io::Result<Option<UnixStream>> {
        if !place.is_private() {
            return Ok(None);
        }
        let mut stream = UnixStream::connect(place.socket())?;
        if !is_of_this_user(&stream) {
            return Ok(None);
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream.try_clone()?);
        let to_take = TO_TAKE.min(patience / PART_TO_TAKE);
        stream.set_read_timeout(Some(to_take))?;
        stream.set_write_timeout(Some(to_take))?;
        let question = serde_json::to_vec(question)?;
        let mut message = u64::try_from(question.len()).map_err(io::Error::other)?.to_le_bytes().to_vec();
        message.extend(question);
        stream.write_all(&message)?;
        let mut taken = [NOT_TAKEN];
        if let Err(error) = stream.read_exact(&mut taken) {
            if !is_timeout(&error) {
                return Err(error);
            }
            // From here on the server cannot take it any more; what it wrote before is still read.
            stream.shutdown(Shutdown::Both)?;
            stream.read_exact(&mut taken)?;
        }
        stream.set_read_timeout(Some(patience))?;
        Ok((taken == [TAKEN]).then_some(stream))
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Whether the other end is a process of this user; true where the system does not say.
fn is_of_this_user(stream: &UnixStream) -> bool {
    #[cfg(target_os = "linux")]
    return rustix::net::sockopt::socket_peercred(stream)
        .is_ok_and(|peer| peer.uid == rustix::process::getuid());
    #[cfg(not(target_os = "linux"))]
    return stream.peer_addr().is_ok();
}

fn receive(mut stream: UnixStream) -> Result<Option<String>, Failure> {
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).map_err(|error| match is_timeout(&error) {
        true => "the hook server took too long".to_owned(),
        false => format!("the hook server was lost: {error}"),
    });
    read.map_err(|what| Failure::new(Code::Failed, what))?;
    let answer: Answer = serde_json::from_slice(&answer)
        .map_err(|_| Failure::new(Code::Failed, "the hook server ended before it answered"))?;
    // Nobody is left to be told that nobody listens.
    drop(io::stderr().write_all(answer.log.as_bytes()));
    answer.outcome.map_err(Failure::from)
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
