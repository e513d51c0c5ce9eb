//! What the shell does itself.

use super::{
    assign::FOLLOWED,
    state::{Folders, Scope, Variable},
    walk::Walker,
};
use crate::{
    effect::{Class, Effect, Run},
    program::printed_by,
    text::{Hole, Origin, Text},
};

/// Builtins whose arguments assign.
pub(super) const DECLARING: [&str; 5] = ["export", "declare", "typeset", "local", "readonly"];

impl Walker<'_> {
    /// Runs a builtin; `None` when it is none.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        arguments: &[Text],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Option<Text> {
        let rest = &arguments[1..];
        if names_variables(name, rest) {
            self.evaluate_subscripts(rest, scope);
            self.evaluate_unknown_names(&named_variables(name, rest));
        }
        self.callbacks(name, rest, scope);
        if !self.settles(name, rest, scope, input) {
            return self.contains(name, arguments, scope, input);
        }
        self.effects.push(Effect::Run(Run {
            words: arguments.to_vec(),
            is_innermost: true,
            is_genuine: true,
            is_pure: true,
            is_harmless: true,
        }));
        Some(printed_by(arguments, input))
    }

    /// Options of builtins that name a command, now or for later.
    fn callbacks(&mut self, name: &str, rest: &[Text], scope: &Scope) {
        let value = |option: &str| {
            let at = rest.iter().position(|word| word.prefix().starts_with(option))?;
            let attached = rest[at].strip_prefix(option).filter(|text| !text.is_empty());
            attached.or_else(|| rest.get(at + 1).cloned())
        };
        let command = match name {
            "mapfile" | "readarray" | "compgen" | "complete" => value("-C"),
            "bind" => value("-x").map(|text| text.split_once(':').map_or(text, |(_, command)| command)),
            _ => None,
        };
        if let Some(command) = command {
            let mut later = scope.clone();
            self.payload(&command, &mut later, None, name);
        }
        if name == "jobs"
            && let Some(at) = rest.iter().position(|word| word.literal() == Some("-x"))
            && at + 1 < rest.len()
        {
            let mut later = scope.clone();
            self.run(&rest[at + 1..], &mut later, None);
        }
        match name {
            // The shell expands the list of words as if it stood in double quotes.
            "compgen" | "complete" => {
                if let Some(words) = value("-W").and_then(|words| words.literal().map(str::to_owned)) {
                    self.perhaps_evaluate_text(&words, scope);
                }
            }
            "hash" if value("-p").is_some() => {
                self.class(Class::OpaqueExec, "it makes a name stand for another program");
            }
            "enable" if value("-f").is_some() => {
                self.class(Class::OpaqueExec, "it loads a builtin from a file");
            }
            _ => {}
        }
    }

    /// A builtin that changes what the shell knows, or nothing; false when it is another one.
    fn settles(&mut self, name: &str, rest: &[Text], scope: &mut Scope, input: Option<&Text>) -> bool {
        match name {
            "cd" | "pushd" => self.change_folder(name, rest, scope),
            "popd" => scope.cwd = Folders::unknown(),
            "exit" | "return" => {
                scope.is_over = true;
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => self.steering(name, rest, scope),
            "unset" => {
                for word in rest.iter().filter_map(Text::literal) {
                    scope.undefine(word);
                    scope.assign(word, Text::default());
                }
            }
            "set" => {
                scope.exports_all |= rest.iter().any(|word| {
                    word.literal() == Some("allexport")
                        || is_flag(word) && !word.prefix().starts_with("--") && word.prefix().contains('a')
                });
                self.set_parameters(rest, scope);
            }
            "shift" => {
                let count = rest.first().and_then(Text::literal).map_or(Some(1), |text| text.parse().ok());
                scope.positional = match (scope.positional.take(), count) {
                    (Some(all), Some(count)) => Some(all.into_iter().skip(count).collect()),
                    _ => None,
                };
            }
            "read" | "mapfile" | "readarray" | "getopts" | "let" => {
                if name == "let" {
                    for word in rest {
                        self.evaluate_value(word, scope);
                    }
                }
                for word in rest.iter().filter(|word| !is_flag(word)) {
                    let name = word.prefix().split('=').next().unwrap_or_default().to_owned();
                    self.assign_read(name.as_str(), scope, input);
                }
            }
            "alias" => {
                for word in rest {
                    if let Some((name, value)) = word.split_once('=') {
                        let text = value.literal().map_or_else(|| value.masked(), str::to_owned);
                        scope.set_alias(&name, &text);
                    }
                }
            }
            "printf" if rest.first().and_then(Text::literal) == Some("-v") => {
                let name = rest.get(1).and_then(Text::literal).unwrap_or_default().to_owned();
                let mut words = vec![Text::lit("printf")];
                words.extend(rest.iter().skip(2).cloned());
                let value = printed_by(&words, input);
                if FOLLOWED.contains(&name.as_str()) {
                    self.steered(&name, &value, scope);
                }
                scope.set(&name, Variable { alternatives: vec![value], elements: None });
            }
            "umask" | "ulimit" | "shopt" | "hash" | "times" | "wait" | "jobs" | "fg" | "bg" | "disown"
            | "dirs" | "break" | "continue" | "suspend" | "bind" | "complete" | "compgen" | "compopt"
            | "unalias" | "enable" | "caller" | "logout" | "history" | "fc" | "type" | "help" => {
                if name == "shopt" && rest.iter().any(|word| word.literal() == Some("dotglob")) {
                    self.class(Class::OpaqueExec, "it makes wildcards stand for hidden files");
                }
            }
            _ => return false,
        }
        true
    }

    /// A builtin that runs something else; `None` when it is another one.
    fn contains(
        &mut self,
        name: &str,
        arguments: &[Text],
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Option<Text> {
        let rest = &arguments[1..];
        match name {
            "eval" => {
                let mut text = Text::default();
                for (at, word) in rest.iter().filter(|word| word.literal() != Some("--")).enumerate() {
                    if at > 0 {
                        text.push_lit(" ");
                    }
                    text.append(word);
                }
                self.outer(arguments);
                Some(self.payload(&text, scope, input, "eval"))
            }
            "source" | "." => {
                self.outer(arguments);
                let words: Vec<&Text> = rest.iter().filter(|word| word.literal() != Some("--")).collect();
                if let Some(file) = words.first() {
                    self.sourced(file, scope, input);
                }
                Some(Text::hole(Hole::UNKNOWN))
            }
            "trap" => {
                self.outer(arguments);
                if let Some(handler) = rest.iter().find(|word| !is_flag(word)).filter(|_| rest.len() > 1) {
                    let mut later = scope.clone();
                    self.payload(handler, &mut later, None, "trap");
                }
                Some(Text::default())
            }
            _ => None,
        }
    }

    fn change_folder(&self, name: &str, rest: &[Text], scope: &mut Scope) {
        let to = rest.iter().find(|word| !is_flag(word)).cloned();
        scope.cwd = match (&to, name) {
            (None, "cd") => scope.cwd.enter(&Text::lit("~"), &self.surroundings.home),
            // It is looked for in other folders first.
            (Some(path), _)
                if scope.variable("CDPATH").is_some() && !path.prefix().starts_with(['/', '.']) =>
            {
                Folders::unknown()
            }
            (Some(path), _) if path.literal() != Some("-") && !path.prefix().starts_with('+') => {
                self.enter(path, scope)
            }
            _ => Folders::unknown(),
        };
    }

    /// Variables that are set for all that follows and change which programs run.
    fn steering(&mut self, by: &str, rest: &[Text], scope: &mut Scope) {
        let reaches_programs =
            by == "export" || rest.iter().any(|word| is_flag(word) && word.prefix().contains('x'));
        for word in rest {
            if let Some((name, value)) = word.split_once('=') {
                self.steered(&name, &value, scope);
            } else if let Some(name) =
                word.literal().filter(|name| reaches_programs && scope.variable(name).is_some())
            {
                let value = scope.value(name, self.surroundings);
                self.steered(name, &value, scope);
            } else if reaches_programs && word.may_be_option() {
                self.class(Class::OpaqueExec, "which variables it sets is known only when it runs");
            }
        }
    }

    /// Where `cd` to this path leads, links aside: they are followed when the paths are judged.
    pub(crate) fn enter(&self, path: &Text, scope: &Scope) -> Folders {
        scope.cwd.enter(path, &self.surroundings.home)
    }

    fn set_parameters(&mut self, rest: &[Text], scope: &mut Scope) {
        if let Some(at) = rest.iter().position(|word| word.literal() == Some("--")) {
            scope.positional = Some(rest[at + 1..].to_vec());
        } else if rest.first().is_some_and(|word| !is_flag(word) && !word.prefix().starts_with('+')) {
            scope.positional = Some(rest.to_vec());
        }
    }

    fn assign_read(&mut self, name: &str, scope: &mut Scope, input: Option<&Text>) {
        if FOLLOWED.contains(&name) {
            self.class(Class::OpaqueExec, format!("it reads {name}, which changes what programs run"));
        }
        let read = input
            .and_then(Text::literal)
            .map(|text| text.trim_end_matches('\n'))
            .filter(|text| !text.contains('\n'));
        let value = match read {
            Some(line) => Text::lit(line),
            None if input.and_then(Text::origin) == Some(Origin::Fetched) => Text::hole(Hole::FETCHED),
            None => Text::hole(Hole { origin: Origin::Line, ..Hole::UNKNOWN }),
        };
        if scope.is_number(name) {
            self.evaluate_value(&value, scope);
        }
        scope.assign(name, value);
    }

    /// Records a command whose inside is judged on its own.
    pub(crate) fn outer(&mut self, arguments: &[Text]) {
        self.effects.push(Effect::Run(Run {
            words: arguments.to_vec(),
            is_innermost: false,
            is_genuine: true,
            is_pure: false,
            is_harmless: false,
        }));
    }
}

/// Builtins that take names of variables, whose subscripts they evaluate.
fn names_variables(name: &str, rest: &[Text]) -> bool {
    let has = |option: &str| rest.iter().any(|word| word.literal() == Some(option));
    match name {
        "read" | "mapfile" | "readarray" | "getopts" | "let" | "unset" | "wait" | "export" | "declare"
        | "typeset" | "local" | "readonly" => true,
        "printf" => rest.first().is_some_and(|word| word.prefix().starts_with("-v")),
        "test" | "[" => has("-v") || has("-R"),
        _ => false,
    }
}

/// The words of a builtin that are evaluated as names of variables, subscripts included.
fn named_variables(name: &str, rest: &[Text]) -> Vec<Text> {
    let behind = |options: &[&str]| -> Vec<Text> {
        let pairs = rest.windows(2);
        pairs
            .filter(|pair| pair[0].literal().is_some_and(|word| options.contains(&word)))
            .map(|pair| pair[1].clone())
            .collect()
    };
    match name {
        "test" | "[" => behind(&["-v", "-R"]),
        "printf" => {
            rest.iter().take(1).filter_map(|word| word.strip_prefix("-v")).chain(behind(&["-v"])).collect()
        }
        "unset" | "declare" | "typeset" | "local" | "readonly" => rest.to_vec(),
        "read" | "mapfile" | "readarray" => {
            // What follows one of these is the option's value.
            let is_value = |at: &usize| {
                *at > 0
                    && is_flag(&rest[at - 1])
                    && rest[at - 1]
                        .prefix()
                        .ends_with(['p', 'd', 't', 'n', 'N', 'u', 'i', 's', 'O', 'c', 'C'])
            };
            (0..rest.len()).filter(|at| !is_value(at)).map(|at| rest[at].clone()).collect()
        }
        _ => Vec::new(),
    }
}

fn is_flag(word: &Text) -> bool {
    word.prefix().starts_with('-') && word.literal() != Some("-")
}
