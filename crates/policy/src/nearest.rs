//! The name that was probably meant.

/// Below this a name is not like the other one.
const ALIKE: f64 = 0.8;

/// Nobody misspells a longer one.
const LONGEST: usize = 400;

/// The known name that is most like this one, where one is like it at all. Capitals do not count.
#[must_use]
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if name.len() > LONGEST {
        return None;
    }
    let name = name.to_lowercase();
    let scored = known.into_iter().map(|other| (strsim::jaro_winkler(&name, &other.to_lowercase()), other));
    scored.filter(|(score, _)| *score > ALIKE).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_name_is_near_to_its_misspellings_and_to_nothing_else() {
        let known = ["Bash", "Read", "WebFetch"];
        assert_eq!(nearest("bahs", known), Some("Bash"));
        assert_eq!(nearest("Webfetch", known), Some("WebFetch"));
        assert_eq!(nearest("Zzz", known), None);
        assert_eq!(nearest("", known), None);
    }
}
