//! The outbox of webhooks: written with what it tells of, worked off by any process.

use domain::{
    id::{WebhookDeliveryId, WebhookSubscriptionId},
    time::Timestamp,
    webhook::{DeliveryOutcome, DeliveryStatus, EventType, WebhookDelivery},
};
use serde_json::Value as Json;

use super::{
    Reads,
    page::{Cursor, Page},
    reference::of_live_team,
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record, record},
    scope::Scope,
    statement::Order,
    value::{params, stored_words},
};

stored_words! { DeliveryStatus }

record! {
    WebhookDelivery in "webhook_deliveries" {
        id, team_id, subscription_id, event_type, payload, status, attempts, next_attempt_at, response_status,
        error_message, delivered_at, created_at, updated_at,
    }
    owned by WebhookDeliveryId as "webhook delivery" while "TRUE";
    dated by created_at;
}

/// A team's webhook deliveries.
#[derive(Debug, Clone, Copy)]
pub struct WebhookDeliveries<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

/// Which deliveries a list holds; `None` is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter {
    /// To this subscription.
    pub subscription_id: Option<WebhookSubscriptionId>,
    /// In this status.
    pub status: Option<DeliveryStatus>,
}

impl<C: Reads> WebhookDeliveries<'_, C> {
    /// The delivery of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: WebhookDeliveryId) -> Result<Option<WebhookDelivery>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        filter: DeliveryFilter,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<WebhookDelivery>, StoreError> {
        let mut statement = self.scope.select_by::<WebhookDelivery>(filter.subscription_id.is_some());
        statement.and_equal("subscription_id", filter.subscription_id.as_ref());
        statement.and_equal("status", filter.status.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl WebhookDeliveries<'_, Tx<'_>> {
    /// Writes a delivery for each subscription that is to be told of this, each with the next of `ids`, and gives them. In
    /// the same transaction as what it tells of, so that neither happens without the other.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn enqueue(
        &self,
        event_type: &EventType,
        payload: &Json,
        at: Timestamp,
        mut ids: impl FnMut() -> WebhookDeliveryId,
    ) -> Result<Vec<WebhookDelivery>, StoreError> {
        let wanting = self.scope.webhook_subscriptions().list_wanting(event_type)?;
        let deliveries: Vec<_> = wanting
            .into_iter()
            .map(|subscription| WebhookDelivery {
                id: ids(),
                team_id: self.scope.team(),
                subscription_id: subscription.id,
                event_type: event_type.clone(),
                payload: payload.clone(),
                status: DeliveryStatus::Pending,
                attempts: 0,
                next_attempt_at: Some(at),
                response_status: None,
                error_message: None,
                delivered_at: None,
                created_at: at,
                updated_at: at,
            })
            .collect();
        self.scope.insert_all(&deliveries)?;
        Ok(deliveries)
    }

    /// Writes down what became of a try of a claimed delivery and gives the delivery as it is now.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the try took too long and somebody else claimed the delivery, or it is settled.
    pub fn record(
        &self,
        claimed: WebhookDelivery,
        outcome: DeliveryOutcome,
        at: Timestamp,
    ) -> Result<WebhookDelivery, StoreError> {
        let after = claimed.after(outcome, at);
        let sql = "UPDATE webhook_deliveries SET status = $1, next_attempt_at = $2, response_status = $3,
             error_message = $4, delivered_at = $5, updated_at = $6
             WHERE id = $7 AND (status = 'pending' AND attempts = $8 AND team_id = $9) IS TRUE";
        let values = params![
            after.status,
            after.next_attempt_at,
            after.response_status,
            after.error_message,
            after.delivered_at,
            after.updated_at,
            after.id,
            after.attempts,
        ];
        match self.scope.execute(sql, values)? {
            0 => Err(StoreError::Conflict {
                what: format!("webhook delivery {} is not at its attempt {}", after.id, after.attempts),
            }),
            _ => Ok(after),
        }
    }
}

/// Webhook deliveries of all teams that are due, for the processes that make them.
#[derive(Debug, Clone, Copy)]
pub struct DueDeliveries<'c, C> {
    pub(super) conn: &'c C,
}

impl DueDeliveries<'_, Tx<'_>> {
    /// Claims the deliveries that have been due for longest, at most `limit`, until `until`, and gives them, oldest first.
    /// Of several who claim at once, each gets others. One that is not recorded until then is due again.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn claim(
        &self,
        at: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<WebhookDelivery>, StoreError> {
        // `ARRAY`: PostgreSQL might look for the due rows more than once otherwise, and find others each time.
        let due = self.conn.pick(
            "IN (SELECT id FROM webhook_deliveries
               WHERE status = 'pending' AND next_attempt_at <= $2 AND {live} ORDER BY next_attempt_at, id LIMIT $3)",
            "= ANY (ARRAY(SELECT id FROM webhook_deliveries
               WHERE status = 'pending' AND next_attempt_at <= $2 AND {live} ORDER BY next_attempt_at, id LIMIT $3
               FOR UPDATE SKIP LOCKED))",
        );
        let due = due.replace("{live}", &of_live_team("webhook_deliveries"));
        let sql = format!(
            "UPDATE webhook_deliveries SET attempts = attempts + 1, next_attempt_at = $1, updated_at = $2
             WHERE id {due} RETURNING {}",
            WebhookDelivery::COLUMNS
        );
        let values = params![until, at, limit];
        let mut claimed =
            self.conn.query(&sql, values, |row| WebhookDelivery::from_columns(&mut row.columns()))?;
        claimed.sort_unstable_by_key(|delivery| (delivery.created_at, delivery.id));
        Ok(claimed)
    }
}
