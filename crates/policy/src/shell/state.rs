//! What is known at one point of a program: variables, functions, the folder it stands in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::syntax::Node;
use crate::{
    surroundings::Surroundings,
    text::{Hole, Origin, Part, Text},
};

/// How many values of one variable are kept apart.
const MOST_ALTERNATIVES: usize = 16;

/// What can be read from descriptors.
pub(super) type Descriptors = Arc<BTreeMap<i32, Text>>;

/// What is known at one point of a program.
///
/// It is copied at every fork of a program, so what can grow is shared until one side changes it.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    variables: Arc<HashMap<Arc<str>, Arc<Variable>>>,
    functions: Arc<HashMap<Arc<str>, Arc<Node>>>,
    aliases: Arc<HashMap<Arc<str>, Arc<str>>>,
    /// `$1` and the rest; `None` when nobody knows them.
    pub(super) positional: Option<Vec<Text>>,
    /// The folders it can stand in.
    pub(crate) cwd: Folders,
    /// Files that were written before, by absolute path.
    written: Arc<BTreeSet<Arc<str>>>,
    /// What can be read from descriptors that stay open; 0 only where the shell itself was given another input.
    descriptors: Descriptors,
    /// Runs with another user's rights.
    pub(crate) is_privileged: bool,
    /// Variables that were declared to be numbers: what they are given is evaluated.
    numbers: Arc<BTreeSet<Arc<str>>>,
    /// Arrays whose keys are words, which are not evaluated.
    keyed: Arc<BTreeSet<Arc<str>>>,
    /// `set -a`: every variable reaches the programs.
    pub(super) exports_all: bool,
    /// Programs are looked for where they are not installed, so a name alone says little.
    pub(crate) has_other_path: bool,
    /// The positional parameters were changed, and nobody knows to what.
    is_shifted: bool,
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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Folders {
    pub(crate) known: Vec<String>,
    pub(crate) has_unknown: bool,
}

impl Scope {
    pub(crate) fn new(cwd: &str) -> Self {
        Self {
            variables: Arc::default(),
            functions: Arc::default(),
            aliases: Arc::default(),
            positional: None,
            cwd: Folders { known: vec![cwd.to_owned()], has_unknown: false },
            written: Arc::default(),
            descriptors: Arc::default(),
            is_privileged: false,
            numbers: Arc::default(),
            keyed: Arc::default(),
            exports_all: false,
            has_other_path: false,
            is_shifted: false,
            is_over: false,
            depth: 0,
            running: Vec::new(),
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name).map(Arc::as_ref)
    }

    pub(super) fn set(&mut self, name: &str, value: Variable) {
        Arc::make_mut(&mut self.variables).insert(name.into(), Arc::new(value));
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
            .filter_map(|name| Some((name.clone(), self.variables.get(name.as_str())?.alternatives.clone())))
            .filter(|(_, alternatives)| alternatives.len() > 1)
            .collect()
    }

