//! Search for what means the same: by the cosine of embeddings.

use domain::{embedding::EmbeddingModelName, vector::Vector};

use super::{Narrow, Scored, Searched, postgres, sqlite};
use crate::{
    error::StoreError,
    repository::{Reads, embedding_model},
    scope::Scope,
    statement::Statement,
    value::{ToValue as _, Value},
};

/// What rows are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'w> {
    pub(crate) vector: &'w Vector,
    pub(crate) model: &'w EmbeddingModelName,
    pub(crate) limit: u32,
}

/// The rows most like a vector, best first.
pub(crate) fn search<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    wanted: Wanted<'_>,
    narrow: &impl Narrow,
) -> Result<Vec<Scored<T>>, StoreError> {
    embedding_model::accept(&embedding_model::get(scope.connection(), wanted.model)?, wanted.vector)?;
    if wanted.limit == 0 {
        return Ok(Vec::new());
    }
    let scores = match scope.connection().sqlite() {
        Some(connection) => sqlite::nearest::<T, C>(scope, connection, wanted, narrow)?,
        None => postgres::nearest::<T, C>(scope, wanted, narrow)?,
    };
    scope.scored(scores, narrow)
}

/// Conditions, and that a row was embedded by a model.
pub(super) struct Embedded<'n, N> {
    pub(super) model: &'n EmbeddingModelName,
    pub(super) narrow: &'n N,
    /// What to write for the column, where an index on it must not be used.
    pub(super) column: &'static str,
}

impl<N: Narrow> Narrow for Embedded<'_, N> {
    fn narrow<'v>(&'v self, statement: &mut Statement<'v>) {
        statement.and(&format!("{} = ?", self.column), [self.model.to_value()]);
        self.narrow.narrow(statement);
    }

    fn names_a_place(&self) -> bool {
        self.narrow.names_a_place()
    }
}

/// How many rows meet the conditions, counted up to `most`.
pub(super) fn count_up_to<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    most: i64,
    narrow: &impl Narrow,
) -> Result<i64, StoreError> {
    let mut statement =
        Statement::new(&format!("SELECT count(*) FROM (SELECT 1 FROM {} WHERE ", T::TABLE), []);
    scope.push_conditions::<T>(&mut statement, narrow);
    statement.push(" LIMIT ?) AS page", [Value::Int(most)]);
    scope.connection().scalar(statement.text(), statement.values())
}
