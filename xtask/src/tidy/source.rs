//! One Rust file and where it belongs.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::token::{Token, Tokens};

/// A Rust file of the workspace.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    /// As written, line by line.
    pub(crate) lines: Vec<String>,
    tokens: Tokens,
}

impl Source {
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let lines = text.lines().map(str::to_owned).collect();
        Ok(Self { path: path.to_owned(), lines, tokens: Tokens::parse(text)? })
    }

    /// The folder of the crate: `store`, `xtask`, …
    pub(crate) fn crate_folder(&self) -> &str {
        crate_folder(&self.path).unwrap_or_default()
    }

    /// Whether the crate of this file is one of `folders`.
    pub(crate) fn is_in_crate(&self, folders: &[&str]) -> bool {
        folders.contains(&self.crate_folder())
    }

    /// Whether the whole file is a test: in a folder `tests` or `benches`, or called `tests.rs`.
    pub(crate) fn is_test(&self) -> bool {
        self.path.iter().any(|part| part == "tests" || part == "tests.rs" || part == "benches")
    }

    /// Whether a build script, which runs on the builder's machine.
    pub(crate) fn is_build_script(&self) -> bool {
        self.path.ends_with("build.rs")
    }

    /// The lines where the tokens of `pattern` follow one another, outside tests. `todo!(` finds no `my_todo!(`, and
    /// `std::env` finds `use std::{env, fs}`.
    pub(crate) fn find(&self, pattern: &str) -> Vec<usize> {
        self.find_everywhere(pattern).into_iter().filter(|line| !self.is_test_line(*line)).collect()
    }

    /// The same, in tests too.
    pub(crate) fn find_everywhere(&self, pattern: &str) -> Vec<usize> {
        let wanted = split(pattern);
        let matches = |window: &&[Token]| window.iter().map(|token| &token.text).eq(&wanted);
        let mut lines: Vec<usize> =
            self.tokens.tokens.windows(wanted.len()).filter(matches).map(|window| window[0].line).collect();
        lines.dedup();
        lines
    }

    /// The literals outside tests, with their quotes.
    pub(crate) fn literals(&self) -> impl Iterator<Item = &Token> {
        self.tokens.tokens.iter().filter(|token| token.is_literal && !self.is_test_line(token.line))
    }

    /// The number of lines outside tests.
    pub(crate) fn production_lines(&self) -> usize {
        (1..=self.lines.len()).filter(|line| !self.is_test_line(*line)).count()
    }

    fn is_test_line(&self, line: usize) -> bool {
        self.is_test() || self.tokens.test_lines.iter().any(|lines| lines.contains(&line))
    }
}

/// The crate that a path of the repository belongs to: `crates/store/src/lib.rs` is in `store`.
pub(crate) fn crate_folder(path: &Path) -> Option<&str> {
    let mut parts = path.iter().filter_map(|part| part.to_str());
    match parts.next()? {
        "crates" => parts.next(),
        "xtask" => Some("xtask"),
        _ => None,
    }
}

/// The words and signs of a pattern, which need not be whole Rust.
fn split(pattern: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut is_in_word = false;
    for character in pattern.chars() {
        let is_word = character.is_alphanumeric() || character == '_';
        match tokens.last_mut() {
            Some(word) if is_word && is_in_word => word.push(character),
            _ if character.is_whitespace() => {}
            _ => tokens.push(character.to_string()),
        }
        is_in_word = is_word;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(Path::new("crates/store/src/lib.rs"), text).unwrap()
    }

    #[test]
    fn a_pattern_is_found_as_whole_tokens() {
        let source = source("fn f() {\n  todo!()\n}\nfn g() { my_todo!(); \"todo!()\"; }");
        assert_eq!(source.find("todo!("), [2]);
    }

    #[test]
    fn tests_are_left_out_unless_wanted() {
        let source = source("#[cfg(test)]\nmod tests {\n  use std::env;\n}");
        assert!(source.find("std::env").is_empty());
        assert_eq!(source.find_everywhere("std::env"), [3]);
        assert_eq!(source.production_lines(), 0);
    }

    #[test]
    fn grouped_imports_are_found() {
        assert_eq!(source("use std::{fs,\n env};").find("std::env").len(), 1);
    }
}
