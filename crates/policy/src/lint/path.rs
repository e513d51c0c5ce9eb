//! Patterns of paths as they are written: what can never match, and which covers which.

use crate::path::Anchors;

/// Where a pattern begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    FileSystem,
    Home,
    Project,
}

/// A pattern of paths, step by step, as [`crate::path::PathPattern`] reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenPath {
    root: Root,
    steps: Vec<String>,
}

impl WrittenPath {
    pub(super) fn read(pattern: &str, anchors: Anchors) -> Self {
        let is_bare = !pattern.trim_end_matches('/').contains('/') && anchors == Anchors::Rules;
        let (root, rest) = if let Some(rest) = pattern.strip_prefix("//") {
            (Root::FileSystem, rest)
        } else if pattern == "~" || pattern.starts_with("~/") {
            (Root::Home, &pattern[1..])
        } else if (pattern.starts_with('/') && anchors == Anchors::Lists)
            || pattern.starts_with("**/")
            || pattern == "**"
        {
            (Root::FileSystem, pattern)
        } else {
            (Root::Project, pattern)
        };
        let mut steps: Vec<String> = Vec::new();
        if root == Root::Project && is_bare && !pattern.starts_with('/') && !pattern.starts_with("./") {
            steps.push("**".to_owned());
        }
        steps.extend(rest.split('/').filter(|step| !step.is_empty() && *step != ".").map(str::to_owned));
        if pattern.ends_with('/') {
            steps.push("**".to_owned());
        }
        Self { root, steps }
    }

    /// It covers folders with all below them.
    pub(super) fn is_folder(&self) -> bool {
        self.steps.last().is_some_and(|step| step == "**")
    }

    /// It covers every file there is.
    pub(super) fn is_everything(&self) -> bool {
        self.root == Root::FileSystem && self.steps.iter().all(|step| step == "**")
    }

    /// It covers everything, or all of the home folder, or all of the project.
    pub(super) fn is_whole_root(&self) -> bool {
        self.steps.iter().all(|step| step == "**")
    }

    /// Whether every path that fits the other one fits this.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let is_anywhere =
            self.root == Root::FileSystem && self.steps.first().is_some_and(|step| step == "**");
        (self.root == other.root || is_anywhere) && covers(&self.steps, &other.steps)
    }
}

/// Step by step, in time that grows with one pattern times the other.
fn covers(wide: &[String], narrow: &[String]) -> bool {
    let mut reached = vec![false; narrow.len() + 1];
    reached[0] = true;
    for step in wide {
        let mut next = vec![false; reached.len()];
        let mut is_within = false;
        for at in 0..reached.len() {
            is_within |= reached[at];
            if step == "**" {
                next[at] = is_within;
            } else if at > 0 {
                let other = &narrow[at - 1];
                next[at] = reached[at - 1] && other != "**" && (step == other || step == "*");
            }
        }
        reached = next;
    }
    reached[narrow.len()]
}

/// Why no path can fit this pattern, and what was perhaps meant.
pub(super) fn never_fits(pattern: &str) -> Option<(&'static str, Option<String>)> {
    let has_step = |step: &str| pattern.split('/').any(|other| other == step);
    if pattern.contains(char::is_control) {
        return Some(("no path holds NUL or another control character", None));
    }
    if pattern.trim() != pattern {
        return Some(("it begins or ends with a blank", Some(pattern.trim().to_owned())));
    }
    if let Some(rest) = pattern.strip_prefix("file://") {
        return Some(("paths are no URLs", Some(format!("/{rest}"))));
    }
    for home in ["$HOME/", "${HOME}/"] {
        if let Some(rest) = pattern.strip_prefix(home) {
            return Some(("variables are not expanded in rules", Some(format!("~/{rest}"))));
        }
    }
    if pattern.contains("${") || pattern.starts_with('$') {
        return Some(("variables are not expanded in rules", None));
    }
    if has_step("..") {
        return Some(("paths are judged without `..`, so none holds one", None));
    }
    if pattern.starts_with('~') && pattern != "~" && !pattern.starts_with("~/") {
        return Some(("only `~/` stands for a home folder", None));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pattern_covers_is_told_by_its_steps() {
        let read = |text: &str| WrittenPath::read(text, Anchors::Rules);
        for (wide, narrow) in [
            ("./**", "./src/a.rs"),
            ("/**", "./src/**"),
            ("**", "~/.ssh/id"),
            ("**/.env", "//etc/.env"),
            ("./src/*", "./src/a"),
            ("./a/**/b", "./a/b"),
            (".env", "./x/.env"),
            ("src/", "./src/a/b"),
            ("~/**", "~"),
        ] {
            assert!(read(wide).covers(&read(narrow)), "{wide} {narrow}");
        }
        for (wide, narrow) in [
            ("./src/*", "./src/**"),
            ("./src/**", "./srcx/a"),
            ("./**", "~/x"),
            ("./**", "//x"),
            ("./a/*/b", "./a/b"),
            ("./a", "./**"),
            ("./a/b/**", "./a/**"),
        ] {
            assert!(!read(wide).covers(&read(narrow)), "{wide} {narrow}");
        }
    }
}
