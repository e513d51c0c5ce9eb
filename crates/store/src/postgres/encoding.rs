//! Parameters and columns in PostgreSQL's binary format.

use std::{borrow::Cow, error::Error};

use domain::time::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut};
use uuid::Uuid;

use crate::{error::StoreError, value::Value};

/// PostgreSQL counts microseconds from 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
/// The name of pgvector's type; its number differs from database to database.
const VECTOR: &str = "vector";
/// The only version of the jsonb wire format.
const JSONB_VERSION: u8 = 1;

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match (self, ty) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Bool(yes), &Type::BOOL) => out.extend_from_slice(&[u8::from(*yes)]),
            (Value::Int(number), &Type::INT8) => out.extend_from_slice(&number.to_be_bytes()),
            (Value::Int(number), &Type::INT4) => {
                out.extend_from_slice(&i32::try_from(*number)?.to_be_bytes());
            }
            (Value::Real(number), &Type::FLOAT8) => out.extend_from_slice(&number.to_be_bytes()),
            (Value::Bytes(bytes), &Type::BYTEA) => out.extend_from_slice(bytes),
            (Value::Vector(numbers), ty) if ty.name() == VECTOR => write_vector(numbers, out)?,
            (Value::Text(text), &Type::TEXT | &Type::VARCHAR) => out.extend_from_slice(text.as_bytes()),
            (Value::Id(id), &Type::UUID) => out.extend_from_slice(id.as_bytes()),
            (Value::Time(time), &Type::TIMESTAMPTZ) => {
                out.extend_from_slice(&(time.as_micros() - EPOCH_MICROS).to_be_bytes());
            }
            (Value::Json(json), &Type::JSONB) => {
                out.extend_from_slice(&[JSONB_VERSION]);
                out.extend_from_slice(json.as_bytes());
            }
            (Value::Unwritable(why), _) => return Err(why.as_str().into()),
            _ => return Err(format!("a {self:?} was given for a {ty}").into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

/// pgvector's binary form: how many numbers, two unused bytes, the numbers.
fn write_vector(numbers: &[f32], out: &mut BytesMut) -> Result<(), Box<dyn Error + Sync + Send>> {
    out.extend_from_slice(&u16::try_from(numbers.len())?.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
    Ok(())
}

fn read_vector(raw: &[u8]) -> Result<Vec<f32>, Box<dyn Error + Sync + Send>> {
    let (_, numbers) = raw.split_at_checked(4).ok_or("a vector without its length")?;
    Ok(numbers.as_chunks().0.iter().map(|bytes| f32::from_be_bytes(*bytes)).collect())
}

/// A column as it came.
struct Column<'r>(Value<'r>);

impl<'r> FromSql<'r> for Column<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::BOOL => Value::Bool(raw == [1]),
            Type::INT8 => Value::Int(i64::from_be_bytes(raw.try_into()?)),
            Type::INT4 => Value::Int(i64::from(i32::from_be_bytes(raw.try_into()?))),
            Type::FLOAT8 => Value::Real(f64::from_be_bytes(raw.try_into()?)),
            Type::BYTEA => Value::Bytes(Cow::Borrowed(raw)),
            Type::TEXT | Type::VARCHAR | Type::NAME => Value::Text(Cow::Borrowed(std::str::from_utf8(raw)?)),
            Type::UUID => Value::Id(Uuid::from_slice(raw)?),
            Type::TIMESTAMPTZ => {
                let micros = i64::from_be_bytes(raw.try_into()?);
                Value::Time(Timestamp::from_micros(micros.saturating_add(EPOCH_MICROS)))
            }
            Type::JSONB => match raw.split_first() {
                Some((&JSONB_VERSION, json)) => Value::Json(Cow::Borrowed(std::str::from_utf8(json)?)),
                _ => return Err("unknown jsonb version".into()),
            },
            _ if ty.name() == VECTOR => Value::Vector(read_vector(raw)?.into()),
            _ => return Err(format!("columns of type {ty} are never read").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The column at `index`.
pub(crate) fn column(row: &tokio_postgres::Row, index: usize) -> Result<Value<'_>, StoreError> {
    Ok(row.try_get::<_, Column<'_>>(index)?.0)
}
