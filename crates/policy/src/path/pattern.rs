//! Patterns of paths, as rules write them: `//abs`, `~/home`, `/project`, `./project`, `**` for any depth.

use std::borrow::Cow;

use super::resolve::{Candidate, Component, MOST_COMPONENTS};
use crate::{
    surroundings::Surroundings,
    text::{Match, Part, Text},
};

/// A pattern ready to be held against paths.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PathPattern {
    steps: Vec<Step>,
    ignores_case: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// `**`
    Any,
    /// A name with `*` and `?`.
    Name(Text),
}

/// What the beginning of a pattern means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchors {
    /// As the agent CLI's rules: `//` is the root, `/` and `./` the project, a bare name any depth below it.
    Rules,
    /// As lists of paths: `/` is the root, the rest as in rules.
    Lists,
}

impl PathPattern {
    /// Reads a pattern.
    pub(crate) fn read(pattern: &str, anchors: Anchors, surroundings: &Surroundings) -> Self {
        let project = &surroundings.project_root;
        let whole = if let Some(rest) = pattern.strip_prefix("//") {
            format!("/{rest}")
        } else if pattern == "~" || pattern.starts_with("~/") {
            format!("{}{}", surroundings.home, &pattern[1..])
        } else if pattern.starts_with('/') {
            match anchors {
                Anchors::Rules => format!("{project}{pattern}"),
                Anchors::Lists => pattern.to_owned(),
            }
        } else if let Some(rest) = pattern.strip_prefix("./") {
            format!("{project}/{rest}")
        } else if pattern.starts_with("**/") || pattern == "**" {
            format!("/{pattern}")
        } else if !pattern.trim_end_matches('/').contains('/') && anchors == Anchors::Rules {
            format!("{project}/**/{pattern}")
        } else {
            format!("{project}/{pattern}")
        };
        let ignores_case = !surroundings.case_sensitive_fs;
        let steps = whole
            .split('/')
            .filter(|step| !step.is_empty() && *step != ".")
            .map(|step| Step::read(step, ignores_case))
            .collect();
        let mut steps: Vec<Step> = steps;
        // A folder covers what lies below it.
        if whole.ends_with('/') {
            steps.push(Step::Any);
        }
        Self { steps, ignores_case }
    }

    /// Whether a path is one of these. A pattern that ends in `/**` covers its folder too.
    pub(crate) fn matches(&self, path: &Candidate) -> Match {
        // No file has a path as long as that; nobody knows what is meant.
        if path.components.len() > MOST_COMPONENTS {
            return Match::Maybe;
        }
        let components: Cow<'_, [Component]> = if self.ignores_case {
            path.components.iter().map(lowered).collect()
        } else {
            Cow::Borrowed(&path.components)
        };
        let mut search = Search { steps: &self.steps, path: &components, budget: 20_000 };
        let found = search.run(0, 0, Match::Yes);
        match found {
            Match::Yes | Match::Wild if path.is_disguised => Match::Maybe,
            // A path that begins anywhere is only meant where a name of the pattern is named.
            Match::Maybe if path.is_floating || has_any(&components) => {
                if shares_name(&self.steps, &components) { Match::Maybe } else { Match::No }
            }
            other => other,
        }
    }

    /// Whether what it covers lies below this path: the path is a folder above it.
    pub(crate) fn lies_below(&self, path: &Candidate) -> bool {
        let known: Option<Vec<&str>> = path.components.iter().map(Component::literal).collect();
        let Some(known) = known else { return false };
        let literal: Vec<&str> = self
            .steps
            .iter()
            .map_while(|step| match step {
                Step::Name(text) => text.literal(),
                Step::Any => None,
            })
            .collect();
        literal.len() > known.len() && literal[..known.len()] == known[..]
    }

    /// It covers files at any depth of any folder, such as `**/.env`.
    pub(crate) fn is_everywhere(&self) -> bool {
        self.steps.first() == Some(&Step::Any)
    }

    /// It covers a whole folder, `…/**`.
    pub(crate) fn is_folder(&self) -> bool {
        self.steps.last() == Some(&Step::Any)
    }
}

impl Step {
    fn read(text: &str, ignores_case: bool) -> Self {
        if text == "**" {
            return Self::Any;
        }
        let text = if ignores_case { text.to_lowercase() } else { text.to_owned() };
        let mut name = Text::default();
        for character in text.chars() {
            match character {
                '*' => name.push(Part::Star),
                '?' => name.push(Part::One(None)),
                other => name.push_lit(other.encode_utf8(&mut [0; 4])),
            }
        }
        Self::Name(name)
    }
}

fn lowered(component: &Component) -> Component {
    let Component::Name(text) = component else { return component.clone() };
    let mut lower = Text::default();
    for part in text.parts() {
        match part {
            Part::Lit(text) => lower.push_lit(&text.to_lowercase()),
            other => lower.push(other.clone()),
        }
    }
    Component::Name(lower)
}

fn has_any(components: &[Component]) -> bool {
    components.contains(&Component::Any)
}

/// Whether a name that the pattern spells out stands in the path.
fn shares_name(steps: &[Step], components: &[Component]) -> bool {
    let named = |text: &Text| text.literal().map(str::to_owned);
    steps.iter().any(|step| match step {
        Step::Name(pattern) => {
            let specific = named(pattern).is_some_and(|name| {
                !matches!(name.as_str(), "home" | "etc" | "usr" | "root" | "dev" | "tmp")
            }) || (named(pattern).is_none()
                && pattern.parts().iter().any(|part| matches!(part, Part::Lit(text) if text.len() > 1)));
            specific
                && components.iter().any(|component| match component {
                    Component::Name(name) if name.literal().is_some() => {
                        name_matches(pattern, name) == Match::Yes
                    }
                    Component::Name(name) => {
                        // A name with a hole shares what is known at its ends.
                        !name.prefix().is_empty()
                            && name.prefix().len() > 1
                            && name_matches(pattern, name) != Match::No
                    }
                    Component::Any | Component::Deep => false,
                })
        }
        Step::Any => false,
    })
}

