//! Parameters and columns: one small set of types that both databases understand.

use std::{borrow::Cow, net::IpAddr};

use domain::{digest::Sha256Digest, money::MicroUsd, time::Timestamp, vector::Vector};
use uuid::Uuid;

use crate::error::StoreError;

/// A parameter of a statement, and a column of a row.
///
/// | here | SQLite | PostgreSQL |
/// |---|---|---|
/// | `Bool` | INTEGER 0 or 1 | boolean |
/// | `Int` | INTEGER | bigint, integer, smallint |
/// | `Real` | REAL | double precision |
/// | `Text` | TEXT | text |
/// | `Id` | TEXT, hyphenated | uuid |
/// | `Time` | INTEGER, microseconds | timestamptz |
/// | `Json` | TEXT | jsonb |
/// | `Bytes` | BLOB | bytea |
/// | `Vector` | BLOB, 32-bit floats, little-endian | vector (pgvector) |
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Real(f64),
    /// Text without NUL: [`Value::text`] replaces it.
    Text(Cow<'a, str>),
    /// An id.
    Id(Uuid),
    /// A point in time.
    Time(Timestamp),
    /// A JSON text without NUL: [`Value::json`] replaces it.
    Json(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// An embedding.
    Vector(Cow<'a, [f32]>),
    /// A document that has no JSON form, and why: a statement it is given to fails.
    Unwritable(String),
}

impl<'a> Value<'a> {
    /// PostgreSQL stores no NUL in text, so both databases store its visible symbol `␀` instead.
    pub(crate) fn text(text: &'a str) -> Self {
        if text.contains('\0') {
            Self::Text(text.replace('\0', "␀").into())
        } else {
            Self::Text(text.into())
        }
    }

    /// As [`Value::text`], for the escape that stands for NUL inside JSON.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Json(without_nul_escapes(value.to_string()).into())
    }
}

impl Value<'_> {
    /// A document as JSON. A map whose keys are no texts has none.
    pub(crate) fn document(document: &impl serde::Serialize) -> Self {
        match serde_json::to_string(document) {
            Ok(json) => Self::Json(without_nul_escapes(json).into()),
            Err(error) => Self::Unwritable(error.to_string()),
        }
    }

    /// The document that [`Value::document`] wrote.
    pub(crate) fn read_document<T: serde::de::DeserializeOwned>(self) -> Option<T> {
        match self {
            Value::Json(text) | Value::Text(text) => serde_json::from_str(&text).ok(),
            _ => None,
        }
    }
}

impl Value<'_> {
    /// The same value, independent of the row it was read from.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(yes) => Value::Bool(yes),
            Value::Int(number) => Value::Int(number),
            Value::Real(number) => Value::Real(number),
            Value::Text(text) => Value::Text(text.into_owned().into()),
            Value::Id(id) => Value::Id(id),
            Value::Time(time) => Value::Time(time),
            Value::Json(text) => Value::Json(text.into_owned().into()),
            Value::Bytes(bytes) => Value::Bytes(bytes.into_owned().into()),
            Value::Vector(numbers) => Value::Vector(numbers.into_owned().into()),
            Value::Unwritable(why) => Value::Unwritable(why),
        }
    }
}

/// Replaces each `\u0000` escape, but not the text `\\u0000`, by `␀`.
fn without_nul_escapes(json: String) -> String {
    const ESCAPE: &str = "\\u0000";
    if !json.contains(ESCAPE) {
        return json;
    }
    let mut clean = String::with_capacity(json.len());
    let mut rest = json.as_str();
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        clean.push_str(before);
        if let Some(after) = escape.strip_prefix(ESCAPE) {
            clean.push('␀');
            rest = after;
        } else {
            let (pair, after) = escape.split_at(2);
            clean.push_str(pair);
            rest = after;
        }
    }
    clean.push_str(rest);
    clean
}

/// Something that can be a parameter.
pub(crate) trait ToValue {
    fn to_value(&self) -> Value<'_>;
}

