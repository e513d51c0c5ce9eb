//! Embeddings in memory, each number in one byte: small and fast enough to go through all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use domain::{embedding::EmbeddingModelName, id::TeamId, vector::Vector};

use crate::error::StoreError;

/// The largest number a byte stands for.
const LARGEST: f32 = 127.0;
/// Rows that may be of no use any more before all are read anew.
const SLACK: usize = 1024;
/// How many standard deviations of its error an estimate is trusted to be within.
const DEVIATIONS: f32 = 8.0;

/// What the connections of one file share.
#[derive(Debug, Default)]
pub(crate) struct VectorIndexes {
    indexes: Mutex<HashMap<Key, Arc<SharedVectors>>>,
}

type Key = (&'static str, TeamId, EmbeddingModelName);

impl VectorIndexes {
    /// The embeddings that a model made of a team's rows in a table.
    pub(crate) fn of(
        &self,
        table: &'static str,
        team: TeamId,
        model: &EmbeddingModelName,
    ) -> Arc<SharedVectors> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(indexes.entry((table, team, model.clone())).or_default())
    }
}

/// An index that many may use at once.
#[derive(Debug, Default)]
pub(crate) struct SharedVectors {
    index: RwLock<VectorIndex>,
}

impl SharedVectors {
    /// Puts all rows into the order of their likeness to a vector. `catch_up` puts those in that changed after
    /// [`VectorIndex::seen`]; it is called when there are any, `newest` being the last change.
    pub(crate) fn pick(
        &self,
        newest: i64,
        vector: &Vector,
        catch_up: impl Fn(&mut VectorIndex) -> Result<(), StoreError>,
    ) -> Result<Picking, StoreError> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        if index.seen >= newest {
            return Ok(index.pick(vector));
        }
        drop(index);
        let mut index = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if index.seen < newest {
            index.catch_up(&catch_up)?;
        }
        if index.is_worn() {
            *index = VectorIndex::default();
            index.catch_up(&catch_up)?;
        }
        Ok(index.pick(vector))
    }
}

/// Directions of one dimension, compressed, with the numbers of their rows.
#[derive(Debug, Default)]
pub(crate) struct VectorIndex {
    dimension: usize,
    bytes: Vec<i8>,
    numbers: Vec<i64>,
    scales: Vec<f32>,
    places: HashMap<i64, usize>,
    seen: i64,
    /// The newest change that was put in; it counts as seen when all before it were.
    latest: i64,
    /// How many rows there were when all were read.
    settled: usize,
    /// The largest distance between a direction and what its bytes stand for.
    worst_loss: f32,
}

impl VectorIndex {
    /// The newest change that is in it.
    pub(crate) const fn seen(&self) -> i64 {
        self.seen
    }

    /// Puts a row in, or its new embedding. A row that lost its embedding stays: who looks it up finds out.
    pub(crate) fn put(&mut self, number: i64, change: i64, vector: &Vector) {
        if self.numbers.is_empty() {
            self.dimension = vector.dimension();
        }
        self.latest = self.latest.max(change);
        if vector.dimension() != self.dimension {
            return;
        }
        let compressed = Compressed::of(vector);
        self.worst_loss = self.worst_loss.max(compressed.loss);
        if let Some(&place) = self.places.get(&number) {
            let start = place * self.dimension;
            self.bytes[start..start + self.dimension].copy_from_slice(&compressed.bytes);
            self.scales[place] = compressed.scale;
        } else {
            self.places.insert(number, self.numbers.len());
            self.bytes.extend_from_slice(&compressed.bytes);
            self.scales.push(compressed.scale);
            self.numbers.push(number);
        }
    }

    fn catch_up(&mut self, catch_up: impl Fn(&mut Self) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let is_first = self.numbers.is_empty();
        catch_up(self)?;
        self.seen = self.latest;
        if is_first {
            self.settled = self.numbers.len();
        }
        Ok(())
    }

    /// So many rows came since all were read that as many may be of no use.
    fn is_worn(&self) -> bool {
        self.numbers.len() > 2 * self.settled + SLACK
    }

    fn pick(&self, vector: &Vector) -> Picking {
        let wanted = Compressed::of(vector);
        let mut rows = Vec::with_capacity(self.numbers.len());
        if wanted.bytes.len() == self.dimension {
            let directions = self.bytes.chunks_exact(self.dimension.max(1));
            for ((bytes, scale), number) in directions.zip(&self.scales).zip(&self.numbers) {
                rows.push((dot(bytes, &wanted.bytes) * scale * wanted.scale, *number));
            }
        }
        // The losses are directions of their own, as good as random, which only rarely point the same way as the vector.
        let loss = wanted.loss + self.worst_loss + wanted.loss * self.worst_loss;
        let dimension = f32::from(u16::try_from(self.dimension).unwrap_or(u16::MAX)).max(1.0);
        Picking { rows, taken: 0, doubt: loss * (DEVIATIONS / dimension.sqrt()).min(1.0) }
    }
}

