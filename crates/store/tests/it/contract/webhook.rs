//! Webhook subscriptions and their outbox.

use std::collections::HashSet;

use domain::{
    id::{TeamId, WebhookDeliveryId, WebhookSubscriptionId},
    webhook::{DeliveryOutcome, DeliveryStatus, WebhookDelivery, WebhookSubscription},
};
use provost_store::{Conn, DeliveryFilter, StoreError, Tx};
use serde_json::json;

use crate::{fixture::Fixture, sample};

on_both_databases! {
    a_subscription_is_found_as_it_was_added,
    another_team_sees_and_changes_no_subscription,
    a_stale_subscription_does_not_overwrite,
    subscriptions_are_paged,
    each_subscription_that_wants_an_event_gets_a_delivery,
    a_due_delivery_is_tried_until_it_is_settled,
    a_try_that_took_too_long_does_not_count,
    of_many_who_claim_at_once_each_gets_others,
    a_deleted_subscription_gives_up_its_deliveries,
    nothing_is_delivered_for_a_deleted_team,
    the_log_of_deliveries_is_paged_and_filtered,
}

fn subscription(event_types: &[&str]) -> WebhookSubscription {
    WebhookSubscription {
        id: WebhookSubscriptionId::from_uuid(sample::uuid()),
        team_id: sample::TEAM,
        url: "https://example.org/hook?a=b".parse().unwrap(),
        secret: "whsec_0123456789abcdefghijklmnop".parse().unwrap(),
        event_types: event_types.iter().map(|event| event.parse().unwrap()).collect(),
        description: Some("for the test".into()),
        is_enabled: true,
        disabled_reason: None,
        version: 1,
        created_at: sample::time(1),
        updated_at: sample::time(1),
    }
}

async fn insert(fixture: &Fixture, subscription: WebhookSubscription) -> WebhookSubscriptionId {
    let id = subscription.id;
    let insert =
        move |tx: &Tx<'_>| tx.team(subscription.team_id).webhook_subscriptions().insert(&subscription);
    fixture.store.write(insert).await.unwrap();
    id
}

async fn find(fixture: &Fixture, team: TeamId, id: WebhookSubscriptionId) -> Option<WebhookSubscription> {
    fixture.store.read(move |conn| conn.team(team).webhook_subscriptions().find(id)).await.unwrap()
}

async fn enqueue(fixture: &Fixture, event: &str, at: i64) -> Vec<WebhookDelivery> {
    let event = event.parse().unwrap();
    let enqueue = move |tx: &Tx<'_>| {
        let ids = || WebhookDeliveryId::from_uuid(sample::uuid());
        let payload = json!({ "session": 1 });
        tx.team(sample::TEAM).webhook_deliveries().enqueue(&event, &payload, sample::time(at), ids)
    };
    fixture.store.write(enqueue).await.unwrap()
}

async fn claim(fixture: &Fixture, at: i64, limit: u32) -> Vec<WebhookDelivery> {
    let claim = move |tx: &Tx<'_>| tx.due_deliveries().claim(sample::time(at), sample::time(at + 30), limit);
    fixture.store.write(claim).await.unwrap()
}

async fn record(
    fixture: &Fixture,
    claimed: WebhookDelivery,
    outcome: DeliveryOutcome,
    at: i64,
) -> Result<WebhookDelivery, StoreError> {
    let record = move |tx: &Tx<'_>| {
        tx.team(sample::TEAM).webhook_deliveries().record(claimed, outcome, sample::time(at))
    };
    fixture.store.write(record).await
}

async fn delivery(fixture: &Fixture, id: WebhookDeliveryId) -> WebhookDelivery {
    let find = move |conn: &Conn| conn.team(sample::TEAM).webhook_deliveries().find(id);
    fixture.store.read(find).await.unwrap().unwrap()
}

async fn a_subscription_is_found_as_it_was_added(fixture: &Fixture) {
    let full = WebhookSubscription {
        is_enabled: false,
        disabled_reason: Some("too many failures".into()),
        ..subscription(&["session.completed", "task.moved"])
    };
    for added in [full, WebhookSubscription { description: None, ..subscription(&[]) }] {
        insert(fixture, added.clone()).await;
        assert_eq!(find(fixture, sample::TEAM, added.id).await, Some(added));
    }
}

async fn another_team_sees_and_changes_no_subscription(fixture: &Fixture) {
    let (own, other) = (subscription(&[]), fixture.other_team().await);
    let id = insert(fixture, own.clone()).await;
    enqueue(fixture, "session.completed", 1).await;
    assert_eq!(find(fixture, other, id).await, None);
    let listed = fixture.store.read(move |conn| {
        let subscriptions = conn.team(other).webhook_subscriptions().list(None, None, 10)?.items.len();
        let deliveries = conn.team(other).webhook_deliveries().list(DeliveryFilter::default(), None, 10)?;
        Ok::<_, StoreError>((subscriptions, deliveries.items.len()))
    });
    assert_eq!(listed.await, Ok((0, 0)));
    let refused = fixture.store.write(move |tx| tx.team(other).webhook_subscriptions().update(&own)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let refused = fixture
        .store
        .write(move |tx| tx.team(other).webhook_subscriptions().delete(id, sample::time(2)))
        .await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })), "{refused:?}");
    let claimed = claim(fixture, 1, 1).await.remove(0);
    let refused = fixture.store.write(move |tx| {
        let outcome = DeliveryOutcome::Delivered { response_status: 200 };
        tx.team(other).webhook_deliveries().record(claimed, outcome, sample::time(2))
    });
    let refused = refused.await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

