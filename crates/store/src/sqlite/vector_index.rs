//! Embeddings in memory, each number in one byte: small and fast enough to go through all of them. What a byte loses is
//! kept for each row, so that nothing is passed over that could belong to the nearest.

use std::collections::HashMap;

use domain::vector::Vector;

use crate::error::StoreError;

/// The largest number a byte stands for.
const LARGEST: f32 = 127.0;
/// Rows that may be of no use any more before all are read anew.
const SLACK: usize = 1024;
/// What a row takes beside its bytes: its number, scale, loss and place.
const ROW_BYTES: usize = 64;

/// Directions of one dimension, compressed, with the numbers of their rows. One that would grow beyond its limit gives up
/// and holds nothing.
#[derive(Debug)]
pub(crate) struct VectorIndex {
    most_bytes: usize,
    gave_up: bool,
    dimension: usize,
    bytes: Vec<i8>,
    scales: Vec<f32>,
    losses: Vec<f32>,
    numbers: Vec<i64>,
    places: HashMap<i64, usize>,
    seen: i64,
    /// The newest change that was put in; it counts as seen when all before it were.
    latest: i64,
    /// How many rows there were when all were read.
    settled: usize,
}

impl VectorIndex {
    pub(super) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            gave_up: false,
            dimension: 0,
            bytes: Vec::new(),
            scales: Vec::new(),
            losses: Vec::new(),
            numbers: Vec::new(),
            places: HashMap::new(),
            seen: 0,
            latest: 0,
            settled: 0,
        }
    }

    /// The newest change that is in it.
    pub(crate) const fn seen(&self) -> i64 {
        self.seen
    }

    /// About how much memory it takes.
    pub(super) const fn size_bytes(&self) -> usize {
        self.numbers.len() * (self.dimension + ROW_BYTES)
    }

    /// Puts a row in, or its new embedding. A row that lost its embedding stays: who looks it up finds out.
    pub(crate) fn put(&mut self, number: i64, change: i64, vector: &Vector) {
        if self.numbers.is_empty() {
            self.dimension = vector.dimension();
        }
        self.latest = self.latest.max(change);
        if self.gave_up || vector.dimension() != self.dimension {
            return;
        }
        let Compressed { bytes, scale, loss } = Compressed::of(vector);
        if let Some(&place) = self.places.get(&number) {
            let start = place * self.dimension;
            self.bytes[start..start + self.dimension].copy_from_slice(&bytes);
            (self.scales[place], self.losses[place]) = (scale, loss);
            return;
        }
        self.places.insert(number, self.numbers.len());
        self.bytes.extend_from_slice(&bytes);
        self.scales.push(scale);
        self.losses.push(loss);
        self.numbers.push(number);
        if self.size_bytes() > self.most_bytes {
            *self =
                Self { gave_up: true, seen: self.seen, latest: self.latest, ..Self::new(self.most_bytes) };
        }
    }

    /// Puts those rows in that changed after [`VectorIndex::seen`], the last of them at `newest`.
    pub(super) fn catch_up(
        &mut self,
        newest: i64,
        put_changed: impl Fn(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.seen < newest {
            self.read(&put_changed)?;
        }
        if self.is_worn() {
            *self = Self::new(self.most_bytes);
            self.read(&put_changed)?;
        }
        Ok(())
    }

    fn read(&mut self, put_changed: impl Fn(&mut Self) -> Result<(), StoreError>) -> Result<(), StoreError> {
        let is_first = self.numbers.is_empty();
        put_changed(self)?;
        self.seen = self.latest;
        if is_first {
            self.settled = self.numbers.len();
            self.bytes.shrink_to_fit();
        }
        Ok(())
    }

    /// So many rows came since all were read that as many may be of no use.
    fn is_worn(&self) -> bool {
        self.numbers.len() > 2 * self.settled + SLACK
    }

    /// All rows in the order of the most that each can be like a vector; `None` when it gave up.
    pub(super) fn pick(&self, vector: &Vector) -> Option<Picking> {
        if self.gave_up {
            return None;
        }
        let wanted = Compressed::of(vector);
        let mut rows = Vec::with_capacity(self.numbers.len());
        if wanted.bytes.len() == self.dimension {
            let rounding = rounding(self.dimension);
            let directions = self.bytes.chunks_exact(self.dimension.max(1));
            for (place, bytes) in directions.enumerate() {
                let (scale, loss) = (self.scales[place], self.losses[place]);
                let likely = dot(bytes, &wanted.bytes) * scale * wanted.scale;
                // What the row's bytes lost can point just as the vector does, and what the vector's lost just as the bytes.
                let doubt = loss + wanted.loss * (1.0 + loss) + rounding;
                rows.push((likely + doubt, self.numbers[place]));
            }
        }
        Some(Picking { rows, taken: 0 })
    }
}

/// The most that sums of so many products in 32 bits, in eight lanes, are off.
fn rounding(dimension: usize) -> f32 {
    f32::EPSILON * (8 + dimension / 8) as f32
}

/// A direction, each number in a byte: `bytes · scale` is nearly it, `loss` away.
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

/// Rows on the way from those that can be most like the vector to those that cannot.
#[derive(Debug)]
pub(crate) struct Picking {
    rows: Vec<(f32, i64)>,
    taken: usize,
}