/// A direction, each number in a byte: `bytes · scale` is nearly it.
struct Compressed {
    bytes: Vec<i8>,
    scale: f32,
    loss: f32,
}

impl Compressed {
    #[expect(clippy::cast_possible_truncation, reason = "the largest number becomes 127")]
    fn of(vector: &Vector) -> Self {
        let direction = vector.normalized();
        let numbers = direction.as_slice();
        let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        let scale = if largest > 0.0 { largest / LARGEST } else { 1.0 };
        let bytes: Vec<i8> = numbers.iter().map(|number| (number / scale).round() as i8).collect();
        let lost = |(number, byte): (&f32, &i8)| (number - f32::from(*byte) * scale).powi(2);
        let loss = numbers.iter().zip(&bytes).map(lost).sum::<f32>().sqrt();
        Self { bytes, scale, loss }
    }
}

/// The sum of products. In blocks of a fixed size, each product in 16 bits, the compiler makes wide instructions of it,
/// which takes a tenth of the time.
fn dot(left: &[i8], right: &[i8]) -> f32 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<32>(), right.as_chunks::<32>());
    let mut sum: i32 = left_rest.iter().zip(right_rest).map(product).sum();
    for (left, right) in left.iter().zip(right) {
        sum += left.iter().zip(right).map(product).sum::<i32>();
    }
    sum as f32
}

fn product((left, right): (&i8, &i8)) -> i32 {
    i32::from(i16::from(*left) * i16::from(*right))
}

/// Rows on the way from the likeliest to the least.
#[derive(Debug)]
pub(crate) struct Picking {
    rows: Vec<(f32, i64)>,
    taken: usize,
    doubt: f32,
}

/// The next rows.
#[derive(Debug)]
pub(crate) struct Picked {
    /// Their numbers, in no order.
    pub(crate) numbers: Vec<i64>,
    /// The most that any row has which was not picked yet.
    pub(crate) most_left: f64,
}

impl Picking {
    /// The next `count` rows; `None` when all were picked.
    pub(crate) fn next(&mut self, count: usize) -> Option<Picked> {
        let left = &mut self.rows[self.taken..];
        if left.is_empty() {
            return None;
        }
        let count = count.clamp(1, left.len());
        let (_, least, _) = left.select_nth_unstable_by(count - 1, |one, other| other.0.total_cmp(&one.0));
        let most_left = f64::from(least.0 + self.doubt);
        let numbers = left[..count].iter().map(|(_, number)| *number).collect();
        self.taken += count;
        Some(Picked { numbers, most_left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vector(numbers: &[f32]) -> Vector {
        Vector::try_from(numbers.to_vec()).expect("finite")
    }

    proptest! {
        #[test]
        fn an_estimate_is_as_far_off_as_it_may_be(
            (left, right) in (1_usize..48).prop_flat_map(|length| {
                let numbers = || prop::collection::vec(-100.0_f32..100.0, length);
                (numbers(), numbers())
            })
        ) {
            let mut index = VectorIndex::default();
            index.put(1, 1, &vector(&left));
            let mut picking = index.pick(&vector(&right));
            let (estimate, doubt) = (picking.rows[0].0, picking.doubt);
            let exact = vector(&left).cosine(&vector(&right));
            prop_assert!((estimate - exact).abs() <= doubt + 1e-5, "{} is not {}", estimate, exact);
            prop_assert_eq!(picking.next(9).expect("one").numbers, vec![1]);
            prop_assert!(picking.next(9).is_none());
        }
    }

    #[test]
    fn a_changed_embedding_takes_the_place_of_the_old_one() {
        let mut index = VectorIndex::default();
        index.put(7, 1, &vector(&[1.0, 0.0]));
        index.put(8, 2, &vector(&[0.0, 1.0]));
        index.put(7, 3, &vector(&[-1.0, 0.0]));
        assert_eq!((index.latest, index.numbers.len()), (3, 2));
        let picked = index.pick(&vector(&[1.0, 0.1])).next(1).expect("a row");
        assert_eq!(picked.numbers, [8]);
    }

    #[test]
    fn an_index_full_of_what_is_gone_is_read_anew() {
        let shared = SharedVectors::default();
        let all: i64 = 3 * i64::try_from(SLACK).expect("small");
        for newest in 1..=all {
            // Only the newest row is left in the database.
            let catch_up = |index: &mut VectorIndex| {
                index.put(newest, newest, &vector(&[1.0, 2.0]));
                Ok(())
            };
            shared.pick(newest, &vector(&[1.0, 2.0]), catch_up).expect("picked");
        }
        let kept = shared.index.read().expect("whole").numbers.len();
        assert!(kept <= SLACK + 2, "{kept}");
    }
}
