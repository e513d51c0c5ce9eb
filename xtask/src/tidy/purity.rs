//! `domain` computes and does nothing else.

use super::violation::Violation;
use super::workspace::Workspace;

const ACTIONS: &[&str] = &[
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "async fn",
    "async move",
    ".await",
];

/// No file, network, process, thread, clock or await in `domain`.
pub(crate) fn domain_does_no_io(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in workspace.sources.iter().filter(|source| source.is_in_crate(&["domain"])) {
        for action in ACTIONS {
            violations.extend(source.find(action).into_iter().map(|line| {
                let wrong = format!("`{action}` in `domain`");
                Violation::new(&source.path, line, wrong, "domain is pure: let a caller act, in app or below")
            }));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_in_domain_is_found() {
        for text in ["use std::fs;", "async fn f() {}", "fn f() { Instant::now(); }"] {
            assert_eq!(
                domain_does_no_io(&Workspace::of(&[("crates/domain/src/a.rs", text)])).len(),
                1,
                "{text}"
            );
            assert!(domain_does_no_io(&Workspace::of(&[("crates/app/src/a.rs", text)])).is_empty(), "{text}");
        }
    }
}
