//! Private keys as armoured blocks: PEM, OpenSSH and PGP; with line ends as they are, or escaped as in JSON.

use super::Secret;

/// Longer than any key.
const LONGEST: usize = 64 * 1024;

/// The block that begins here. One whose end is missing is secret as far as it goes.
pub(super) fn secret(text: &str, start: usize) -> Option<Secret> {
    let label = text[start..].strip_prefix("-----BEGIN ")?;
    let is_label = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let length = label.bytes().take(40).take_while(is_label).count();
    let (label, rest) = label.split_at(length);
    let is_private = label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK");
    let body = rest.strip_prefix("-----").filter(|_| is_private)?;
    let near = &body.as_bytes()[..body.len().min(LONGEST)];
    let closing = format!("-----END {label}-----");
    let length = match memchr::memmem::find(near, closing.as_bytes()) {
        // Another block may begin before; then this one was cut off.
        Some(end) if memchr::memmem::find(&near[..end], b"-----BEGIN ").is_none() => end + closing.len(),
        _ => near.iter().take_while(|byte| is_armour(**byte)).count(),
    };
    let is_empty = near[..length].iter().filter(|byte| byte.is_ascii_alphanumeric()).count() < 32;
    let begin = text.len() - body.len();
    (!is_empty).then_some(Secret { range: start..begin + length, kind: "private-key" })
}

const fn is_armour(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte.is_ascii_whitespace()
        || matches!(byte, b'+' | b'/' | b'=' | b'\\' | b':' | b',' | b'(' | b')' | b'.')
}
