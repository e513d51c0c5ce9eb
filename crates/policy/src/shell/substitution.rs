//! Substitutions in text that the parser leaves as it is: bodies of here-documents, arithmetic, subscripts.

use super::{
    parse::parse_here,
    syntax::{Arithmetic, Node, Piece, Word},
};

/// A substitution begins and its end cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unread;

/// How many places are tried as the end of one substitution.
const MOST_TRIES: usize = 64;

/// The commands that are substituted anywhere in a text where quotes mean nothing.
pub(super) fn inside(text: &str) -> Result<Vec<Node>, Unread> {
    let mut nodes = Vec::new();
    let mut at = 0;
    while let Some(found) = next(text, at) {
        match found {
            Found::Skip(to) => at = to,
            Found::Program(start) => {
                let (node, end) = program(text, start)?;
                nodes.push(node);
                at = end;
            }
            Found::Backtick(start) => {
                let (node, end) = backtick(text, start)?;
                nodes.push(node);
                at = end;
            }
        }
    }
    Ok(nodes)
}

/// An expression of numbers.
pub(super) fn arithmetic(text: &str) -> Result<Arithmetic, Unread> {
    let programs = if text.contains(['`', '$']) { inside(text)? } else { Vec::new() };
    Ok(Arithmetic { programs, names: names(text) })
}

/// The names in an expression, without numbers.
pub(super) fn names(text: &str) -> Vec<String> {
    let is_part = |next: char| next.is_ascii_alphanumeric() || next == '_';
    let mut names: Vec<String> = text
        .split(|next: char| !is_part(next))
        .filter(|word| word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_'))
        .map(str::to_owned)
        .collect();
    names.extend(parameters(text));
    names.sort_unstable();
    names.dedup();
    names
}

/// The positional parameters in an expression: `$1`, `${1}`, `$@`.
fn parameters(text: &str) -> impl Iterator<Item = String> {
    text.split('$').skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let digits = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
        match rest.chars().next()? {
            first @ ('@' | '*') => Some(first.to_string()),
            _ if digits > 0 => Some(rest[..digits].to_owned()),
            _ => None,
        }
    })
}

/// A text where quotes mean nothing, as a word: what stands between substitutions is literal.
pub(super) fn quoted_word(text: &str) -> Result<Word, Unread> {
    let mut word = Word::default();
    let mut literal_from = 0;
    let mut at = 0;
    while let Some(found) = next(text, at) {
        let (start, (node, end)) = match found {
            Found::Skip(to) => {
                at = to;
                continue;
            }
            Found::Program(start) => (start - 2, program(text, start)?),
            Found::Backtick(start) => (start - 1, backtick(text, start)?),
        };
        push_literal(&mut word, &text[literal_from..start]);
        word.pieces.push(Piece::Substitution { program: Box::new(node), is_quoted: true });
        (at, literal_from) = (end, end);
    }
    push_literal(&mut word, &text[literal_from..]);
    Ok(word)
}

/// Text between substitutions; a variable in it makes it unknown.
fn push_literal(word: &mut Word, text: &str) {
    let has_variable = text.match_indices('$').any(|(at, _)| {
        let escaped = text[..at].ends_with('\\');
        let next = text[at + 1..].chars().next();
        !escaped && next.is_some_and(|next| next.is_ascii_alphanumeric() || "_{*@#?-!$".contains(next))
    });
    if has_variable {
        word.pieces.push(Piece::Opaque);
    }
    let text = text.replace("\\$", "$").replace("\\`", "`").replace("\\\\", "\\").replace("\\\n", "");
    word.pieces.push(Piece::Literal { text, is_quoted: true });
}

enum Found {
    /// Nothing begins here; go on there.
    Skip(usize),
    /// A program begins here, behind `$(`.
    Program(usize),
    /// A program begins here, behind a backtick.
    Backtick(usize),
}

fn next(text: &str, from: usize) -> Option<Found> {
    let rest = &text[from..];
    let at = from + rest.find(['\\', '$', '`'])?;
    let bytes = text.as_bytes();
    Some(match bytes[at] {
        b'\\' => Found::Skip(after_next(text, at)),
        b'`' => Found::Backtick(at + 1),
        // What stands in `$((` is arithmetic, and substitutions in it are found on the way.
        _ if is_arithmetic(&text[at..]) => Found::Skip(at + 3),
        _ if text[at..].starts_with("$(") => Found::Program(at + 2),
        _ => Found::Skip(at + 1),
    })
}

/// Whether a text begins with `$((` and the brackets close together; the shell takes `$((a); (b))` for a command.
fn is_arithmetic(text: &str) -> bool {
    let Some(inside) = text.strip_prefix("$((") else { return false };
    let mut open = 2_usize;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        if open == 1 {
            return inside[at + 1..].starts_with(')');
        }
    }
    true
}

/// Whether something in it looks like arithmetic and is a command.
pub(super) fn has_disguised_command(text: &str) -> bool {
    text.match_indices("$((").any(|(at, _)| !is_arithmetic(&text[at..]))
}

/// Behind a backslash and the character it stands before.
fn after_next(text: &str, at: usize) -> usize {
    at + 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8)
}

/// The program that begins here and ends at the first bracket before which it is whole.
fn program(text: &str, start: usize) -> Result<(Node, usize), Unread> {
    for (offset, _) in text[start..].match_indices(')').take(MOST_TRIES) {
        let body = &text[start..start + offset];
        if let Ok(node) = parse_here(body) {
            // A bracket within a comment ends nothing.
            let in_comment = body.rsplit('\n').next().is_some_and(|line| line.contains('#'));
            return if in_comment { Err(Unread) } else { Ok((node, start + offset + 1)) };
        }
    }
    Err(Unread)
}

fn backtick(text: &str, start: usize) -> Result<(Node, usize), Unread> {
    let mut at = start;
    let mut body = String::new();
    let rest = text.as_bytes();
    while at < rest.len() {
        match rest[at] {
            b'`' => {
                let node = parse_here(&body).map_err(|_| Unread)?;
                return Ok((node, at + 1));
            }
            b'\\' if matches!(rest.get(at + 1), Some(b'`' | b'\\' | b'$')) => {
                body.push(char::from(rest[at + 1]));
                at += 2;
            }
            _ => {
                let character = text[at..].chars().next().ok_or(Unread)?;
                body.push(character);
                at += character.len_utf8();
            }
        }
    }
    Err(Unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutions_end_where_they_are_whole() {
        for (text, count) in [
            ("1 + $(a) + $(b)", 2),
            ("$(case x in a) b;; esac)", 1),
            ("$(echo \")\")", 1),
            ("`a \\`b\\``", 1),
            ("\\$(a) \\`b", 0),
            ("$((1 + $(a)))", 1),
            ("${x:-$(a)}", 1),
        ] {
            assert_eq!(inside(text).map(|nodes| nodes.len()), Ok(count), "{text}");
        }
    }

    #[test]
    fn one_without_an_end_is_not_read() {
        assert_eq!(inside("$(a"), Err(Unread));
        assert_eq!(inside("`a"), Err(Unread));
    }
}
