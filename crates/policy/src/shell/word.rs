//! Words: quotes removed, braces expanded, substitutions found.

use rable::{Node as Parsed, NodeKind};

use super::{
    parse::{self, SyntaxProblem, parse_words},
    substitution,
    syntax::{Arithmetic, Assignment, Connector, Node, Parameter, Piece, Value, Word},
};

/// How many words one word's braces may become.
pub(super) const MOST_WORDS: usize = 256;
/// How many braces of one word are expanded; each doubles the words, unless it stands for one alone.
const MOST_BRACES: usize = 32;

/// A word as the shell splits its braces, in order.
pub(super) fn words(parsed: &Parsed) -> Result<Vec<Word>, SyntaxProblem> {
    let NodeKind::Word { value, .. } = &parsed.kind else { return Ok(vec![word(parsed)?]) };
    if !value.contains('{') || !(value.contains(',') || value.contains("..")) {
        return Ok(vec![word(parsed)?]);
    }
    let mut expanded = Vec::new();
    braces(value, &mut expanded, 0)?;
    if expanded.len() == 1 {
        return Ok(vec![word(parsed)?]);
    }
    let mut words = Vec::new();
    for text in expanded {
        // What has no braces any more is read like any word.
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./+:@%,".contains(&byte)) {
            words.push(Word { pieces: vec![Piece::Literal { text, is_quoted: false }] });
        } else {
            words.extend(parse_words(&text)?);
        }
    }
    Ok(words)
}

/// A word without its braces expanded.
pub(super) fn word(parsed: &Parsed) -> Result<Word, SyntaxProblem> {
    match &parsed.kind {
        NodeKind::Word { value, parts, .. } => from_parts(value, parts),
        NodeKind::WordLiteral { value } => {
            let mut reader = Reader::default();
            reader.literal(value);
            Ok(reader.word)
        }
        _ => Err(SyntaxProblem("it holds something else where a word is expected".to_owned())),
    }
}

/// What stands in `[[ ]]`.
pub(super) fn term(text: &str) -> Result<Word, SyntaxProblem> {
    match parse_words(text) {
        Ok(words) if words.len() == 1 => Ok(words.into_iter().next().unwrap_or_default()),
        // A pattern or an expression; only what it runs matters.
        _ => Ok(substitution::quoted_word(text)?),
    }
}

/// The body of a here-document in which things are substituted.
pub(super) fn here_document(text: &str) -> Result<Word, SyntaxProblem> {
    if !text.contains(['$', '`', '\\']) {
        return Ok(Word::literal(text));
    }
    Ok(substitution::quoted_word(text)?)
}

/// `name=…`, `name+=…`, `name[…]=…`; `None` when it is something else.
pub(super) fn assignment(text: &str, parsed: &Parsed) -> Result<Option<Assignment>, SyntaxProblem> {
    let name_length =
        text.find(|next: char| !(next.is_ascii_alphanumeric() || next == '_')).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(name_length);
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(None);
    }
    let mut subscript = None;
    if rest.starts_with('[') {
        let Some(end) = rest.find("]=").or_else(|| rest.find("]+=")) else { return Ok(None) };
        // What is substituted in it stands in the word too.
        let names = substitution::names(&rest[..end]);
        subscript = Some(Arithmetic { programs: Vec::new(), names });
        rest = &rest[end + 1..];
    }
    let is_appended = rest.starts_with('+');
    let Some(value) = rest.strip_prefix("+=").or_else(|| rest.strip_prefix('=')) else { return Ok(None) };
    let name = name.to_owned();
    if let Some(elements) = value.strip_prefix('(').and_then(|value| value.strip_suffix(')')) {
        let value = parse::array(&elements.replace('\n', " "))?;
        return Ok(Some(Assignment { name, is_appended, subscript, value }));
    }
    let mut word = word(parsed)?;
    let mut cut = text.len() - value.len();
    while cut > 0 {
        let Some(Piece::Literal { text, .. }) = word.pieces.first_mut() else { break };
        let taken = cut.min(text.len());
        if !text.is_char_boundary(taken) {
            return Ok(None);
        }
        text.drain(..taken);
        cut -= taken;
        if text.is_empty() {
            word.pieces.remove(0);
        }
    }
    if cut > 0 && subscript.is_none() {
        return Ok(None);
    }
    Ok(Some(Assignment { name, is_appended, subscript, value: Value::Word(word) }))
}

