//! One row as one line, the same on both databases, and back.

use std::{borrow::Cow, collections::BTreeMap};

use domain::{digest::Sha256Digest, hexadecimal, time::Timestamp, vector::Vector};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value as Json, value::RawValue};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{TableSummary, TransferError};
use crate::{
    conn::Conn,
    schema::{Column, Kind, Table},
    value::{FromValue, Row, Value},
};

/// A line that holds a row. Its fields are read one by one, so that each document may be as deep as one that is stored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowLine {
    pub(super) t: String,
    pub(super) r: Fields,
}

/// The fields of a row as they stand there. A document that may be absent stands there only when it is not.
pub(super) type Fields = BTreeMap<String, Box<RawValue>>;

/// Visits each row of a table as its line, or each that a condition holds for, in the order of the primary key, and sums them
/// up.
pub(super) fn each(
    conn: &Conn,
    table: &Table,
    condition: Option<&str>,
    mut visit: impl FnMut(&[u8]) -> Result<(), TransferError>,
) -> Result<TableSummary, TransferError> {
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    // A server may sort text by the rules of a language.
    let order = table.key.iter().map(|name| match table.column(name).map(|column| column.kind) {
        Some(Kind::Text) if conn.postgres().is_some() => format!("{name} COLLATE \"C\""),
        _ => name.clone(),
    });
    let order = order.collect::<Vec<_>>().join(", ");
    let condition = condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    let sql = format!("SELECT {} FROM {}{condition} ORDER BY {order}", names.join(", "), table.name);
    let (mut rows, mut digest, mut line) = (0, Sha256::new(), Vec::with_capacity(1024));
    conn.each(&format!("rows_of_{}", table.name), &sql, |row| {
        line.clear();
        write_row(table, row, &mut line)?;
        digest.update(&line);
        rows += 1;
        visit(&line)
    })?;
    Ok(TableSummary { rows, sha256: Sha256Digest::from_bytes(digest.finalize().into()) })
}

fn write_row(table: &Table, row: &Row<'_>, line: &mut Vec<u8>) -> Result<(), TransferError> {
    line.extend_from_slice(b"{\"t\":\"");
    line.extend_from_slice(table.name.as_bytes());
    line.extend_from_slice(b"\",\"r\":{");
    let mut separator: &[u8] = b"\"";
    for (index, column) in table.columns.iter().enumerate() {
        let value = row.raw(index)?;
        if column.kind == Kind::Json && value == Value::Null {
            continue;
        }
        line.extend_from_slice(separator);
        line.extend_from_slice(column.name.as_bytes());
        line.extend_from_slice(b"\":");
        write_value(column.kind, value, line).map_err(|what| TransferError::Unwritable {
            table: table.name.clone(),
            field: column.name.clone(),
            what,
        })?;
        separator = b",\"";
    }
    line.extend_from_slice(b"}}\n");
    Ok(())
}

fn write_value(kind: Kind, value: Value<'_>, line: &mut Vec<u8>) -> Result<(), String> {
    match (kind, value) {
        (_, Value::Null) => write(line, &()),
        (Kind::Boolean, value) => match bool::from_value(value) {
            Some(yes) => write(line, &yes),
            None => Err("neither yes nor no".into()),
        },
        (_, Value::Bool(yes)) => write(line, &yes),
        (_, Value::Int(number)) => write(line, &number),
        (_, Value::Time(time)) => write(line, &time.as_micros()),
        // There is no sign of zero in SQLite.
        (_, Value::Real(number)) if number.is_finite() => write(line, &(number + 0.0)),
        (_, Value::Real(number)) => Err(format!("{number} is no number")),
        (Kind::Json, Value::Json(text) | Value::Text(text)) => {
            let mut json: Json = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            make_canonical(&mut json);
            write(line, &json)
        }
        (_, Value::Text(text) | Value::Json(text)) => write(line, &text),
        (_, Value::Id(id)) => write(line, &id),
        (Kind::Vector, value @ Value::Bytes(_)) => match Vector::from_value(value) {
            Some(vector) => write(line, &vector.as_slice()),
            None => Err("no list of numbers".into()),
        },
        (_, Value::Vector(numbers)) => write(line, &numbers),
        (_, Value::Bytes(bytes)) => write(line, &hexadecimal::encode(&bytes)),
        (_, Value::Unwritable(why)) => Err(why),
    }
}

