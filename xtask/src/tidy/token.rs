//! A Rust file as a flat list of words and signs, so that a rule is a search for a few of them in a row.

use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// One word, sign, bracket or literal; comments and documentation are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// As written; a literal with its quotes.
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) is_literal: bool,
}

/// The tokens of a file, and the lines of its items under `#[cfg(test)]`.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    pub(crate) tokens: Vec<Token>,
    pub(crate) test_lines: Vec<RangeInclusive<usize>>,
}

impl Tokens {
    /// Errs when the text is not made of Rust tokens.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let stream = TokenStream::from_str(text)
            .map_err(|error| anyhow!("line {}: this is not Rust: {error}", error.span().start().line))?;
        let mut tokens = Self::default();
        tokens.flatten(stream);
        Ok(tokens)
    }

    fn flatten(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        let mut rest = trees.as_slice();
        while let Some((tree, after)) = rest.split_first() {
            rest = after;
            if let Some(attribute) = attribute(tree, rest) {
                let words = attribute.stream().to_string();
                if words.starts_with("doc") {
                    rest = after_attribute(rest);
                    continue;
                }
                if words.replace(' ', "") == "cfg(test)" {
                    self.test_lines.push(tree.span().start().line..=end_of_item(rest));
                }
            }
            if tree.to_string() == "use"
                && let Some(end) = rest.iter().position(|tree| is_sign(tree, ';'))
            {
                self.flatten_use(tree, &[], &rest[..end]);
                rest = &rest[end..];
            } else {
                self.push_tree(tree);
            }
        }
    }

    /// `use std::{env, fs};` becomes `use std::env; use std::fs`, so that a search finds each path.
    fn flatten_use(&mut self, keyword: &TokenTree, prefix: &[TokenTree], path: &[TokenTree]) {
        let group = path.iter().position(|tree| matches!(tree, TokenTree::Group(_)));
        let Some(position) = group else {
            self.push_tree(keyword);
            prefix.iter().chain(path).for_each(|tree| self.push_tree(tree));
            return;
        };
        let TokenTree::Group(group) = &path[position] else { return };
        let prefix = [prefix, &path[..position]].concat();
        let members: Vec<TokenTree> = group.stream().into_iter().collect();
        for member in members.split(|tree| is_sign(tree, ',')).filter(|member| !member.is_empty()) {
            self.flatten_use(keyword, &prefix, member);
        }
    }

    fn push_tree(&mut self, tree: &TokenTree) {
        if let TokenTree::Group(group) = tree {
            let (open, close) = brackets(group.delimiter());
            self.push(open, group.span_open().start().line, false);
            self.flatten(group.stream());
            self.push(close, group.span_close().start().line, false);
        } else {
            let is_literal = matches!(tree, TokenTree::Literal(_));
            self.push(&tree.to_string(), tree.span().start().line, is_literal);
        }
    }

    fn push(&mut self, text: &str, line: usize, is_literal: bool) {
        if !text.is_empty() {
            self.tokens.push(Token { text: text.to_owned(), line, is_literal });
        }
    }
}

/// The brackets after a `#` or `#!`.
fn attribute<'tree>(tree: &TokenTree, rest: &'tree [TokenTree]) -> Option<&'tree Group> {
    match (is_sign(tree, '#'), rest) {
        (true, [TokenTree::Group(group), ..]) => Some(group),
        (true, [bang, TokenTree::Group(group), ..]) if is_sign(bang, '!') => Some(group),
        _ => None,
    }
}

fn after_attribute(rest: &[TokenTree]) -> &[TokenTree] {
    let group = rest.iter().position(|tree| matches!(tree, TokenTree::Group(_)));
    &rest[group.map_or(0, |position| position + 1)..]
}

/// The last line of the item that follows: that of its braces, or of its semicolon.
fn end_of_item(rest: &[TokenTree]) -> usize {
    let is_end = |tree: &&TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_sign(other, ';'),
    };
    rest.iter().find(is_end).map_or(usize::MAX, |tree| tree.span().end().line)
}

fn is_sign(tree: &TokenTree, sign: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let words: Vec<String> =
            Tokens::parse(text).unwrap().tokens.into_iter().map(|token| token.text).collect();
        words.join(" ")
    }

    #[test]
    fn comments_and_documentation_are_no_tokens() {
        assert_eq!(words("//! a\n/// b\nfn f() { /* c */ \"d\" } // e"), "fn f ( ) { \"d\" }");
    }

    #[test]
    fn grouped_imports_are_spelled_out() {
        let expected = "use std : : env ; use x";
        assert_eq!(words("use std::{env}; use x"), expected);
        let expected = "use std : : env use std : : io : : self use std : : io : : Read ;";
        assert_eq!(words("use std::{env, io::{self, Read}};"), expected);
    }

    #[test]
    fn test_items_are_known_by_their_lines() {
        let tokens =
            Tokens::parse("fn f() {}\n#[cfg(test)]\nmod tests {\n  fn g() {}\n}\nfn h() {}").unwrap();
        assert_eq!(tokens.test_lines, [2..=5]);
    }
}
