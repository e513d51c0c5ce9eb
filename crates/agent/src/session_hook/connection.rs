//! One connection to the socket: an event, and its answer.

use std::{io, time::Duration};

use domain::agent_event::HookCall;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::{Answer, EVENTS, WRITE_TIMEOUT, socket::Told};
use crate::claude::command_hook::{CommandHook, HookMoment, LONGEST_EVENT};

/// How long an event may take to arrive.
const READ_TIMEOUT: Duration = WRITE_TIMEOUT;

/// Hears one event, tells it under this id, and passes on what is answered.
pub(super) async fn serve(mut stream: UnixStream, request_id: String, told: mpsc::Sender<Told>) {
    let answer = match hear(&mut stream, &request_id).await {
        Ok(call) => {
            let (answers, answer) = oneshot::channel();
            if told.send(Told::Call { call, answers }).await.is_err() {
                return;
            }
            tokio::select! {
                biased;
                answer = answer => Answer::Output(answer.ok().flatten()),
                // It says nothing more, so this is its end.
                _ = stream.read_u8() => {
                    drop(told.send(Told::Withdrawn { request_id }).await);
                    return;
                }
            }
        }
        Err(reason) => {
            tracing::warn!(reason, "what came to the session's hooks was refused");
            Answer::Refusal(reason)
        }
    };
    let written = timeout(WRITE_TIMEOUT, write(&mut stream, &answer)).await;
    if !matches!(written, Ok(Ok(()))) {
        tracing::debug!("nobody read what the session's hooks say");
    }
}

/// The event, or why it is none.
async fn hear(stream: &mut UnixStream, request_id: &str) -> Result<HookCall, String> {
    if !is_same_user(stream) {
        return Err("it comes from another user".to_owned());
    }
    let event = match timeout(READ_TIMEOUT, read(stream)).await {
        Ok(Ok(event)) => event,
        Ok(Err(error)) => return Err(format!("it cannot be read: {error}")),
        Err(_) => return Err(format!("it took longer than {} s", READ_TIMEOUT.as_secs())),
    };
    let hook = CommandHook::read(&event).map_err(|error| error.to_string())?;
    match hook.moment {
        HookMoment::Event(call) if EVENTS.contains(&call.event.as_str()) => {
            Ok(HookCall { request_id: request_id.to_owned(), ..call })
        }
        _ => Err(format!("it is no {}", EVENTS.join(" or "))),
    }
}

fn is_same_user(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own)
}

async fn read(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    if u64::from(length) > LONGEST_EVENT {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{length} bytes are too many")));
    }
    // What is announced is not believed before it comes.
    let mut event = Vec::new();
    stream.take(length.into()).read_to_end(&mut event).await?;
    if event.len() as u64 == u64::from(length) { Ok(event) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

async fn write(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    stream.write_all(&serde_json::to_vec(answer)?).await?;
    stream.shutdown().await
}