fn write(line: &mut Vec<u8>, value: &impl Serialize) -> Result<(), String> {
    serde_json::to_writer(line, value).map_err(|error| error.to_string())
}

/// PostgreSQL keeps numbers in JSON as decimals: it knows no exponents and no sign of zero.
fn make_canonical(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(make_canonical),
        Json::Object(fields) => fields.values_mut().for_each(make_canonical),
        Json::Number(number) if number.is_f64() => {
            let float = number.as_f64().unwrap_or_default();
            let is_written_with_exponent = float.abs() >= 1e16 && float.fract() == 0.0;
            let whole = is_written_with_exponent.then(|| format!("{float:.0}"));
            let canonical = whole
                .and_then(|whole| match whole.parse::<u64>() {
                    Ok(number) => Some(Number::from(number)),
                    Err(_) => whole.parse::<i64>().ok().map(Number::from),
                })
                .or_else(|| Number::from_f64(float + 0.0));
            if let Some(canonical) = canonical {
                *number = canonical;
            }
        }
        _ => {}
    }
}

/// The values of a row that was read from a line, in the order of the table's columns.
///
/// # Errors
/// The field, where it is one, and what is wrong.
pub(super) fn read_row(
    table: &Table,
    mut fields: Fields,
) -> Result<Vec<Value<'static>>, (Option<String>, String)> {
    let mut values = Vec::with_capacity(table.columns.len());
    for column in &table.columns {
        let wrong = |what: String| (Some(column.name.clone()), what);
        values.push(match fields.remove(&column.name) {
            None if column.kind == Kind::Json && !column.is_required => Value::Null,
            None => return Err(wrong("is missing".into())),
            Some(field) => {
                let field = serde_json::from_str(field.get()).map_err(|error| wrong(error.to_string()))?;
                read_value(column, field).map_err(wrong)?
            }
        });
    }
    match fields.keys().next() {
        Some(unknown) => Err((Some(unknown.clone()), "there is no such field".into())),
        None => Ok(values),
    }
}

