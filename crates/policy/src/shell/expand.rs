//! From words to arguments: parameters and substitutions filled in as far as they are constant, then split.

use super::{
    state::Scope,
    syntax::{Piece, Word},
    walk::Walker,
};
use crate::text::{Hole, Part, Text};

impl Walker<'_> {
    /// The arguments that words become.
    pub(super) fn fields(&mut self, words: &[Word], scope: &mut Scope) -> Vec<Text> {
        words.iter().flat_map(|word| self.split(word, scope)).collect()
    }

    /// What a word becomes where nothing is split: values, redirections, subjects of `case`.
    pub(super) fn whole(&mut self, word: &Word, scope: &mut Scope) -> Text {
        let mut text = Text::default();
        for (at, piece) in word.pieces.iter().enumerate() {
            match piece {
                Piece::Literal { text: literal, is_quoted } => {
                    let rest = if at == 0 && !is_quoted { self.tilde(literal, &mut text) } else { literal };
                    text.push_lit(rest);
                }
                other => text.append(&self.affordable(other, scope).quoted()),
            }
        }
        text
    }

    /// Where a redirection leads: a file name with its wildcards, as long as it is one word.
    pub(super) fn redirected(&mut self, word: &Word, scope: &mut Scope) -> Text {
        let mut fields = self.split(word, scope);
        if fields.len() == 1 { fields.remove(0).quoted() } else { self.whole(word, scope) }
    }

    fn split(&mut self, word: &Word, scope: &mut Scope) -> Vec<Text> {
        if let [Piece::Parameter { parameter, is_quoted }] = word.pieces.as_slice()
            && let Some(elements) = self.elements(parameter, scope)
            && self.affords(elements.iter().map(Text::size).sum())
        {
            if *is_quoted {
                return elements;
            }
            let refield = |element: &Text| {
                let mut fields = Fields::new(self.separators(scope));
                fields.unquoted(element);
                fields.finish()
            };
            return elements.iter().flat_map(refield).collect();
        }
        let mut fields = Fields::new(self.separators(scope));
        for (at, piece) in word.pieces.iter().enumerate() {
            match piece {
                Piece::Literal { text, is_quoted: true } => {
                    fields.is_open = true;
                    fields.current.push_lit(text);
                }
                Piece::Literal { text, is_quoted: false } => {
                    let rest = if at == 0 { self.tilde(text, &mut fields.current) } else { text };
                    fields.is_open = true;
                    push_globbed(&mut fields.current, rest);
                }
                other => {
                    let text = self.affordable(other, scope);
                    if is_quoted(other) {
                        fields.is_open = true;
                        // Wildcards in a value are those of names that were found already.
                        fields.current.append(&text);
                    } else {
                        fields.unquoted(&text);
                    }
                }
            }
        }
        fields.finish()
    }

    /// What one piece becomes, as long as there is room for it.
    fn affordable(&mut self, piece: &Piece, scope: &mut Scope) -> Text {
        let text = self.piece(piece, scope);
        if self.affords(text.size()) { text } else { Text::hole(Hole::UNKNOWN) }
    }

    /// What one piece becomes.
    fn piece(&mut self, piece: &Piece, scope: &mut Scope) -> Text {
        match piece {
            Piece::Literal { text, .. } => Text::lit(text.as_str()),
            Piece::Parameter { parameter, is_quoted } => {
                let text = self.parameter(parameter, scope);
                if *is_quoted { text.quoted() } else { text }
            }
            Piece::Substitution { program, .. } => self.substitute(program, scope),
            Piece::Process { program, is_output } => {
                let mut inner = scope.clone();
                let input = is_output.then(|| Text::hole(Hole::UNKNOWN));
                Text::pipe(self.walk(program, &mut inner, input.as_ref()))
            }
            Piece::Arithmetic(expression) => {
                self.evaluate(expression, scope);
                Text::hole(Hole::NUMBER)
            }
            Piece::Opaque => Text::hole(Hole::UNKNOWN),
        }
    }

    /// What a command that is substituted prints.
    fn substitute(&mut self, program: &super::syntax::Node, scope: &Scope) -> Text {
        let mut inner = scope.clone();
        let printed = self.walk(program, &mut inner, None);
        match printed.literal() {
            Some(text) => Text::lit(text.trim_end_matches('\n')),
            None => printed,
        }
    }

    /// The characters at which words are split, `$IFS`.
    fn separators(&self, scope: &Scope) -> Option<String> {
        match scope.variable("IFS") {
            Some(_) => scope.value("IFS", self.surroundings).literal().map(str::to_owned),
            None => Some(" \t\n".to_owned()),
        }
    }

    /// Puts the home folder for a leading `~`, and gives what stands behind it.
    fn tilde<'t>(&self, literal: &'t str, text: &mut Text) -> &'t str {
        let Some(behind) = literal.strip_prefix('~') else { return literal };
        let (user, rest) = behind.split_at(behind.find('/').unwrap_or(behind.len()));
        match user {
            "" => text.push_lit(&self.surroundings.home),
            "+" => text.push_lit("."),
            _ => match self.surroundings.homes.get(user) {
                Some(home) => text.push_lit(home),
                None => text.push_lit(&format!("/home/{user}")),
            },
        }
        rest
    }
}