    /// The value of a name as things stand; unknown when nothing says so.
    pub(super) fn value(&self, name: &str, surroundings: &Surroundings) -> Text {
        if let Some(variable) = self.variables.get(name) {
            return match variable.alternatives.as_slice() {
                [one] => one.clone(),
                several => one_of(several),
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
            | "COLUMNS" | "LINES" => Text::hole(Hole::NUMBER),
            _ => self.value_of_parameter(name),
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
        self.join_variables(&other.variables);
        self.also_written(&other);
        self.join_descriptors(&other.descriptors);
        self.cwd.join(other.cwd);
        if !Arc::ptr_eq(&self.functions, &other.functions) {
            let functions = Arc::make_mut(&mut self.functions);
            for (name, body) in other.functions.iter() {
                functions.entry(name.clone()).or_insert_with(|| body.clone());
            }
        }
        if !Arc::ptr_eq(&self.aliases, &other.aliases) {
            let aliases = other.aliases.iter().map(|(name, text)| (name.clone(), text.clone()));
            Arc::make_mut(&mut self.aliases).extend(aliases);
        }
        self.names_numbers(&other.numbers);
        self.names_keyed(&other.keyed);
        self.exports_all |= other.exports_all;
        self.has_other_path |= other.has_other_path;
        self.is_shifted |= other.is_shifted;
        if self.positional != other.positional {
            self.positional = None;
            self.is_shifted = true;
        }
    }
}

impl Scope {
    fn join_variables(&mut self, others: &Arc<HashMap<Arc<str>, Arc<Variable>>>) {
        if Arc::ptr_eq(&self.variables, others) {
            return;
        }
        let variables = Arc::make_mut(&mut self.variables);
        for (name, other) in others.iter() {
            match variables.get_mut(name) {
                Some(own) if Arc::ptr_eq(own, other) => {}
                Some(own) => Arc::make_mut(own).join(other),
                None => {
                    variables.insert(name.clone(), other.clone());
                }
            }
        }
    }

    /// Whether a file was written before, by absolute path.
    pub(crate) fn has_written(&self, path: &str) -> bool {
        self.written.contains(path)
    }

    /// Whether a file lies in a folder that was brought here before.
    pub(crate) fn was_brought(&self, path: &str) -> bool {
        !self.written.is_empty() && path.match_indices('/').any(|(at, _)| self.written.contains(&path[..=at]))
    }

    pub(crate) fn has_written_any(&self) -> bool {
        !self.written.is_empty()
    }

    /// Whether a file below a folder was written before.
    pub(crate) fn has_written_below(&self, folder: &str) -> bool {
        self.written.iter().any(|path| crate::path::is_below(path, folder))
    }

    pub(crate) fn wrote(&mut self, paths: Vec<String>) {
        for path in paths.into_iter().filter(|path| !self.written.contains(path.as_str())).collect::<Vec<_>>()
        {
            Arc::make_mut(&mut self.written).insert(path.into());
        }
    }

    /// Takes over what was written on another way.
    pub(crate) fn also_written(&mut self, other: &Self) {
        if !Arc::ptr_eq(&self.written, &other.written) {
            Arc::make_mut(&mut self.written).extend(other.written.iter().cloned());
        }
    }

    pub(super) fn function(&self, name: &str) -> Option<Arc<Node>> {
        self.functions.get(name).cloned()
    }

    pub(super) fn define(&mut self, name: &str, body: &Node) {
        Arc::make_mut(&mut self.functions).insert(name.into(), Arc::new(body.clone()));
    }

    /// Forgets a function.
    pub(super) fn undefine(&mut self, name: &str) {
        if self.functions.contains_key(name) {
            Arc::make_mut(&mut self.functions).remove(name);
        }
    }

    pub(super) fn alias(&self, name: &str) -> Option<Arc<str>> {
        self.aliases.get(name).cloned()
    }

    pub(super) fn set_alias(&mut self, name: &str, text: &str) {
        Arc::make_mut(&mut self.aliases).insert(name.into(), text.into());
    }
}

impl Variable {
    fn join(&mut self, other: &Self) {
        for alternative in &other.alternatives {
            if !self.alternatives.contains(alternative) {
                self.alternatives.push(alternative.clone());
            }
        }
        if self.alternatives.len() > MOST_ALTERNATIVES {
            self.alternatives = vec![one_of(&self.alternatives)];
        }
        if self.elements != other.elements {
            self.elements = None;
        }
    }
}

/// One of these values; of numbers it is known that it is one.
fn one_of(values: &[Text]) -> Text {
    let is_number = |value: &Text| match value.literal() {
        Some(text) => text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()),
        None => {
            value.parts().iter().all(|part| matches!(part, Part::Hole(hole) if hole.origin == Origin::Number))
        }
    };
    Text::hole(if values.iter().all(is_number) { Hole::NUMBER } else { Hole::UNKNOWN })
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
    pub(super) fn is_number(&self, name: &str) -> bool {
        self.numbers.contains(name)
    }

    pub(super) fn is_keyed(&self, name: &str) -> bool {
        self.keyed.contains(name)
    }

    /// `declare -i`, `declare -A`
    pub(super) fn declare(&mut self, name: &str, is_number: bool, is_keyed: bool) {
        if is_number {
            Arc::make_mut(&mut self.numbers).insert(name.into());
        }
        if is_keyed {
            Arc::make_mut(&mut self.keyed).insert(name.into());
        }
    }

    fn names_numbers(&mut self, others: &Arc<BTreeSet<Arc<str>>>) {
        if !Arc::ptr_eq(&self.numbers, others) {
            Arc::make_mut(&mut self.numbers).extend(others.iter().cloned());
        }
    }

    /// Only what is a word on both ways is one.
    fn names_keyed(&mut self, others: &Arc<BTreeSet<Arc<str>>>) {
        if !Arc::ptr_eq(&self.keyed, others) {
            Arc::make_mut(&mut self.keyed).retain(|name| others.contains(name));
        }
    }

    /// The values of the positional parameters that an expression names.
    pub(super) fn parameter_values(&self, name: &str) -> Vec<Text> {
        match name {
            "@" | "*" => self.positional.clone().unwrap_or_default(),
            _ if name.starts_with(|first: char| first.is_ascii_digit()) => {
                vec![self.value_of_parameter(name)]
            }
            _ => Vec::new(),
        }
    }

    fn value_of_parameter(&self, name: &str) -> Text {
        let unknown = if self.is_shifted { Hole::UNKNOWN } else { Hole::ENVIRONMENT };
        self.positional_value(name).unwrap_or_else(|| Text::hole(unknown))
    }
}

/// The first number that the shell gives to a descriptor it names itself.
const FIRST_NAMED: i32 = 10;

impl Scope {
    pub(super) fn has_variables(&self) -> bool {
        !self.variables.is_empty()
    }

