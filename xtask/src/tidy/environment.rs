//! The process's surroundings belong to the programs.

use super::violation::Violation;
use super::workspace::Workspace;

const PROGRAMS: &[&str] = &["cli", "xtask", "testkit"];

const ENVIRONMENT: &[&str] = &["std::env"];

const EXITS: &[&str] = &["process::exit", "process::abort"];

const PRINTS: &[&str] =
    &["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!(", "io::stdout", "io::stderr"];

/// Only `cli` reads the environment, prints or exits; a library takes what it needs and returns what it found.
pub(crate) fn only_binaries_touch_the_outside(workspace: &Workspace) -> Vec<Violation> {
    let rules = [
        (ENVIRONMENT, "take the value as a parameter; `cli` reads it"),
        (EXITS, "return an error; `main` turns it into an exit code"),
        (PRINTS, "return the text or take a `Write`; `cli` prints it, and `tracing` logs it"),
    ];
    let libraries = workspace.sources.iter();
    let libraries = libraries.filter(|source| !source.is_in_crate(PROGRAMS) && !source.is_build_script());
    let mut violations = Vec::new();
    for source in libraries {
        let constants = source.find("std::env::consts");
        for (patterns, remedy) in rules {
            for pattern in patterns {
                let wrong =
                    format!("`{}` in the library `{}`", pattern.trim_end_matches('('), source.crate_folder());
                let lines = source.find(pattern).into_iter().filter(|line| !constants.contains(line));
                violations
                    .extend(lines.map(|line| Violation::new(&source.path, line, wrong.clone(), remedy)));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        only_binaries_touch_the_outside(&Workspace::of(&[(path, text)])).len()
    }

    #[test]
    fn a_library_that_touches_the_outside_is_found() {
        for text in [
            "fn f() { std::env::var(\"HOME\"); }",
            "use std::{env, fs};",
            "fn f() { std::process::exit(1); }",
            "fn f() { eprintln!(\"x\"); }",
            "fn f() { std::io::stdout(); }",
        ] {
            assert!(found("crates/app/src/a.rs", text) > 0, "{text}");
            assert_eq!(found("crates/cli/src/a.rs", text), 0, "{text}");
            assert_eq!(found("crates/app/build.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn what_is_known_when_compiling_and_what_tests_print_is_allowed() {
        assert_eq!(found("crates/app/src/a.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");"), 0);
        assert_eq!(found("crates/app/src/a.rs", "const OS: &str = std::env::consts::OS;"), 0);
        assert_eq!(found("crates/app/src/a.rs", "#[cfg(test)] mod tests { fn f() { println!(\"x\"); } }"), 0);
    }
}
