//! One `Cargo.toml`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Result;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::source::crate_folder;

/// What the rules need of a manifest.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) path: PathBuf,
    /// The folder of the crate, `None` for the workspace's own manifest.
    pub(crate) crate_folder: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) inherits_lints: bool,
}

/// One line of a table of dependencies.
#[derive(Debug)]
pub(crate) struct Dependency {
    /// Of the package; one of ours without its `provost-`.
    pub(crate) name: String,
    pub(crate) table: Table,
    /// Whether it says `workspace = true`.
    pub(crate) is_inherited: bool,
    /// Whether it says where in this repository it is.
    pub(crate) has_path: bool,
    pub(crate) turns_default_features_off: bool,
    pub(crate) line: usize,
}

/// Which table a dependency stands in, that of a target included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    Normal,
    Dev,
    Build,
    /// `[workspace.dependencies]`
    Workspace,
}

const TABLES: &[(&str, Table)] = &[
    ("dependencies", Table::Normal),
    ("dev-dependencies", Table::Dev),
    ("build-dependencies", Table::Build),
];

impl Manifest {
    /// Errs when the text is not TOML.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let document = DeTable::parse(text)?;
        let root = document.get_ref();
        let mut dependencies = Vec::new();
        for (name, table) in TABLES {
            dependencies.extend(read_table(root, name, *table, text));
        }
        for target in table(root, "target").into_iter().flat_map(DeTable::values).filter_map(as_table) {
            for (name, table) in TABLES {
                dependencies.extend(read_table(target, name, *table, text));
            }
        }
        if let Some(workspace) = table(root, "workspace") {
            dependencies.extend(read_table(workspace, "dependencies", Table::Workspace, text));
        }
        Ok(Self {
            path: path.to_owned(),
            crate_folder: crate_folder(path).map(str::to_owned),
            dependencies,
            inherits_lints: table(root, "lints").is_some_and(|lints| is(lints, "workspace", true)),
        })
    }
}

fn read_table(parent: &DeTable<'_>, name: &str, kind: Table, text: &str) -> Vec<Dependency> {
    let entries = table(parent, name).into_iter().flatten();
    entries.map(|(key, value)| dependency(key.get_ref(), key.span(), as_table(value), kind, text)).collect()
}

fn dependency(
    key: &str,
    span: Range<usize>,
    details: Option<&DeTable<'_>>,
    table: Table,
    text: &str,
) -> Dependency {
    let says = |name: &str, wanted: bool| details.is_some_and(|details| is(details, name, wanted));
    let package =
        details.and_then(|details| details.get("package")).and_then(|value| value.get_ref().as_str());
    let name = package.unwrap_or(key);
    Dependency {
        name: name.strip_prefix("provost-").unwrap_or(name).to_owned(),
        table,
        is_inherited: says("workspace", true),
        has_path: details.is_some_and(|details| details.contains_key("path")),
        turns_default_features_off: says("default-features", false),
        line: text[..span.start].matches('\n').count() + 1,
    }
}

fn table<'toml>(parent: &'toml DeTable<'toml>, name: &str) -> Option<&'toml DeTable<'toml>> {
    parent.get(name).and_then(as_table)
}

fn as_table<'toml>(value: &'toml Spanned<DeValue<'toml>>) -> Option<&'toml DeTable<'toml>> {
    value.get_ref().as_table()
}

fn is(table: &DeTable<'_>, name: &str, wanted: bool) -> bool {
    table.get(name).and_then(|value| value.get_ref().as_bool()) == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_dependencies_is_read() {
        let text = "[dependencies]\na = \"1\"\n[dev-dependencies]\nb.workspace = true\n\
            [target.'cfg(unix)'.build-dependencies]\nc = { package = \"provost-store\", path = \"x\" }\n\
            [lints]\nworkspace = true\n";
        let manifest = Manifest::parse(Path::new("crates/app/Cargo.toml"), text).unwrap();
        let seen: Vec<(&str, Table, usize)> =
            manifest.dependencies.iter().map(|each| (each.name.as_str(), each.table, each.line)).collect();
        assert_eq!(seen, [("a", Table::Normal, 2), ("b", Table::Dev, 4), ("store", Table::Build, 6)]);
        assert!(manifest.dependencies[1].is_inherited && manifest.dependencies[2].has_path);
        assert!(manifest.inherits_lints);
        assert_eq!(manifest.crate_folder.as_deref(), Some("app"));
    }
}
