//! Embeddings: what a text means, as numbers.

/// A vector of 1 to 16,000 finite 32-bit numbers. Which ones can be compared is a matter of the model that made them.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Vec<f32>", into = "Vec<f32>")]
pub struct Vector(Vec<f32>);

/// Numbers that are no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVector {
    /// Too few or too many.
    #[error("a vector of {0} numbers is refused; accepted: 1 to 16000")]
    Length(usize),
    /// Infinite, or no number.
    #[error("number {0} of a vector is not finite")]
    NotFinite(usize),
    /// Bytes that are no whole numbers.
    #[error("{0} bytes are no vector; accepted: four for each number")]
    Bytes(usize),
}

impl Vector {
    /// The most numbers a vector has.
    pub const LONGEST: usize = 16_000;

    /// How many numbers it has.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.0.len()
    }

    /// The numbers.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The same direction with length 1; without a direction it stays as it is.
    #[must_use]
    pub fn normalized(&self) -> Self {
        if !self.has_direction() {
            return self.clone();
        }
        let length = dot(&self.0, &self.0).sqrt();
        Self(self.0.iter().map(|number| number / length).collect())
    }

    /// Whether it points somewhere that 32-bit arithmetic can tell: it is not all zeros, and its numbers are neither so small
    /// nor so large that their squares are lost.
    #[must_use]
    pub fn has_direction(&self) -> bool {
        dot(&self.0, &self.0).is_normal()
    }

    /// The cosine of the angle between two vectors, from -1 to 1; 0 when one has no direction or they differ in dimension.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cosine needs no more precision than its vectors have"
    )]
    pub fn cosine(&self, other: &Self) -> f32 {
        if self.dimension() != other.dimension() || !self.has_direction() || !other.has_direction() {
            return 0.0;
        }
        let product = |left: &Self, right: &Self| f64::from(dot(&left.0, &right.0));
        let lengths = product(self, self).sqrt() * product(other, other).sqrt();
        (product(self, other) / lengths).clamp(-1.0, 1.0) as f32
    }

    /// From 32-bit floats in little-endian order, as SQLite stores them.
    ///
    /// # Errors
    /// When the bytes are no vector.
    pub fn from_little_endian(bytes: &[u8]) -> Result<Self, InvalidVector> {
        let (numbers, rest) = bytes.as_chunks();
        if !rest.is_empty() {
            return Err(InvalidVector::Bytes(bytes.len()));
        }
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect::<Vec<_>>().try_into()
    }
}

impl TryFrom<Vec<f32>> for Vector {
    type Error = InvalidVector;

    fn try_from(numbers: Vec<f32>) -> Result<Self, Self::Error> {
        if !(1..=Self::LONGEST).contains(&numbers.len()) {
            return Err(InvalidVector::Length(numbers.len()));
        }
        match numbers.iter().position(|number| !number.is_finite()) {
            Some(index) => Err(InvalidVector::NotFinite(index)),
            None => Ok(Self(numbers)),
        }
    }
}

impl From<Vector> for Vec<f32> {
    fn from(vector: Vector) -> Self {
        vector.0
    }
}

/// Sums in eight lanes, so that the compiler can use wide registers.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<8>(), right.as_chunks::<8>());
    let mut lanes = [0.0_f32; 8];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..8 {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cosine_is_between_minus_one_and_one(
            pair in (1_usize..40).prop_flat_map(|length| {
                let numbers = || prop::collection::vec(-1e6_f32..1e6, length);
                (numbers(), numbers())
            })
        ) {
            let (left, right) = (Vector::try_from(pair.0).expect("finite"), Vector::try_from(pair.1).expect("finite"));
            prop_assert!((-1.0..=1.0).contains(&left.cosine(&right)));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(Vector::from_little_endian(&bytes));
        }
    }

    #[test]
    fn numbers_that_are_no_vector_are_refused() {
        assert_eq!(Vector::try_from(vec![]), Err(InvalidVector::Length(0)));
        assert_eq!(Vector::try_from(vec![0.0, f32::NAN]), Err(InvalidVector::NotFinite(1)));
        assert_eq!(Vector::from_little_endian(&[1, 2, 3]), Err(InvalidVector::Bytes(3)));
    }

    #[test]
    fn lengths_that_no_32_bit_number_squares_have_no_direction() {
        let vector = |number: f32| Vector::try_from(vec![number; 384]).expect("finite");
        for lost in [0.0, 1e-30, 1e20, f32::MAX, f32::MIN_POSITIVE] {
            assert!(!vector(lost).has_direction(), "{lost}");
            assert_eq!(vector(lost).cosine(&vector(1.0)), 0.0);
        }
        for kept in [1e-18, -1e-5, 1e10, 1e17] {
            assert!(vector(kept).has_direction(), "{kept}");
            let cosine = vector(kept).cosine(&vector(kept * 2.0));
            assert!((cosine - 1.0).abs() < 1e-5, "{kept}: {cosine}");
        }
    }

    #[test]
    fn a_direction_is_like_itself_and_unlike_its_opposite() {
        let vector = |numbers: &[f32]| Vector::try_from(numbers.to_vec()).expect("finite");
        assert!((vector(&[3.0, 4.0]).cosine(&vector(&[6.0, 8.0])) - 1.0).abs() < 1e-6);
        assert!((vector(&[3.0, 4.0]).cosine(&vector(&[-3.0, -4.0])) + 1.0).abs() < 1e-6);
        assert_eq!(vector(&[3.0, 4.0]).normalized(), vector(&[0.6, 0.8]));
    }
}
