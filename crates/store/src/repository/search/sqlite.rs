//! The nearest vectors on SQLite: few are read and compared one by one; of many those that can be the nearest are picked from
//! a compressed copy in memory, and only they are read and compared. What is found is exact either way.

use domain::vector::Vector;

use super::{
    Best, Narrow, Score, Searched, among_numbers,
    embedding::{Embedded, Wanted, count_up_to},
    numbers_value,
};
use crate::{
    error::StoreError,
    repository::Reads,
    scope::Scope,
    sqlite::{Picking, SqliteConnection, VectorIndex, VectorIndexes},
    statement::Statement,
    value::{Row, ToValue as _, Value},
};

/// The most rows that are compared one by one from the start.
const MOST_COMPARED: i64 = 2_000;
/// The most rows that are counted, and so the most that are picked before all that are wanted are compared one by one.
const MOST_COUNTED: i64 = 20_000;
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
    // A connection that writes sees rows that may never be committed; they do not get into what all share.
    if let Some(vectors) = connection.vectors() {
        let count = count_up_to::<T, C>(scope, MOST_COUNTED, &embedded)?;
        if count > MOST_COMPARED
            && let Some(picking) = pick::<T, C>(scope, vectors, wanted)?
            && let Some(scores) = nearest_of::<T, C>(scope, picking, count, wanted, &embedded)?
        {
            return Ok(scores);
        }
    }
    let mut best = Best::new(wanted.limit as usize);
    let mut statement = select::<T>();
    scope.push_conditions::<T>(&mut statement, &embedded);
    compare(scope, &statement, wanted.vector, &mut best)?;
    Ok(best.into_sorted())
}

/// The nearest of those that can be. `None` when more were picked than there are rows to compare: those that meet the
/// conditions are far away, and it is quicker to begin with the conditions.
fn nearest_of<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    mut picking: Picking,
    most: i64,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Option<Vec<Score>>, StoreError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut best = Best::new(wanted.limit as usize);
    let (mut count, mut taken) = (FEWEST_PICKED.max(5 * wanted.limit as usize), 0);
    while let Some(picked) = picking.next(count) {
        taken += picked.numbers.len();
        let mut statement = select::<T>();
        scope.push_checks::<T>(&mut statement, narrow);
        statement.and(among_numbers(scope), [numbers_value(&picked.numbers)]);
        compare(scope, &statement, wanted.vector, &mut best)?;
        if best.threshold().is_some_and(|threshold| threshold >= picked.most_left) {
            break;
        }
        if taken > most {
            return Ok(None);
        }
        count *= 2;
    }
    Ok(Some(best.into_sorted()))
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

/// All embeddings in the order of their likeness, after the copy in memory has caught up with what was committed.
fn pick<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    vectors: &VectorIndexes,
    wanted: Wanted<'_>,
) -> Result<Option<Picking>, StoreError> {
    let conditions = "team_id = ? AND embedding_model = ?";
    let values = || [Value::Id(*scope.team().as_uuid()), wanted.model.to_value()];
    let newest = format!("SELECT max(embedding_change) FROM {} WHERE {conditions}", T::TABLE);
    let newest = Statement::new(&newest, values());
    let newest: Option<i64> = scope.connection().scalar(newest.text(), newest.values())?;
    let put_changed = |index: &mut VectorIndex| {
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
    let key = (T::TABLE, scope.team(), wanted.model.clone());
    vectors.pick(key, newest.unwrap_or(0), wanted.vector, put_changed)
}
