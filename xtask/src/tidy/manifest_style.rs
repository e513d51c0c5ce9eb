//! What every manifest has in common.

use super::manifest::Table;
use super::violation::Violation;
use super::workspace::Workspace;

/// Versions and features are chosen once, in the workspace's manifest, so that nothing is built twice.
pub(crate) fn dependencies_are_inherited(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in &workspace.manifests {
        let own =
            manifest.dependencies.iter().filter(|each| each.table != Table::Workspace && !each.is_inherited);
        violations.extend(own.map(|dependency| {
            let wrong = format!("`{}` is not inherited", dependency.name);
            let remedy = "enter it in [workspace.dependencies] and say `workspace = true` here";
            Violation::new(&manifest.path, dependency.line, wrong, remedy)
        }));
    }
    violations
}

/// The lints of the workspace hold in every crate.
pub(crate) fn lints_are_inherited(workspace: &Workspace) -> Vec<Violation> {
    let crates = workspace.manifests.iter().filter(|manifest| manifest.crate_folder.is_some());
    crates
        .filter(|manifest| !manifest.inherits_lints)
        .map(|manifest| {
            let remedy = "add [lints] with `workspace = true`";
            Violation::new(&manifest.path, 1, "the workspace's lints are not inherited", remedy)
        })
        .collect()
}

/// A library brings only the features that someone asked for.
pub(crate) fn shared_dependencies_choose_their_features(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for manifest in &workspace.manifests {
        let foreign =
            manifest.dependencies.iter().filter(|each| each.table == Table::Workspace && !each.has_path);
        violations.extend(foreign.filter(|each| !each.turns_default_features_off).map(|dependency| {
            let wrong = format!("`{}` has its default features", dependency.name);
            let remedy = "say `default-features = false` and list the features that are used";
            Violation::new(&manifest.path, dependency.line, wrong, remedy)
        }));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_its_own_is_found() {
        let workspace = Workspace::of(&[("crates/app/Cargo.toml", "[dependencies]\nserde = \"1\"")]);
        assert_eq!(dependencies_are_inherited(&workspace).len(), 1);
    }

    #[test]
    fn a_crate_without_lints_is_found() {
        assert_eq!(lints_are_inherited(&Workspace::of(&[("crates/app/Cargo.toml", "")])).len(), 1);
    }

    #[test]
    fn default_features_are_found() {
        let text = "[workspace.dependencies]\nours = { path = \"x\" }\nserde = \"1\"\n\
            toml = { version = \"1\", default-features = false }";
        let found = shared_dependencies_choose_their_features(&Workspace::of(&[("Cargo.toml", text)]));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("Cargo.toml:3: `serde`"));
    }
}
