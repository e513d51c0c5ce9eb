//! Webhooks: who is told of what, and the outbox of what they are told.

use serde_json::Value;

use crate::{
    InvalidText,
    id::{TeamId, WebhookDeliveryId, WebhookSubscriptionId},
    parsed_text::is_dotted,
    time::Timestamp,
};

parsed_text! {
    /// What happened, such as `session.completed`.
    pub struct EventType: "event type",
        "two or more words of a-z, 0-9 and _, separated by dots, such as session.completed",
        is_dotted;
}

parsed_text! {
    /// Where deliveries go.
    pub struct WebhookUrl: "webhook address",
        "an http or https address of visible ASCII with a host and without user name or fragment, at most 2000 characters",
        is_address;
}

fn is_address(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\\#\"<>".contains(&byte);
    text.len() <= 2000
        && text.bytes().all(is_allowed)
        && !host.contains('@')
        && host.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
}

/// What deliveries are signed with. Shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// The secret itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl std::str::FromStr for WebhookSecret {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (24..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            // Without the text: it may be a secret with one character too many.
            Err(InvalidText::new("webhook secret", "…", "24 to 200 visible ASCII characters"))
        }
    }
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WebhookSubscription {
    /// Identity.
    pub id: WebhookSubscriptionId,
    /// The tenant.
    pub team_id: TeamId,
    /// Where deliveries go.
    pub url: WebhookUrl,
    /// What they are signed with.
    #[serde(skip)]
    pub secret: WebhookSecret,
    /// What it is told of; none is everything.
    pub event_types: Vec<EventType>,
    /// For people.
    pub description: Option<String>,
    /// Whether it is told anything.
    pub is_enabled: bool,
    /// Why it is not, when nobody decided so: too many failures.
    pub disabled_reason: Option<String>,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl WebhookSubscription {
    /// Whether it is told of this now.
    #[must_use]
    pub fn wants(&self, event_type: &EventType) -> bool {
        self.is_enabled && (self.event_types.is_empty() || self.event_types.contains(event_type))
    }
}

text_enum! {
    /// How far a delivery got.
    pub enum DeliveryStatus: "delivery status" {
        /// To be tried, for the first time or again.
        Pending = "pending",
        /// The receiver took it.
        Delivered = "delivered",
        /// Nobody tries again.
        Failed = "failed",
    }
}

/// One notice to one subscription.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct WebhookDelivery {
    /// Identity; the receiver tells repetitions by it.
    pub id: WebhookDeliveryId,
    /// The tenant.
    pub team_id: TeamId,
    /// Whom it is for.
    pub subscription_id: WebhookSubscriptionId,
    /// What happened.
    pub event_type: EventType,
    /// What is said about it.
    pub payload: Value,
    /// How far it got.
    pub status: DeliveryStatus,
    /// Tries so far, the one under way included.
    pub attempts: i64,
    /// When it may be tried; while somebody tries, the time after which another may.
    pub next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub response_status: Option<i64>,
    /// How the last try failed.
    pub error_message: Option<String>,
    /// When the receiver took it.
    pub delivered_at: Option<Timestamp>,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The receiver took it.
    Delivered {
        /// The HTTP status of its answer.
        response_status: i64,
    },
    /// The try failed.
    Failed {
        /// The HTTP status, if there was an answer.
        response_status: Option<i64>,
        /// How it failed.
        error_message: String,
        /// When to try again; `None` gives up.
        next_attempt_at: Option<Timestamp>,
    },
}

impl WebhookDelivery {
    /// This delivery, which is being tried, as the try leaves it.
    #[must_use]
    pub fn after(self, outcome: DeliveryOutcome, at: Timestamp) -> Self {
        match outcome {
            DeliveryOutcome::Delivered { response_status } => Self {
                status: DeliveryStatus::Delivered,
                next_attempt_at: None,
                response_status: Some(response_status),
                error_message: None,
                delivered_at: Some(at),
                updated_at: at,
                ..self
            },
            DeliveryOutcome::Failed { response_status, error_message, next_attempt_at } => Self {
                status: if next_attempt_at.is_some() {
                    DeliveryStatus::Pending
                } else {
                    DeliveryStatus::Failed
                },
                next_attempt_at,
                response_status,
                error_message: Some(error_message),
                updated_at: at,
                ..self
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_have_a_host_and_no_secrets() {
        for good in
            ["https://example.org", "http://[::1]:8080/a?b=c", "https://x/y%20z", "http://127.0.0.1:9/"]
        {
            assert!(good.parse::<WebhookUrl>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.org",
            "ftp://x",
            "https://",
            "https:///a",
            "https://a b",
            "https://u:p@x/",
            "https://x/#a",
            "https://x\\y",
            "https://ä",
            "https://x/\n",
            "HTTPS://x",
        ] {
            assert!(bad.parse::<WebhookUrl>().is_err(), "{bad}");
        }
        assert!(format!("https://x/{}", "a".repeat(2000)).parse::<WebhookUrl>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in ".*|https?://.*") {
            if let Ok(address) = text.parse::<WebhookUrl>() {
                prop_assert_eq!(address.as_str(), &text);
            }
            drop(text.parse::<EventType>());
            drop(text.parse::<WebhookSecret>());
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        let text = "whsec_0123456789abcdefghij";
        let secret: WebhookSecret = text.parse().expect("long enough");
        assert!(!format!("{secret:?}").contains("0123"));
        let refused = "short-secret".parse::<WebhookSecret>().expect_err("too short");
        assert!(!format!("{refused} {refused:?}").contains("short-secret"));
    }
}
