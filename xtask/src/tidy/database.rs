//! Databases are known to `store` alone. `testkit` makes some for tests, `xtask` measures against raw ones.

use super::violation::Violation;
use super::workspace::Workspace;

const AT_HOME: &[&str] = &["store", "testkit", "xtask"];

const DRIVERS: &[&str] = &["rusqlite", "tokio_postgres", "libsqlite3_sys", "sqlx"];

/// Words that only stand together in SQL; all of one row must be in a literal.
const SQL: &[&[&str]] = &[
    &["SELECT ", " FROM "],
    &["INSERT INTO "],
    &["UPDATE ", " SET "],
    &["DELETE FROM "],
    &["CREATE TABLE "],
    &["CREATE INDEX "],
    &["ALTER TABLE "],
    &["DROP TABLE "],
    &["PRAGMA "],
];

/// Types of the drivers appear only where the database is.
pub(crate) fn drivers_are_named_only_in_store(workspace: &Workspace) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in workspace.sources.iter().filter(|source| !source.is_in_crate(AT_HOME)) {
        for driver in DRIVERS {
            violations.extend(source.find_everywhere(driver).into_iter().map(|line| {
                let wrong = format!("`{driver}` outside `store`");
                Violation::new(&source.path, line, wrong, "add a method to a repository of `store`")
            }));
        }
    }
    violations
}

/// SQL is written only where the database is; tests may quote some as an example.
pub(crate) fn sql_is_written_only_in_store(workspace: &Workspace) -> Vec<Violation> {
    let remedy = "add a method to a repository of `store`";
    let mut violations = Vec::new();
    for source in workspace.sources.iter().filter(|source| !source.is_in_crate(AT_HOME)) {
        let statements = source.literals().filter(|literal| is_sql(&literal.text));
        violations.extend(
            statements
                .map(|literal| Violation::new(&source.path, literal.line, "SQL outside `store`", remedy)),
        );
    }
    let astray = workspace.sql_files.iter().filter(|path| !path.starts_with("crates/store"));
    violations.extend(astray.map(|path| Violation::new(path, 1, "SQL outside `store`", remedy)));
    violations
}

fn is_sql(literal: &str) -> bool {
    SQL.iter().any(|words| words.iter().all(|word| literal.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_outside_store_is_found_in_tests_too() {
        let text = "#[cfg(test)] mod tests { use rusqlite::Connection; }";
        assert_eq!(
            drivers_are_named_only_in_store(&Workspace::of(&[("crates/app/src/a.rs", text)])).len(),
            1
        );
        assert!(
            drivers_are_named_only_in_store(&Workspace::of(&[("crates/store/src/a.rs", text)])).is_empty()
        );
    }

    #[test]
    fn sql_outside_store_is_found() {
        let text = "const Q: &str = \"SELECT id FROM session\";\nconst W: &str = r\"SELECT one of these\";";
        assert_eq!(sql_is_written_only_in_store(&Workspace::of(&[("crates/app/src/a.rs", text)])).len(), 1);
        assert!(sql_is_written_only_in_store(&Workspace::of(&[("crates/store/src/a.rs", text)])).is_empty());
        let workspace = Workspace { sql_files: vec!["crates/app/a.sql".into()], ..Workspace::default() };
        assert_eq!(sql_is_written_only_in_store(&workspace).len(), 1);
    }
}
