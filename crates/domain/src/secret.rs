//! Secrets in text and in JSON: found by the forms that providers publish and by the names people give them, and replaced by
//! a marker that says which kind it was and what its digest begins with, so that two places can be seen to hold the same one.
//!
//! One pass finds the places where a secret may begin; a rule looks at each of them. No rule looks far, so the time grows with
//! the length of the text and not faster.

mod alphabet;
mod assignment;
mod command_line;
mod header;
mod key_block;
mod structured;
mod token;
mod value;

use std::{
    borrow::Cow,
    cmp::Reverse,
    ops::Range,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde_json::Value;

use crate::digest::Sha256Digest;
use token::Token;

/// How a marker begins.
const MARKER: &str = "[redacted:";
/// How many hexadecimal digits of a secret's digest its marker shows.
const DIGITS: usize = 16;

/// The text with each secret replaced by `[redacted:KIND:sha256-DIGITS]`: the first 16 hexadecimal digits of its SHA-256 digest.
/// Doing it again changes nothing.
#[must_use]
pub fn redact_text(text: &str) -> Cow<'_, str> {
    let Some(mut redacted) = redacted_once(text) else { return text.into() };
    // What stood beside a secret may be known for one itself, now that a marker is in its place.
    for _ in 1..MOST_PASSES {
        match redacted_once(&redacted) {
            Some(again) => redacted = again,
            None => break,
        }
    }
    redacted.into()
}

/// More than this no chain of secrets needs that touch each other, unless somebody made it for that.
const MOST_PASSES: usize = 8;

/// The text without the secrets that are seen in it; `None` when there are none.
fn redacted_once(text: &str) -> Option<String> {
    let secrets = find(text);
    if secrets.is_empty() {
        return None;
    }
    let (mut redacted, mut at) = (String::with_capacity(text.len()), 0);
    for Secret { range, kind } in secrets {
        redacted.push_str(&text[at..range.start]);
        redacted.push_str(&marker(kind, &text[range.clone()]));
        at = range.end;
    }
    redacted.push_str(&text[at..]);
    Some(redacted)
}

/// The value with the secrets in its texts replaced as by [`redact_text`]. A text under a name such as `password`, `api_key` or
/// `token` is one as a whole.
#[must_use]
pub fn redact_value(value: &Value) -> Cow<'_, Value> {
    redacted(value, None).map_or(Cow::Borrowed(value), Cow::Owned)
}