/// `name=…` as an argument of `export` and the like.
pub(super) fn declared(word: &Word) -> Option<Assignment> {
    let Some(Piece::Literal { text, .. }) = word.pieces.first() else { return None };
    let (name, value) = text.split_once('=')?;
    let (name, is_appended) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|next| next.is_ascii_alphanumeric() || next == '_')
            && !text.starts_with(|first: char| first.is_ascii_digit())
    };
    if !is_name(name) {
        return None;
    }
    if let (Some(elements), 1) =
        (value.strip_prefix('(').and_then(|text| text.strip_suffix(')')), word.pieces.len())
    {
        let value = parse::array(elements).ok()?;
        return Some(Assignment { name: name.to_owned(), is_appended, subscript: None, value });
    }
    let mut rest = word.clone();
    if let Some(Piece::Literal { text, .. }) = rest.pieces.first_mut() {
        *text = value.to_owned();
    }
    let subscript = value.starts_with('(').then(Arithmetic::default);
    Some(Assignment { name: name.to_owned(), is_appended, subscript, value: Value::Word(rest) })
}

fn from_parts(raw: &str, parts: &[Parsed]) -> Result<Word, SyntaxProblem> {
    let reader = Reader::read(raw, parts)?;
    if !reader.has_unread {
        return Ok(reader.word);
    }
    // Deep within others the parser leaves substitutions as they are; alone it reads them.
    let parsed = rable::parse(&format!(": {raw}"), true).map_err(|error| SyntaxProblem(error.to_string()))?;
    if let [Parsed { kind: NodeKind::Command { words, .. }, .. }] = parsed.as_slice()
        && let [_, Parsed { kind: NodeKind::Word { value, parts, .. }, .. }] = words.as_slice()
    {
        let reader = Reader::read(value, parts)?;
        if !reader.has_unread {
            return Ok(reader.word);
        }
    }
    Err(SyntaxProblem(format!("{raw:?} holds something that is substituted and cannot be read")))
}

/// Reads the parts of a word; whether they stand in double quotes is known only from those before.
#[derive(Default)]
struct Reader {
    word: Word,
    in_quotes: bool,
    /// Plain text of the parser's holds what a shell substitutes.
    has_unread: bool,
}

impl Reader {
    fn read(raw: &str, parts: &[Parsed]) -> Result<Self, SyntaxProblem> {
        let mut reader = Self::default();
        for part in parts {
            reader.part(raw, part)?;
        }
        if parts.is_empty() {
            reader.literal(raw);
        }
        Ok(reader)
    }

    fn part(&mut self, raw: &str, part: &Parsed) -> Result<(), SyntaxProblem> {
        let is_quoted = self.in_quotes;
        let piece = match &part.kind {
            NodeKind::WordLiteral { value } => {
                self.literal(value);
                return Ok(());
            }
            NodeKind::BraceExpansion { content } => {
                // Not expanded here: braces in a place where they mean nothing, or ones that were left alone.
                self.literal(content);
                if content.contains(['$', '`']) {
                    let programs = substitution::inside(content)?;
                    let beside = programs.into_iter().map(|program| (program, Connector::Background));
                    let program = Node::Sequence(beside.collect());
                    self.word
                        .pieces
                        .push(Piece::Substitution { program: Box::new(program), is_quoted: true });
                }
                return Ok(());
            }
            NodeKind::AnsiCQuote { decoded, .. } => Piece::Literal { text: decoded.clone(), is_quoted: true },
            NodeKind::LocaleString { inner, .. } => {
                let words = parse_words(&format!("\"{inner}\""))?;
                self.word.pieces.extend(words.into_iter().flat_map(|word| word.pieces));
                return Ok(());
            }
            NodeKind::ParamExpansion { param, op, arg } => {
                let parameter = parameter(param, op.as_deref(), arg.as_deref(), is_quoted)?;
                Piece::Parameter { parameter, is_quoted }
            }
            NodeKind::ParamIndirect { param, op, arg } => {
                let parameter = parameter(param, op.as_deref(), arg.as_deref(), is_quoted)?;
                Piece::Parameter { parameter: Parameter { is_indirect: true, ..parameter }, is_quoted }
            }
            NodeKind::ParamLength { param } => {
                let parameter = parameter(param, None, None, is_quoted)?;
                Piece::Parameter { parameter: Parameter { is_length: true, ..parameter }, is_quoted }
            }
            NodeKind::CommandSubstitution { command, .. } => {
                let program = Box::new(parse::node_of(command)?);
                Piece::Substitution { program, is_quoted }
            }
            NodeKind::ProcessSubstitution { direction, command } => {
                let program = Box::new(parse::node_of(command)?);
                Piece::Process { program, is_output: direction == ">" }
            }
            NodeKind::ArithmeticExpansion { .. } | NodeKind::ArithDeprecated { .. } => {
                if substitution::has_disguised_command(raw) {
                    return Err(SyntaxProblem("it holds a command that looks like arithmetic".to_owned()));
                }
                let has_program = raw.contains('`') || raw.replace("$((", "").contains("$(");
                let programs = if has_program { substitution::inside(raw)? } else { Vec::new() };
                Piece::Arithmetic(Arithmetic { programs, names: substitution::names(raw) })
            }
            _ => Piece::Opaque,
        };
        self.word.pieces.push(piece);
        Ok(())
    }