/// Something that can be read from a column.
pub(crate) trait FromValue: Sized {
    /// `None` when the column holds something else.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

/// Makes the parameters of a statement from anything that is [`ToValue`].
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::value::ToValue::to_value(&$value)),*] };
}
pub(crate) use params;

impl ToValue for bool {
    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl ToValue for u32 {
    fn to_value(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for f64 {
    fn to_value(&self) -> Value<'_> {
        Value::Real(*self)
    }
}

impl ToValue for IpAddr {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self.to_string().into())
    }
}

impl ToValue for Vec<u8> {
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self.into())
    }
}

impl ToValue for Vector {
    fn to_value(&self) -> Value<'_> {
        Value::Vector(self.as_slice().into())
    }
}

impl ToValue for Sha256Digest {
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self.as_bytes().into())
    }
}

impl ToValue for &str {
    fn to_value(&self) -> Value<'_> {
        Value::text(self)
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value<'_> {
        Value::text(self)
    }
}

impl ToValue for Uuid {
    fn to_value(&self) -> Value<'_> {
        Value::Id(*self)
    }
}

impl ToValue for Timestamp {
    fn to_value(&self) -> Value<'_> {
        Value::Time(*self)
    }
}

impl ToValue for MicroUsd {
    fn to_value(&self) -> Value<'_> {
        Value::Int(self.as_micros())
    }
}

impl ToValue for serde_json::Value {
    fn to_value(&self) -> Value<'_> {
        Value::json(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: ToValue> ToValue for &Option<T> {
    fn to_value(&self) -> Value<'_> {
        (*self).to_value()
    }
}

impl FromValue for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bool(yes) => Some(yes),
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Int(number) = value { Some(number) } else { None }
    }
}

impl FromValue for u32 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for f64 {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Real(number) = value { Some(number) } else { None }
    }
}

impl FromValue for IpAddr {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { text.parse().ok() } else { None }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Bytes(bytes) = value { Some(bytes.into_owned()) } else { None }
    }
}

impl FromValue for Vector {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Vector(numbers) => Self::try_from(numbers.into_owned()).ok(),
            Value::Bytes(bytes) => Self::from_little_endian(&bytes).ok(),
            _ => None,
        }
    }
}

impl FromValue for Sha256Digest {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Bytes(bytes) = value {
            bytes.as_ref().try_into().ok().map(Self::from_bytes)
        } else {
            None
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.into_owned()) } else { None }
    }
}

impl FromValue for Uuid {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Id(id) => Some(id),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl FromValue for Timestamp {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Time(time) => Some(time),
            Value::Int(micros) => Some(Self::from_micros(micros)),
            _ => None,
        }
    }
}

impl FromValue for MicroUsd {
    fn from_value(value: Value<'_>) -> Option<Self> {
        i64::from_value(value).map(Self::from_micros)
    }
}

impl FromValue for serde_json::Value {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Json(text) | Value::Text(text) => serde_json::from_str(&text).ok(),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// Makes ids of the domain storable.
macro_rules! stored_ids {
    ($($id:ident),+ $(,)?) => {$(
        impl ToValue for domain::id::$id {
            fn to_value(&self) -> Value<'_> {
                Value::Id(*self.as_uuid())
            }
        }
        impl FromValue for domain::id::$id {
            fn from_value(value: Value<'_>) -> Option<Self> {
                Uuid::from_value(value).map(Self::from_uuid)
            }
        }
    )+};
}

/// Makes types of the domain storable that have one text: closed vocabularies, and parsed texts such as slugs.
macro_rules! stored_words {
    ($($word:ty),+ $(,)?) => {$(
        impl $crate::value::ToValue for $word {
            fn to_value(&self) -> $crate::value::Value<'_> {
                $crate::value::Value::Text(self.as_str().into())
            }
        }
        impl $crate::value::FromValue for $word {
            fn from_value(value: $crate::value::Value<'_>) -> Option<Self> {
                if let $crate::value::Value::Text(text) = value { text.parse().ok() } else { None }
            }
        }
    )+};
}
pub(crate) use stored_words;

