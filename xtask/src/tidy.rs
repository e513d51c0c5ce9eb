//! The architecture's rules that neither the compiler nor clippy checks, each one small function.
//!
//! A rule reads the [`Workspace`] as text and returns what breaks it. It looks for habits, not for tricks: whoever
//! wants to get around it can, and a reviewer will see it.

mod crate_graph;
mod database;
mod environment;
mod file_length;
mod lint_levels;
mod manifest;
mod manifest_style;
mod purity;
mod source;
mod token;
mod unfinished;
mod vague_names;
mod violation;
mod wire_types;
mod workspace;

use std::path::Path;

use anyhow::bail;

use violation::Violation;
use workspace::Workspace;

/// A rule of the architecture.
type Rule = fn(&Workspace) -> Vec<Violation>;

/// Every rule, in the order in which their findings are printed.
const RULES: &[Rule] = &[
    crate_graph::siblings_depend_only_downwards,
    crate_graph::testkit_is_a_dev_dependency,
    crate_graph::libraries_stay_in_their_layer,
    crate_graph::domain_depends_on_nothing_that_acts,
    manifest_style::dependencies_are_inherited,
    manifest_style::lints_are_inherited,
    manifest_style::shared_dependencies_choose_their_features,
    database::drivers_are_named_only_in_store,
    database::sql_is_written_only_in_store,
    environment::only_binaries_touch_the_outside,
    purity::domain_does_no_io,
    wire_types::wire_types_stay_in_the_agent,
    unfinished::nothing_is_left_unfinished,
    lint_levels::lints_are_expected_not_allowed,
    file_length::files_stay_readable,
    vague_names::nothing_is_named_vaguely,
];

/// Prints what breaks a rule; fails when anything does.
#[expect(clippy::print_stdout, reason = "findings are the output of this program")]
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let violations = check(&Workspace::read(root)?);
    for violation in &violations {
        println!("{violation}");
    }
    if !violations.is_empty() {
        bail!("{} places break a rule of the architecture", violations.len());
    }
    Ok(())
}

fn check(workspace: &Workspace) -> Vec<Violation> {
    RULES.iter().flat_map(|rule| rule(workspace)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_tidy() {
        let workspace = Workspace::read(crate::workspace_root()).unwrap();
        let violations: Vec<String> = check(&workspace).iter().map(Violation::to_string).collect();
        assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
    }
}
