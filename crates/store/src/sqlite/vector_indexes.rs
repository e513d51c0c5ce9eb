//! The embeddings in memory that the connections of one file share: an index for what each model made of each team's rows in a
//! table. Together they stay within a bound; the one that was used longest ago goes first.

use std::sync::{
    Arc, Mutex, PoisonError, RwLock,
    atomic::{AtomicUsize, Ordering},
};

use domain::{embedding::EmbeddingModelName, id::TeamId, vector::Vector};

use super::vector_index::{Picking, VectorIndex};
use crate::error::StoreError;

/// The most that all indexes of a file take: enough for a million embeddings of 384 numbers.
const MOST_BYTES: usize = 512 << 20;

/// What an index is of: the table, the team, the model.
pub(crate) type IndexKey = (&'static str, TeamId, EmbeddingModelName);

/// What the connections of one file share.
#[derive(Debug)]
pub(crate) struct VectorIndexes {
    most_bytes: usize,
    /// The one used last is the last.
    indexes: Mutex<Vec<(IndexKey, Arc<SharedIndex>)>>,
}

/// An index that many may use at once.
#[derive(Debug)]
struct SharedIndex {
    index: RwLock<VectorIndex>,
    /// Known without waiting for those who use it.
    size_bytes: AtomicUsize,
}

impl Default for VectorIndexes {
    fn default() -> Self {
        Self::new(MOST_BYTES)
    }
}

impl VectorIndexes {
    fn new(most_bytes: usize) -> Self {
        Self { most_bytes, indexes: Mutex::default() }
    }

    /// Puts all rows into the order of their likeness to a vector. `put_changed` puts those in that changed after
    /// [`VectorIndex::seen`]; it is called when there are any, `newest` being the last change. `None` when so many do not
    /// belong into memory.
    pub(crate) fn pick(
        &self,
        key: IndexKey,
        newest: i64,
        vector: &Vector,
        put_changed: impl Fn(&mut VectorIndex) -> Result<(), StoreError>,
    ) -> Result<Option<Picking>, StoreError> {
        let shared = self.of(key);
        let index = shared.index.read().unwrap_or_else(PoisonError::into_inner);
        if index.seen() >= newest {
            return Ok(index.pick(vector));
        }
        drop(index);
        let mut index = shared.index.write().unwrap_or_else(PoisonError::into_inner);
        index.catch_up(newest, put_changed)?;
        shared.size_bytes.store(index.size_bytes(), Ordering::Relaxed);
        let picking = index.pick(vector);
        drop(index);
        self.drop_unused();
        Ok(picking)
    }

    /// The index, which is now the one used last.
    fn of(&self, key: IndexKey) -> Arc<SharedIndex> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = indexes.iter().position(|(other, _)| *other == key).map(|place| indexes.remove(place).1);
        let index = known.unwrap_or_else(|| {
            let index = RwLock::new(VectorIndex::new(self.most_bytes));
            Arc::new(SharedIndex { index, size_bytes: AtomicUsize::new(0) })
        });
        indexes.push((key, Arc::clone(&index)));
        index
    }

    fn drop_unused(&self) {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |(_, index): &(IndexKey, Arc<SharedIndex>)| index.size_bytes.load(Ordering::Relaxed);
        let mut total: usize = indexes.iter().map(size).sum();
        while total > self.most_bytes && indexes.len() > 1 {
            total -= size(&indexes.remove(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const ROWS: i64 = 10;

    /// Searches the index of a model and says how many rows it picked and whether it read them for it.
    fn search(indexes: &VectorIndexes, model: &str, rows: i64) -> (Option<usize>, bool) {
        let vector = Vector::try_from(vec![1.0, 2.0]).expect("finite");
        let has_read = Cell::new(false);
        let put_changed = |index: &mut VectorIndex| {
            has_read.set(true);
            (1..=rows).for_each(|number| index.put(number, number, &vector));
            Ok(())
        };
        let key = ("memories", TeamId::from_uuid(uuid::Uuid::nil()), model.parse().expect("a name"));
        let picking = indexes.pick(key, rows, &vector, put_changed).expect("read");
        let picked = picking.map(|mut picking| picking.next(1000).map_or(0, |picked| picked.numbers.len()));
        (picked, has_read.get())
    }

    #[test]
    fn the_index_used_longest_ago_makes_room() {
        // Room for two of three.
        let indexes = VectorIndexes::new(150 * 16);
        for model in ["a", "b"] {
            assert_eq!(search(&indexes, model, ROWS), (Some(10), true));
        }
        assert_eq!(search(&indexes, "a", ROWS), (Some(10), false));
        assert_eq!(search(&indexes, "c", 2 * ROWS), (Some(20), true));
        assert_eq!(search(&indexes, "a", ROWS), (Some(10), false), "used since b");
        assert_eq!(search(&indexes, "b", ROWS), (Some(10), true));
    }

    #[test]
    fn what_is_too_much_for_memory_is_not_read_again_and_again() {
        let indexes = VectorIndexes::new(150 * 16);
        assert_eq!(search(&indexes, "a", 100), (None, true));
        assert_eq!(search(&indexes, "a", 100), (None, false));
        assert_eq!(search(&indexes, "b", ROWS), (Some(10), true));
    }
}
