//! Secrets that are known by how they are built, or by the address they stand in.

use std::ops::Range;

use super::{
    Secret,
    alphabet::{Alphabet, begins_word, ends_word},
    value,
};

/// A JSON web token: header, payload and signature, each base64 of which the first two begin with a brace.
pub(super) fn jwt(text: &str, start: usize) -> Option<Secret> {
    const LENGTHS: [(usize, usize); 3] = [(10, 512), (10, usize::MAX), (16, usize::MAX)];
    if !text[start..].starts_with("eyJ") || !begins_word(text, start) {
        return None;
    }
    let mut end = start;
    for (part, (least, most)) in LENGTHS.into_iter().enumerate() {
        if part > 0 {
            if text.as_bytes().get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let run = Alphabet::Url.run_up_to(text, end, most);
        if run.len() < least || (part < 2 && !text[run.clone()].starts_with("eyJ")) {
            return None;
        }
        end = run.end;
    }
    Some(Secret { range: start..end, kind: "jwt" })
}

/// The password in an address, or the token that stands where a user does. `start` is where the authority begins.
pub(super) fn url_password(text: &str, start: usize) -> Option<Secret> {
    const LONGEST: usize = 512;
    let ends = |byte: &u8| {
        byte.is_ascii_whitespace() || byte.is_ascii_control() || b"/?#\"'`<>\\,;()".contains(byte)
    };
    let authority = text.as_bytes()[start..].iter().take(LONGEST).take_while(|byte| !ends(byte)).count();
    let authority = text.get(start..start + authority)?;
    let login = &authority[..authority.rfind('@')?];
    let (range, is_secret) = match login.find(':') {
        Some(colon) => {
            let password = &login[colon + 1..];
            (start + colon + 1..start + login.len(), value::may_be_secret(password) && password != "password")
        }
        None => (start..start + login.len(), login.len() >= 20 && value::is_random(login)),
    };
    is_secret.then_some(Secret { range, kind: "url-password" })
}

/// A bot's token: its number, a colon, and 35 characters that begin with `AA`.
pub(super) fn telegram(text: &str, colon: usize) -> Option<Secret> {
    let digits =
        text.as_bytes()[..colon].iter().rev().take(11).take_while(|byte| byte.is_ascii_digit()).count();
    let start = colon - digits;
    let run = Alphabet::Url.run(text, colon + 1);
    let is_begun = begins_word(text, start) || text[..start].ends_with("bot");
    let is_token = (8..=10).contains(&digits)
        && is_begun
        && run.len() == 35
        && text[run.clone()].starts_with("AA")
        && value::is_random(&text[run.clone()]);
    is_token.then_some(Secret { range: start..run.end, kind: "telegram-token" })
}

/// The tokens of bots: a number in base64, which begins with M, N or O, six characters, and at least 27 more.
pub(super) fn discord_tokens(text: &str) -> impl Iterator<Item = Secret> {
    let mut done = 0;
    memchr::memchr_iter(b'.', text.as_bytes()).filter_map(move |dot| {
        if text.as_bytes().get(dot + 7) != Some(&b'.') {
            return None;
        }
        let id = Alphabet::Url.run_before(text, dot, 29);
        let (middle, rest) = (Alphabet::Url.run(text, dot + 1), Alphabet::Url.run(text, dot + 8));
        let is_token = (23..=28).contains(&id.len())
            && id.start >= done
            && text[id.start..].starts_with(['M', 'N', 'O'])
            && begins_word(text, id.start)
            && middle.len() == 6
            && (27..=40).contains(&rest.len())
            && ends_word(text, rest.end);
        is_token.then(|| {
            done = rest.end;
            Secret { range: id.start..rest.end, kind: "discord-token" }
        })
    })
}

/// What follows the number in the address of a webhook.
pub(super) fn discord_webhook(text: &str, start: usize) -> Option<Secret> {
    let id = text.as_bytes()[start..].iter().take(21).take_while(|byte| byte.is_ascii_digit()).count();
    let slash = start + id;
    if id < 17 || text.as_bytes().get(slash) != Some(&b'/') {
        return None;
    }
    let range = Alphabet::Url.run(text, slash + 1);
    (range.len() >= 60).then_some(Secret { range, kind: "discord-webhook" })
}

/// What follows the host in the address of a webhook.
pub(super) fn slack_webhook(text: &str, start: usize) -> Option<Secret> {
    let bytes = text.as_bytes()[start..].iter();
    let length = bytes.take(120).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'/').count();
    let range = start..start + length;
    let is_whole = text[range.clone()].split('/').filter(|part| part.len() >= 8).count() == 3;
    is_whole.then_some(Secret { range, kind: "slack-webhook" })
}

/// The secret of an application: three characters, a digit, `Q~`, and 31 to 34 more.
pub(super) fn azure_secret(text: &str, q: usize) -> Option<Secret> {
    let is_of_it = |byte: &u8| Alphabet::Dotted.contains(*byte) || *byte == b'~';
    let start = q.checked_sub(4).filter(|start| text.is_char_boundary(*start))?;
    let before = &text.as_bytes()[start..q];
    let rest = text.as_bytes()[q + 2..].iter().take(36).take_while(|byte| is_of_it(byte)).count();
    let is_secret = text[q..].starts_with("Q~")
        && before[3].is_ascii_digit()
        && before[..3].iter().all(is_of_it)
        && (31..=34).contains(&rest)
        // What stands before it is no part of it, or what a marker leaves over would be another.
        && !text.as_bytes()[..start].last().is_some_and(is_of_it);
    is_secret.then_some(Secret { range: start..q + 2 + rest, kind: "azure-secret" })
}

/// The signature in a shared access address.
pub(super) fn azure_signature(text: &str, found: Range<usize>) -> Option<Secret> {
    const LONGEST: usize = 512;
    if !text[..found.start].ends_with(['?', '&']) {
        return None;
    }
    let range = Alphabet::Base64.run_up_to(text, found.end, LONGEST);
    (range.len() >= 40).then_some(Secret { range, kind: "azure-signature" })
}
