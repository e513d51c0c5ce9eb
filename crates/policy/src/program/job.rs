//! One run of one program, and the words in which its effects are said.

use super::{
    name_of,
    options::{Grammar, Options},
    stranger,
};
use crate::{
    effect::{Class, Effect, Endpoint, Place, Written},
    shell::{Scope, Walker, descriptor_of},
    text::{Hole, Part, Text},
};

/// One run of one program.
pub(super) struct Job<'w, 's> {
    pub(super) walker: &'w mut Walker<'s>,
    pub(super) scope: &'w mut Scope,
    /// The program's name without its folder, and its arguments.
    pub(super) words: Vec<Text>,
    pub(super) input: Option<&'w Text>,
    /// It is named by a path that is no program of the system.
    pub(super) is_script: bool,
    /// Where its own effect stands among all.
    pub(super) run_at: usize,
    /// What it prints.
    pub(super) printed: Text,
}

impl<'s> Job<'_, 's> {
    pub(super) fn name(&self) -> &str {
        self.words[0].literal().unwrap_or_default()
    }

    pub(super) fn arguments(&self) -> &[Text] {
        &self.words[1..]
    }

    pub(super) fn options(&self, grammar: Grammar) -> Options {
        grammar.read(self.arguments())
    }

    /// It changes nothing, as long as what is unknown among its arguments is no option that does.
    pub(super) fn is_pure(&mut self) {
        let mut before = self.arguments().iter().take_while(|word| word.literal() != Some("--"));
        if can_do_more(self.name()) && before.any(Text::may_be_option) {
            return;
        }
        if let Some(Effect::Run(run)) = self.walker.effects.0.get_mut(self.run_at) {
            run.is_pure = true;
        }
    }

    /// What runs inside it is judged on its own.
    pub(super) fn is_wrapper(&mut self) {
        if let Some(Effect::Run(run)) = self.walker.effects.0.get_mut(self.run_at) {
            run.is_innermost = false;
        }
    }

    /// It is judged itself as well as what runs inside it.
    pub(super) fn judge_both(&mut self) {
        if let Some(Effect::Run(run)) = self.walker.effects.0.get_mut(self.run_at) {
            run.is_innermost = true;
        }
    }

    pub(super) fn place(&self, path: &Text) -> Place {
        Place { path: path.clone(), cwd: self.scope.cwd.clone() }
    }

    /// What stands behind the name of a pipe or a descriptor, where this is one; the inner is what its input is, perhaps none.
    pub(super) fn behind(&self, file: &Text) -> Option<Option<Text>> {
        if let Some(output) = file.piped() {
            return Some(Some(output.clone()));
        }
        match file.literal()? {
            "/dev/stdin" | "/proc/self/fd/0" | "/dev/fd/0" => Some(self.input.cloned()),
            path => descriptor_of(path).map(|_| Some(self.walker.content(file, self.scope))),
        }
    }

    pub(super) fn read(&mut self, path: &Text) {
        if path.literal() != Some("-") && path.piped().is_none() {
            let place = self.place(path);
            self.walker.effects.push(Effect::Read(place));
        }
    }

    pub(super) fn read_all(&mut self, paths: &[Text]) {
        for path in paths {
            self.read(path);
        }
    }

    pub(super) fn read_below(&mut self, path: &Text) {
        let place = self.place(path);
        self.walker.effects.push(Effect::ReadBelow(place));
    }

    pub(super) fn list(&mut self, path: &Text) {
        let place = self.place(path);
        self.walker.effects.push(Effect::List(place));
    }

    pub(super) fn write(&mut self, path: &Text) {
        if path.literal() == Some("-") || path.piped().is_some() {
            return;
        }
        let place = self.place(path);
        self.walker.wrote(&place, self.scope);
        self.walker.effects.push(Effect::Write(place, Written::Changed));
    }

    /// Everything below a folder comes from elsewhere.
    pub(super) fn brought(&mut self, folder: &Text) {
        let below = self.place(folder).absolute(self.walker.surroundings);
        self.scope.wrote(below.into_iter().map(|path| format!("{path}/")).collect());
    }

    /// An option makes a program that only reads write: the rule for the program does not allow that.
    pub(super) fn write_aside(&mut self, path: &Text) {
        let place = self.place(path);
        self.walker.wrote(&place, self.scope);
        self.walker.effects.push(Effect::Write(place, Written::Redirected));
    }

    pub(super) fn write_all(&mut self, paths: &[Text]) {
        for path in paths {
            self.write(path);
        }
    }

    pub(super) fn remove(&mut self, path: &Text) {
        let place = self.place(path);
        self.walker.effects.push(Effect::Write(place, Written::Removed));
    }

    /// A program has this among its arguments, and perhaps reads it.
    pub(super) fn perhaps_reads(&mut self, word: &Text) {
        stranger::perhaps_reads(self, word);
    }

    pub(super) fn connect_url(&mut self, url: &Text) {
        if url.prefix().to_lowercase().starts_with("file:") {
            self.read(url);
        }
        self.walker.effects.push(Effect::Connect(Endpoint {
            target: url.clone(),
            is_url: true,
            scheme: None,
        }));
    }

    pub(super) fn connect_host(&mut self, host: &Text, scheme: &'static str) {
        self.walker.effects.push(Effect::Connect(Endpoint {
            target: host.clone(),
            is_url: false,
            scheme: Some(scheme),
        }));
    }

    pub(super) fn class(&mut self, class: Class, reason: impl Into<String>) {
        self.walker.class(class, reason);
    }

    pub(super) fn class_at(&mut self, class: Class, reason: impl Into<String>, paths: &[Text]) {
        let places = paths.iter().map(|path| self.place(path)).collect();
        self.walker.effects.push(Effect::Class(class, reason.into(), places));
    }

    pub(super) fn opaque(&mut self, reason: impl Into<String>) {
        self.class(Class::OpaqueExec, reason);
    }

    /// Runs other words as a command, in a process of its own.
    pub(super) fn run(&mut self, words: &[Text]) {
        let mut inner = self.scope.clone();
        self.run_in(words, &mut inner);
    }

    pub(super) fn run_in(&mut self, words: &[Text], scope: &mut Scope) {
        if words.is_empty() {
            return;
        }
        self.is_wrapper();
        if !self.walker.affords(words.iter().map(Text::size).sum()) {
            return;
        }
        scope.depth += 1;
        if scope.depth > 15 {
            self.walker.unreadable("too many commands lie within each other".to_owned());
            return;
        }
        self.printed = self.walker.run_program(words, scope, self.input);
        scope.depth -= 1;
        self.scope.also_written(scope);
    }

    /// Runs a text as a shell program, in a process of its own.
    pub(super) fn shell(&mut self, text: &Text) {
        self.is_wrapper();
        let mut inner = self.scope.clone();
        let name = self.name().to_owned();
        let input = self.input.cloned();
        self.printed = self.walker.payload(text, &mut inner, input.as_ref(), &name);
        self.scope.also_written(&inner);
    }
}

