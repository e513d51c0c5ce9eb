//! Idempotency keys: a request that is sent twice is done once.

use serde_json::Value;

use crate::{digest::Sha256Digest, id::TeamId, time::Timestamp};

parsed_text! {
    /// What a client calls a request, so that it can repeat it.
    pub struct RequestKey: "idempotency key", "1 to 255 visible ASCII characters", is_key;
}

fn is_key(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A request that was begun, and its answer once there is one.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct IdempotencyKey {
    /// The tenant.
    pub team_id: TeamId,
    /// Who sent it, as `user:ID` or `system:PART`; unique with the key.
    pub actor: String,
    /// What the client calls it.
    pub key: RequestKey,
    /// Fingerprint of the request, which tells a repetition from another request of the same name.
    pub request_sha256: Sha256Digest,
    /// What was answered; `None` while it is worked on.
    pub answer: Option<Value>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// From when on the key may be used anew.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_visible_and_bounded() {
        for good in ["a", "0b7c-1", &"~".repeat(255)] {
            assert!(good.parse::<RequestKey>().is_ok(), "{good}");
        }
        for bad in ["", "a b", "ä", "\0", &"a".repeat(256)] {
            assert!(bad.parse::<RequestKey>().is_err(), "{bad}");
        }
    }
}
