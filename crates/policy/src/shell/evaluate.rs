//! Expressions of numbers: the shell reads the values of their names as expressions too, and runs what it finds in subscripts.

use std::collections::HashSet;

use super::{state::Scope, substitution, syntax::Arithmetic, walk::Walker};
use crate::{
    effect::{Class, Effect, Run},
    text::{Origin, Text},
};

/// How many names one expression may lead to.
const MOST_NAMES: usize = 64;

impl Walker<'_> {
    /// What an expression runs.
    pub(super) fn evaluate(&mut self, expression: &Arithmetic, scope: &Scope) {
        for program in &expression.programs {
            let mut inner = scope.clone();
            let printed = self.walk(program, &mut inner, None);
            self.evaluate_value(&printed, scope);
        }
        self.evaluate_names(&expression.names, scope, true);
    }

    /// The same for a key that is a word and no expression: only what is substituted in it runs.
    pub(super) fn evaluate_key(&mut self, key: &Arithmetic, scope: &Scope) {
        for program in &key.programs {
            let mut inner = scope.clone();
            self.walk(program, &mut inner, None);
        }
    }

    /// What a value runs where the shell reads it as an expression. One that can be anything may run anything.
    pub(super) fn evaluate_value(&mut self, value: &Text, scope: &Scope) {
        match value.literal() {
            Some(text) => self.evaluate_text(text, scope),
            None => self.evaluate_unknown(value),
        }
    }

    fn evaluate_unknown(&mut self, value: &Text) {
        match value.origin() {
            None | Some(Origin::Number | Origin::Environment) => {}
            // Scripts add up the columns of files all the time: it needs to be allowed, as `let`, and no more than that.
            Some(Origin::Line) => self.effects.push(Effect::Run(Run {
                words: vec![Text::lit("let"), value.clone()],
                is_innermost: true,
                is_genuine: true,
                is_pure: false,
                is_harmless: false,
            })),
            Some(Origin::Unknown | Origin::Fetched) => self.class(
                Class::OpaqueExec,
                "it reads what is known only when it runs as an expression, which can run commands",
            ),
        }
    }

    /// What a text runs where the shell reads it as an expression, or as a name with a subscript.
    pub(super) fn evaluate_text(&mut self, text: &str, scope: &Scope) {
        self.substituted_in(text, scope);
        self.evaluate_names(&substitution::names(text), scope, true);
    }

    /// The same where it is perhaps read so.
    pub(super) fn perhaps_evaluate_text(&mut self, text: &str, scope: &Scope) {
        self.substituted_in(text, scope);
        self.evaluate_names(&substitution::names(text), scope, false);
    }

    /// The same for words that name variables: only a subscript in them is evaluated.
    pub(super) fn evaluate_subscripts(&mut self, words: &[Text], scope: &Scope) {
        for word in words.iter().filter_map(Text::literal).filter(|word| word.contains('[')) {
            self.perhaps_evaluate_text(word, scope);
        }
    }

    /// Words that name variables and are known only when it runs may hold a subscript.
    pub(super) fn evaluate_unknown_names(&mut self, words: &[Text]) {
        for word in words.iter().filter(|word| !word.prefix().contains('=')) {
            self.evaluate_unknown(word);
        }
    }

    fn evaluate_names(&mut self, names: &[String], scope: &Scope, is_certain: bool) {
        if !scope.has_variables() && scope.positional.is_none() {
            return;
        }
        let mut waiting = names.to_vec();
        let mut seen = HashSet::new();
        while let Some(name) = waiting.pop() {
            if seen.len() >= MOST_NAMES || !seen.insert(name.clone()) {
                continue;
            }
            let values: Vec<Text> =
                scope.values(&name).cloned().chain(scope.parameter_values(&name)).collect();
            for value in values {
                match value.literal() {
                    Some(text) => {
                        self.substituted_in(text, scope);
                        waiting.extend(substitution::names(text));
                    }
                    None if is_certain => self.evaluate_unknown(&value),
                    None => {}
                }
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
