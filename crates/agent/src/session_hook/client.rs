//! The program's side of the socket.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use super::{ANSWER_TIMEOUT, Answer, WRITE_TIMEOUT};

/// Long enough for the agent CLI to give up first.
const ANSWER_PATIENCE: Duration = ANSWER_TIMEOUT.saturating_add(WRITE_TIMEOUT);

/// Why there is no answer to an event.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// Nobody listens at the socket.
    #[error("the session's Provost cannot be reached")]
    Unreachable(#[source] io::Error),
    /// The connection broke, or there was no answer in time.
    #[error("the session's Provost did not answer")]
    Unanswered(#[source] io::Error),
    /// What was answered is no answer.
    #[error("the session's Provost answered what nobody understands")]
    Unreadable(#[source] serde_json::Error),
    /// The event was not taken.
    #[error("the session's Provost did not take the event: {0}")]
    Refused(String),
}

/// Tells of an event, as the agent CLI gave it, and waits for what is to be printed; `None` is nothing.
///
/// # Errors
/// See [`TellError`].
pub fn tell(socket: &Path, event: &[u8]) -> Result<Option<String>, TellError> {
    let mut stream = UnixStream::connect(socket).map_err(TellError::Unreachable)?;
    let answer = exchange(&mut stream, event).map_err(TellError::Unanswered)?;
    match serde_json::from_slice(&answer).map_err(TellError::Unreadable)? {
        Answer::Output(output) => Ok(output),
        Answer::Refusal(reason) => Err(TellError::Refused(reason)),
    }
}

/// Closing its own side tells that this process is gone, so it stays open until there is an answer.
fn exchange(stream: &mut UnixStream, event: &[u8]) -> io::Result<Vec<u8>> {
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
    let length = u32::try_from(event.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // Why it was not taken is worth more than that it was not read to its end.
    let written = stream.write_all(&length.to_be_bytes()).and_then(|()| stream.write_all(event));
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    match (answer.is_empty(), written) {
        (true, Err(error)) => Err(error),
        (true, Ok(())) => Err(io::ErrorKind::UnexpectedEof.into()),
        (false, _) => {
            drop(stream.shutdown(Shutdown::Both));
            Ok(answer)
        }
    }
}