/// Whether one name is another, wildcards on both sides.
fn name_matches(pattern: &Text, name: &Text) -> Match {
    match (pattern.literal(), name.literal()) {
        (Some(pattern), Some(name)) => {
            if pattern == name {
                Match::Yes
            } else {
                Match::No
            }
        }
        (None, Some(name)) => {
            if pattern.can_be(name) {
                Match::Yes
            } else {
                Match::No
            }
        }
        (Some(pattern), None) => {
            // A wildcard of the shell does not stand for a leading dot.
            let hidden =
                pattern.starts_with('.') && matches!(name.parts().first(), Some(Part::Star | Part::One(_)));
            if hidden { Match::No } else { name.is(pattern) }
        }
        (None, None) => {
            if pattern.is_bare_star() {
                return Match::Yes;
            }
            let hidden = pattern.prefix().starts_with('.')
                && matches!(name.parts().first(), Some(Part::Star | Part::One(_)));
            let fits = !hidden && both_can_be(pattern, name);
            match (fits, name.has_hole()) {
                (false, _) => Match::No,
                (true, true) => Match::Maybe,
                (true, false) => Match::Wild,
            }
        }
    }
}

/// Whether two names with wildcards can be the same: their known ends agree.
fn both_can_be(left: &Text, right: &Text) -> bool {
    let (head, other_head) = (left.prefix(), right.prefix());
    let (tail, other_tail) = (left.suffix(), right.suffix());
    (head.starts_with(other_head) || other_head.starts_with(head))
        && (tail.ends_with(other_tail) || other_tail.ends_with(tail))
}

/// Looks for the best way to lay a pattern over a path.
struct Search<'a> {
    steps: &'a [Step],
    path: &'a [Component],
    budget: usize,
}

impl Search<'_> {
    fn run(&mut self, step: usize, at: usize, so_far: Match) -> Match {
        self.budget = match self.budget.checked_sub(1) {
            Some(left) => left,
            // Too much to try: nobody can say it is not.
            None => return Match::Maybe,
        };
        match (self.steps.get(step), self.path.get(at)) {
            (None, None) => so_far,
            (None, Some(Component::Any)) => self.run(step, at + 1, so_far.min(Match::Maybe)),
            (None, Some(Component::Deep)) => self.run(step, at + 1, so_far.min(Match::Wild)),
            (None, Some(_)) => Match::No,
            (Some(Step::Any), None) => self.run(step + 1, at, so_far),
            (Some(Step::Any), Some(_)) => {
                let none = self.run(step + 1, at, so_far);
                if none == Match::Yes { none } else { none.max(self.run(step, at + 1, so_far)) }
            }
            (Some(Step::Name(_)), None) => Match::No,
            (Some(Step::Name(_)), Some(deep @ (Component::Any | Component::Deep))) => {
                let so_far = so_far.min(if *deep == Component::Any { Match::Maybe } else { Match::Wild });
                let skip = self.run(step, at + 1, so_far);
                skip.max(self.run(step + 1, at, so_far))
            }
            (Some(Step::Name(pattern)), Some(Component::Name(name))) => match name_matches(pattern, name) {
                Match::No => Match::No,
                found => self.run(step + 1, at + 1, so_far.min(found)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{effect::Place, shell::Folders, surroundings::Links};

    fn surroundings() -> Surroundings {
        Surroundings {
            home: "/home/dev".into(),
            project_root: "/home/dev/project".into(),
            ..Surroundings::default()
        }
    }

    fn matches(pattern: &str, anchors: Anchors, path: &str) -> Match {
        let surroundings = surroundings();
        let place = Place {
            path: Text::lit(path),
            cwd: Folders { known: vec!["/home/dev/project".into()], has_unknown: false },
        };
        let pattern = PathPattern::read(pattern, anchors, &surroundings);
        place
            .candidates(&surroundings, &Links::default())
            .iter()
            .map(|form| pattern.matches(form))
            .max()
            .unwrap_or(Match::No)
    }

    #[test]
    fn a_prefix_is_whole_names() {
        assert_eq!(matches("/home/dev/project/**", Anchors::Lists, "../project/x"), Match::Yes);
        assert_eq!(matches("/home/dev/project/**", Anchors::Lists, "../project2/x"), Match::No);
        assert_eq!(
            matches("/home/dev/project/**", Anchors::Lists, "."),
            Match::Yes,
            "a folder is covered with what is below"
        );
        assert_eq!(matches("**/.env", Anchors::Lists, "a/b/.env"), Match::Yes);
        assert_eq!(matches("**/.env", Anchors::Lists, "a/b/.environment"), Match::No);
        assert_eq!(matches("**/.env.*", Anchors::Lists, ".env.local"), Match::Yes);
    }

    #[test]
    fn anchors_are_those_of_the_agent_program() {
        assert_eq!(matches("//etc/**", Anchors::Rules, "/etc/hosts"), Match::Yes);
        assert_eq!(matches("/etc/**", Anchors::Rules, "/etc/hosts"), Match::No);
        assert_eq!(matches("/etc/**", Anchors::Rules, "etc/hosts"), Match::Yes);
        assert_eq!(matches("~/x", Anchors::Rules, "/home/dev/x"), Match::Yes);
        assert_eq!(matches("*.pem", Anchors::Rules, "a/b/c.pem"), Match::Yes);
        assert_eq!(matches("./Cargo.lock", Anchors::Rules, "sub/Cargo.lock"), Match::No);
    }
}
