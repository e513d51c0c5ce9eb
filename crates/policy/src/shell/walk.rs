//! Walks a program as a shell would run it, both ways at each fork, and gathers what it would do.

use std::thread;

use super::{
    guard, parse,
    state::Scope,
    syntax::{Connector, Node, Word},
};
use crate::{
    effect::{Class, Effect, Effects},
    surroundings::Surroundings,
    text::{Hole, Text},
};

/// How many commands one call may hold, loops unrolled.
const MOST_STEPS: usize = 3_000;
/// How many bytes its words may become, loops unrolled and variables filled in.
const MOST_BYTES: usize = 256 * 1024;
/// How many words of a loop are taken one by one.
const MOST_ROUNDS: usize = 64;
/// How deep functions, shells and `eval` may lie within each other.
const MOST_DEPTH: usize = 16;

/// Gathers the effects of one call.
pub(crate) struct Walker<'s> {
    pub(crate) surroundings: &'s Surroundings,
    pub(crate) effects: Effects,
    steps: usize,
    bytes: usize,
    /// One reason is enough.
    is_unreadable: bool,
    /// It works on a stack of its own, with room for what is deep.
    has_room: bool,
}

impl<'s> Walker<'s> {
    pub(crate) fn new(surroundings: &'s Surroundings) -> Self {
        Self {
            surroundings,
            effects: Effects::default(),
            steps: 0,
            bytes: 0,
            is_unreadable: false,
            has_room: false,
        }
    }

    /// Another one for words that may be a command.
    pub(crate) fn apart(&self) -> Self {
        Self { effects: Effects::default(), is_unreadable: false, ..*self }
    }

    /// What another one found; what it cost counts here too.
    pub(crate) fn found_apart(&mut self, apart: Self) -> Effects {
        self.steps = apart.steps;
        self.bytes = apart.bytes;
        if self.steps > MOST_STEPS || self.bytes > MOST_BYTES {
            self.unreadable("it holds too many words that may be commands".to_owned());
        }
        apart.effects
    }

