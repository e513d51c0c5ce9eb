//! Webhook subscriptions.

use domain::{
    id::WebhookSubscriptionId,
    time::Timestamp,
    webhook::{EventType, WebhookSecret, WebhookSubscription, WebhookUrl},
};

use super::{
    Reads,
    page::{Cursor, Page},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::record,
    scope::Scope,
    statement::Order,
    value::{params, stored_documents, stored_words},
};

stored_words! { EventType, WebhookSecret, WebhookUrl }
stored_documents! { Vec<EventType> }

record! {
    WebhookSubscription in "webhook_subscriptions" {
        id, team_id, url, secret, event_types, description, is_enabled, disabled_reason, version, created_at, updated_at,
    }
    owned by WebhookSubscriptionId as "webhook subscription" while "deleted_at IS NULL";
    versioned;
    dated by created_at;
}

/// A team's webhook subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct WebhookSubscriptions<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> WebhookSubscriptions<'_, C> {
    /// The subscription of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: WebhookSubscriptionId) -> Result<Option<WebhookSubscription>, StoreError> {
        self.scope.find_row(id)
    }

    /// Newest first: all, or only enabled or disabled ones.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        is_enabled: Option<bool>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<WebhookSubscription>, StoreError> {
        let mut statement = self.scope.select::<WebhookSubscription>();
        statement.and_equal("is_enabled", is_enabled.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }

    /// All that are to be told of this now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list_wanting(&self, event_type: &EventType) -> Result<Vec<WebhookSubscription>, StoreError> {
        let mut statement = self.scope.select::<WebhookSubscription>();
        statement.and_equal("is_enabled", Some(&true));
        statement.push(" ORDER BY created_at, id", []);
        let mut enabled: Vec<WebhookSubscription> = statement.rows(self.scope.connection())?;
        enabled.retain(|subscription| subscription.wants(event_type));
        Ok(enabled)
    }
}

impl WebhookSubscriptions<'_, Tx<'_>> {
    /// Adds a subscription.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id exists.
    pub fn insert(&self, subscription: &WebhookSubscription) -> Result<(), StoreError> {
        self.scope.insert(subscription)
    }

    /// Replaces a subscription by this one, whose version is the one that the caller read, and gives its new version.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there.
    pub fn update(&self, subscription: &WebhookSubscription) -> Result<i64, StoreError> {
        self.scope.update(subscription)
    }

    /// Deletes a subscription softly and gives up what is still to be delivered to it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: WebhookSubscriptionId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<WebhookSubscription>(id, at)?;
        let sql = "UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL,
             error_message = 'the subscription was deleted', updated_at = $1
             WHERE subscription_id = $2 AND (status = 'pending' AND team_id = $3) IS TRUE";
        self.scope.execute(sql, params![at, id]).map(drop)
    }
}