/// Makes types of the domain storable that stand as one JSON document in a column: anything that serde reads and writes.
macro_rules! stored_documents {
    ($($document:ty),+ $(,)?) => {$(
        impl $crate::value::ToValue for $document {
            fn to_value(&self) -> $crate::value::Value<'_> {
                $crate::value::Value::document(self)
            }
        }
        impl $crate::value::FromValue for $document {
            fn from_value(value: $crate::value::Value<'_>) -> Option<Self> {
                value.read_document()
            }
        }
    )+};
}
pub(crate) use stored_documents;

stored_ids! {
    AgentId, AgentInstanceId, ApiKeyId, ApprovalId, ArchiveId, AuditEntryId, BudgetId, CheckpointId, CommandId, CostEntryId,
    DecisionId, DocumentChunkId, DocumentId, EpicId, FeatureId, HookExecutionId, HookId, LoginSessionId, MaintenanceRunId,
    McpServerId, MemoryId, MemoryLogId, MemoryUseId, MessageId, MetricId, MetricsSnapshotId, NodeId, PolicyId, ReservationId,
    SessionId, SessionTemplateId, TaskHistoryId, TaskId, TaskNoteId, TeamId, ToolCallId, TransitionId, UserId,
    WebhookDeliveryId, WebhookSubscriptionId, WorkflowId,
}

/// A row of a result, on either database.
pub(crate) struct Row<'r> {
    pub(crate) source: RowSource<'r>,
}

impl std::fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Row").finish_non_exhaustive()
    }
}

pub(crate) enum RowSource<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// The column at `index`, counted from 0.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the column holds something else than `T`.
    pub(crate) fn get<T: FromValue>(&self, index: usize) -> Result<T, StoreError> {
        T::from_value(self.raw(index)?).ok_or_else(|| {
            StoreError::corrupt(format!("column {index} is no {}", std::any::type_name::<T>()))
        })
    }

    /// The column at `index` as the database gave it.
    pub(crate) fn raw(&self, index: usize) -> Result<Value<'_>, StoreError> {
        match &self.source {
            RowSource::Sqlite(row) => crate::sqlite::column(row, index),
            RowSource::Postgres(row) => crate::postgres::column(row, index),
        }
    }

    /// Reads columns one after the other.
    pub(crate) const fn columns(&self) -> Columns<'_> {
        Columns { row: self, next: 0 }
    }
}

/// A cursor over the columns of one row, so that a mapping reads like its column list.
pub(crate) struct Columns<'r> {
    row: &'r Row<'r>,
    next: usize,
}

impl Columns<'_> {
    /// The next column.
    pub(crate) fn next<T: FromValue>(&mut self) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        self.row.get(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        #[test]
        fn json_keeps_everything_but_nul(text in ".*") {
            let value = json!({ "k": text });
            let Value::Json(stored) = Value::json(&value) else { panic!("json") };
            let back: serde_json::Value = serde_json::from_str(&stored).expect("valid json");
            prop_assert_eq!(back, json!({ "k": text.replace('\0', "␀") }));
        }
    }

    #[test]
    fn a_written_out_escape_is_not_taken_for_nul() {
        let value = json!("a\\u0000b\0");
        assert_eq!(Value::json(&value), Value::Json("\"a\\\\u0000b␀\"".into()));
    }

    #[test]
    fn a_document_without_a_json_form_fails_its_statement_on_both_databases() {
        let no_texts = std::collections::BTreeMap::from([([1_u8, 2], "two bytes are no key")]);
        let value = Value::document(&no_texts);
        assert_eq!(value, Value::Unwritable("key must be a string".to_owned()));
        assert!(rusqlite::ToSql::to_sql(&value).unwrap_err().to_string().contains("key must be a string"));
        let jsonb = tokio_postgres::types::Type::JSONB;
        let refused = tokio_postgres::types::ToSql::to_sql(&value, &jsonb, &mut Default::default());
        assert_eq!(refused.err().unwrap().to_string(), "key must be a string");
    }
}