/// The next rows.
#[derive(Debug)]
pub(crate) struct Picked {
    /// Their numbers, in no order.
    pub(crate) numbers: Vec<i64>,
    /// No row that was not picked yet has a higher cosine.
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
        let most_left = f64::from(least.0);
        let numbers = left[..count].iter().map(|(_, number)| *number).collect();
        self.taken += count;
        Some(Picked { numbers, most_left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{prelude::*, test_runner::RngSeed};

    const ROOM: usize = 1 << 30;

    fn vector(numbers: Vec<f32>) -> Vector {
        Vector::try_from(numbers).expect("finite")
    }

    /// Numbers that are spread like a bell, as those of most embeddings are.
    fn bell(length: usize) -> impl Strategy<Value = Vec<f32>> {
        let sum = prop::array::uniform8(-1.0_f32..1.0).prop_map(|numbers| numbers.iter().sum::<f32>());
        prop::collection::vec(sum, length)
    }

    /// Sets of embeddings as models make them: of any direction, close together, or with a few numbers that outweigh all
    /// others.
    fn embeddings(length: usize) -> impl Strategy<Value = Vec<Vector>> {
        let kind =
            (prop_oneof![Just(0.0_f32), Just(5.0)], prop_oneof![Just(0.0_f32), Just(3.0), Just(100.0)]);
        (bell(length), kind, prop::collection::vec(bell(length), 2..60)).prop_map(
            |(centre, (closeness, outweighing), rows)| {
                let place = |row: Vec<f32>| {
                    let numbers = row.iter().zip(&centre).enumerate().map(|(index, (number, centre))| {
                        let more = if index % 97 == 5 { outweighing } else { 0.0 };
                        number * (1.0 + more / 10.0) + centre * closeness + more
                    });
                    vector(numbers.collect())
                };
                rows.into_iter().map(place).collect()
            },
        )
    }

    fn index(rows: &[Vector]) -> VectorIndex {
        let mut index = VectorIndex::new(ROOM);
        for (number, row) in (0..).zip(rows) {
            index.put(number, number + 1, row);
        }
        index
    }

    fn assert_nothing_is_likelier_than_it_can_be(rows: &[Vector], wanted: &Vector) {
        let picking = index(rows).pick(wanted).expect("in memory");
        assert_eq!(picking.rows.len(), rows.len());
        for ((most, number), row) in picking.rows.iter().zip(rows) {
            let exact = row.cosine(wanted);
            assert!(exact <= *most, "{number}: {exact} is more than {most}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

        #[test]
        fn no_row_is_more_like_the_vector_than_it_can_be(mut rows in (1_usize..80).prop_flat_map(embeddings)) {
            let wanted = rows.remove(0);
            assert_nothing_is_likelier_than_it_can_be(&rows, &wanted);
        }

        #[test]
        fn nor_in_the_dimension_of_common_models(mut rows in embeddings(384)) {
            let wanted = rows.remove(0);
            assert_nothing_is_likelier_than_it_can_be(&rows, &wanted);
        }

        #[test]
        fn the_nearest_are_picked_before_the_rest_is_passed_over(mut rows in embeddings(384)) {
            let wanted = rows.remove(0);
            let cosine = |number: i64| f64::from(rows[usize::try_from(number).expect("small")].cosine(&wanted));
            let mut picking = index(&rows).pick(&wanted).expect("in memory");
            let mut best = f64::MIN;
            while let Some(picked) = picking.next(1) {
                best = picked.numbers.iter().map(|number| cosine(*number)).fold(best, f64::max);
                if best >= picked.most_left {
                    break;
                }
            }
            let exact = (0..).zip(&rows).map(|(number, _)| cosine(number)).fold(f64::MIN, f64::max);
            prop_assert_eq!(best, exact);
        }
    }

    #[test]
    fn what_is_lost_may_all_point_one_way() {
        // One number outweighs all others, which are just too small for a byte.
        let mut numbers = vec![0.49 / LARGEST; Vector::LONGEST];
        numbers[0] = 1.0;
        let row = vector(numbers);
        assert!(Compressed::of(&row).loss > 0.4);
        assert_nothing_is_likelier_than_it_can_be(std::slice::from_ref(&row), &row);
    }

    #[test]
    fn a_changed_embedding_takes_the_place_of_the_old_one() {
        let mut index = VectorIndex::new(ROOM);
        index.put(7, 1, &vector(vec![1.0, 0.0]));
        index.put(8, 2, &vector(vec![0.0, 1.0]));
        index.put(7, 3, &vector(vec![-1.0, 0.0]));
        assert_eq!((index.latest, index.numbers.len()), (3, 2));
        let mut picking = index.pick(&vector(vec![1.0, 0.1])).expect("in memory");
        assert_eq!(picking.next(1).expect("a row").numbers, [8]);
        assert_eq!(picking.next(9).expect("a row").numbers, [7]);
        assert!(picking.next(9).is_none());
    }

    #[test]
    fn an_index_full_of_what_is_gone_is_read_anew() {
        let mut index = VectorIndex::new(ROOM);
        let all: i64 = 3 * i64::try_from(SLACK).expect("small");
        for newest in 1..=all {
            // Only the newest row is left in the database.
            let put_changed = |index: &mut VectorIndex| {
                index.put(newest, newest, &vector(vec![1.0, 2.0]));
                Ok(())
            };
            index.catch_up(newest, put_changed).expect("read");
        }
        let kept = index.numbers.len();
        assert!(kept <= SLACK + 2, "{kept}");
    }

    #[test]
    fn an_index_beyond_its_limit_holds_nothing_and_says_so() {
        let mut index = VectorIndex::new(10 * (2 + ROW_BYTES));
        for number in 1..=10 {
            index.put(number, number, &vector(vec![1.0, 2.0]));
        }
        assert!(index.pick(&vector(vec![1.0, 2.0])).is_some());
        for number in 11..=12 {
            index.put(number, number, &vector(vec![1.0, 2.0]));
            assert!(index.pick(&vector(vec![1.0, 2.0])).is_none());
            assert_eq!((index.size_bytes(), index.latest), (0, number));
        }
    }
}
