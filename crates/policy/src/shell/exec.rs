//! Simple commands: assignments, words and redirections become a command that runs.

use super::{
    builtin,
    state::{Scope, Variable},
    syntax::{Assignment, Piece, Redirect, Target, Value, Word},
    walk::{Walker, joined},
};
use crate::{
    effect::Class,
    program,
    text::{Hole, Text},
};

/// How many combinations of values one command is judged for.
const MOST_COMBINATIONS: usize = 16;
/// How deep functions may call each other.
const MOST_FUNCTIONS: usize = 48;

impl Walker<'_> {
    /// A simple command; where a variable in it has several values, once for each.
    pub(super) fn simple(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        redirects: &[Redirect],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        let mut names = Vec::new();
        mentioned(assignments, words, redirects, &mut names);
        let undecided = scope.undecided(&names);
        if undecided.is_empty() {
            return self.decided(assignments, words, redirects, scope, input);
        }
        let combinations =
            undecided.iter().fold(1_usize, |product, (_, values)| product.saturating_mul(values.len()));
        if combinations > MOST_COMBINATIONS {
            let mut one = scope.clone();
            for (name, _) in &undecided {
                one.forget(name);
            }
            let printed = self.decided(assignments, words, redirects, &mut one, input);
            scope.join(one);
            return printed;
        }
        let before = scope.clone();
        let mut outputs = Vec::new();
        for number in 0..combinations {
            let mut one = before.clone();
            let mut rest = number;
            for (name, values) in &undecided {
                one.set(
                    name,
                    Variable { alternatives: vec![values[rest % values.len()].clone()], elements: None },
                );
                rest /= values.len();
            }
            outputs.push(self.decided(assignments, words, redirects, &mut one, input));
            // Which value it was is known for this command only.
            for (name, values) in &undecided {
                if !assignments.iter().any(|assignment| assignment.name == *name) {
                    one.set(name, Variable { alternatives: values.clone(), elements: None });
                }
            }
            if number == 0 { *scope = one } else { scope.join(one) }
        }
        joined(outputs)
    }

    fn decided(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        redirects: &[Redirect],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        if !self.takes_step() {
            return Text::hole(Hole::UNKNOWN);
        }
        let arguments = self.fields(words, scope);
        if !self.affords(arguments.iter().map(Text::size).sum()) {
            return Text::hole(Hole::UNKNOWN);
        }
        let descriptors = scope.descriptors();
        let input = scope.descriptor(0).or(input).cloned();
        let input = self.redirect(redirects, scope, input);
        if let [word] = arguments.as_slice()
            && word.literal() == Some("exec")
        {
            // It stays open for what follows.
            if let Some(input) = input {
                scope.open(0, input);
            }
            return Text::default();
        }
        let printed = self.commanded(assignments, words, &arguments, redirects, scope, input.as_ref());
        if !redirects.is_empty() {
            scope.restore_descriptors(descriptors);
        }
        printed
    }

    /// A command whose words and redirections are known.
    fn commanded(
        &mut self,
        assignments: &[Assignment],
        words: &[Word],
        arguments: &[Text],
        redirects: &[Redirect],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        if arguments.is_empty() {
            if words.is_empty() {
                self.assign(assignments, scope);
                self.followed(assignments, scope);
                // `$(<file)`
                return if redirects.is_empty() { Text::default() } else { Text::hole(Hole::UNKNOWN) };
            }
            return Text::default();
        }
        if let Some(name) = arguments[0].literal()
            && builtin::DECLARING.contains(&name)
        {
            self.declare(words, scope);
        }
        let steering = self.before_command(assignments, scope);
        let printed = self.run(arguments, scope, input);
        if let Some(name) = steering
            && !is_untouched(arguments)
        {
            self.class(Class::OpaqueExec, format!("{name} is set before it, which changes what it runs"));
        }
        printed
    }

    /// Runs a command with its arguments: a function, a builtin, or a program.
    pub(crate) fn run(&mut self, arguments: &[Text], scope: &mut Scope, input: Option<&Text>) -> Text {
        let Some(name) = arguments.first() else { return Text::default() };
        if let Some(name) = name.literal() {
            if let Some(printed) = self.function(name, arguments, scope, input) {
                return printed;
            }
            if let Some(printed) = self.builtin(name, arguments, scope, input) {
                return printed;
            }
        }
        program::run(self, arguments, scope, input)
    }

    /// The same without the functions of the program, for `command` and `builtin`.
    pub(crate) fn run_builtin(
        &mut self,
        arguments: &[Text],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        let name = arguments.first().and_then(Text::literal).unwrap_or_default().to_owned();
        match self.builtin(&name, arguments, scope, input) {
            Some(printed) => printed,
            None => program::run(self, arguments, scope, input),
        }
    }

    /// A function of the program, or an alias.
    fn function(
        &mut self,
        name: &str,
        arguments: &[Text],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Option<Text> {
        if let Some(text) = scope.alias(name)
            && !scope.running.iter().any(|running| running == name)
        {
            scope.running.push(name.to_owned());
            let rest: Vec<String> = arguments[1..].iter().map(|word| shell_quoted(&word.masked())).collect();
            let printed = self.program(&format!("{text} {}", rest.join(" ")), scope, input);
            scope.running.pop();
            return Some(printed);
        }
        let body = scope.function(name)?;
        if scope.running.iter().filter(|running| *running == name).count() > 1 {
            // It calls itself; what it does is gathered already.
            return Some(Text::hole(Hole::UNKNOWN));
        }
        if scope.running.len() >= MOST_FUNCTIONS {
            self.unreadable(format!("more than {MOST_FUNCTIONS} functions lie within each other"));
            return Some(Text::hole(Hole::UNKNOWN));
        }
        let outer = scope.positional.replace(arguments[1..].to_vec());
        scope.running.push(name.to_owned());
        let printed = self.walk(&body, scope, input);
        scope.running.pop();
        scope.positional = outer;
        // `return` ends the function, not what calls it.
        scope.is_over = false;
        Some(printed)
    }
}

/// Programs of the shell itself, which no variable of the environment changes.
fn is_untouched(words: &[Text]) -> bool {
    let name = words.first().and_then(Text::literal);
    name.is_some_and(|name| {
        matches!(name, "echo" | "printf" | "true" | ":" | "cd" | "export" | "set" | "test" | "[")
    })
}

/// In single quotes.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The variables that a command mentions.
fn mentioned(assignments: &[Assignment], words: &[Word], redirects: &[Redirect], names: &mut Vec<String>) {
    for assignment in assignments {
        match &assignment.value {
            Value::Word(word) => in_word(word, names),
            Value::Array(words) => words.iter().for_each(|word| in_word(word, names)),
        }
    }
    words.iter().for_each(|word| in_word(word, names));
    for redirect in redirects {
        match &redirect.to {
            Target::Read(word)
            | Target::Write(word)
            | Target::ReadWrite(word)
            | Target::Duplicate(word)
            | Target::DuplicateInput(word)
            | Target::HereDocument(word)
            | Target::HereString(word) => in_word(word, names),
        }
    }
}

fn in_word(word: &Word, names: &mut Vec<String>) {
    for piece in &word.pieces {
        if let Piece::Parameter { parameter, .. } = piece {
            if !names.contains(&parameter.name) {
                names.push(parameter.name.clone());
            }
            if let Some(argument) = &parameter.argument {
                in_word(argument, names);
            }
        }
    }
}
