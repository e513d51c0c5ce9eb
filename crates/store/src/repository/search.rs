//! What search does alike for every table with texts and embeddings.

pub(crate) mod embedding;
mod postgres;
mod sqlite;
pub(crate) mod text;

use std::collections::HashMap;

use crate::{
    error::StoreError, record::Owned, repository::Reads, scope::Scope, statement::Statement, value::Value,
};

/// A row that a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored<T> {
    /// The row.
    pub item: T,
    /// How well it fits; higher is better. By embedding it is the cosine, from -1 to 1; by text it compares with others of
    /// the same answer only.
    pub score: f64,
}

/// A table with texts and embeddings.
pub(crate) trait Searched: Owned {
    /// SQLite's table of its words, whose rows have the numbers of this one's.
    const WORDS: &'static str;
}

/// Conditions on the rows of a table, beyond those that each search has.
pub(crate) trait Narrow {
    /// Adds ` AND …` for each.
    fn narrow<'v>(&'v self, statement: &mut Statement<'v>);

    /// They name a place, so that an index on it is better than one on all embeddings.
    fn names_a_place(&self) -> bool;
}

/// The number of a row, and how well it fits.
pub(crate) type Score = (i64, f64);

impl<'c, C: Reads> Scope<'c, C> {
    /// The conditions on the team's live rows, for a statement to go on with.
    pub(crate) fn push_conditions<'v, T: Owned>(
        &self,
        statement: &mut Statement<'v>,
        narrow: &'v impl Narrow,
    ) {
        statement.push(&format!("{}.team_id = ?", T::TABLE), [Value::Id(*self.team().as_uuid())]);
        statement.and(T::LIVE, []);
        narrow.narrow(statement);
    }

    /// The same as one condition that no index answers: the statement says by another which rows to look at.
    pub(crate) fn push_checks<'v, T: Owned>(&self, statement: &mut Statement<'v>, narrow: &'v impl Narrow) {
        statement.push("(", []);
        self.push_conditions::<T>(statement, narrow);
        statement.push(") IS TRUE", []);
    }

    /// The rows of these numbers, in their order, as far as they still meet the conditions.
    pub(crate) fn scored<T: Owned>(
        &self,
        scores: Vec<Score>,
        narrow: &impl Narrow,
    ) -> Result<Vec<Scored<T>>, StoreError> {
        if scores.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement =
            Statement::new(&format!("SELECT number, {} FROM {} WHERE ", T::COLUMNS, T::TABLE), []);
        let numbers: Vec<i64> = scores.iter().map(|(number, _)| *number).collect();
        self.push_checks::<T>(&mut statement, narrow);
        statement.and(among_numbers(self), [numbers_value(&numbers)]);
        let read = |row: &crate::value::Row<'_>| {
            let mut columns = row.columns();
            Ok((columns.next::<i64>()?, T::from_columns(&mut columns)?))
        };
        let mut rows: HashMap<i64, T> = statement.query(self.connection(), read)?.into_iter().collect();
        let found = scores
            .into_iter()
            .filter_map(|(number, score)| rows.remove(&number).map(|item| Scored { item, score }));
        Ok(found.collect())
    }
}

/// The condition that a row's number is among those of a list.
fn among_numbers<'s, C: Reads>(scope: &Scope<'_, C>) -> &'s str {
    match scope.connection().postgres() {
        None => "number IN (SELECT value FROM json_each(?))",
        Some(_) => "number = ANY (ARRAY(SELECT value::bigint FROM jsonb_array_elements_text(?)))",
    }
}

/// A list as one value, so that the statement is the same however long it is.
fn numbers_value(numbers: &[i64]) -> Value<'static> {
    Value::Json(format!("{numbers:?}").into())
}

/// The best of many, a bounded number of them.
#[derive(Debug)]
pub(crate) struct Best {
    limit: usize,
    kept: Vec<Score>,
}

impl Best {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new() }
    }

    pub(crate) fn add(&mut self, score: Score) {
        self.kept.push(score);
        if self.kept.len() > 4 * self.limit + 64 {
            self.trim();
        }
    }

    /// The score that a further one must have to be among the best; `None` while any will do.
    pub(crate) fn threshold(&mut self) -> Option<f64> {
        self.trim();
        if self.kept.len() < self.limit { None } else { self.kept.last().map(|(_, score)| *score) }
    }

    /// Best first; of equals the earlier row.
    pub(crate) fn into_sorted(mut self) -> Vec<Score> {
        self.trim();
        self.kept
    }

    fn trim(&mut self) {
        self.kept.sort_unstable_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
        self.kept.truncate(self.limit);
    }
}
