//! Which crate may depend on which, and where each kind of library belongs.

use super::manifest::{Dependency, Manifest, Table};
use super::violation::Violation;
use super::workspace::Workspace;

/// Every crate with the crates of ours that it may depend on.
const SIBLINGS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("agent", &["domain"]),
    ("policy", &["domain"]),
    ("app", &["store", "agent", "policy", "domain"]),
    ("api", &["app", "domain"]),
    ("web", &["app", "domain"]),
    ("mcp", &["app", "domain"]),
    ("cli", &["api", "web", "mcp", "app", "store", "agent", "policy", "domain"]),
    ("testkit", &[]),
    ("xtask", &["api", "web", "mcp", "app", "store", "agent", "policy", "domain"]),
];

/// Libraries with the crates that may use them.
const HOMES: &[(&[&str], &[&str])] = &[
    (
        &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio-postgres",
            "tokio-postgres-rustls",
            "postgres",
            "sqlx",
            "diesel",
        ],
        &["store", "testkit", "xtask"],
    ),
    (&["axum", "utoipa", "tower-http"], &["api", "web", "mcp", "cli"]),
    (&["askama"], &["web"]),
    (&["rmcp"], &["mcp", "cli"]),
    (&["clap", "clap_complete"], &["cli", "xtask"]),
    (&["anyhow"], &["cli", "xtask"]),
];

/// Runtimes, drivers and sources of chance, which would let `domain` act.
const ACTING: &[&str] = &[
    "async-channel",
    "async-trait",
    "futures",
    "getrandom",
    "hyper",
    "object_store",
    "rand",
    "reqwest",
    "rustix",
    "rustls",
    "tokio",
    "tokio-util",
];

/// Dependencies point down: `cli → {api, web, mcp} → app → {store, agent, policy} → domain`, in tests as well.
pub(crate) fn siblings_depend_only_downwards(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (manifest, folder) in crates(workspace) {
        let Some((_, allowed)) = SIBLINGS.iter().find(|(name, _)| *name == folder) else {
            let wrong = format!("the crate `{folder}` has no place in the architecture");
            let remedy = "make it a module, or enter it in SIBLINGS of xtask/src/tidy/crate_graph.rs";
            violations.push(Violation::new(&manifest.path, 1, wrong, remedy));
            continue;
        };
        let siblings = manifest.dependencies.iter().filter(|dependency| is_sibling(dependency));
        let upwards =
            siblings.filter(|sibling| sibling.name != "testkit" && !allowed.contains(&sibling.name.as_str()));
        violations.extend(upwards.map(|sibling| {
            let wrong = format!("`{folder}` depends on `{}`", sibling.name);
            let remedy = "dependencies point down: move what is shared into a crate that both may use";
            Violation::new(&manifest.path, sibling.line, wrong, remedy)
        }));
    }
    violations
}

/// `testkit` imitates and starts things for tests; nothing that is shipped may contain it.
pub(crate) fn testkit_is_a_dev_dependency(workspace: &Workspace) -> Vec<Violation> {
    dependencies(workspace)
        .filter(|(_, _, dependency)| dependency.name == "testkit" && dependency.table != Table::Dev)
        .map(|(manifest, folder, dependency)| {
            let wrong = format!("`{folder}` depends on `testkit`");
            Violation::new(&manifest.path, dependency.line, wrong, "move it to [dev-dependencies]")
        })
        .collect()
}

/// Drivers belong to `store`, web libraries to the edges, `clap` and `anyhow` to the programs.
pub(crate) fn libraries_stay_in_their_layer(workspace: &Workspace) -> Vec<Violation> {
    let is_astray = |folder: &str, library: &str| {
        HOMES.iter().any(|(libraries, homes)| libraries.contains(&library) && !homes.contains(&folder))
    };
    dependencies(workspace)
        .filter(|(_, folder, dependency)| is_astray(folder, &dependency.name))
        .map(|(manifest, folder, dependency)| {
            let wrong = format!("`{folder}` depends on `{}`", dependency.name);
            let remedy = "that library has its crate (HOMES in xtask/src/tidy/crate_graph.rs): go through it";
            Violation::new(&manifest.path, dependency.line, wrong, remedy)
        })
        .collect()
}

