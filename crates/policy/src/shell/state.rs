//! What is known at one point of a program: variables, functions, the folder it stands in.

use std::{
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

use super::syntax::Node;
use crate::{
    surroundings::Surroundings,
    text::{Hole, Text},
};

/// How many values of one variable are kept apart.
const MOST_ALTERNATIVES: usize = 16;

/// What is known at one point of a program.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    variables: HashMap<String, Variable>,
    pub(super) functions: HashMap<String, Rc<Node>>,
    pub(super) aliases: HashMap<String, String>,
    /// `$1` and the rest; `None` when nobody knows them.
    pub(super) positional: Option<Vec<Text>>,
    /// The folders it can stand in.
    pub(crate) cwd: Folders,
    /// Files that were written before, by absolute path.
    pub(crate) written: BTreeSet<String>,
    /// Runs with another user's rights.
    pub(crate) is_privileged: bool,
    /// Nothing behind this point runs.
    pub(super) is_over: bool,
    /// How many functions, shells and `eval` lie around it.
    pub(crate) depth: usize,
    /// The functions that are being run.
    pub(super) running: Vec<String>,
}

/// The values a variable can have.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Variable {
    pub(super) alternatives: Vec<Text>,
    /// The elements where it is an array that is known.
    pub(super) elements: Option<Vec<Text>>,
}

/// Folders that a command can stand in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folders {
    pub(crate) known: Vec<String>,
    pub(crate) has_unknown: bool,
}

impl Scope {
    pub(crate) fn new(cwd: &str) -> Self {
        Self {
            variables: HashMap::new(),
            functions: HashMap::new(),
            aliases: HashMap::new(),
            positional: None,
            cwd: Folders { known: vec![cwd.to_owned()], has_unknown: false },
            written: BTreeSet::new(),
            is_privileged: false,
            is_over: false,
            depth: 0,
            running: Vec::new(),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    pub(super) fn set(&mut self, name: &str, value: Variable) {
        self.variables.insert(name.to_owned(), value);
    }

    pub(super) fn assign(&mut self, name: &str, value: Text) {
        self.set(name, Variable { alternatives: vec![value], elements: None });
    }

    /// From now on nobody knows it.
    pub(super) fn forget(&mut self, name: &str) {
        self.assign(name, Text::hole(Hole::UNKNOWN));
    }

    /// The names among these whose value is one of several.
    pub(super) fn undecided(&self, names: &[String]) -> Vec<(String, Vec<Text>)> {
        names
            .iter()
            .filter_map(|name| Some((name.clone(), self.variables.get(name)?.alternatives.clone())))
            .filter(|(_, alternatives)| alternatives.len() > 1)
            .collect()
    }

    /// The value of a name as things stand; unknown when nothing says so.
    pub(super) fn value(&self, name: &str, surroundings: &Surroundings) -> Text {
        if let Some(variable) = self.variables.get(name) {
            return match variable.alternatives.as_slice() {
                [one] => one.clone(),
                _ => Text::hole(Hole::UNKNOWN),
            };
        }
        match name {
            "HOME" => Text::lit(surroundings.home.as_str()),
            "PWD" => match (self.cwd.known.as_slice(), self.cwd.has_unknown) {
                ([one], false) => Text::lit(one.as_str()),
                _ => Text::hole(Hole::UNKNOWN),
            },
            "USER" | "LOGNAME" if !surroundings.user.is_empty() => Text::lit(surroundings.user.as_str()),
            "IFS" => Text::lit(" \t\n"),
            "?" | "#" | "$" | "!" | "-" | "RANDOM" | "SECONDS" | "UID" | "EUID" | "PPID" | "LINENO"
            | "BASHPID" | "EPOCHSECONDS" | "SHLVL" | "HOSTNAME" | "OSTYPE" | "MACHTYPE" | "HOSTTYPE"
            | "COLUMNS" | "LINES" => Text::hole(Hole::TOKEN),
            _ => self.positional_value(name).unwrap_or_else(|| Text::hole(Hole::UNKNOWN)),
        }
    }

    fn positional_value(&self, name: &str) -> Option<Text> {
        let number: usize = name.parse().ok().filter(|number| *number > 0)?;
        Some(self.positional.as_ref()?.get(number - 1).cloned().unwrap_or_default())
    }

    /// What is known when either of two ways may have been taken.
    pub(super) fn join(&mut self, other: Self) {
        if other.is_over {
            return;
        }
        if self.is_over {
            *self = other;
            return;
        }
        for (name, variable) in other.variables {
            match self.variables.get_mut(&name) {
                Some(own) => own.join(variable),
                None => {
                    self.variables.insert(name, variable);
                }
            }
        }
        self.cwd.join(other.cwd);
        for (name, body) in other.functions {
            self.functions.entry(name).or_insert(body);
        }
        self.aliases.extend(other.aliases);
        self.written.extend(other.written);
        if self.positional != other.positional {
            self.positional = None;
        }
    }
}

impl Variable {
    fn join(&mut self, other: Self) {
        for alternative in other.alternatives {
            if !self.alternatives.contains(&alternative) {
                self.alternatives.push(alternative);
            }
        }
        if self.alternatives.len() > MOST_ALTERNATIVES {
            self.alternatives = vec![Text::hole(Hole::UNKNOWN)];
        }
        if self.elements != other.elements {
            self.elements = None;
        }
    }
}

impl Folders {
    fn join(&mut self, other: Self) {
        for folder in other.known {
            if !self.known.contains(&folder) {
                self.known.push(folder);
            }
        }
        self.has_unknown |= other.has_unknown;
        if self.known.len() > MOST_ALTERNATIVES {
            self.known.truncate(MOST_ALTERNATIVES);
            self.has_unknown = true;
        }
    }

    pub(crate) const fn unknown() -> Self {
        Self { known: Vec::new(), has_unknown: true }
    }

    /// Where `cd` to this path leads.
    pub(crate) fn enter(&self, path: &Text, home: &str) -> Self {
        let Some(path) = path.literal() else { return Self::unknown() };
        let absolute = match path {
            "" | "~" => Some(home.to_owned()),
            _ if path.starts_with('/') => Some(path.to_owned()),
            _ => None,
        };
        if let Some(absolute) = absolute {
            return Self { known: vec![crate::path::normal(&absolute)], has_unknown: false };
        }
        let known =
            self.known.iter().map(|folder| crate::path::normal(&format!("{folder}/{path}"))).collect();
        Self { known, has_unknown: self.has_unknown }
    }
}

impl Scope {
    /// What a shell that is started here knows: the folder, and the variables as its environment.
    pub(crate) fn inside_shell(&self, positional: Vec<Text>) -> Self {
        let mut inner = self.clone();
        inner.functions.clear();
        inner.aliases.clear();
        inner.positional = Some(positional);
        inner.running.clear();
        inner
    }
}
