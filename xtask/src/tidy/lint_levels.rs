//! Lints are silenced only where they would speak.

use super::violation::Violation;
use super::workspace::Workspace;

/// `#[expect]` complains when its reason is gone; `#[allow]` stays for ever.
pub(crate) fn lints_are_expected_not_allowed(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &workspace.sources {
        for pattern in ["#[allow(", "#![allow("] {
            violations.extend(source.find_everywhere(pattern).into_iter().map(|line| {
                let wrong = format!("`{pattern}…)]`");
                Violation::new(&source.path, line, wrong, "write `#[expect(…, reason = \"…\")]`")
            }));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allow_is_found() {
        let text =
            "#![allow(dead_code)]\n#[allow(clippy::all)]\nfn f() {}\n#[expect(x, reason = \"y\")]\nfn g() {}";
        assert_eq!(lints_are_expected_not_allowed(&Workspace::of(&[("crates/app/src/a.rs", text)])).len(), 2);
    }
}
