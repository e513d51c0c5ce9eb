//! A module is named after what it holds.

use std::path::Path;

use super::violation::Violation;
use super::workspace::Workspace;

const VAGUE: &[&str] =
    &["common", "core", "helper", "helpers", "services", "shared", "types", "util", "utils", "misc"];

/// No crate, folder, file or module has a name under which anything could stand.
pub(crate) fn nothing_is_named_vaguely(workspace: &Workspace) -> Vec<Violation> {
    let remedy = "name it after what it holds, or put its parts where they are used";
    let mut violations = Vec::new();
    let paths = workspace.sources.iter().map(|source| &source.path);
    for path in paths.chain(workspace.manifests.iter().map(|manifest| &manifest.path)) {
        let name = path
            .iter()
            .filter_map(|part| Path::new(part).file_stem()?.to_str())
            .find(|part| VAGUE.contains(part));
        violations.extend(name.map(|name| Violation::new(path, 1, format!("the name `{name}`"), remedy)));
    }
    for source in &workspace.sources {
        for name in VAGUE {
            let lines = source.find_everywhere(&format!("mod {name} {{")).into_iter();
            violations.extend(
                lines.map(|line| {
                    Violation::new(&source.path, line, format!("the module name `{name}`"), remedy)
                }),
            );
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vague_names_are_found() {
        let found = |path, text| nothing_is_named_vaguely(&Workspace::of(&[(path, text)])).len();
        assert_eq!(found("crates/app/src/utils.rs", ""), 1);
        assert_eq!(found("crates/app/src/types/id.rs", ""), 1);
        assert_eq!(found("crates/core/Cargo.toml", ""), 1);
        assert_eq!(found("crates/app/src/a.rs", "mod helpers { }"), 1);
        assert_eq!(found("crates/app/src/token_types.rs", ""), 0);
    }
}