    /// Plain text with its quotes.
    fn literal(&mut self, raw: &str) {
        let mut characters = raw.chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => {
                    self.in_quotes = !self.in_quotes;
                    self.push("", true);
                }
                '\\' if self.in_quotes => match characters.next() {
                    Some('\n') => {}
                    Some(next @ ('$' | '`' | '"' | '\\')) => self.push_one(next, true),
                    Some(next) => {
                        self.push_one('\\', true);
                        self.push_one(next, true);
                    }
                    None => self.push_one('\\', true),
                },
                '\\' => match characters.next() {
                    Some('\n') => {}
                    next => self.push_one(next.unwrap_or('\\'), true),
                },
                '\'' if !self.in_quotes => {
                    let quoted: String = characters.by_ref().take_while(|next| *next != '\'').collect();
                    self.push(&quoted, true);
                }
                other => {
                    let next = characters.as_str().chars().next();
                    self.has_unread |= is_substituted(other, next);
                    self.push_one(other, self.in_quotes);
                }
            }
        }
    }

    fn push_one(&mut self, character: char, quoted: bool) {
        self.push(character.encode_utf8(&mut [0; 4]), quoted);
    }

    fn push(&mut self, more: &str, quoted: bool) {
        match self.word.pieces.last_mut() {
            Some(Piece::Literal { text, is_quoted }) if *is_quoted == quoted => text.push_str(more),
            _ => self.word.pieces.push(Piece::Literal { text: more.to_owned(), is_quoted: quoted }),
        }
    }
}

/// Whether a substitution begins with this character and the next.
fn is_substituted(character: char, next: Option<char>) -> bool {
    match character {
        '`' => true,
        '$' => next.is_some_and(|next| next.is_ascii_alphanumeric() || "_({@*#?-!$".contains(next)),
        _ => false,
    }
}

fn parameter(
    param: &str,
    operator: Option<&str>,
    argument: Option<&str>,
    in_quotes: bool,
) -> Result<Parameter, SyntaxProblem> {
    let (name, subscript) = match param.split_once('[') {
        Some((name, rest)) => (name, Some(rest)),
        None => (param, None),
    };
    let mut inside = subscript.map_or(Ok(Arithmetic::default()), substitution::arithmetic)?;
    if operator == Some(":") {
        inside.names.extend(argument.map(substitution::names).unwrap_or_default());
    }
    let argument = argument.map(|text| argument_word(text, in_quotes)).transpose()?;
    Ok(Parameter {
        name: name.to_owned(),
        subscript: subscript.map(|text| text.trim_end_matches(']').to_owned()),
        is_indirect: false,
        is_length: false,
        operator: operator.map(str::to_owned),
        argument,
        inside,
    })
}

/// What stands behind the operator in `${name:-…}`.
fn argument_word(text: &str, in_quotes: bool) -> Result<Word, SyntaxProblem> {
    if !text.contains(['$', '`', '\'', '"', '\\', '<', '>']) {
        return Ok(Word { pieces: vec![Piece::Literal { text: text.to_owned(), is_quoted: in_quotes }] });
    }
    let plain = if in_quotes && !text.contains('"') { format!("\"{text}\"") } else { text.to_owned() };
    let Ok(words) = parse_words(&plain) else { return Ok(substitution::quoted_word(text)?) };
    let mut joined = Word::default();
    for (at, word) in words.into_iter().enumerate() {
        if at > 0 {
            joined.pieces.push(Piece::Literal { text: " ".to_owned(), is_quoted: in_quotes });
        }
        joined.pieces.extend(word.pieces);
    }
    Ok(joined)
}

/// Expands the first braces of a word, then the rest, and gives the texts in order.
pub(super) fn braces(text: &str, expanded: &mut Vec<String>, depth: usize) -> Result<(), SyntaxProblem> {
    if expanded.len() >= MOST_WORDS || depth > MOST_BRACES {
        return Err(SyntaxProblem(format!("its braces become more than {MOST_WORDS} words")));
    }
    let Some((before, alternatives, after)) = first_braces(text) else {
        expanded.push(text.to_owned());
        return Ok(());
    };
    for alternative in alternatives {
        braces(&format!("{before}{alternative}{after}"), expanded, depth + 1)?;
    }
    Ok(())
}

