//! A hook that is a server: the event goes there signed by the Standard Webhooks scheme, and the answer comes back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{hook::Webhook, id::HookExecutionId, webhook::WebhookSecret};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{HookedEvent, Place, answer, ready::Done, script::LONGEST_ANSWER};
use crate::{App, http::Post};

/// How the scheme marks a secret that is written in Base64.
const PREFIX: &str = "whsec_";

impl App {
    /// A secret to sign webhooks with, of 256 bits.
    ///
    /// # Panics
    /// Never: what is drawn has the form of a secret.
    #[must_use]
    pub fn new_webhook_secret(&self) -> WebhookSecret {
        // Each id has 32 random bits or more, whatever the time does.
        let drawn = (0..16).flat_map(|_| self.next_id().into_bytes());
        let key = Sha256::digest(drawn.collect::<Vec<_>>());
        format!("{PREFIX}{}", STANDARD.encode(key)).parse().expect("a secret")
    }
}

/// Asks the server and reads its answer, which is what a script would write.
pub(super) async fn ask(
    webhook: &Webhook,
    id: HookExecutionId,
    place: &Place,
    event: &HookedEvent,
) -> Result<Done, String> {
    let body = send(webhook, id, place, event.input.to_string().into_bytes()).await?;
    let (said, output) = answer::read(&event.event, &body)?;
    Ok(Done { said, output, ..Done::default() })
}

/// Sends a message and gives the body of an answer that is a success.
pub(super) async fn send(
    webhook: &Webhook,
    id: HookExecutionId,
    place: &Place,
    body: Vec<u8>,
) -> Result<Vec<u8>, String> {
    let (id, seconds) = (id.to_string(), place.app.now().as_micros() / 1_000_000);
    let signature = signature(&webhook.secret, &id, seconds, &body);
    let headers = vec![
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    let post = Post {
        url: &webhook.url,
        headers,
        body,
        allow_private: webhook.allow_private,
        limit: LONGEST_ANSWER,
    };
    let reply = place.app.http().post(post).await.map_err(|error| error.to_string())?;
    match reply.status {
        200..=299 => Ok(reply.body),
        status @ 300..=399 => Err(format!("the server redirects ({status}), which is not followed")),
        status => Err(format!("the server answered with status {status}")),
    }
}

/// The signature of the scheme: HMAC-SHA256 over id, time and body, with the key that the secret says.
fn signature(secret: &WebhookSecret, id: &str, seconds: i64, body: &[u8]) -> String {
    let secret = secret.as_str();
    let decoded = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac =
        Hmac::<Sha256>::new_from_slice(&key).unwrap_or_else(|_| unreachable!("a key has any length"));
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_scheme_says() {
        // The example in the specification of Standard Webhooks.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().expect("a secret");
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
