//! The page about the data model, from the schema that the migrations make and the meanings that `store` gives.

use std::{fmt::Write as _, time::Duration};

use domain::time::Timestamp;
use store::{
    Database, Migrate, OpenOptions, SqliteFile, Store, WhenMissing,
    schema::{self, Group, Kind, Meaning, Table},
};

/// The whole page.
pub(super) fn page() -> String {
    let tables = tables();
    let mut page = String::from(
        "<!-- Made by a test from the migrations and crates/store/src/schema.rs; see CONTRIBUTING.md. -->\n\
         # Data model\n\n\
         Every table, the same on SQLite and PostgreSQL. How values are stored, and what is guaranteed:\n\
         [storage.md](storage.md). How the schema changes: [migrations.md](migrations.md).\n\n\
         Rows of an *append-only* table are neither changed nor removed, maintenance apart. In the diagrams `PK` is the\n\
         primary key and `FK` a reference that the database holds; `||` is a row that must be there, `|o` one that may be.\n\
         Other columns that end in `_id` are plain: what they name may be gone, its history stays. Times are stored as\n\
         integers in SQLite, ids as text.\n",
    );
    for group in Group::ALL {
        let meanings: Vec<_> = schema::TABLES.iter().filter(|meaning| meaning.group == *group).collect();
        let _ = write!(page, "\n## {}\n\n| table | one row is |\n|---|---|\n", group.as_str());
        for Meaning { table, row, .. } in &meanings {
            let is_append_only = find(&tables, table).is_append_only;
            let also = if is_append_only { " *append-only*" } else { "" };
            let _ = writeln!(page, "| `{table}` | {row}{also} |");
        }
        page.push_str("\n```mermaid\nerDiagram\n");
        for meaning in &meanings {
            entity(&mut page, find(&tables, meaning.table));
        }
        page.push_str("```\n");
    }
    page
}

fn entity(page: &mut String, table: &Table) {
    for reference in &table.references {
        let is_required = table.column(&reference.column).is_some_and(|column| column.is_required);
        let one = if is_required { "||" } else { "|o" };
        let _ = writeln!(page, "    {} {one}--o{{ {} : {}", reference.table, table.name, reference.column);
    }
    let _ = writeln!(page, "    {} {{", table.name);
    for column in &table.columns {
        let is_reference = table.references.iter().any(|reference| reference.column == column.name);
        let key = match (table.key.contains(&column.name), is_reference) {
            (true, true) => " PK,FK",
            (true, false) => " PK",
            (false, true) => " FK",
            (false, false) => "",
        };
        let _ = writeln!(page, "        {} {}{key}", kind(column.kind), column.name);
    }
    page.push_str("    }\n");
}

const fn kind(kind: Kind) -> &'static str {
    match kind.portable() {
        Kind::Boolean => "boolean",
        Kind::Whole | Kind::Time => "integer",
        Kind::Real => "real",
        Kind::Text | Kind::Id => "text",
        Kind::Json => "json",
        Kind::Bytes => "bytes",
        Kind::Vector => "vector",
        Kind::Words => "words",
    }
}

fn find<'t>(tables: &'t [Table], name: &str) -> &'t Table {
    tables.iter().find(|table| table.name == name).expect("a table of this name")
}

fn tables() -> Vec<Table> {
    let folder = tempfile::TempDir::new().expect("a folder");
    let path = folder.path().join("model.db");
    let file = SqliteFile { path, when_missing: WhenMissing::Create, busy_timeout: Duration::ZERO };
    let migrate = Migrate::Forward(Timestamp::from_micros(0));
    let store = Store::open(OpenOptions::new(Database::Sqlite(file), migrate)).expect("a store");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(store.read(schema::tables)).expect("a schema")
}
