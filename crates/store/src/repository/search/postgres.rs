//! The nearest vectors on PostgreSQL: few are compared one by one, many are found by pgvector's index. All teams and models
//! with vectors of one length share the index, and it is searched only so far: when too little of what it finds meets the
//! conditions, all that meet them are compared after all.

use super::{
    Narrow, Score, Searched,
    embedding::{Embedded, Wanted, count_up_to},
};
use crate::{
    error::StoreError,
    repository::{Reads, embedding_model::LONGEST_INDEXED},
    scope::Scope,
    statement::Statement,
    value::{ToValue as _, Value},
};

/// The most rows that are compared one by one from the start.
const MOST_COMPARED: i64 = 20_000;
/// The most rows that are wanted of the index; for more it takes longer than comparing all.
const MOST_BY_INDEX: u32 = 1_000;

pub(super) fn nearest<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Vec<Score>, StoreError> {
    let embedded = Embedded { model: wanted.model, narrow, column: "embedding_model" };
    let is_indexed = wanted.vector.dimension() <= LONGEST_INDEXED && wanted.limit <= MOST_BY_INDEX;
    if is_indexed && count_up_to::<T, C>(scope, MOST_COMPARED + 1, &embedded)? > MOST_COMPARED {
        let scores = by_index::<T, C>(scope, wanted, &embedded)?;
        if scores.len() >= wanted.limit as usize {
            return Ok(scores);
        }
    }
    by_comparing::<T, C>(scope, wanted, &embedded)
}

fn by_index<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Vec<Score>, StoreError> {
    let (table, dimension) = (T::TABLE, wanted.vector.dimension());
    // The very expression and condition of the index; the other conditions out of the planner's sight.
    let mut statement = Statement::new(
        &format!(
            "SELECT number, 1 - (embedding::vector({dimension}) <=> ?) FROM {table}
             WHERE vector_dims(embedding) = {dimension} AND "
        ),
        [wanted.vector.to_value()],
    );
    scope.push_checks::<T>(&mut statement, narrow);
    statement.push(
        &format!(" ORDER BY embedding::vector({dimension}) <=> ? LIMIT ?"),
        [wanted.vector.to_value(), Value::Int(i64::from(wanted.limit))],
    );
    statement.query(scope.connection(), |row| Ok((row.get(0)?, row.get(1)?)))
}

fn by_comparing<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Vec<Score>, StoreError> {
    let mut statement = Statement::new(
        &format!("WITH c AS MATERIALIZED (SELECT number, embedding FROM {} WHERE ", T::TABLE),
        [],
    );
    scope.push_conditions::<T>(&mut statement, narrow);
    statement.push(
        ") SELECT number, 1 - (embedding <=> ?) FROM c ORDER BY embedding <=> ?, number LIMIT ?",
        [wanted.vector.to_value(), wanted.vector.to_value(), Value::Int(i64::from(wanted.limit))],
    );
    statement.query(scope.connection(), |row| Ok((row.get(0)?, row.get(1)?)))
}
