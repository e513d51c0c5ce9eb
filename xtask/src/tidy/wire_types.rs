//! The agent CLI's wire types are a detail of the runtime that speaks to it.

use super::violation::Violation;
use super::workspace::Workspace;

/// `agent::claude::wire` is neither public nor named outside `agent`: the others see domain events.
pub(crate) fn wire_types_stay_in_the_agent(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &workspace.sources {
        let patterns: &[&str] = if source.is_in_crate(&["agent"]) {
            &["pub mod wire", "pub use wire"]
        } else {
            &["claude::wire"]
        };
        for pattern in patterns {
            violations.extend(source.find_everywhere(pattern).into_iter().map(|line| {
                let wrong = format!("`{pattern}` shows the wire types outside `agent`");
                Violation::new(
                    &source.path,
                    line,
                    wrong,
                    "translate them to a domain event in `agent::claude`",
                )
            }));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_types_in_the_open_are_found() {
        let found = |path, text| wire_types_stay_in_the_agent(&Workspace::of(&[(path, text)])).len();
        assert_eq!(found("crates/agent/src/claude.rs", "pub mod wire;"), 1);
        assert_eq!(found("crates/app/src/a.rs", "use agent::claude::wire::Frame;"), 1);
        assert_eq!(
            found("crates/agent/src/claude.rs", "pub(crate) mod wire; use crate::claude::wire::Frame;"),
            0
        );
    }
}
