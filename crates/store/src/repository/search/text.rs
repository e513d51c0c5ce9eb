//! Full-text search, ranked.

use super::{Best, Narrow, Score, Scored, Searched};
use crate::{
    error::StoreError,
    repository::Reads,
    scope::Scope,
    statement::Statement,
    value::{ToValue as _, Value},
};

/// The most rows that one search ranks, the newest that match: ranking all rows with a common word would take as long as
/// there are such rows.
const MOST_RANKED: i64 = 5_000;
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
    for combination in [Combination::All, Combination::Any] {
        let scores = match (words.is_empty(), scope.connection().sqlite()) {
            (true, _) => Vec::new(),
            (false, Some(_)) => on_sqlite::<T, C>(scope, &words, combination, narrow, limit)?,
            (false, None) => on_postgres::<T, C>(scope, &words, combination, narrow, limit)?,
        };
        if !scores.is_empty() {
            return scope.scored(scores, narrow);
        }
    }
    Ok(Vec::new())
}

#[derive(Clone, Copy)]
enum Combination {
    All,
    Any,
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

fn on_sqlite<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    words: &[&str],
    combination: Combination,
    narrow: &impl Narrow,
    limit: u32,
) -> Result<Vec<Score>, StoreError> {
    let (table, index) = (T::TABLE, T::WORDS);
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let wanted = quoted.join(match combination {
        Combination::All => " AND ",
        Combination::Any => " OR ",
    });
    // CROSS JOIN: first the words, then their rows.
    let mut statement = Statement::new(
        &format!(
            "SELECT {table}.number, -bm25({index}) FROM {index} CROSS JOIN {table}
             WHERE {index} MATCH ? AND {table}.number = {index}.rowid AND "
        ),
        [wanted.to_value()],
    );
    scope.push_checks::<T>(&mut statement, narrow);
    statement.push(&format!(" ORDER BY {index}.rowid DESC LIMIT ?"), [Value::Int(MOST_RANKED)]);
    best_of(scope, &statement, limit)
}

fn on_postgres<T: Searched, C: Reads>(
    scope: &Scope<'_, C>,
    words: &[&str],
    combination: Combination,
    narrow: &impl Narrow,
    limit: u32,
) -> Result<Vec<Score>, StoreError> {
    let table = T::TABLE;
    let wanted = words.join(" ");
    let query = match combination {
        Combination::All => "plainto_tsquery('english', ?)",
        Combination::Any => "replace(plainto_tsquery('english', ?)::text, ' & ', ' | ')::tsquery",
    };
    let mut statement = Statement::new(
        &format!(
            "SELECT number, ts_rank_cd(words, {query}, 1)::double precision FROM {table} WHERE words @@ {query} AND "
        ),
        [wanted.to_value(), wanted.to_value()],
    );
    scope.push_checks::<T>(&mut statement, narrow);
    statement.push(" LIMIT ?", [Value::Int(MOST_RANKED)]);
    best_of(scope, &statement, limit)
}

fn best_of<C: Reads>(
    scope: &Scope<'_, C>,
    statement: &Statement<'_>,
    limit: u32,
) -> Result<Vec<Score>, StoreError> {
    let mut best = Best::new(limit as usize);
    statement.query(scope.connection(), |row| {
        best.add((row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    Ok(best.into_sorted())
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
