//! What an authorization header carries.

use std::ops::Range;

use super::{
    Secret,
    alphabet::{Alphabet, begins_word},
    value,
};

/// The token behind `Bearer`.
pub(super) fn bearer(text: &str, found: Range<usize>) -> Option<Secret> {
    let blanks = text.as_bytes()[found.end..].iter().take(8).take_while(|byte| **byte == b' ').count();
    let range = Alphabet::Header.run(text, found.end + blanks);
    let token = &text[range.clone()];
    let is_token = blanks > 0
        && begins_word(text, found.start)
        && token.len() >= 16
        && token.bytes().any(|byte| byte.is_ascii_digit())
        && value::may_be_secret(token)
        && value::is_random(token);
    is_token.then_some(Secret { range, kind: "bearer-token" })
}

/// The login behind `Basic`: base64 of a name, a colon and a password.
pub(super) fn basic(text: &str, found: Range<usize>) -> Option<Secret> {
    let range = Alphabet::Base64.run(text, found.end);
    let is_login =
        begins_word(text, found.start) && (8..=1024).contains(&range.len()) && is_login(&text[range.clone()]);
    is_login.then_some(Secret { range, kind: "basic-login" })
}

/// Whether this is base64 of printable characters with a colon among them.
fn is_login(encoded: &str) -> bool {
    let (mut bits, mut count, mut colons) = (0_u32, 0, 0);
    for byte in encoded.bytes().take_while(|byte| *byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return false,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            match (bits >> count & 0xff) as u8 {
                b':' => colons += 1,
                b' '..=b'~' => {}
                _ => return false,
            }
        }
    }
    colons > 0
}
