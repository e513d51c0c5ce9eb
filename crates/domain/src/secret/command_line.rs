//! Passwords behind short flags, which only mean one behind certain programs.

use std::ops::Range;

use super::{Secret, value};

/// How far the program may stand before the flag.
const NEAR: usize = 512;

/// The password in `curl -u user:password`.
pub(super) fn user(text: &str, found: Range<usize>) -> Option<Secret> {
    let is_flag = text[found.clone()].ends_with("-u") || text[found.clone()].ends_with("user");
    if !is_flag || !stands_behind(text, found.start, &["curl"]) {
        return None;
    }
    let login = word(text, argument(text, found.end)?);
    let colon = login.start + text.get(login.clone())?.find(':')?;
    let range = colon + 1..login.end;
    (range.len() >= 4 && value::may_be_secret(&text[range.clone()]))
        .then_some(Secret { range, kind: "password" })
}

/// The password in `mysql -pPASSWORD`, or with a blank between, as in `sshpass -p PASSWORD`.
pub(super) fn password(text: &str, found: Range<usize>) -> Option<Secret> {
    let programs = ["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass", "docker login"];
    if !text[found.clone()].ends_with("-p") || !stands_behind(text, found.start, &programs) {
        return None;
    }
    let is_apart = text.as_bytes().get(found.end).is_some_and(|byte| matches!(byte, b' ' | b'='));
    let range = word(text, if is_apart { argument(text, found.end)? } else { found.end });
    let password = text.get(range.clone())?;
    // With a blank between it may be the name of a database.
    let has_digit = password.bytes().any(|byte| byte.is_ascii_digit());
    let is_secret = range.len() >= 4 && value::may_be_secret(password) && (has_digit || !is_apart);
    is_secret.then_some(Secret { range, kind: "password" })
}

/// Where the argument behind a flag begins: after blanks or an equals sign.
fn argument(text: &str, at: usize) -> Option<usize> {
    let blanks = text.as_bytes()[at..].iter().take(8).take_while(|byte| matches!(byte, b' ' | b'=')).count();
    (blanks > 0).then_some(at + blanks)
}

/// The word that begins here, without its quotes.
fn word(text: &str, at: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let quote = bytes.get(at).copied().filter(|byte| matches!(byte, b'"' | b'\''));
    let start = at + usize::from(quote.is_some());
    let ends = |byte: u8| {
        quote.map_or(byte <= b' ' || b"\"'`\\;|&<>".contains(&byte), |quote| byte == quote || byte == b'\n')
    };
    start..start + bytes[start..].iter().take(NEAR).take_while(|byte| !ends(**byte)).count()
}

/// Whether one of these programs stands before, in the same command.
fn stands_behind(text: &str, at: usize, programs: &[&str]) -> bool {
    let near = &text.as_bytes()[at.saturating_sub(NEAR)..at];
    let command = near.iter().rposition(|byte| b"\n;|&".contains(byte)).map_or(near, |end| &near[end + 1..]);
    programs.iter().any(|program| {
        memchr::memmem::find_iter(command, program.as_bytes()).any(|found| {
            let before = found.checked_sub(1).map(|before| command[before]);
            let after = command.get(found + program.len());
            before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'_' && byte != b'-')
                && after.is_none_or(|byte| *byte == b' ')
        })
    })
}
