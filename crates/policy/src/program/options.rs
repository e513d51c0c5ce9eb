//! Options of programs: clusters, long names and their abbreviations, values, `--`.

use crate::text::{Match, Text};

/// Which options of a program take a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar {
    /// Letters whose value may stand in the next argument.
    pub(super) short: &'static str,
    /// Long names, without dashes, whose value may stand in the next argument.
    pub(super) long: &'static [&'static str],
    /// Options end at the first operand.
    pub(super) leading: bool,
    /// One dash begins a long name too.
    pub(super) single_dash: bool,
}

/// The arguments of a program, read by its grammar.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    given: Vec<(String, Option<Text>)>,
    pub(super) operands: Vec<Text>,
    /// Something unknown stands where an option could.
    pub(super) is_unsure: bool,
}

pub(super) const PLAIN: Grammar = Grammar { short: "", long: &[], leading: false, single_dash: false };

impl Grammar {
    pub(super) const fn new(short: &'static str, long: &'static [&'static str]) -> Self {
        Self { short, long, leading: false, single_dash: false }
    }

    /// Options end at the first operand.
    pub(super) const fn leading(short: &'static str, long: &'static [&'static str]) -> Self {
        Self { short, long, leading: true, single_dash: false }
    }

    pub(super) fn read(&self, arguments: &[Text]) -> Options {
        let mut options = Options::default();
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let prefix = word.prefix();
            if word.literal() == Some("--") {
                options.operands.extend(rest.cloned());
                break;
            }
            if prefix.len() < 2 || !prefix.starts_with('-') {
                let could_be_option =
                    (word.begins_unknown() && word.splits()) || (prefix == "-" && word.literal().is_none());
                options.is_unsure |= could_be_option;
                options.operands.push(word.clone());
                if self.leading {
                    options.operands.extend(rest.cloned());
                    break;
                }
            } else if prefix.starts_with("--") || self.is_long(prefix) {
                self.long_option(word, &mut rest, &mut options);
            } else {
                self.cluster(word, &mut rest, &mut options);
            }
        }
        options
    }

    fn is_long(&self, prefix: &str) -> bool {
        self.single_dash && prefix.len() > 2
    }

    fn long_option<'t>(&self, word: &Text, rest: &mut impl Iterator<Item = &'t Text>, options: &mut Options) {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word.prefix().to_owned(), None),
        };
        let bare = name.trim_start_matches('-');
        let takes = self.long.contains(&bare)
            || (bare.len() >= 3 && self.long.iter().filter(|long| long.starts_with(bare)).count() == 1);
        let value = value.or_else(|| takes.then(|| rest.next().cloned()).flatten());
        options.is_unsure |= word.literal().is_none() && !word.prefix().contains('=');
        options.given.push((name, value));
    }

    fn cluster<'t>(&self, word: &Text, rest: &mut impl Iterator<Item = &'t Text>, options: &mut Options) {
        let letters = &word.prefix()[1..];
        for (at, letter) in letters.char_indices() {
            let name = format!("-{letter}");
            if self.short.contains(letter) {
                let attached = word.without_prefix(1 + at + letter.len_utf8());
                let value = if attached.is_empty() { rest.next().cloned() } else { Some(attached) };
                options.given.push((name, value));
                return;
            }
            options.given.push((name, None));
        }
        options.is_unsure |= word.literal().is_none();
    }
}

impl Options {
    /// Whether one of these was given: `-x`, or `--name` and its abbreviations.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.given.iter().any(|(given, _)| names.iter().any(|name| is_named(given, name)))
    }

    /// The values of these.
    pub(super) fn values<'o>(&'o self, names: &'o [&'o str]) -> impl Iterator<Item = &'o Text> {
        self.given
            .iter()
            .filter(|(given, _)| names.iter().any(|name| is_named(given, name)))
            .filter_map(|(_, value)| value.as_ref())
    }

    /// The last of their values.
    pub(super) fn value<'o>(&'o self, names: &'o [&'o str]) -> Option<&'o Text> {
        self.values(names).last()
    }

    /// Where the last of these stands among all options.
    pub(super) fn last(&self, names: &[&str]) -> Option<usize> {
        self.given.iter().rposition(|(given, _)| names.iter().any(|name| is_named(given, name)))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, Option<&Text>)> {
        self.given.iter().map(|(name, value)| (name.as_str(), value.as_ref()))
    }
}

fn is_named(given: &str, name: &str) -> bool {
    given == name || (name.starts_with("--") && given.len() >= 3 && name.starts_with(given))
}

/// Whether an argument is this option, or can be.
pub(super) fn can_be_option(word: &Text, name: &str) -> bool {
    word.is(name) != Match::No
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(grammar: &Grammar, line: &str) -> Options {
        grammar.read(&line.split(' ').map(Text::lit).collect::<Vec<_>>())
    }

    #[test]
    fn clusters_values_and_abbreviations_are_read() {
        let grammar = Grammar::new("n", &["lines", "recursive-size"]);
        let options = read(&grammar, "-abn5 --lines=3 x --li 4 -n 6 y -- -z");
        assert!(options.has(&["-a"]) && options.has(&["-b"]) && !options.has(&["-5"]));
        let values: Vec<_> = options.values(&["-n", "--lines"]).map(ToString::to_string).collect();
        assert_eq!(values, ["5", "3", "6"]);
        let operands: Vec<_> = options.operands.iter().map(ToString::to_string).collect();
        assert_eq!(operands, ["x", "4", "y", "-z"]);
        assert!(read(&PLAIN, "--rec").has(&["--recursive"]));
    }

    #[test]
    fn what_leads_ends_at_the_first_operand() {
        let options = read(&Grammar::leading("u", &[]), "-u x cmd -r");
        assert_eq!(options.operands.len(), 2);
        assert!(!options.has(&["-r"]));
    }
}