/// The first braces that mean alternatives, with what stands before and behind them.
fn first_braces(text: &str) -> Option<(&str, Vec<String>, &str)> {
    let quoted = quoted_bytes(text);
    let plain = |at: usize| !quoted[at];
    for (open, _) in text.match_indices('{').filter(|(at, _)| plain(*at)) {
        if text[..open].ends_with('$') {
            continue;
        }
        let mut depth = 0_usize;
        let mut commas = Vec::new();
        for (at, character) in text[open..].char_indices().map(|(at, character)| (open + at, character)) {
            match character {
                _ if !plain(at) => {}
                '{' => depth += 1,
                ',' if depth == 1 => commas.push(at),
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        let inner = &text[open + 1..at];
                        let alternatives =
                            if commas.is_empty() { range(inner) } else { Some(cut(text, open, &commas, at)) };
                        if let Some(alternatives) = alternatives {
                            return Some((&text[..open], alternatives, &text[at + 1..]));
                        }
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    None
}

fn cut(text: &str, open: usize, commas: &[usize], close: usize) -> Vec<String> {
    let mut from = open + 1;
    let mut alternatives = Vec::new();
    for end in commas.iter().copied().chain([close]) {
        alternatives.push(text[from..end].to_owned());
        from = end + 1;
    }
    alternatives
}

/// `a..e`, `1..10`, `1..10..2`
fn range(inner: &str) -> Option<Vec<String>> {
    let mut ends = inner.split("..");
    let (from, to, step) = (ends.next()?, ends.next()?, ends.next());
    if ends.next().is_some() {
        return None;
    }
    let step =
        step.map_or(Some(1), |step| step.parse::<i64>().ok()).map(|step| step.unsigned_abs().max(1))?;
    let step = usize::try_from(step).ok()?;
    let numbers =
        |low: i64, high: i64| -> Vec<i64> { (low..=high).step_by(step).take(MOST_WORDS + 1).collect() };
    if let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) {
        let mut all = numbers(from.min(to), from.max(to));
        if from > to {
            all.reverse();
        }
        return Some(all.into_iter().map(|number| number.to_string()).collect());
    }
    let letter = |text: &str| text.chars().next().filter(|_| text.chars().count() == 1);
    let (from, to) = (letter(from)?, letter(to)?);
    let all: Vec<String> =
        (from.min(to)..=from.max(to)).step_by(step).take(MOST_WORDS + 1).map(String::from).collect();
    Some(if from > to { all.into_iter().rev().collect() } else { all })
}

/// By byte, whether it stands in quotes, an escape or a substitution, where braces mean nothing.
pub(super) fn quoted_bytes(text: &str) -> Vec<bool> {
    let mut quoted = vec![false; text.len()];
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'\\' => at + 2,
            b'\'' => closing(bytes, at + 1, b'\''),
            b'"' => closing(bytes, at + 1, b'"'),
            b'`' => closing(bytes, at + 1, b'`'),
            b'$' if matches!(bytes.get(at + 1), Some(b'(')) => balanced(bytes, at + 1, b'(', b')'),
            b'$' if matches!(bytes.get(at + 1), Some(b'{')) => balanced(bytes, at + 1, b'{', b'}'),
            _ => {
                at += 1;
                continue;
            }
        };
        quoted[at..end.min(bytes.len())].fill(true);
        at = end;
    }
    quoted
}

fn closing(bytes: &[u8], from: usize, quote: u8) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' && quote != b'\'' { 2 } else { 1 };
    }
    at + 1
}

fn balanced(bytes: &[u8], from: usize, open: u8, close: u8) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        braces(text, &mut all, 0).expect("not too many");
        all
    }

    #[test]
    fn braces_become_words_as_in_the_shell() {
        assert_eq!(expanded("a{b,c}d"), ["abd", "acd"]);
        assert_eq!(expanded("{a,b{1,2}}"), ["a", "b1", "b2"]);
        assert_eq!(expanded("{1..3}"), ["1", "2", "3"]);
        assert_eq!(expanded("{c..a}"), ["c", "b", "a"]);
        assert_eq!(expanded("{rm,-rf,x}"), ["rm", "-rf", "x"]);
        for alone in ["{a}", "'{a,b}'", "\\{a,b}", "${a,b}", "$(x {a,b})", "{a,b"] {
            assert_eq!(expanded(alone), [alone]);
        }
    }

    #[test]
    fn too_many_words_are_refused() {
        let mut all = Vec::new();
        assert!(braces("{1..100000}", &mut all, 0).is_err());
    }
}
