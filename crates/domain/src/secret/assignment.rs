//! Values under a name that says they are secret: in environments, JSON, YAML, code, markup and on command lines.

use std::ops::Range;

use super::{
    Secret,
    value::{self, Sureness},
};

/// Names that end like this name secrets of this kind.
pub(super) const NAMES: &[(&str, &str)] = &[
    ("password", PASSWORD),
    ("passwd", PASSWORD),
    ("passphrase", PASSWORD),
    ("pwd", PASSWORD),
    ("secret", "secret"),
    ("secret_key_base", "secret"),
    ("token", "token"),
    ("api_key", "api-key"),
    ("api-key", "api-key"),
    ("apikey", "api-key"),
    ("access_key", "key"),
    ("access-key", "key"),
    ("accesskey", "key"),
    ("account_key", "key"),
    ("accountkey", "key"),
    ("secret_key", "key"),
    ("secret-key", "key"),
    ("secretkey", "key"),
    ("private_key", "key"),
    ("private-key", "key"),
    ("privatekey", "key"),
    ("auth_key", "key"),
    ("authkey", "key"),
    ("encryption_key", "key"),
    ("signing_key", "key"),
    ("credential", "credential"),
    ("credentials", "credential"),
    ("authorization", "authorization"),
    ("identified by", PASSWORD),
];

const PASSWORD: &str = "password";
/// How much of a value says whether it is a secret.
const TOLD: usize = 256;

/// The kind of secret that a field of this name holds.
pub(super) fn kind_of_name(name: &str) -> Option<&'static str> {
    let name = name.trim().to_ascii_lowercase();
    let named = NAMES.iter().filter(|(ending, _)| name.ends_with(ending));
    named.max_by_key(|(ending, _)| ending.len()).map(|(_, kind)| *kind)
}

/// What is assigned to the name that ends with what was found.
pub(super) fn secret(text: &str, found: Range<usize>, kind: &'static str) -> Option<Secret> {
    let start = value_start(text, found)?;
    let (range, is_quoted) = value_range(text, start, TOLD);
    let sureness = if kind == PASSWORD { Sureness::Password } else { Sureness::Drawn };
    if !value::is_assigned_secret(text.get(range)?, sureness, is_quoted) {
        return None;
    }
    let (range, _) = value_range(text, start, usize::MAX);
    Some(Secret { range, kind })
}

/// Where the value begins, behind the end of the name and what assigns: an equals sign, a colon, the end of a tag, or a blank
/// after a flag and before a quoted password of a database.
fn value_start(text: &str, found: Range<usize>) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.get(found.end..) {
        Some([next, ..]) if next.is_ascii_alphanumeric() || *next == b'_' => return None,
        Some([b'-', next, ..]) if next.is_ascii_alphanumeric() => return None,
        _ => {}
    }
    let mut at = after_quote(bytes, found.end);
    let name_end = at;
    at = after_blanks(bytes, at);
    let separated = match bytes.get(at..)? {
        [b'=', b'=', ..] | [b':', b':', ..] => return None,
        [b':', b'=', ..] | [b'=', b'>', ..] => at + 2,
        [b'=' | b':', ..] => at + 1,
        [b'>', ..] if at == found.end => at + 1,
        [b'\'', ..] if at > name_end => at,
        _ if at > name_end && is_flag(bytes, found.start) => at,
        _ => return None,
    };
    Some(after_blanks(bytes, separated))
}

/// The value that begins here, or so much of it, and whether it stands in quotes.
fn value_range(text: &str, start: usize, longest: usize) -> (Range<usize>, bool) {
    let bytes = text.as_bytes();
    let content = after_quote(bytes, start);
    let near = &bytes[content..bytes.len().min(content.saturating_add(longest))];
    if content > start {
        let quote = bytes[content - 1];
        let ends = |byte: u8| byte == quote || matches!(byte, b'\n' | b'\r');
        let length = near.iter().take_while(|byte| !ends(**byte)).count();
        // An escaped quote ends it as its backslash begins it.
        let escapes = near[..length].iter().rev().take_while(|byte| **byte == b'\\').count();
        return (content..content + length - escapes, true);
    }
    let ends = |byte: u8| {
        matches!(
            byte,
            0..=b' '
                | b'"'
                | b'\''
                | b'`'
                | b','
                | b';'
                | b')'
                | b']'
                | b'}'
                | b'<'
                | b'>'
                | b'&'
                | b'|'
                | b'\\'
                | 0x7f
        )
    };
    let length = near.iter().take_while(|byte| !ends(**byte)).count();
    (content..content + length, false)
}

/// Behind a quote that begins or ends here, escaped or not.
fn after_quote(bytes: &[u8], at: usize) -> usize {
    let escapes = bytes[at..].iter().take(4).take_while(|byte| **byte == b'\\').count();
    match bytes.get(at + escapes) {
        Some(b'"' | b'\'' | b'`') => at + escapes + 1,
        _ => at,
    }
}

/// Behind blanks, and the colours that a terminal is told.
fn after_blanks(bytes: &[u8], at: usize) -> usize {
    const MOST: usize = 32;
    let mut at = at;
    let end = bytes.len().min(at + MOST);
    while at < end {
        match bytes[at..] {
            [b' ' | b'\t', ..] => at += 1,
            [0x1b, b'[', ..] => match bytes[at..end].iter().position(|byte| *byte == b'm') {
                Some(length) => at += length + 1,
                None => return at,
            },
            _ => return at,
        }
    }
    at
}

/// Whether the name is a flag: two dashes stand before it.
fn is_flag(bytes: &[u8], end: usize) -> bool {
    const MOST: usize = 40;
    let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'-' || **byte == b'_';
    let before: Vec<u8> = bytes[..end].iter().rev().take(MOST).take_while(is_of_name).copied().collect();
    before.ends_with(b"--")
}
