//! What a word can become when the shell is done with it: known text, wildcards of file names, and holes.

use std::fmt;

/// One thing a word can become.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Text {
    parts: Vec<Part>,
}

/// A stretch of a [`Text`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Exactly this.
    Lit(String),
    /// An unquoted `*`: anything but a slash.
    Star,
    /// An unquoted `?` or `[…]`: one character, of the set where it is known.
    One(Option<String>),
    /// Nobody knows before it runs.
    Hole(Hole),
    /// The name of a pipe to another command, and what that command prints.
    Pipe(Box<Text>),
}

/// What is known of unknown text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Hole {
    /// Unquoted, so that it can become several words, or none.
    pub(crate) splits: bool,
    /// It can hold a slash.
    pub(crate) has_slash: bool,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Where unknown text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// It is a number, a hash, or another word without brackets, quotes and a leading dash.
    Number,
    /// A variable that was set before the call began.
    Environment,
    /// A line that `read` took.
    Line,
    /// A file, the output of a program.
    Unknown,
    /// A decoder or a download.
    Fetched,
}

/// Whether one thing is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Match {
    /// It is not.
    No,
    /// It depends on what is unknown.
    Maybe,
    /// It can be, by a wildcard that the shell expands.
    Wild,
    /// It is.
    Yes,
}

impl Hole {
    pub(crate) const UNKNOWN: Self = Self { splits: false, has_slash: true, origin: Origin::Unknown };
    /// A number, a date, a hash: one word without a slash.
    pub(crate) const TOKEN: Self = Self { splits: false, has_slash: false, origin: Origin::Unknown };
    pub(crate) const NUMBER: Self = Self { origin: Origin::Number, ..Self::TOKEN };
    pub(crate) const ENVIRONMENT: Self = Self { origin: Origin::Environment, ..Self::UNKNOWN };
    pub(crate) const FETCHED: Self = Self { splits: false, has_slash: true, origin: Origin::Fetched };
}

impl Hole {
    /// Something unknown that is made of what comes from there; it is no plain number any more.
    pub(crate) fn made_of(origin: Option<Origin>) -> Self {
        Self { origin: origin.unwrap_or(Origin::Unknown).max(Origin::Unknown), ..Self::UNKNOWN }
    }
}

