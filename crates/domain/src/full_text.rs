//! Finding text by its words, cut the same way for every database.

/// No more of a text is looked at: databases bound what they index, and what is said must be stored however long it is.
const LONGEST_TEXT: usize = 65_536;

/// A text as it is indexed: words with single spaces between them, at most 65 536 characters of it. All but signs is left to
/// the database, which knows which letters belong to words.
#[must_use]
pub fn indexed(text: &str) -> String {
    let mut words = String::with_capacity(text.len().min(LONGEST_TEXT));
    for letter in text.chars().take(LONGEST_TEXT) {
        if !is_sign(letter) {
            words.push(letter);
        } else if !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
    }
    words.truncate(words.trim_end().len());
    words
}

/// Whether it separates words: spaces, punctuation, symbols, pictures. SQLite knows; a PostgreSQL database whose locale is C
/// takes every sign beyond ASCII for a letter, so the function `words_of` there has the same ranges.
const fn is_sign(letter: char) -> bool {
    if letter.is_ascii() {
        return !letter.is_ascii_alphanumeric();
    }
    matches!(letter,
        '\u{80}'..='\u{a9}' | '\u{ab}'..='\u{b1}' | '\u{b4}' | '\u{b6}'..='\u{b8}' | '\u{bb}' | '\u{bf}' | '\u{d7}' | '\u{f7}'
        | '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{20cf}' | '\u{2190}'..='\u{245f}' | '\u{2500}'..='\u{2775}'
        | '\u{2794}'..='\u{2bff}' | '\u{3000}'..='\u{3003}' | '\u{3008}'..='\u{3020}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}'
        | '\u{1f300}'..='\u{1faff}')
}

/// What a person looks for: words that must all be there, in any order. Every text is a query; quotes and operators in it
/// mean nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    words: Vec<String>,
}

impl TextQuery {
    /// Words after these do not count.
    const MOST_WORDS: usize = 32;

    /// The query of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let indexed = indexed(text);
        let words = indexed.split(' ').filter(|word| word.chars().any(char::is_alphanumeric));
        Self { words: words.take(Self::MOST_WORDS).map(str::to_owned).collect() }
    }

    /// The words; none when there is nothing to look for.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// A piece of a text that shows where the query is in it, on one line of at most 162 characters; its beginning when the
    /// words stand there in a form that is not recognised.
    #[must_use]
    pub fn snippet(&self, text: &str) -> String {
        const BEFORE: usize = 40;
        const LONGEST: usize = 160;
        let head: String = text.chars().take(LONGEST_TEXT).collect();
        let line = head.split_whitespace().collect::<Vec<_>>().join(" ");
        let begin = self.first_hit(&line).saturating_sub(BEFORE);
        let mut rest = line.chars().skip(begin);
        let mut snippet = String::from(if begin == 0 { "" } else { "…" });
        snippet.extend(rest.by_ref().take(LONGEST));
        if rest.next().is_some() || head.len() < text.len() {
            snippet.push('…');
        }
        snippet
    }

    /// How many characters stand before the first word that looks like one of the query.
    fn first_hit(&self, line: &str) -> usize {
        let stems: Vec<_> = self.words.iter().map(|word| stem(word)).collect();
        let is_hit = |word: &str| {
            let word = word.to_lowercase();
            stems.iter().any(|stem| word.starts_with(stem.as_str()))
        };
        let mut before = 0;
        for word in line.split_inclusive(|letter: char| !letter.is_alphanumeric()) {
            if is_hit(word) {
                return before;
            }
            before += word.chars().count();
        }
        0
    }
}

/// What the forms of a word have in common, roughly: databases know better, but do not say where they found it.
fn stem(word: &str) -> String {
    const SHORTEST: usize = 3;
    const ENDING: usize = 3;
    let word = word.to_lowercase();
    let length = word.chars().count().saturating_sub(ENDING).max(SHORTEST);
    word.chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_query_finds_the_words_of_its_own_text(text in ".{0,60}") {
            let indexed = indexed(&text);
            for word in TextQuery::new(&text).words() {
                prop_assert!(indexed.split(' ').any(|own| own == word));
            }
        }

        #[test]
        fn no_letter_is_a_sign(letter in any::<char>()) {
            prop_assert!(!(letter.is_alphanumeric() && is_sign(letter)), "{:?}", letter);
        }

        #[test]
        fn a_snippet_is_one_short_line(text in "(?s).{0,400}", query in ".{0,20}") {
            let snippet = TextQuery::new(&query).snippet(&text);
            prop_assert!(snippet.chars().count() <= 162);
            prop_assert!(!snippet.contains('\n'));
        }
    }

    #[test]
    fn marks_part_words_and_mean_nothing() {
        assert_eq!(indexed("  src/main.rs: \"fix_it\"\n"), "src main rs fix it");
        assert_eq!(TextQuery::new("a AND (b* OR \"c\") — !").words(), ["a", "AND", "b", "OR", "c"]);
        assert_eq!(indexed("“tea”—«milk»…\u{a0}don’t 🍵naïve\u{3000}京都。"), "tea milk don t naïve 京都");
        assert_eq!(TextQuery::new("-- ' \" — ").words(), [""; 0]);
        assert_eq!(TextQuery::new(&"w ".repeat(500)).words().len(), 32);
        assert_eq!(indexed(&"wörd ".repeat(100_000)).chars().count(), 65_536);
    }

    #[test]
    fn a_snippet_shows_the_place() {
        let text = format!("{} the tests are running now {}", "before ".repeat(50), "after ".repeat(50));
        let snippet = TextQuery::new("runs").snippet(&text);
        assert!(snippet.starts_with('…') && snippet.ends_with('…'), "{snippet}");
        assert!(snippet.contains("the tests are running now"), "{snippet}");
        assert_eq!(TextQuery::new("absent").snippet("short\n text"), "short text");
    }
}
