//! Patterns with `*`, `?` and sets, as shells and rules use them.

use crate::text::in_set;

/// Whether a text fits a pattern as a whole; `*` stands for any characters, slashes too.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    Glob::read(pattern).fits(text)
}

/// A pattern that is held against many texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Glob {
    tokens: Vec<Token>,
    /// What every text that fits holds.
    needles: Vec<String>,
}

impl Glob {
    pub(crate) fn read(pattern: &str) -> Self {
        let tokens = tokens(pattern);
        let needles = tokens
            .split(|token| !matches!(token, Token::Lit(_)))
            .filter(|run| !run.is_empty())
            .map(|run| {
                run.iter()
                    .filter_map(|token| if let Token::Lit(one) = token { Some(*one) } else { None })
                    .collect()
            })
            .collect();
        Self { tokens, needles }
    }

    /// Whether a text fits as a whole.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.needles.iter().all(|needle| text.contains(needle.as_str())) && lies_over(&self.tokens, text)
    }
}

fn lies_over(tokens: &[Token], text: &str) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let mut reachable = vec![false; characters.len() + 1];
    reachable[0] = true;
    for token in tokens {
        let mut next = vec![false; reachable.len()];
        match token {
            Token::Any => {
                let mut inside = false;
                for (at, here) in reachable.iter().enumerate() {
                    inside |= here;
                    next[at] = inside;
                }
            }
            Token::One(set) => {
                for at in 0..characters.len() {
                    next[at + 1] = reachable[at] && in_set(set.as_deref(), characters[at]);
                }
            }
            Token::Lit(literal) => {
                for at in 0..characters.len() {
                    next[at + 1] = reachable[at] && characters[at] == *literal;
                }
            }
        }
        reachable = next;
    }
    reachable[characters.len()]
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Any,
    One(Option<String>),
    Lit(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        tokens.push(match character {
            '*' => Token::Any,
            '?' => Token::One(None),
            '\\' => Token::Lit(rest.next().unwrap_or('\\')),
            '[' => match rest.as_str().find(']').filter(|end| *end > 0) {
                Some(end) => {
                    let set = rest.as_str()[..end].to_owned();
                    rest = rest.as_str()[end + 1..].chars();
                    Token::One(Some(set))
                }
                None => Token::Lit('['),
            },
            other => Token::Lit(other),
        });
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_cover_whole_texts() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abc"), ("a*c", "ac"), ("*b*", "abc"), ("a?c", "abc"), ("[a-c]", "b")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a*c", "ab"), ("a?c", "ac"), ("[!a]", "a"), ("\\*", "a")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