impl Text {
    pub(crate) fn lit(text: impl Into<String>) -> Self {
        let text = text.into();
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Lit(text)] };
        Self { parts }
    }

    pub(crate) fn hole(hole: Hole) -> Self {
        Self { parts: vec![Part::Hole(hole)] }
    }

    pub(crate) fn pipe(output: Self) -> Self {
        Self { parts: vec![Part::Pipe(Box::new(output))] }
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Roughly the room it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let part = |part: &Part| match part {
            Part::Lit(text) => text.len(),
            Part::Pipe(output) => output.size(),
            Part::Star | Part::One(_) | Part::Hole(_) => 0,
        };
        self.parts.iter().map(|one| 4 + part(one)).sum()
    }

    pub(crate) fn push(&mut self, part: Part) {
        match (self.parts.last_mut(), part) {
            (_, Part::Lit(text)) if text.is_empty() => {}
            (Some(Part::Lit(last)), Part::Lit(text)) => last.push_str(&text),
            (_, part) => self.parts.push(part),
        }
    }

    pub(crate) fn push_lit(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Lit(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.parts.push(Part::Lit(text.to_owned())),
        }
    }

    pub(crate) fn append(&mut self, other: &Self) {
        for part in &other.parts {
            self.push(part.clone());
        }
    }

    /// The whole text where all of it is known.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Lit(text)] => Some(text),
            _ => None,
        }
    }

    /// The known text it begins with.
    pub(crate) fn prefix(&self) -> &str {
        match self.parts.first() {
            Some(Part::Lit(text)) => text,
            _ => "",
        }
    }

    /// The known text it ends with.
    pub(crate) fn suffix(&self) -> &str {
        match self.parts.last() {
            Some(Part::Lit(text)) => text,
            _ => "",
        }
    }

    /// Without its first `bytes`, which are known.
    pub(crate) fn without_prefix(&self, bytes: usize) -> Self {
        let mut parts = self.parts.clone();
        if let Some(Part::Lit(text)) = parts.first_mut() {
            text.drain(..bytes);
            if text.is_empty() {
                parts.remove(0);
            }
        }
        Self { parts }
    }

    /// Without this known beginning, where it has it.
    pub(crate) fn strip_prefix(&self, prefix: &str) -> Option<Self> {
        self.prefix().starts_with(prefix).then(|| self.without_prefix(prefix.len()))
    }

    /// Without this known ending, where it has it.
    pub(crate) fn strip_suffix(&self, suffix: &str) -> Option<Self> {
        if !self.suffix().ends_with(suffix) {
            return None;
        }
        let mut parts = self.parts.clone();
        if let Some(Part::Lit(text)) = parts.last_mut() {
            text.truncate(text.len() - suffix.len());
            if text.is_empty() {
                parts.pop();
            }
        }
        Some(Self { parts })
    }

    /// At the first such byte of its known beginning: what stands before and what behind.
    pub(crate) fn split_once(&self, separator: char) -> Option<(String, Self)> {
        let (before, _) = self.prefix().split_once(separator)?;
        Some((before.to_owned(), self.without_prefix(before.len() + separator.len_utf8())))
    }

    /// Some of it is unknown before it runs.
    pub(crate) fn has_hole(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hole(_)))
    }

    /// Some of it can be anything: it comes from a file or the output of a program.
    pub(crate) fn is_unforeseen(&self) -> bool {
        self.origin() >= Some(Origin::Line)
    }

    /// It begins with something that can be anything, an option included.
    pub(crate) fn may_be_option(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Hole(hole)) if hole.origin >= Origin::Line)
    }

    /// It begins with something unknown that can become several words, none, or an option.
    pub(crate) fn begins_unknown(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Hole(_)))
    }

    /// Something of it can become several words, or none.
    pub(crate) fn splits(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Hole(hole) if hole.splits))
    }

    /// It is `*`, every file of a folder.
    pub(crate) fn is_bare_star(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Star])
    }

    /// Where the worst of its unknown text comes from; `None` when it has none.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Hole(hole) => Some(hole.origin),
                Part::Pipe(output) => output.origin(),
                _ => None,
            })
            .max()
    }

    /// What the command behind a pipe prints, when this is the name of one.
    pub(crate) fn piped(&self) -> Option<&Self> {
        match self.parts.as_slice() {
            [Part::Pipe(output)] => Some(output),
            _ => None,
        }
    }

    /// Whether it is this word.
    pub(crate) fn is(&self, word: &str) -> Match {
        match self.literal() {
            Some(text) if text == word => Match::Yes,
            Some(_) => Match::No,
            None if !self.can_be(word) => Match::No,
            None if self.has_hole() => Match::Maybe,
            None => Match::Wild,
        }
    }

    /// Whether wildcards and holes can be filled so that it is this.
    pub(crate) fn can_be(&self, word: &str) -> bool {
        // A hole that splits may stand for less than a word, so it fits everything that begins or ends like it.
        fits(&self.parts, word)
    }

    /// The same with every hole as one that does not split.
    pub(crate) fn quoted(&self) -> Self {
        let quote = |part: &Part| match part {
            Part::Hole(hole) => Part::Hole(Hole { splits: false, ..*hole }),
            other => other.clone(),
        };
        Self { parts: self.parts.iter().map(quote).collect() }
    }

    /// The same with wildcards as plain characters, as they stand within quotes.
    pub(crate) fn without_wildcards(&self) -> Self {
        let mut plain = Self::default();
        for part in &self.parts {
            match part {
                Part::Star => plain.push_lit("*"),
                Part::One(None) => plain.push_lit("?"),
                Part::One(Some(set)) => plain.push_lit(&format!("[{set}]")),
                other => plain.push(other.clone()),
            }
        }
        plain
    }

    /// Its known text, each unknown stretch as one character that stands in no rule.
    pub(crate) fn masked(&self) -> String {
        let mut masked = String::new();
        for part in &self.parts {
            match part {
                Part::Lit(text) => masked.push_str(text),
                Part::Star => masked.push('*'),
                Part::One(_) => masked.push('?'),
                Part::Hole(_) | Part::Pipe(_) => masked.push(MASK),
            }
        }
        masked
    }
}