    /// Counts a command; false when there were too many.
    pub(super) fn takes_step(&mut self) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS {
            self.unreadable(format!("it holds more than {MOST_STEPS} commands, loops unrolled"));
        }
        self.steps <= MOST_STEPS && self.bytes <= MOST_BYTES
    }

    /// Counts what words become; false when there is no room for it.
    pub(crate) fn affords(&mut self, bytes: usize) -> bool {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES {
            self.unreadable(format!("its words become more than {MOST_BYTES} bytes"));
        }
        self.bytes <= MOST_BYTES
    }

    /// Walks the text of a program; gives what it prints. What is deep is walked on a stack with room for it, for one that ends
    /// takes the whole process with it.
    pub(crate) fn program(&mut self, text: &str, scope: &mut Scope, input: Option<&Text>) -> Text {
        if self.has_room || guard::is_small(text) {
            return self.program_here(text, scope, input);
        }
        self.has_room = true;
        let walked = thread::scope(|threads| {
            let walk = || self.program_here(text, scope, input);
            let walking = thread::Builder::new().stack_size(guard::STACK_BYTES).spawn_scoped(threads, walk);
            walking.map(thread::ScopedJoinHandle::join)
        });
        self.has_room = false;
        let problem = match walked {
            Ok(Ok(printed)) => return printed,
            Ok(Err(_)) => "the evaluator failed".to_owned(),
            Err(error) => format!("there is no room to read it: {error}"),
        };
        self.unreadable(problem);
        Text::hole(Hole::UNKNOWN)
    }

    fn program_here(&mut self, text: &str, scope: &mut Scope, input: Option<&Text>) -> Text {
        if scope.depth >= MOST_DEPTH {
            self.unreadable(format!("more than {MOST_DEPTH} programs lie within each other"));
            return Text::hole(Hole::UNKNOWN);
        }
        match parse::parse(text) {
            Ok(node) => {
                scope.depth += 1;
                let printed = self.walk(&node, scope, input);
                scope.depth -= 1;
                printed
            }
            Err(problem) => {
                self.unreadable(format!("the command cannot be parsed: {problem}"));
                self.lines_before_the_problem(text, scope);
                Text::hole(Hole::UNKNOWN)
            }
        }
    }

    /// A shell runs a script line by line, so lines before a mistake do run.
    fn lines_before_the_problem(&mut self, text: &str, scope: &Scope) {
        if text.len() > guard::MOST_BYTES || !text.contains('\n') {
            return;
        }
        let mut inner = scope.clone();
        inner.depth += 1;
        for line in text.lines().take(MOST_ROUNDS) {
            if let Ok(node) = parse::parse(line) {
                self.walk(&node, &mut inner, None);
            }
        }
    }

    pub(crate) fn unreadable(&mut self, reason: String) {
        if !self.is_unreadable {
            self.is_unreadable = true;
            self.effects.push(Effect::Unreadable(reason));
        }
    }

    pub(crate) fn class(&mut self, class: Class, reason: impl Into<String>) {
        self.effects.push(Effect::Class(class, reason.into(), Vec::new()));
    }

    pub(super) fn walk(&mut self, node: &Node, scope: &mut Scope, input: Option<&Text>) -> Text {
        if scope.is_over {
            return Text::default();
        }
        if !self.takes_step() {
            return Text::hole(Hole::UNKNOWN);
        }
        match node {
            Node::Simple { assignments, words, redirects } => {
                self.simple(assignments, words, redirects, scope, input)
            }
            Node::Pipeline(commands) => self.pipeline(commands, scope, input),
            Node::Sequence(items) => self.sequence(items, scope, input),
            Node::Subshell(body, redirects) => {
                let mut inner = scope.clone();
                let input = self.redirect(redirects, &mut inner, input.cloned());
                let printed = self.walk(body, &mut inner, input.as_ref());
                scope.also_written(&inner);
                printed
            }
            Node::Group(body, redirects) => {
                let before = scope.descriptors();
                let input = self.redirect(redirects, scope, input.cloned());
                let printed = self.walk(body, scope, input.as_ref());
                if !redirects.is_empty() {
                    scope.restore_descriptors(before);
                }
                printed
            }
            Node::If { condition, branches } => {
                let first = self.walk(condition, scope, input);
                self.branches(first, branches.iter(), scope, input)
            }
            Node::For { name, words, body } => self.for_each(name, words.as_deref(), body, scope, input),
            Node::While { condition, body, is_endless } => {
                self.repeat(condition, body, *is_endless, scope, input)
            }
            Node::Case { word, arms } => {
                self.whole(word, scope);
                for pattern in arms.iter().flat_map(|(patterns, _)| patterns) {
                    self.whole(pattern, scope);
                }
                let bodies = arms.iter().filter_map(|(_, body)| body.as_ref());
                self.branches(Text::default(), bodies, scope, input)
            }
            Node::Function { name, body } => {
                self.define(name, body, scope);
                Text::default()
            }
            Node::Coprocess { name, command } => {
                let mut inner = scope.clone();
                let printed = self.walk(command, &mut inner, None);
                scope.also_written(&inner);
                scope.beside(name, printed);
                Text::default()
            }
            Node::Test { words, evaluated } => {
                for word in words {
                    self.whole(word, scope);
                }
                for word in evaluated {
                    let value = self.whole(word, scope);
                    self.evaluate_value(&value, scope);
                }
                Text::default()
            }
            Node::Arithmetic(expression) => {
                self.evaluate(expression, scope);
                Text::default()
            }
            Node::Empty => Text::default(),
        }
    }

    /// Each way from the same point, and the point where they meet.
    fn branches<'n>(
        &mut self,
        first: Text,
        branches: impl Iterator<Item = &'n Node>,
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        let mut outputs = vec![first];
        let before = scope.clone();
        for branch in branches {
            let mut taken = before.clone();
            outputs.push(self.walk(branch, &mut taken, input));
            scope.join(taken);
        }
        joined(outputs)
    }

    /// `while` and `until`
    fn repeat(
        &mut self,
        condition: &Node,
        body: &Node,
        is_endless: bool,
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        if is_endless && multiplies(body) {
            self.class(Class::ForkBomb, "a loop without end starts processes in the background");
        }
        let mut outputs = Vec::new();
        // What the first round leaves is what the second one finds.
        for _ in 0..2 {
            self.walk(condition, scope, input);
            let mut round = scope.clone();
            outputs.push(self.walk(body, &mut round, input));
            scope.join(round);
        }
        joined(outputs)
    }

    /// A function: one that is never called is judged too, for a later call may run it.
    fn define(&mut self, name: &str, body: &Node, scope: &mut Scope) {
        if calls_itself_twice(name, body) {
            self.class(Class::ForkBomb, format!("the function {name:?} starts itself without end"));
        }
        let mut inner = scope.clone();
        inner.positional = None;
        inner.running.push(name.to_owned());
        self.walk(body, &mut inner, None);
        scope.define(name, body);
    }

    /// Each command in a process of its own, fed by the one before.
    fn pipeline(&mut self, commands: &[Node], scope: &mut Scope, input: Option<&Text>) -> Text {
        let mut fed = input.cloned();
        for (at, command) in commands.iter().enumerate() {
            let mut inner = scope.clone();
            if at > 0 {
                inner.close(0);
            }
            let printed = self.walk(command, &mut inner, fed.as_ref());
            scope.also_written(&inner);
            fed = Some(printed);
        }
        fed.unwrap_or_default()
    }

    fn sequence(&mut self, items: &[(Node, Connector)], scope: &mut Scope, input: Option<&Text>) -> Text {
        let mut outputs = Vec::new();
        // The ways out of a chain of `&&` and `||` before its end.
        let mut left_early: Vec<Scope> = Vec::new();
        for (command, connector) in items {
            if *connector == Connector::Background {
                let mut inner = scope.clone();
                self.walk(command, &mut inner, input);
            } else {
                let before = matches!(connector, Connector::Or).then(|| scope.clone());
                outputs.push(self.walk(command, scope, input));
                if let Some(before) = before {
                    // What stands behind `||` runs where this failed, and half of it may have been done.
                    let done = std::mem::replace(scope, before);
                    left_early.push(done.clone());
                    scope.join(done);
                }
            }
            if matches!(connector, Connector::And) {
                left_early.push(scope.clone());
            }
            if matches!(connector, Connector::Then | Connector::Background) {
                for left in left_early.drain(..) {
                    scope.join(left);
                }
            }
        }
        for left in left_early {
            scope.join(left);
        }
        joined(outputs)
    }

    fn for_each(
        &mut self,
        name: &str,
        words: Option<&[Word]>,
        body: &Node,
        scope: &mut Scope,
        input: Option<&Text>,
    ) -> Text {
        let values = match words {
            Some(words) => self.fields(words, scope),
            None => scope.positional.clone().unwrap_or_else(|| vec![Text::hole(Hole::UNKNOWN)]),
        };
        let values = if values.len() > MOST_ROUNDS { vec![Text::hole(Hole::UNKNOWN)] } else { values };
        let mut outputs = Vec::new();
        let unrolled = values.len() == 1 && values[0].literal().is_none();
        for value in &values {
            if scope.is_number(name) {
                self.evaluate_value(value, scope);
            }
            let mut round = scope.clone();
            round.assign(name, value.clone());
            outputs.push(self.walk(body, &mut round, input));
            scope.join(round);
        }
        if unrolled {
            // It may go round again, and find what the first round left.
            let mut round = scope.clone();
            round.assign(name, values[0].clone());
            outputs.push(self.walk(body, &mut round, input));
            scope.join(round);
        }
        joined(outputs)
    }
}