/// The value without its secrets; `None` when there are none.
fn redacted(value: &Value, name: Option<&str>) -> Option<Value> {
    match value {
        Value::String(text) => {
            let whole = name.and_then(assignment::kind_of_name).filter(|_| value::may_be_secret(text));
            match (whole, redact_text(text)) {
                (_, Cow::Owned(text)) => Some(text.into()),
                (Some(kind), Cow::Borrowed(text)) => Some(marker(kind, text).into()),
                (None, Cow::Borrowed(_)) => None,
            }
        }
        Value::Array(items) => {
            let clean: Vec<_> = items.iter().map(|item| redacted(item, None)).collect();
            clean.iter().any(Option::is_some).then(|| {
                let items = items.iter().zip(clean);
                items.map(|(item, clean)| clean.unwrap_or_else(|| item.clone())).collect()
            })
        }
        Value::Object(fields) => {
            let clean: Vec<_> = fields.iter().map(|(name, value)| redacted(value, Some(name))).collect();
            clean.iter().any(Option::is_some).then(|| {
                let fields = fields.iter().zip(clean);
                let field = |((name, value), clean): ((&String, &Value), Option<Value>)| {
                    (name.clone(), clean.unwrap_or_else(|| value.clone()))
                };
                fields.map(field).collect()
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn marker(kind: &str, secret: &str) -> String {
    let digest = Sha256Digest::of(secret.as_bytes()).to_string();
    format!("{MARKER}{kind}:sha256-{}]", &digest[..DIGITS])
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Secret {
    range: Range<usize>,
    kind: &'static str,
}

/// What a secret may begin with, or stand behind.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    /// Something that was redacted before.
    Marker,
    Token(&'static Token),
    Jwt,
    KeyBlock,
    Url,
    Telegram,
    AzureSecret,
    AzureSignature,
    SlackWebhook,
    DiscordWebhook,
    Assignment(&'static str),
    Bearer,
    Basic,
    UserFlag,
    PasswordFlag,
}

impl Anchor {
    /// Whether what it leads to is known by its own form, wherever it stands.
    const fn is_by_form(self) -> bool {
        !matches!(
            self,
            Self::Assignment(_) | Self::Bearer | Self::Basic | Self::UserFlag | Self::PasswordFlag
        )
    }

    /// The secret that it leads to.
    fn secret(self, text: &str, found: Range<usize>) -> Option<Secret> {
        match self {
            Self::Marker => None,
            Self::Token(token) => token.secret(text, found.start),
            Self::Jwt => structured::jwt(text, found.start),
            Self::KeyBlock => key_block::secret(text, found.start),
            Self::Url => structured::url_password(text, found.end),
            Self::Telegram => structured::telegram(text, found.start),
            Self::AzureSecret => structured::azure_secret(text, found.start),
            Self::AzureSignature => structured::azure_signature(text, found),
            Self::SlackWebhook => structured::slack_webhook(text, found.end),
            Self::DiscordWebhook => structured::discord_webhook(text, found.end),
            Self::Assignment(kind) => assignment::secret(text, found, kind),
            Self::Bearer => header::bearer(text, found),
            Self::Basic => header::basic(text, found),
            Self::UserFlag => command_line::user(text, found),
            Self::PasswordFlag => command_line::password(text, found),
        }
    }
}

/// Every anchor with its text; of tokens their prefixes.
fn anchors() -> impl Iterator<Item = (&'static str, Anchor)> {
    let others = [
        (MARKER, Anchor::Marker),
        ("eyJ", Anchor::Jwt),
        ("-----BEGIN ", Anchor::KeyBlock),
        ("://", Anchor::Url),
        (":AA", Anchor::Telegram),
        ("Q~", Anchor::AzureSecret),
        ("sig=", Anchor::AzureSignature),
        ("hooks.slack.com/services/", Anchor::SlackWebhook),
        ("/api/webhooks/", Anchor::DiscordWebhook),
        ("bearer", Anchor::Bearer),
        ("basic ", Anchor::Basic),
        (" -u", Anchor::UserFlag),
        (" --user", Anchor::UserFlag),
        (" -p", Anchor::PasswordFlag),
    ];
    let tokens = token::TOKENS.iter().map(|token| (token.prefix, Anchor::Token(token)));
    let names = assignment::NAMES.iter().map(|(name, kind)| (*name, Anchor::Assignment(kind)));
    others.into_iter().chain(tokens).chain(names)
}

static ANCHORS: LazyLock<Vec<Anchor>> = LazyLock::new(|| anchors().map(|(_, anchor)| anchor).collect());

/// Is built fast, for a process that reads a few short texts and ends.
static LIGHT: LazyLock<AhoCorasick> = LazyLock::new(|| finder(AhoCorasickKind::NoncontiguousNFA));
/// Reads fast; to build it takes as long as to read some hundred kilobytes.
static FAST: LazyLock<AhoCorasick> = LazyLock::new(|| finder(AhoCorasickKind::DFA));
/// How much this process has read by the light one.
static READ: AtomicUsize = AtomicUsize::new(0);
/// From so much on the fast one is worth its building.
const MUCH: usize = 64 * 1024;

#[expect(clippy::expect_used, reason = "a constant list, which a test builds")]
fn finder(kind: AhoCorasickKind) -> AhoCorasick {
    let builder = &mut AhoCorasick::builder();
    let builder = builder.ascii_case_insensitive(true).kind(Some(kind));
    builder.build(anchors().map(|(text, _)| text)).expect("a small automaton")
}

fn finder_for(text: &str) -> &'static AhoCorasick {
    if READ.load(Ordering::Relaxed) + text.len() > MUCH {
        return &FAST;
    }
    READ.fetch_add(text.len(), Ordering::Relaxed);
    &LIGHT
}

/// The secrets of a text, in order; none touches another.
fn find(text: &str) -> Vec<Secret> {
    let mut found: Vec<(Range<usize>, Anchor)> = finder_for(text)
        .find_overlapping_iter(text)
        .map(|found| (found.range(), ANCHORS[found.pattern().as_usize()]))
        .collect();
    let discord: Vec<Secret> = structured::discord_tokens(text).collect();
    if found.is_empty() && discord.is_empty() {
        return Vec::new();
    }
    // Of those that begin at one place the longest first.
    found.sort_by_key(|(range, _)| (range.start, Reverse(range.end)));
    let (by_form, by_name): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, anchor)| anchor.is_by_form());
    let mut taken = Taken { markers: markers(text, &by_form), secrets: Vec::new() };
    taken.add(discord);
    taken.look(text, by_form);
    // What has a form of its own says more about itself than its name does.
    taken.look(text, by_name);
    taken.secrets
}

/// Places that are spoken for, in order.
#[derive(Debug)]
struct Taken {
    markers: Vec<Range<usize>>,
    secrets: Vec<Secret>,
}

impl Taken {
    fn look(&mut self, text: &str, anchors: Vec<(Range<usize>, Anchor)>) {
        let (mut new, mut done): (Vec<Secret>, _) = (Vec::new(), 0);
        for (range, anchor) in anchors {
            if range.start < done || self.next(range.start).start < range.end {
                continue;
            }
            // What is spoken for ends whatever comes near it, and so does its marker later.
            let near = &text[..self.next(range.end).start.min(text.len())];
            if let Some(secret) = anchor.secret(near, range)
                && secret.range.start >= done
                && !secret.range.is_empty()
                && self.next(secret.range.start).start >= secret.range.end
            {
                done = secret.range.end;
                new.push(secret);
            }
        }
        self.add(new);
    }

    fn add(&mut self, secrets: Vec<Secret>) {
        self.secrets.extend(secrets);
        self.secrets.sort_by_key(|secret| secret.range.start);
    }

    /// The first place that ends behind this one.
    fn next(&self, at: usize) -> Range<usize> {
        let marker = self.markers.partition_point(|marker| marker.end <= at);
        let secret = self.secrets.partition_point(|secret| secret.range.end <= at);
        let (marker, secret) =
            (self.markers.get(marker), self.secrets.get(secret).map(|secret| &secret.range));
        marker
            .into_iter()
            .chain(secret)
            .min_by_key(|range| range.start)
            .cloned()
            .unwrap_or(usize::MAX..usize::MAX)
    }
}

/// Where redaction was at work before.
fn markers(text: &str, found: &[(Range<usize>, Anchor)]) -> Vec<Range<usize>> {
    let begins = found.iter().filter(|(_, anchor)| matches!(anchor, Anchor::Marker));
    begins.filter_map(|(range, _)| marker_at(text, range.start)).collect()
}

/// The marker that begins here.
fn marker_at(text: &str, start: usize) -> Option<Range<usize>> {
    const LONGEST_KIND: usize = 40;
    let rest = text[start..].strip_prefix(MARKER)?;
    let is_kind = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    let kind = rest.bytes().take(LONGEST_KIND).take_while(is_kind).count();
    let digits = rest[kind..].strip_prefix(":sha256-")?;
    let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    let count = digits.bytes().take(DIGITS).take_while(is_digit).count();
    let is_closed = count == DIGITS && digits[count..].starts_with(']');
    is_closed.then(|| start..text.len() - digits.len() + DIGITS + 1)
}

#[cfg(test)]
mod tests;
