//! Token counts of a turn or of a whole session.

/// The four kinds of tokens a model bills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TokenUsage {
    /// Tokens read that no cache held.
    pub input_tokens: i64,
    /// Tokens written by the model.
    pub output_tokens: i64,
    /// Tokens written to the prompt cache.
    pub cache_creation_tokens: i64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: i64,
}

impl TokenUsage {
    /// The most of a kind that one thing uses: more is nonsense, and sums of it stay sums.
    pub const LARGEST: i64 = 1_000_000_000_000;

    /// Each count between nothing and the largest.
    #[must_use]
    pub fn within_measure(self) -> Self {
        let within = |count: i64| count.clamp(0, Self::LARGEST);
        Self {
            input_tokens: within(self.input_tokens),
            output_tokens: within(self.output_tokens),
            cache_creation_tokens: within(self.cache_creation_tokens),
            cache_read_tokens: within(self.cache_read_tokens),
        }
    }

    /// Field by field, held at the largest count instead of wrapping.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_creation_tokens: self.cache_creation_tokens.saturating_add(other.cache_creation_tokens),
            cache_read_tokens: self.cache_read_tokens.saturating_add(other.cache_read_tokens),
        }
    }

    /// How much each count grew since an earlier one.
    #[must_use]
    pub const fn growth_since(self, earlier: Self) -> Self {
        const fn grown(now: i64, then: i64) -> i64 {
            if now > then { now.saturating_sub(then) } else { 0 }
        }
        Self {
            input_tokens: grown(self.input_tokens, earlier.input_tokens),
            output_tokens: grown(self.output_tokens, earlier.output_tokens),
            cache_creation_tokens: grown(self.cache_creation_tokens, earlier.cache_creation_tokens),
            cache_read_tokens: grown(self.cache_read_tokens, earlier.cache_read_tokens),
        }
    }

    /// All four kinds together.
    #[must_use]
    pub const fn total(self) -> i64 {
        self.input_tokens
            .saturating_add(self.output_tokens)
            .saturating_add(self.cache_creation_tokens)
            .saturating_add(self.cache_read_tokens)
    }
}