async fn a_stale_subscription_does_not_overwrite(fixture: &Fixture) {
    let first = subscription(&[]);
    insert(fixture, first.clone()).await;
    let update = async |subscription: WebhookSubscription| {
        fixture
            .store
            .write(move |tx| tx.team(sample::TEAM).webhook_subscriptions().update(&subscription))
            .await
    };
    assert_eq!(update(WebhookSubscription { is_enabled: false, ..first.clone() }).await, Ok(2));
    let stale = update(first.clone()).await.unwrap_err();
    let what = format!("webhook subscription {}", first.id);
    assert_eq!(stale, StoreError::Stale { what, expected: 1, current: 2 });
    let absent = update(subscription(&[])).await;
    assert!(matches!(absent, Err(StoreError::Missing { .. })), "{absent:?}");
}

async fn subscriptions_are_paged(fixture: &Fixture) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let created_at = sample::time(number / 2);
        let added = WebhookSubscription { created_at, is_enabled: number != 2, ..subscription(&[]) };
        ids.push(insert(fixture, added).await);
    }
    ids.reverse();
    let list = |is_enabled, after, limit| async move {
        let list =
            move |conn: &Conn| conn.team(sample::TEAM).webhook_subscriptions().list(is_enabled, after, limit);
        let page = fixture.store.read(list).await.unwrap();
        (page.items.iter().map(|subscription| subscription.id).collect::<Vec<_>>(), page.next)
    };
    let (mut paged, next) = list(None, None, 3).await;
    insert(fixture, WebhookSubscription { created_at: sample::time(9), ..subscription(&[]) }).await;
    let (rest, end) = list(None, next, 3).await;
    paged.extend(rest);
    assert_eq!((paged, end), (ids.clone(), None));
    assert_eq!(list(Some(false), None, 10).await.0, [ids[2]]);
}

async fn each_subscription_that_wants_an_event_gets_a_delivery(fixture: &Fixture) {
    let all = insert(fixture, subscription(&[])).await;
    let wanting = insert(fixture, subscription(&["task.moved", "session.completed"])).await;
    insert(fixture, subscription(&["task.moved"])).await;
    insert(fixture, WebhookSubscription { is_enabled: false, ..subscription(&[]) }).await;
    let deliveries = enqueue(fixture, "session.completed", 5).await;
    assert_eq!(
        deliveries.iter().map(|delivery| delivery.subscription_id).collect::<Vec<_>>(),
        [all, wanting]
    );
    for queued in deliveries {
        assert_eq!((queued.status, queued.attempts), (DeliveryStatus::Pending, 0));
        assert_eq!(queued.next_attempt_at, Some(sample::time(5)), "at once");
        assert_eq!(delivery(fixture, queued.id).await, queued);
    }
    assert_eq!(enqueue(fixture, "epic.created", 5).await.len(), 1);
}

async fn a_due_delivery_is_tried_until_it_is_settled(fixture: &Fixture) {
    insert(fixture, subscription(&[])).await;
    let queued = enqueue(fixture, "session.completed", 5).await.remove(0);
    assert_eq!(claim(fixture, 4, 10).await, [], "it is not due yet");
    let claimed = claim(fixture, 5, 10).await.remove(0);
    assert_eq!((claimed.id, claimed.attempts), (queued.id, 1));
    assert_eq!(claim(fixture, 34, 10).await, [], "somebody tries it");
    let failed = |next_attempt_at| DeliveryOutcome::Failed {
        response_status: Some(503),
        error_message: "busy".into(),
        next_attempt_at,
    };
    let again = record(fixture, claimed, failed(Some(sample::time(60))), 6).await.unwrap();
    assert_eq!(delivery(fixture, again.id).await, again);
    assert_eq!((again.status, again.response_status), (DeliveryStatus::Pending, Some(503)));
    assert_eq!(claim(fixture, 59, 10).await, []);
    let claimed = claim(fixture, 60, 10).await.remove(0);
    assert_eq!(claimed.attempts, 2);
    let done = record(fixture, claimed.clone(), DeliveryOutcome::Delivered { response_status: 200 }, 61);
    let done = done.await.unwrap();
    assert_eq!(delivery(fixture, done.id).await, done);
    assert_eq!((done.status, done.delivered_at), (DeliveryStatus::Delivered, Some(sample::time(61))));
    assert_eq!((done.error_message.as_ref(), done.next_attempt_at), (None, None));
    let late = record(fixture, claimed, failed(None), 62).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    enqueue(fixture, "session.completed", 70).await;
    let claimed = claim(fixture, 70, 10).await.remove(0);
    let given_up = record(fixture, claimed, failed(None), 71).await.unwrap();
    assert_eq!(delivery(fixture, given_up.id).await.status, DeliveryStatus::Failed);
    assert_eq!(claim(fixture, 1000, 10).await, []);
}