/// Whether a program that reads has options with which it changes something or starts another one.
fn can_do_more(name: &str) -> bool {
    matches!(
        name,
        "date"
            | "hostname"
            | "file"
            | "sort"
            | "uniq"
            | "xxd"
            | "shuf"
            | "tree"
            | "rg"
            | "ripgrep"
            | "ugrep"
            | "ag"
            | "ack"
            | "less"
            | "more"
            | "most"
            | "bat"
            | "batcat"
            | "sed"
            | "gsed"
            | "awk"
            | "gawk"
            | "mawk"
            | "nawk"
            | "yq"
            | "ss"
            | "dmesg"
            | "ifconfig"
            | "info"
            | "exiftool"
            | "pdftotext"
            | "highlight"
            | "pygmentize"
            | "git"
    )
}

/// A word that stands for file names that are found when it runs.
pub(super) fn found_names() -> Text {
    Text::hole(Hole::UNKNOWN)
}

/// The same text with `{}` and the like as unknown.
pub(super) fn with_placeholder(word: &Text, placeholder: &str, value: &Text) -> Text {
    let Some(text) = word.literal() else { return word.clone() };
    if placeholder.is_empty() || !text.contains(placeholder) {
        return word.clone();
    }
    let mut filled = Text::default();
    for (at, piece) in text.split(placeholder).enumerate() {
        if at > 0 {
            filled.append(value);
        }
        filled.push(Part::Lit(piece.to_owned()));
    }
    filled
}

impl Walker<'_> {
    /// Runs words that name a program; functions and aliases of the shell do not reach it, builtins of it that programs can be
    /// started by do.
    pub(super) fn run_program(&mut self, words: &[Text], scope: &mut Scope, input: Option<&Text>) -> Text {
        let is_builtin = words[0].literal().is_some_and(|name| {
            matches!(
                name_of(name).as_str(),
                "eval" | "source" | "." | "cd" | "export" | "trap" | "exec" | "command" | "builtin"
            )
        });
        if is_builtin { self.run(words, scope, input) } else { super::run(self, words, scope, input) }
    }
}
