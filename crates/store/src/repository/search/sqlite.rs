//! The nearest vectors on SQLite: few are read and compared one by one; of many the likeliest are picked from a compressed
//! copy in memory, and only those are read and compared.

use domain::vector::Vector;

use super::{
    Best, Narrow, Score, Searched, among_numbers,
    embedding::{Embedded, Wanted, is_more_than},
    numbers_value,
};
use crate::{
    error::StoreError,
    repository::Reads,
    scope::Scope,
    sqlite::{SharedVectors, SqliteConnection, VectorIndex},
    statement::Statement,
    value::{Row, ToValue as _, Value},
};

/// The most rows that are compared one by one.
const MOST_COMPARED: i64 = 2_000;
/// The fewest rows that are picked at first.
const FEWEST_PICKED: usize = 50;

pub(super) fn nearest<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    connection: &SqliteConnection,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Vec<Score>, StoreError> {
    // SQLite takes the index with the most equal columns, which here would be all embeddings of the model.
    let column = if narrow.names_a_place() { "+embedding_model" } else { "embedding_model" };
    let embedded = Embedded { model: wanted.model, narrow, column };
    let mut best = Best::new(wanted.limit as usize);
    // A connection that writes sees rows that may never be committed; they do not get into what all share.
    match connection.vectors() {
        Some(vectors) if is_more_than::<T, C>(scope, MOST_COMPARED, &embedded)? => {
            let index = vectors.of(T::TABLE, scope.team(), wanted.model);
            let mut picking = pick::<T, C>(scope, &index, wanted)?;
            let mut count = FEWEST_PICKED.max(5 * wanted.limit as usize);
            while let Some(picked) = picking.next(count) {
                let mut statement = select::<T>();
                scope.push_checks::<T>(&mut statement, &embedded);
                statement.and(among_numbers(scope), [numbers_value(&picked.numbers)]);
                compare(scope, &statement, wanted.vector, &mut best)?;
                if best.threshold().is_some_and(|threshold| threshold >= picked.most_left) {
                    break;
                }
                count *= 2;
            }
        }
        _ => {
            let mut statement = select::<T>();
            scope.push_conditions::<T>(&mut statement, &embedded);
            compare(scope, &statement, wanted.vector, &mut best)?;
        }
    }
    Ok(best.into_sorted())
}

fn select<'v, T: Searched>() -> Statement<'v> {
    Statement::new(&format!("SELECT number, embedding FROM {} WHERE ", T::TABLE), [])
}

/// Compares the rows of a statement one by one.
fn compare<C: Reads>(
    scope: &Scope<'_, C>,
    statement: &Statement<'_>,
    vector: &Vector,
    best: &mut Best,
) -> Result<(), StoreError> {
    statement.query(scope.connection(), |row| {
        let score = vector.cosine(&row.get::<Vector>(1)?);
        best.add((row.get(0)?, f64::from(score)));
        Ok(())
    })?;
    Ok(())
}

/// All embeddings by their likely order, after the copy in memory has caught up with what was committed.
fn pick<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    index: &SharedVectors,
    wanted: Wanted<'_>,
) -> Result<crate::sqlite::Picking, StoreError> {
    let conditions = "team_id = ? AND embedding_model = ?";
    let values = || [Value::Id(*scope.team().as_uuid()), wanted.model.to_value()];
    let newest = format!("SELECT max(embedding_change) FROM {} WHERE {conditions}", T::TABLE);
    let newest = Statement::new(&newest, values());
    let newest: Option<i64> = scope.connection().scalar(newest.text(), newest.values())?;
    let catch_up = |index: &mut VectorIndex| {
        let changed = format!(
            "SELECT number, embedding_change, embedding FROM {} WHERE {conditions} AND embedding_change > ?",
            T::TABLE
        );
        let seen = Value::Int(index.seen());
        let changed = Statement::new(&changed, values().into_iter().chain([seen]));
        let take = |row: &Row<'_>| {
            index.put(row.get(0)?, row.get(1)?, &row.get::<Vector>(2)?);
            Ok(())
        };
        changed.query(scope.connection(), take).map(drop)
    };
    index.pick(newest.unwrap_or(0), wanted.vector, catch_up)
}