/// Stands for unknown text in [`Text::masked`].
pub(crate) const MASK: char = '\u{FFFC}';

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::lit(text)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Lit(text) => f.write_str(text)?,
                Part::Star => f.write_str("*")?,
                Part::One(None) => f.write_str("?")?,
                Part::One(Some(set)) => write!(f, "[{set}]")?,
                Part::Hole(_) => f.write_str("…")?,
                Part::Pipe(_) => f.write_str("/dev/fd/63")?,
            }
        }
        Ok(())
    }
}

/// Whether the parts can be filled to give exactly this text; linear in the parts times the text.
fn fits(parts: &[Part], text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut reachable = vec![false; characters.len() + 1];
    reachable[0] = true;
    for part in parts {
        reachable = step(part, &characters, &reachable);
    }
    reachable[characters.len()]
}

fn step(part: &Part, characters: &[char], reachable: &[bool]) -> Vec<bool> {
    let mut next = vec![false; reachable.len()];
    match part {
        Part::Lit(lit) => {
            let lit: Vec<char> = lit.chars().collect();
            for (start, _) in reachable.iter().enumerate().filter(|(_, is)| **is) {
                if characters[start..].starts_with(&lit) {
                    next[start + lit.len()] = true;
                }
            }
        }
        Part::One(set) => {
            for (start, _) in reachable.iter().enumerate().filter(|(_, is)| **is) {
                if characters.get(start).is_some_and(|one| *one != '/' && in_set(set.as_deref(), *one)) {
                    next[start + 1] = true;
                }
            }
        }
        Part::Star | Part::Hole(_) | Part::Pipe(_) => {
            let crosses = !matches!(part, Part::Star) && !matches!(part, Part::Hole(hole) if !hole.has_slash);
            let mut inside = false;
            for at in 0..reachable.len() {
                let passes = at > 0 && (crosses || characters[at - 1] != '/');
                inside = reachable[at] || (inside && passes);
                next[at] = inside;
            }
        }
    }
    next
}

/// Whether a character is one of a bracket expression's; what it does not understand it takes for any.
pub(crate) fn in_set(set: Option<&str>, character: char) -> bool {
    let Some(set) = set else { return true };
    if set.contains("[:") || set.contains('\\') {
        return true;
    }
    let (negated, set) = match set.strip_prefix(['!', '^']) {
        Some(rest) => (true, rest),
        None => (false, set),
    };
    let members: Vec<char> = set.chars().collect();
    let mut at = 0;
    let mut is_member = false;
    while at < members.len() {
        if members.get(at + 1) == Some(&'-') && at + 2 < members.len() {
            is_member |= (members[at]..=members[at + 2]).contains(&character);
            at += 3;
        } else {
            is_member |= members[at] == character;
            at += 1;
        }
    }
    is_member != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(parts: Vec<Part>) -> Text {
        Text { parts }
    }

    #[test]
    fn wildcards_stop_at_a_slash_and_holes_do_not() {
        let star = text(vec![Part::Lit("a/".into()), Part::Star]);
        assert_eq!(star.is("a/b"), Match::Wild);
        assert_eq!(star.is("a/b/c"), Match::No);
        let hole = text(vec![Part::Lit("a/".into()), Part::Hole(Hole::UNKNOWN)]);
        assert_eq!(hole.is("a/b/c"), Match::Maybe);
        let token = text(vec![Part::Lit("a/".into()), Part::Hole(Hole::TOKEN)]);
        assert_eq!(token.is("a/b/c"), Match::No);
    }

    #[test]
    fn bracket_expressions_are_read() {
        let one = |set: &str| text(vec![Part::One(Some(set.into()))]);
        assert!(one("a-c").can_be("b") && !one("a-c").can_be("d"));
        assert!(one("!a-c").can_be("d") && !one("^a-c").can_be("b"));
        assert!(one("[:alpha:]").can_be("x"), "what is not understood can be anything");
        assert!(one("a-").can_be("-"));
    }

    #[test]
    fn known_ends_are_cut_off() {
        let name = text(vec![Part::Star, Part::Lit(".txt".into())]);
        assert_eq!(name.strip_suffix(".txt"), Some(text(vec![Part::Star])));
        assert_eq!(name.strip_suffix("x.txt"), None);
        let option = text(vec![Part::Lit("--file=".into()), Part::Hole(Hole::UNKNOWN)]);
        let (name, value) = option.split_once('=').expect("a value");
        assert_eq!((name.as_str(), value.has_hole()), ("--file", true));
    }
}