/// `domain` is pure: what it computes depends on its arguments alone.
pub(crate) fn domain_depends_on_nothing_that_acts(workspace: &Workspace) -> Vec<Violation> {
    dependencies(workspace)
        .filter(|(_, folder, dependency)| *folder == "domain" && ACTING.contains(&dependency.name.as_str()))
        .map(|(manifest, _, dependency)| {
            let wrong = format!("`domain` depends on `{}`", dependency.name);
            Violation::new(
                &manifest.path,
                dependency.line,
                wrong,
                "domain is pure: let a caller act, in app or below",
            )
        })
        .collect()
}

fn is_sibling(dependency: &Dependency) -> bool {
    SIBLINGS.iter().any(|(name, _)| *name == dependency.name)
}

fn crates(workspace: &Workspace) -> impl Iterator<Item = (&Manifest, &str)> {
    workspace.manifests.iter().filter_map(|manifest| Some((manifest, manifest.crate_folder.as_deref()?)))
}

fn dependencies(workspace: &Workspace) -> impl Iterator<Item = (&Manifest, &str, &Dependency)> {
    crates(workspace).flat_map(|(manifest, folder)| {
        manifest.dependencies.iter().map(move |dependency| (manifest, folder, dependency))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(folder: &str, text: &str) -> Workspace {
        Workspace::of(&[(&format!("crates/{folder}/Cargo.toml"), text)])
    }

    #[test]
    fn a_dependency_upwards_is_found_under_any_name() {
        let workspace = manifest("store", "[dependencies]\ndomain.workspace = true\napp.workspace = true\n");
        let found = siblings_depend_only_downwards(&workspace);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("crates/store/Cargo.toml:3: `store` depends on `app`"));
        let renamed = "[dev-dependencies]\nx = { package = \"provost-cli\", path = \"../cli\" }\n";
        assert_eq!(siblings_depend_only_downwards(&manifest("app", renamed)).len(), 1);
    }

    #[test]
    fn an_unknown_crate_is_found() {
        assert_eq!(siblings_depend_only_downwards(&manifest("newcomer", "")).len(), 1);
    }

    #[test]
    fn testkit_is_found_outside_tests() {
        assert_eq!(
            testkit_is_a_dev_dependency(&manifest("app", "[dependencies]\ntestkit.workspace = true")).len(),
            1
        );
        let in_tests = manifest("app", "[dev-dependencies]\ntestkit.workspace = true");
        assert!(testkit_is_a_dev_dependency(&in_tests).is_empty());
        assert!(siblings_depend_only_downwards(&in_tests).is_empty());
    }

    #[test]
    fn libraries_out_of_place_are_found() {
        for (folder, library) in
            [("app", "rusqlite"), ("app", "axum"), ("app", "clap"), ("testkit", "anyhow")]
        {
            let text = format!("[dependencies]\n{library}.workspace = true");
            assert_eq!(
                libraries_stay_in_their_layer(&manifest(folder, &text)).len(),
                1,
                "{library} in {folder}"
            );
        }
        let at_home = manifest("store", "[dependencies]\nrusqlite.workspace = true");
        assert!(libraries_stay_in_their_layer(&at_home).is_empty());
    }

    #[test]
    fn a_runtime_in_domain_is_found() {
        let text = "[dependencies]\ntokio.workspace = true";
        assert_eq!(domain_depends_on_nothing_that_acts(&manifest("domain", text)).len(), 1);
        assert!(domain_depends_on_nothing_that_acts(&manifest("store", text)).is_empty());
    }
}
