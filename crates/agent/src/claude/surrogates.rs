//! JSON texts with half a surrogate pair.
//!
//! JavaScript cuts strings between the two halves of an emoji and writes the half it kept as `\ud83d`, which Rust's
//! strings cannot hold and its JSON parser refuses.

/// The text with each lone surrogate escape replaced by the replacement character; `None` when there is none.
pub(super) fn repair(json: &str) -> Option<String> {
    const REPLACEMENT: &str = "\\ufffd";
    let mut repaired = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json[at..].find('\\') {
        let start = at + found;
        at = match (unit_at(json, start), unit_at(json, start + ESCAPE)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => start + 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                repaired.push_str(&json[copied..start]);
                repaired.push_str(REPLACEMENT);
                copied = start + ESCAPE;
                copied
            }
            // A backslash and the character it escapes, whatever its width.
            _ => start + 1 + json[start + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    (copied > 0).then(|| repaired + &json[copied..])
}

/// Length of `\uXXXX`.
const ESCAPE: usize = 6;

/// The UTF-16 unit whose escape begins at `start`.
fn unit_at(json: &str, start: usize) -> Option<u16> {
    let digits = json.get(start..start + ESCAPE)?.strip_prefix("\\u")?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Option<String> {
        serde_json::from_str(json).ok()
    }

    #[test]
    fn half_a_pair_becomes_the_replacement_character() {
        for half in [r#""a\ud83d""#, r#""a\uDE00""#] {
            assert_eq!(parse(half), None, "{half}");
            assert_eq!(repair(half).as_deref().and_then(parse), Some("a\u{fffd}".to_owned()));
        }
    }

    #[test]
    fn pairs_and_escaped_backslashes_are_left_alone() {
        for whole in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\\\\ud83d""#, r#""é\né""#, r#""\"#, r#""\u00"#]
        {
            assert_eq!(repair(whole), None, "{whole}");
        }
        assert_eq!(
            repair(r#""\ud83d\ud83d\ude00""#).as_deref().and_then(parse),
            Some("\u{fffd}\u{1f600}".to_owned())
        );
    }
}