fn read_value(column: &Column, field: Json) -> Result<Value<'static>, String> {
    let kind = column.kind;
    Ok(match (kind, field) {
        (Kind::Json, Json::Null) => Value::Json("null".into()),
        (_, Json::Null) if column.is_required => return Err("is null but must hold something".into()),
        (_, Json::Null) => Value::Null,
        (Kind::Boolean, Json::Bool(yes)) => Value::Bool(yes),
        (Kind::Whole, Json::Number(number)) if number.is_i64() => {
            Value::Int(number.as_i64().unwrap_or_default())
        }
        (Kind::Time, Json::Number(number)) if number.is_i64() => {
            Value::Time(Timestamp::from_micros(number.as_i64().unwrap_or_default()))
        }
        (Kind::Real, Json::Number(number)) => Value::Real(number.as_f64().ok_or("is out of range")?),
        (Kind::Text | Kind::Id, Json::String(text)) if text.contains('\0') => {
            return Err("holds the character NUL".into());
        }
        (Kind::Id, Json::String(text)) => {
            Value::Id(Uuid::try_parse(&text).map_err(|_| format!("{text:?} is no id"))?)
        }
        (Kind::Text, Json::String(text)) => Value::Text(Cow::Owned(text)),
        (Kind::Bytes, Json::String(text)) => {
            Value::Bytes(hexadecimal::decode(&text).ok_or("is no sequence of hexadecimal pairs")?.into())
        }
        (Kind::Vector, field @ Json::Array(_)) => {
            let numbers = Vec::<f32>::deserialize(field).map_err(|error| error.to_string())?;
            Value::Vector(numbers.into())
        }
        (Kind::Json, field) => match Value::json(&field) {
            Value::Json(text) => Value::Json(Cow::Owned(text.into_owned())),
            _ => return Err("is no document".into()),
        },
        (kind, field) => return Err(format!("{field} is not of the kind {kind:?}")),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A value of a kind, through a line and back.
    fn again(kind: Kind, value: Value<'static>) -> Value<'static> {
        let mut line = Vec::new();
        write_value(kind, value, &mut line).expect("written");
        let column = Column { name: "c".into(), kind, is_required: false, is_numbered: false };
        read_value(&column, serde_json::from_slice(&line).expect("JSON")).expect("read")
    }

    fn canonical(text: &str) -> String {
        let mut json = serde_json::from_str(text).expect("JSON");
        make_canonical(&mut json);
        json.to_string()
    }

    proptest! {
        #[test]
        fn every_value_comes_back(
            number in any::<i64>(),
            real in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL,
            text in "[^\\x00]*",
            blob in prop::collection::vec(any::<u8>(), 0..50),
            vector in prop::collection::vec(prop::num::f32::NORMAL, 1..9),
            id in any::<u128>(),
        ) {
            let id = Uuid::from_u128(id);
            for (kind, value) in [
                (Kind::Whole, Value::Int(number)),
                (Kind::Real, Value::Real(real)),
                (Kind::Text, Value::Text(text.into())),
                (Kind::Bytes, Value::Bytes(blob.into())),
                (Kind::Vector, Value::Vector(vector.into())),
                (Kind::Id, Value::Id(id)),
            ] {
                prop_assert_eq!(again(kind, value.clone()), value);
            }
        }
    }

    /// A table with an id and a document that may be absent.
    fn documents() -> Table {
        let column = |name: &str, kind, is_required| Column {
            name: name.into(),
            kind,
            is_required,
            is_numbered: false,
        };
        Table {
            name: "documents".into(),
            columns: vec![column("id", Kind::Whole, true), column("document", Kind::Json, false)],
            key: vec!["id".into()],
            references: Vec::new(),
            is_append_only: false,
        }
    }

    fn read(line: &str) -> Result<Vec<Value<'static>>, (Option<String>, String)> {
        let line: RowLine = serde_json::from_str(line).expect("a line");
        read_row(&documents(), line.r)
    }

    #[test]
    fn a_document_that_is_null_is_not_one_that_is_absent() {
        let null = Value::Json("null".into());
        assert_eq!(again(Kind::Json, null.clone()), null);
        assert_eq!(read(r#"{"t":"documents","r":{"id":1,"document":null}}"#), Ok(vec![Value::Int(1), null]));
        assert_eq!(read(r#"{"t":"documents","r":{"id":1}}"#), Ok(vec![Value::Int(1), Value::Null]));
        let missing = read(r#"{"t":"documents","r":{"document":[]}}"#);
        assert_eq!(missing, Err((Some("id".into()), "is missing".into())));
    }

    #[test]
    fn a_document_as_deep_as_any_that_is_stored_is_read() {
        let deepest = format!("{}{}", "[".repeat(127), "]".repeat(127));
        let stored: Json = serde_json::from_str(&deepest).expect("what can be stored");
        let values = read(&format!(r#"{{"t":"documents","r":{{"id":1,"document":{deepest}}}}}"#));
        assert_eq!(values, Ok(vec![Value::Int(1), Value::Json(stored.to_string().into())]));
    }

    #[test]
    fn documents_are_written_as_postgres_would_give_them() {
        assert_eq!(canonical(r#"{"b": 1, "a": [true, null]}"#), r#"{"a":[true,null],"b":1}"#);
        assert_eq!(canonical("[1.0, 1.50, -0.0, 1e-7]"), canonical("[1.0, 1.5, 0.0, 0.0000001]"));
        assert_eq!(canonical("1e16"), "10000000000000000");
        assert_eq!(canonical("1e22"), canonical("10000000000000000000000"));
        assert_eq!(canonical("-1e18"), "-1000000000000000000");
    }

    #[test]
    fn what_is_of_another_kind_is_refused() {
        let column = |kind| Column { name: "c".into(), kind, is_required: true, is_numbered: false };
        for (kind, field) in [
            (Kind::Whole, "1.5"),
            (Kind::Whole, "\"1\""),
            (Kind::Boolean, "1"),
            (Kind::Id, "\"x\""),
            (Kind::Text, "\"a\\u0000\""),
            (Kind::Bytes, "\"abc\""),
            (Kind::Bytes, "\"zz\""),
            (Kind::Vector, "[\"a\"]"),
            (Kind::Text, "null"),
        ] {
            read_value(&column(kind), serde_json::from_str(field).expect("JSON")).unwrap_err();
        }
    }
}
