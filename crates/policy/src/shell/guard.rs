//! Limits that hold before any parser sees a command: their cost is linear, the parser's is not.

use super::{parse::SyntaxProblem, word};
use crate::lookalike;

/// The longest command that is read.
pub(crate) const MOST_BYTES: usize = 32 * 1024;
/// How deep substitutions may lie within each other; the parser's time doubles with each level.
const MOST_SUBSTITUTIONS: usize = 12;
/// How deep brackets and blocks may lie within each other.
const MOST_BRACKETS: usize = 64;
/// How many words all braces together may become.
const MOST_BRACE_WORDS: usize = 16 * 1024;
/// How often the parser may hold a byte behind a brace against a quote; it tries each with each.
const MOST_BRACE_TRIES: usize = 1 << 28;
/// Up to here a command is walked where the caller stands.
const SMALL_BYTES: usize = 1024;
const SMALL_BLOCKS: usize = 12;
/// For the rest: parser and walker work on the stack.
pub(crate) const STACK_BYTES: usize = 128 * 1024 * 1024;

/// Words that open a block.
const BLOCKS: [&str; 10] =
    ["if", "while", "until", "for", "case", "select", "function", "!", "time", "coproc"];

/// Refuses what is too long, too deep, or cannot stand in a command.
pub(crate) fn check(text: &str) -> Result<(), SyntaxProblem> {
    if text.len() > MOST_BYTES {
        return Err(SyntaxProblem(format!("the command is longer than {MOST_BYTES} bytes")));
    }
    if text.contains('\0') {
        return Err(SyntaxProblem("the command contains NUL".to_owned()));
    }
    if let Some(bidi) = text.chars().find(|character| lookalike::is_direction(*character)) {
        let code = u32::from(bidi);
        return Err(SyntaxProblem(format!(
            "the command contains U+{code:04X}, which turns the text around it"
        )));
    }
    let (substitutions, brackets) = depths(text.as_bytes());
    if substitutions > MOST_SUBSTITUTIONS {
        return Err(SyntaxProblem(format!(
            "more than {MOST_SUBSTITUTIONS} substitutions lie within each other"
        )));
    }
    if brackets > MOST_BRACKETS || blocks(text) > 8 * MOST_BRACKETS {
        return Err(SyntaxProblem(format!("more than {MOST_BRACKETS} brackets lie within each other")));
    }
    if brace_words(text) > MOST_BRACE_WORDS {
        return Err(SyntaxProblem(format!("its braces become more than {MOST_BRACE_WORDS} words")));
    }
    if brace_tries(text) > MOST_BRACE_TRIES {
        return Err(SyntaxProblem("its braces and quotes are too many to read".to_owned()));
    }
    Ok(())
}

/// Small enough for the stack of whoever asks.
pub(crate) fn is_small(text: &str) -> bool {
    let (substitutions, brackets) = depths(text.as_bytes());
    text.len() <= SMALL_BYTES && substitutions + brackets + blocks(text) <= SMALL_BLOCKS
}

/// The deepest nesting of substitutions and of brackets, quotes aside, so rather too much than too little.
fn depths(bytes: &[u8]) -> (usize, usize) {
    let (mut open, mut deepest) = (0_usize, (0, 0));
    let mut substitutions = Vec::new();
    let mut backticks = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'{' => {
                open += 1;
                if at > 0 && matches!(bytes[at - 1], b'$' | b'<' | b'>') {
                    substitutions.push(open);
                }
                deepest = (deepest.0.max(substitutions.len()), deepest.1.max(open));
            }
            b')' | b'}' => {
                if substitutions.last() == Some(&open) {
                    substitutions.pop();
                }
                open = open.saturating_sub(1);
            }
            // Backticks lie within each other by backslashes, twice as many at each level.
            b'\\' if bytes.get(at + 1) == Some(&b'`') => backticks += 1,
            _ => {}
        }
    }
    (deepest.0.max(backticks / 16), deepest.1)
}

/// How many words braces can become, quotes aside, so rather too many than too few.
fn brace_words(text: &str) -> usize {
    if !text.contains('{') {
        return 0;
    }
    let words = |word: &str| {
        word.split('{').skip(1).fold(1_usize, |product, group| {
            let commas = group.bytes().filter(|byte| *byte == b',').count();
            let range = if group.contains("..") { word::MOST_WORDS } else { 1 };
            product.saturating_mul((commas + 1).max(range)).min(word::MOST_WORDS)
        })
    };
    text.split_whitespace()
        .flat_map(|line| line.split([';', '|', '&']))
        .map(words)
        .filter(|count| *count > 1)
        .sum()
}

/// How often the parser tries when it looks for the ends of braces: from each to its end, with each quote before.
fn brace_tries(text: &str) -> usize {
    let tries = |word: &str| {
        let quoted = word::quoted_bytes(word);
        let quotes = quoted.windows(2).filter(|pair| pair[0] != pair[1]).count()
            + word.bytes().filter(|byte| matches!(byte, b'\'' | b'"' | b'\\' | b'$' | b'`')).count();
        let mut open = Vec::new();
        let mut bytes = 0_usize;
        for (at, byte) in word.bytes().enumerate().filter(|(at, _)| !quoted[*at]) {
            match byte {
                b'{' => open.push(at),
                b'}' => bytes += open.pop().map_or(0, |from| at - from),
                _ => {}
            }
        }
        bytes += open.iter().map(|from| word.len() - from).sum::<usize>();
        bytes.saturating_mul(quotes + 1)
    };
    text.split_whitespace().filter(|word| word.contains('{')).map(tries).sum()
}

fn blocks(text: &str) -> usize {
    text.split(|character: char| character.is_whitespace() || character == ';')
        .filter(|word| BLOCKS.contains(word))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_what_lies_within_each_other() {
        assert_eq!(depths(b"$(a) $(b) $(c $(d))"), (2, 2));
        assert_eq!(depths(b"((((())))"), (0, 5));
        assert_eq!(depths(b"))))(("), (0, 2));
    }

    #[test]
    fn what_is_too_long_too_deep_or_turned_around_is_refused() {
        assert!(check("ls").is_ok());
        assert!(check(&"a".repeat(MOST_BYTES + 1)).is_err());
        assert!(check(&"$(".repeat(25)).is_err());
        assert!(check(&"(".repeat(65)).is_err());
        assert!(check("ls \u{202E}").is_err());
        assert!(check("a\0b").is_err());
        assert!(check(&"if ".repeat(600)).is_err());
    }
}
