//! The nearest vectors on PostgreSQL: few are compared one by one, many are found by pgvector's index. After the index, a
//! filter that few rows pass would leave next to nothing of what it found.

use super::{
    Narrow, Score, Searched,
    embedding::{Embedded, Wanted, is_more_than},
};
use crate::{
    error::StoreError,
    repository::{Reads, embedding_model::LONGEST_INDEXED},
    scope::Scope,
    statement::Statement,
    value::{ToValue as _, Value},
};

/// The most rows that are compared one by one.
const MOST_COMPARED: i64 = 20_000;

pub(super) fn nearest<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Vec<Score>, StoreError> {
    let embedded = Embedded { model: wanted.model, narrow, column: "embedding_model" };
    let dimension = wanted.vector.dimension();
    let by_index = dimension <= LONGEST_INDEXED && is_more_than::<T, C>(scope, MOST_COMPARED, &embedded)?;
    let (table, vector) = (T::TABLE, wanted.vector.to_value());
    let mut statement = if by_index {
        // The very expression and condition of the index; the other conditions out of the planner's sight.
        let mut statement = Statement::new(
            &format!(
                "SELECT number, 1 - (embedding::vector({dimension}) <=> ?) FROM {table}
                 WHERE vector_dims(embedding) = {dimension} AND "
            ),
            [vector.clone()],
        );
        scope.push_checks::<T>(&mut statement, &embedded);
        statement.push(&format!(" ORDER BY embedding::vector({dimension}) <=> ?"), [vector]);
        statement
    } else {
        let mut statement = Statement::new(
            &format!("WITH c AS MATERIALIZED (SELECT number, embedding FROM {table} WHERE "),
            [],
        );
        scope.push_conditions::<T>(&mut statement, &embedded);
        statement.push(
            ") SELECT number, 1 - (embedding <=> ?) FROM c ORDER BY embedding <=> ?, number",
            [vector.clone(), vector],
        );
        statement
    };
    statement.push(" LIMIT ?", [Value::Int(i64::from(wanted.limit))]);
    statement.query(scope.connection(), |row| Ok((row.get(0)?, row.get(1)?)))
}
