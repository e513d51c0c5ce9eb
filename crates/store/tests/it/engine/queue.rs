//! The queue before the writer: bounded, and emptied before the store ends.

use std::{
    pin::pin,
    sync::mpsc::{Receiver, Sender, channel},
    task::Poll,
    time::Duration,
};

use provost_store::{OpenOptions, Store, StoreError};
use tokio::sync::oneshot;

use crate::{
    fixture::{Place, block_on},
    sample,
};

/// A unit of work that occupies the writer until it is dropped.
pub(super) struct Blocker {
    _hold: Sender<()>,
}

impl Blocker {
    /// Returns when the writer is occupied.
    pub(super) async fn occupy(store: &Store) -> Self {
        let (hold, held): (_, Receiver<()>) = channel();
        let (begun, has_begun) = oneshot::channel();
        let store = store.clone();
        tokio::spawn(async move {
            let blocking = store.write(move |_| {
                begun.send(()).unwrap();
                // Errs when the other end is dropped.
                let _ = held.recv();
                Ok::<_, StoreError>(())
            });
            blocking.await.unwrap();
        });
        has_begun.await.unwrap();
        Self { _hold: hold }
    }
}

/// Lets a future go as far as it gets without waiting: a write enters the queue. Gives what comes of it, if it got to its end.
async fn enter<T>(mut future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Whether a future waits after it went as far as it gets.
pub(super) async fn is_waiting<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
    enter(future).await.is_none()
}

fn insert(store: &Store, slug: &str) -> impl Future<Output = Result<bool, StoreError>> + use<> {
    let (store, team) = (store.clone(), sample::team(slug));
    async move { store.write(move |tx| tx.teams().insert_if_absent(&team)).await }
}

fn open_with_queue(place: &Place, queue_length: usize, queue_wait: Duration) -> Store {
    Store::open(OpenOptions { queue_length, queue_wait, ..place.options() }).unwrap()
}

#[test]
fn a_write_that_finds_no_place_in_the_queue_in_time_is_refused() {
    let place = Place::on_sqlite();
    let store = open_with_queue(&place, 2, Duration::from_millis(20));
    block_on(async {
        let blocker = Blocker::occupy(&store).await;
        let (mut first, mut second) = (pin!(insert(&store, "a")), pin!(insert(&store, "b")));
        assert!(is_waiting(first.as_mut()).await && is_waiting(second.as_mut()).await);
        let error = insert(&store, "c").await.unwrap_err();
        assert_eq!(error, StoreError::Overloaded { waiting: 2 });
        assert!(error.is_retryable());
        drop(blocker);
        assert_eq!((first.await, second.await), (Ok(true), Ok(true)));
        assert_eq!(insert(&store, "c").await, Ok(true), "the refused one had not happened");
    });
}

#[test]
fn writes_wait_for_a_place_in_the_queue_and_then_succeed() {
    let place = Place::on_sqlite();
    let store = open_with_queue(&place, 2, Duration::from_secs(60));
    block_on(async {
        let blocker = Blocker::occupy(&store).await;
        let mut writes: Vec<_> =
            (0..50).map(|number| Box::pin(insert(&store, &format!("team-{number}")))).collect();
        for write in &mut writes {
            assert!(is_waiting(write.as_mut()).await);
        }
        drop(blocker);
        let writes: Vec<_> = writes.into_iter().map(tokio::spawn).collect();
        for write in writes {
            assert_eq!(write.await.unwrap(), Ok(true));
        }
    });
}

#[test]
fn closing_finishes_what_is_queued_and_refuses_what_comes_later() {
    for place in [Some(Place::on_sqlite()), Place::on_postgres()].into_iter().flatten() {
        let store = place.open();
        block_on(async {
            let blocker = Blocker::occupy(&store).await;
            let mut queued = Vec::new();
            for number in 0..20 {
                let mut write = Box::pin(insert(&store, &format!("team-{number}")));
                // PostgreSQL has further connections, which may have done it already.
                let done = enter(write.as_mut()).await;
                queued.push((write, done));
            }
            let closing = {
                let store = store.clone();
                let mut closing = Box::pin(async move { store.close().await });
                assert!(is_waiting(closing.as_mut()).await);
                tokio::spawn(closing)
            };
            drop(blocker);
            for (write, done) in queued {
                let outcome = match done {
                    Some(outcome) => outcome,
                    None => write.await,
                };
                assert_eq!(outcome, Ok(true));
            }
            closing.await.unwrap();
            assert_eq!(insert(&store, "late").await, Err(StoreError::Closed));
            let read = store.read(|conn| conn.leases().list()).await;
            assert_eq!(read, Err(StoreError::Closed));
            let scan = store.scan(|conn| conn.leases().list()).await;
            assert_eq!(scan, Err(StoreError::Closed));
            store.close().await;
        });
        let stored = place.raw("SELECT count(*) FROM teams WHERE slug LIKE 'team-%'").unwrap();
        assert_eq!(stored, [[Some("20".to_owned())]]);
    }
}

#[test]
fn dropping_the_last_store_finishes_what_is_queued() {
    let place = Place::on_sqlite();
    let store = place.open();
    block_on(async {
        let blocker = Blocker::occupy(&store).await;
        let mut abandoned = Box::pin(insert(&store, "abandoned"));
        assert!(is_waiting(abandoned.as_mut()).await);
        drop(abandoned);
        drop(blocker);
    });
    // The runtime has ended, and with it the blocker's task and its store.
    drop(store);
    let stored = place.raw("SELECT count(*) FROM teams WHERE slug = 'abandoned'").unwrap();
    assert_eq!(stored, [[Some("1".to_owned())]]);
}

#[test]
fn a_unit_of_work_may_hold_the_last_store() {
    let place = Place::on_sqlite();
    let store = place.open();
    let (hold, held) = channel::<()>();
    let (ended, has_ended) = channel();
    block_on(async {
        let inner = store.clone();
        let mut abandoned = Box::pin(async move {
            let work = store.write(move |_| {
                // Errs when the other end is dropped.
                let _ = held.recv();
                drop(inner);
                ended.send(()).unwrap();
                Ok::<_, StoreError>(())
            });
            work.await
        });
        assert!(is_waiting(abandoned.as_mut()).await);
        drop(abandoned);
    });
    drop(hold);
    has_ended.recv_timeout(Duration::from_secs(20)).unwrap();
}
