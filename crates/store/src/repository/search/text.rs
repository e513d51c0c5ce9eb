//! Full-text search, ranked.

use std::collections::HashMap;

use super::{Best, Narrow, Score, Scored, Searched};
use crate::{error::StoreError, repository::Reads, scope::Scope, statement::Statement, value::Value};

/// The most rows that one search ranks, the newest that match: ranking all rows with a common word would take as long as
/// there are such rows.
pub(in crate::repository) const MOST_RANKED: usize = 5_000;
/// The most words of a text that are looked for.
const MOST_WORDS: usize = 32;

/// Rows with all words of a text, best first, or with any of them when none has all. Any text will do: all but its letters
/// and digits only separates words.
pub(crate) fn search<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    text: &str,
    narrow: &impl Narrow,
    limit: u32,
) -> Result<Vec<Scored<T>>, StoreError> {
    let words = words(text);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let mut best = Best::new(limit as usize);
    let scores = rank::<T, C>(scope, &words, narrow, MOST_RANKED)?;
    if scores.is_empty() && words.len() > 1 {
        any_of::<T, C>(scope, &words, narrow)?.into_iter().for_each(|score| best.add(score));
    } else {
        scores.into_iter().for_each(|score| best.add(score));
    }
    scope.scored(best.into_sorted(), narrow)
}

/// Rows with any of the words, ranked by the sum of what each word gives them. Of each word the newest rows count, so that
/// those of a common one leave room for those of a rare one.
fn any_of<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    words: &[&str],
    narrow: &impl Narrow,
) -> Result<HashMap<i64, f64>, StoreError> {
    let mut sums = HashMap::new();
    for word in words {
        let scores = rank::<T, C>(scope, &[*word], narrow, MOST_RANKED / words.len())?;
        let weight = weight(scope, scores.len());
        for (number, score) in scores {
            *sums.entry(number).or_insert(0.0) += weight * score;
        }
    }
    Ok(sums)
}

/// How much a word says that so many rows have. BM25 on SQLite knows; the rank of PostgreSQL does not.
fn weight<C: Reads>(scope: &Scope<'_, C>, rows: usize) -> f64 {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX).max(1);
    if scope.connection().postgres().is_some() { 1.0 / (1.0 + f64::from(rows).ln()) } else { 1.0 }
}

fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        if !word.is_empty() && !words.contains(&word) && words.len() < MOST_WORDS {
            words.push(word);
        }
    }
    words
}

/// The newest rows with all of the words, at most so many, each with its rank.
fn rank<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    words: &[&str],
    narrow: &impl Narrow,
    most: usize,
) -> Result<Vec<Score>, StoreError> {
    let most = Value::Int(i64::try_from(most).unwrap_or(i64::MAX));
    let statement = match scope.connection().sqlite() {
        Some(_) => on_sqlite::<T, C>(scope, words, narrow, most),
        None => on_postgres::<T, C>(scope, words, narrow, most),
    };
    statement.query(scope.connection(), |row| Ok((row.get(0)?, row.get(1)?)))
}

fn on_sqlite<'v, T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    words: &[&str],
    narrow: &'v impl Narrow,
    most: Value<'v>,
) -> Statement<'v> {
    let (table, index) = (T::TABLE, T::WORDS);
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    // CROSS JOIN: first the words, then their rows.
    let mut statement = Statement::new(
        &format!(
            "SELECT {table}.number, -bm25({index}) FROM {index} CROSS JOIN {table}
             WHERE {index} MATCH ? AND {table}.number = {index}.rowid AND "
        ),
        [Value::Text(quoted.join(" AND ").into())],
    );
    scope.push_checks::<T>(&mut statement, narrow);
    statement.push(&format!(" ORDER BY {index}.rowid DESC LIMIT ?"), [most]);
    statement
}

fn on_postgres<'v, T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    words: &[&str],
    narrow: &'v impl Narrow,
    most: Value<'v>,
) -> Statement<'v> {
    let wanted = Value::Text(words.join(" ").into());
    let query = "plainto_tsquery('english', ?)";
    let mut statement = Statement::new(
        &format!(
            "SELECT number, ts_rank_cd(words, {query}, 1)::double precision
             FROM (SELECT number, words FROM {} WHERE words @@ {query} AND ",
            T::TABLE
        ),
        [wanted.clone(), wanted],
    );
    scope.push_checks::<T>(&mut statement, narrow);
    // `+ 0`: an order that no index has, or rare words would be looked for in all rows from the newest on.
    statement.push(" ORDER BY number + 0 DESC LIMIT ?) AS newest", [most]);
    statement
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_hold_nothing_that_a_query_could_mean(text in ".*") {
            let words = words(&text);
            prop_assert!(words.len() <= MOST_WORDS);
            prop_assert!(words.iter().all(|word| !word.is_empty() && word.chars().all(char::is_alphanumeric)));
        }
    }

    #[test]
    fn signs_separate_words_and_repetitions_count_once() {
        assert_eq!(words("main.rs: \"main\" AND* -x"), ["main", "rs", "AND", "x"]);
    }
}