fn is_quoted(piece: &Piece) -> bool {
    match piece {
        Piece::Literal { is_quoted, .. }
        | Piece::Parameter { is_quoted, .. }
        | Piece::Substitution { is_quoted, .. } => *is_quoted,
        Piece::Process { .. } | Piece::Arithmetic(_) | Piece::Opaque => true,
    }
}

/// The fields of a word as they come to be.
#[derive(Default)]
struct Fields {
    done: Vec<Text>,
    current: Text,
    is_open: bool,
    /// The characters that split what was expanded; `None` when nobody knows them.
    separators: Option<String>,
}

impl Fields {
    fn new(separators: Option<String>) -> Self {
        Self { separators, ..Self::default() }
    }

    /// Adds what an unquoted expansion became: blanks split it, wildcards in it count.
    fn unquoted(&mut self, text: &Text) {
        for part in text.parts() {
            match part {
                Part::Lit(literal) => self.blanks(literal),
                Part::Hole(hole) => {
                    self.is_open = true;
                    // A number or a date is one word, and so is what stands in the middle of one.
                    let splits = hole.has_slash;
                    self.current.push(Part::Hole(Hole { splits, ..*hole }));
                }
                other => {
                    self.is_open = true;
                    self.current.push(other.clone());
                }
            }
        }
    }

    fn blanks(&mut self, literal: &str) {
        let Some(separators) = self.separators.clone() else {
            self.is_open = true;
            self.current.push(Part::Hole(Hole { splits: true, ..Hole::UNKNOWN }));
            return;
        };
        let mut first = true;
        for word in literal.split(|character| separators.contains(character)) {
            if !first {
                self.end();
            }
            first = false;
            if !word.is_empty() {
                self.is_open = true;
                push_globbed(&mut self.current, word);
            }
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_open) {
            self.done.push(std::mem::take(&mut self.current));
        }
    }

    fn finish(mut self) -> Vec<Text> {
        self.end();
        self.done
    }
}

/// Adds unquoted text, whose wildcards stand for file names.
pub(crate) fn push_globbed(text: &mut Text, unquoted: &str) {
    let mut rest = unquoted;
    while let Some(at) = rest.find(['*', '?', '[']) {
        text.push_lit(&rest[..at]);
        let wildcard = &rest[at..];
        let (part, length) = match wildcard.as_bytes()[0] {
            b'*' => (Part::Star, 1),
            b'?' => (Part::One(None), 1),
            _ => match bracket(wildcard) {
                Some(set) => (Part::One(Some(set.to_owned())), set.len() + 2),
                None => (Part::Lit("[".to_owned()), 1),
            },
        };
        text.push(part);
        rest = &wildcard[length..];
    }
    text.push_lit(rest);
}

/// The set of a bracket expression that begins here.
fn bracket(text: &str) -> Option<&str> {
    let inner = &text[1..];
    let skip = usize::from(inner.starts_with(['!', '^']));
    // A bracket that comes first is a member.
    let from = skip + usize::from(inner[skip..].starts_with(']'));
    let end = from + inner[from..].find(']')?;
    let set = &inner[..end];
    (!set.contains('/') && end > skip).then_some(set)
}
