//! The triggers: those that refuse changes of append-only tables, and those that keep the search index. Each is there as the
//! migrations define it, and is switched on.

use std::collections::BTreeMap;

use super::{Finding, MOST_FINDINGS};
use crate::{conn::Conn, error::StoreError, migration, value::Row};

/// A text of the schema under its name.
type Texts = BTreeMap<String, String>;

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    // A later program's schema has triggers that only it knows.
    if migration::version(conn)? != migration::LATEST {
        return Ok(Vec::new());
    }
    let mut wrong = Vec::new();
    let mut compare = |noun: &str, defined: Texts, found: &Texts| {
        for (name, text) in defined {
            match found.get(&name) {
                None => wrong.push(format!("the {noun} {name} is missing")),
                Some(found) if *found != text => {
                    wrong.push(format!("the {noun} {name} is not the one that Provost made"));
                }
                Some(_) => {}
            }
        }
    };
    let scripts = || migration::scripts(conn);
    if conn.sqlite().is_some() {
        let sql = "/* check */ SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'";
        compare("trigger", defined(scripts(), "\nEND"), &texts(conn, sql)?);
    } else {
        let plain = |texts: Texts| texts.into_iter().map(|(name, text)| (name, plain(&text))).collect();
        compare("trigger", plain(defined(scripts(), ";")), &plain(texts(conn, POSTGRES_TRIGGERS)?));
        compare("trigger function", functions(scripts()), &texts(conn, POSTGRES_FUNCTIONS)?);
        let off = conn.query(POSTGRES_OFF, &[], |row| row.get::<String>(0))?;
        wrong.extend(off.into_iter().map(|name| format!("the trigger {name} is switched off")));
    }
    let finding = |what| Finding { check: "triggers", what, is_repairable: false };
    Ok(wrong.into_iter().take(MOST_FINDINGS).map(finding).collect())
}

const POSTGRES_TRIGGERS: &str = "
    /* check */ SELECT t.tgname, pg_get_triggerdef(t.oid, true) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND NOT t.tgisinternal";
const POSTGRES_FUNCTIONS: &str = "
    /* check */ SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = current_schema() AND p.prorettype = 'trigger'::regtype";
const POSTGRES_OFF: &str = "
    /* check */ SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND NOT t.tgisinternal AND t.tgenabled NOT IN ('O', 'A') ORDER BY t.tgname";

fn texts(conn: &Conn, sql: &str) -> Result<Texts, StoreError> {
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(conn.query(sql, &[], read)?.into_iter().collect())
}

/// The triggers that are there after these scripts; `end` closes the text of one.
fn defined(scripts: impl Iterator<Item = &'static str>, end: &str) -> Texts {
    const CREATE: &str = "CREATE TRIGGER ";
    let mut triggers = Texts::new();
    for script in scripts {
        for (at, _) in script.match_indices("TRIGGER ") {
            let line = script[..at].rfind('\n').map_or(0, |before| before + 1);
            let statement = &script[line..];
            let name = script[at..].split_whitespace().nth(1).unwrap_or_default().trim_end_matches(';');
            if statement.starts_with("DROP TRIGGER ") {
                triggers.remove(name);
            } else if statement.starts_with(CREATE) {
                let length = statement.find(end).unwrap_or(statement.len());
                // A bare semicolon is no part of the text, the word END is.
                let length = length + end.trim_end_matches(';').len();
                triggers.insert(name.to_owned(), statement[..length].to_owned());
            }
        }
    }
    triggers
}

/// The bodies of the functions that triggers call.
fn functions(scripts: impl Iterator<Item = &'static str>) -> Texts {
    let mut functions = Texts::new();
    for script in scripts {
        for statement in script.split("CREATE FUNCTION ").skip(1) {
            let mut parts = statement.splitn(3, "$$");
            if let (Some(head), Some(body)) = (parts.next(), parts.next())
                && let Some((name, _)) = head.split_once("() RETURNS trigger ")
            {
                functions.insert(name.to_owned(), body.to_owned());
            }
        }
    }
    functions
}

/// A definition without what PostgreSQL writes in a way of its own: blanks, brackets, capitals, the order of events, and the
/// types of what has only one.
fn plain(definition: &str) -> String {
    let plain: String = definition.split_whitespace().collect();
    let plain = plain.replace(['(', ')'], "").to_lowercase();
    plain.replace(".*", "").replace("::text", "").replace("updateordelete", "deleteorupdate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_later_is_not_there() {
        let scripts = [
            "CREATE TABLE a;\nCREATE TRIGGER keep BEFORE DELETE ON a BEGIN\n  SELECT 1;\nEND;\nCREATE TRIGGER gone x\nEND;",
            "DROP TRIGGER gone;\nDROP TRIGGER keep;\nCREATE TRIGGER keep AFTER y\nEND;",
        ];
        let expected = [("keep".to_owned(), "CREATE TRIGGER keep AFTER y\nEND".to_owned())];
        assert_eq!(defined(scripts.into_iter(), "\nEND"), Texts::from(expected));
    }

    #[test]
    fn both_ways_to_write_a_trigger_are_the_same() {
        let ours = "CREATE TRIGGER a BEFORE UPDATE OR DELETE ON t FOR EACH ROW\n    WHEN (NOT (OLD.n IS NULL AND to_jsonb(NEW) - 'n' = 'x'))\n    EXECUTE FUNCTION f('n')";
        let theirs = "CREATE TRIGGER a BEFORE DELETE OR UPDATE ON t FOR EACH ROW WHEN ((NOT ((old.n IS NULL) AND ((to_jsonb(new.*) - 'n'::text) = 'x'::text)))) EXECUTE FUNCTION f('n')";
        assert_eq!(plain(ours), plain(theirs));
        assert_ne!(plain(ours), plain(&theirs.replace("DELETE OR ", "")));
    }
}