    /// All values that a name, or an element of it, can have.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &Text> {
        let variable = self.variables.get(name);
        variable.into_iter().flat_map(|one| one.alternatives.iter().chain(one.elements.iter().flatten()))
    }

    pub(super) fn descriptors(&self) -> Descriptors {
        self.descriptors.clone()
    }

    pub(super) fn restore_descriptors(&mut self, before: Descriptors) {
        self.descriptors = before;
    }

    /// What can be read from a descriptor.
    pub(crate) fn descriptor(&self, number: i32) -> Option<&Text> {
        self.descriptors.get(&number)
    }

    pub(super) fn open(&mut self, number: i32, text: Text) {
        Arc::make_mut(&mut self.descriptors).insert(number, text);
    }

    pub(super) fn close(&mut self, number: i32) {
        if self.descriptors.contains_key(&number) {
            Arc::make_mut(&mut self.descriptors).remove(&number);
        }
    }

    /// A number for a descriptor that a variable will hold.
    pub(super) fn name_descriptor(&mut self, name: &str) -> i32 {
        let free = (FIRST_NAMED..).find(|number| !self.descriptors.contains_key(number));
        let number = free.unwrap_or(FIRST_NAMED);
        self.assign(name, Text::lit(number.to_string()));
        number
    }

    /// A coprocess whose output waits on a descriptor in an array of this name.
    pub(super) fn beside(&mut self, name: &str, printed: Text) {
        let number = self.name_descriptor(name);
        self.open(number, printed);
        let elements = vec![Text::lit(number.to_string()), Text::lit((number + 1).to_string())];
        self.set(name, Variable { alternatives: vec![elements[0].clone()], elements: Some(elements) });
    }

    /// What can be read from a descriptor of which nobody knows the number.
    pub(super) fn worst_descriptor(&self) -> Text {
        let origin = self.descriptors.values().filter_map(Text::origin).max();
        Text::hole(Hole::made_of(origin))
    }

    fn join_descriptors(&mut self, others: &Descriptors) {
        if Arc::ptr_eq(&self.descriptors, others) {
            return;
        }
        let descriptors = Arc::make_mut(&mut self.descriptors);
        for (number, other) in others.iter() {
            match descriptors.get_mut(number) {
                Some(own) if own == other => {}
                Some(own) => {
                    let origin = own.origin().max(other.origin());
                    *own = Text::hole(Hole::made_of(origin));
                }
                None => {
                    descriptors.insert(*number, other.clone());
                }
            }
        }
    }
}

impl Scope {
    /// What a shell that is started here knows: the folder, and the variables as its environment.
    pub(crate) fn inside_shell(&self, positional: Vec<Text>) -> Self {
        let mut inner = self.clone();
        inner.functions = Arc::default();
        inner.aliases = Arc::default();
        inner.positional = Some(positional);
        inner.running.clear();
        inner.is_shifted = false;
        inner
    }
}