/// What several commands print together.
pub(super) fn joined(outputs: Vec<Text>) -> Text {
    let mut all: Vec<Text> = outputs.into_iter().filter(|output| !output.is_empty()).collect();
    match all.len() {
        0 => Text::default(),
        1 => all.remove(0),
        _ if all.iter().all(|output| output.literal().is_some()) => {
            let mut text = Text::default();
            for output in &all {
                text.append(output);
            }
            text
        }
        _ => {
            let origin = all.iter().filter_map(Text::origin).max();
            Text::hole(Hole::made_of(origin))
        }
    }
}

/// A function that starts itself in a pipeline, in the background, or more than once.
fn calls_itself_twice(name: &str, body: &Node) -> bool {
    let mut calls = 0;
    count_calls(name, body, false, &mut calls);
    calls >= 2
}

fn count_calls(name: &str, node: &Node, beside: bool, calls: &mut usize) {
    match node {
        Node::Simple { words, .. } => {
            let called = words.first().and_then(Word::plain).is_some_and(|word| word == name);
            *calls += usize::from(called) * if beside { 2 } else { 1 };
        }
        Node::Pipeline(commands) => {
            commands.iter().for_each(|command| count_calls(name, command, true, calls));
        }
        Node::Sequence(items) => {
            for (command, connector) in items {
                count_calls(name, command, beside || *connector == Connector::Background, calls);
            }
        }
        Node::Subshell(body, _)
        | Node::Group(body, _)
        | Node::For { body, .. }
        | Node::While { body, .. }
        | Node::Coprocess { command: body, .. } => count_calls(name, body, beside, calls),
        Node::If { branches, .. } => {
            branches.iter().for_each(|branch| count_calls(name, branch, beside, calls));
        }
        _ => {}
    }
}

/// Starts something in the background that nobody waits for.
fn multiplies(body: &Node) -> bool {
    let Node::Sequence(items) = body else { return false };
    let starts = items.iter().any(|(_, connector)| *connector == Connector::Background);
    let waits = items.iter().any(|(command, _)| {
        let Node::Simple { words, .. } = command else { return false };
        let first = words.first().and_then(Word::plain);
        first.is_some_and(|word| matches!(word.as_str(), "sleep" | "wait" | "read" | "break"))
    });
    starts && !waits
}
