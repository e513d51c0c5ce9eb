//! Waiting that can be given up without losing anything.

use std::collections::VecDeque;

use tokio::{sync::mpsc, time::Instant};

/// The other side of a channel is gone.
#[derive(Debug)]
pub(super) struct Gone;

/// Moves the first item of the queue into the channel once there is room. Waits for ever when there is no item or no
/// channel. Cancel safe: an item leaves the queue only together with its place in the channel.
pub(super) async fn hand_over_first<T>(
    queue: &mut VecDeque<T>,
    channel: Option<&mpsc::Sender<T>>,
) -> Result<(), Gone> {
    let (Some(channel), false) = (channel, queue.is_empty()) else { return std::future::pending().await };
    let place = channel.reserve().await.map_err(|_| Gone)?;
    if let Some(item) = queue.pop_front() {
        place.send(item);
    }
    Ok(())
}

/// Waits until the time, or for ever.
pub(super) async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
