//! Expressions of numbers: the shell reads the values of their names as expressions too, and runs what it finds in subscripts.

use std::collections::HashSet;

use super::{state::Scope, substitution, syntax::Arithmetic, walk::Walker};
use crate::text::Text;

/// How many names one expression may lead to.
const MOST_NAMES: usize = 64;

impl Walker<'_> {
    /// What an expression runs.
    pub(super) fn evaluate(&mut self, expression: &Arithmetic, scope: &Scope) {
        for program in &expression.programs {
            let mut inner = scope.clone();
            self.walk(program, &mut inner, None);
        }
        self.evaluate_names(&expression.names, scope);
    }

    /// What a text runs where the shell reads it as an expression, or as a name with a subscript.
    pub(super) fn evaluate_text(&mut self, text: &str, scope: &Scope) {
        self.substituted_in(text, scope);
        self.evaluate_names(&substitution::names(text), scope);
    }

    /// The same for words that name variables: only a subscript in them is evaluated.
    pub(super) fn evaluate_subscripts(&mut self, words: &[Text], scope: &Scope) {
        for word in words.iter().filter_map(Text::literal).filter(|word| word.contains('[')) {
            self.evaluate_text(word, scope);
        }
    }

    fn evaluate_names(&mut self, names: &[String], scope: &Scope) {
        if !scope.has_variables() {
            return;
        }
        let mut waiting = names.to_vec();
        let mut seen = HashSet::new();
        while let Some(name) = waiting.pop() {
            if seen.len() >= MOST_NAMES || !seen.insert(name.clone()) {
                continue;
            }
            for value in scope.values(&name) {
                let Some(text) = value.literal() else { continue };
                self.substituted_in(text, scope);
                waiting.extend(substitution::names(text));
            }
        }
    }

    /// Runs what is substituted in a text that no quotes protect any more.
    fn substituted_in(&mut self, text: &str, scope: &Scope) {
        // The same value may be read many times.
        if !(text.contains("$(") || text.contains('`')) || !self.affords(text.len()) {
            return;
        }
        match substitution::inside(text) {
            Ok(programs) => {
                for program in &programs {
                    let mut inner = scope.clone();
                    self.walk(program, &mut inner, None);
                }
            }
            Err(_) => self.unreadable("an expression in it cannot be read".to_owned()),
        }
    }
}