async fn a_try_that_took_too_long_does_not_count(fixture: &Fixture) {
    insert(fixture, subscription(&[])).await;
    enqueue(fixture, "session.completed", 1).await;
    let slow = claim(fixture, 1, 10).await.remove(0);
    let second = claim(fixture, 31, 10).await.remove(0);
    assert_eq!((second.id, second.attempts), (slow.id, 2));
    let delivered = || DeliveryOutcome::Delivered { response_status: 200 };
    let late = record(fixture, slow, delivered(), 32).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    record(fixture, second, delivered(), 33).await.unwrap();
}

async fn of_many_who_claim_at_once_each_gets_others(fixture: &Fixture) {
    insert(fixture, subscription(&[])).await;
    for _ in 0..40 {
        enqueue(fixture, "session.completed", 1).await;
    }
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let store = fixture.store.clone();
            tokio::spawn(async move {
                let claim = |tx: &Tx<'_>| tx.due_deliveries().claim(sample::time(1), sample::time(31), 5);
                store.write(claim).await.unwrap()
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.unwrap().iter().map(|delivery| delivery.id));
    }
    let distinct: HashSet<_> = claimed.iter().collect();
    assert_eq!(distinct.len(), claimed.len(), "none twice");
    claimed.extend(claim(fixture, 1, 100).await.iter().map(|delivery| delivery.id));
    assert_eq!(claimed.len(), 40, "and none is lost");
}

async fn a_deleted_subscription_gives_up_its_deliveries(fixture: &Fixture) {
    let (gone, kept) = (insert(fixture, subscription(&[])).await, insert(fixture, subscription(&[])).await);
    let deliveries = enqueue(fixture, "session.completed", 1).await;
    let delete =
        move |tx: &Tx<'_>| tx.team(sample::TEAM).webhook_subscriptions().delete(gone, sample::time(2));
    fixture.store.write(delete).await.unwrap();
    let again = fixture.store.write(delete).await;
    assert!(matches!(again, Err(StoreError::Missing { .. })), "{again:?}");
    assert_eq!(find(fixture, sample::TEAM, gone).await, None);
    let given_up = delivery(fixture, deliveries[0].id).await;
    assert_eq!((given_up.subscription_id, given_up.status), (gone, DeliveryStatus::Failed));
    let claimed = claim(fixture, 5, 10).await;
    assert_eq!(claimed.iter().map(|delivery| delivery.subscription_id).collect::<Vec<_>>(), [kept]);
    let sql = format!("PRAGMA foreign_keys = ON; DELETE FROM webhook_subscriptions WHERE id = '{kept}'");
    let sql = fixture.place().pick(&sql, sql.split_once("; ").unwrap().1).to_owned();
    fixture.place().raw(&sql).unwrap();
    let left = fixture
        .store
        .read(|conn| conn.team(sample::TEAM).webhook_deliveries().list(DeliveryFilter::default(), None, 10));
    assert_eq!(left.await.unwrap().items.len(), 1, "removing takes the deliveries along");
}

async fn the_log_of_deliveries_is_paged_and_filtered(fixture: &Fixture) {
    let first = insert(fixture, subscription(&["a.a"])).await;
    insert(fixture, subscription(&["b.b"])).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let event = if number % 2 == 0 { "a.a" } else { "b.b" };
        ids.push(enqueue(fixture, event, number / 2).await[0].id);
    }
    ids.reverse();
    let list = |filter, after, limit| async move {
        let list = move |conn: &Conn| conn.team(sample::TEAM).webhook_deliveries().list(filter, after, limit);
        let page = fixture.store.read(list).await.unwrap();
        (page.items.iter().map(|delivery| delivery.id).collect::<Vec<_>>(), page.next)
    };
    let any = DeliveryFilter::default();
    let (mut paged, next) = list(any, None, 4).await;
    enqueue(fixture, "a.a", 9).await;
    let (rest, end) = list(any, next, 4).await;
    paged.extend(rest);
    assert_eq!((paged, end), (ids.clone(), None));
    let of_first = DeliveryFilter { subscription_id: Some(first), status: None };
    assert_eq!(list(of_first, None, 10).await.0.len(), 4);
    let claimed = claim(fixture, 0, 1).await.remove(0);
    record(fixture, claimed, DeliveryOutcome::Delivered { response_status: 204 }, 1).await.unwrap();
    let delivered = DeliveryFilter { status: Some(DeliveryStatus::Delivered), ..any };
    assert_eq!(list(delivered, None, 10).await.0, [ids[5]]);
}

async fn nothing_is_delivered_for_a_deleted_team(fixture: &Fixture) {
    insert(fixture, subscription(&["session.created"])).await;
    assert_eq!(enqueue(fixture, "session.created", 1).await.len(), 1);
    fixture.store.write(|tx| tx.teams().delete(sample::TEAM, sample::time(2))).await.unwrap();
    assert_eq!(claim(fixture, 5, 10).await, []);
}
