//! `Bash(words:*)`, `Bash(words *)`, `Bash(te*xt)`, `Bash(words)`.

use crate::{
    effect::Run,
    glob::Glob,
    text::{Match, Text},
};

/// A pattern of commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CommandRule {
    /// The command begins with these words.
    Prefix(Vec<String>),
    /// The command begins with these words and has more.
    Longer(Vec<String>),
    /// The whole command fits a pattern.
    Glob(Glob),
    /// These words exactly.
    Exactly(Vec<String>),
}

impl CommandRule {
    pub(crate) fn read(what: &str) -> Self {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        if let Some(prefix) = what.strip_suffix(":*")
            && !prefix.contains('*')
        {
            return Self::Prefix(words(prefix));
        }
        if let Some(prefix) = what.strip_suffix(" *")
            && !prefix.contains('*')
        {
            return Self::Longer(words(prefix));
        }
        if what.contains('*') {
            let what = what.strip_suffix(":*").map_or_else(|| what.to_owned(), |prefix| format!("{prefix}*"));
            return Self::Glob(Glob::read(&what));
        }
        Self::Exactly(words(what))
    }

    /// Whether a command, which is this line with what is unknown masked, is one of these; [`Match::Maybe`] when that depends on what is unknown.
    pub(crate) fn matches<'l>(&self, run: &Run, line: impl FnOnce() -> &'l str) -> Match {
        match self {
            Self::Prefix(words) => begins(&run.words, words).0,
            Self::Longer(words) => {
                let (found, used) = begins(&run.words, words);
                if found == Match::Yes && run.words.len() <= used { Match::No } else { found }
            }
            Self::Exactly(words) => {
                let (found, used) = begins(&run.words, words);
                match found {
                    Match::Yes if run.words.len() == used => Match::Yes,
                    Match::Yes if run.words[used..].iter().all(Text::splits) => Match::Maybe,
                    Match::Yes => Match::No,
                    other => other,
                }
            }
            Self::Glob(pattern) => {
                if pattern.fits(line()) {
                    Match::Yes
                } else {
                    Match::No
                }
            }
        }
    }
}

/// Whether a command begins with these words, and how many it took.
fn begins(command: &[Text], words: &[String]) -> (Match, usize) {
    let mut found = Match::Yes;
    for (at, word) in words.iter().enumerate() {
        let Some(text) = command.get(at) else { return (Match::No, at) };
        // The program itself must be known; another rule asks about one that is not.
        let is = if at == 0 && text.literal().is_none() { Match::No } else { text.is(word) };
        match is {
            Match::Yes => {}
            Match::No if text.splits() && at > 0 => return (Match::Maybe, at),
            Match::No => return (Match::No, at),
            Match::Maybe | Match::Wild if text.splits() => return (Match::Maybe, at),
            Match::Maybe | Match::Wild => found = Match::Maybe,
        }
    }
    (found, words.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(rule: &str, command: &str) -> Match {
        let words = command.split(' ').map(Text::lit).collect();
        let run = Run { words, is_innermost: true, is_genuine: true, is_pure: false, is_harmless: false };
        CommandRule::read(rule).matches(&run, || command)
    }

    #[test]
    fn a_prefix_ends_at_a_word() {
        assert_eq!(matches("git push:*", "git push"), Match::Yes);
        assert_eq!(matches("git push:*", "git push origin"), Match::Yes);
        assert_eq!(matches("git push:*", "git pushx"), Match::No);
        assert_eq!(matches("git push *", "git push"), Match::No);
        assert_eq!(matches("git push *", "git push origin"), Match::Yes);
    }

    #[test]
    fn a_star_elsewhere_is_any_text() {
        assert_eq!(matches("*gcloud*", "echo gcloud"), Match::Yes);
        assert_eq!(matches("git*", "gitx y"), Match::Yes);
        assert_eq!(matches("git push --force", "git push --force"), Match::Yes);
        assert_eq!(matches("git push --force", "git push --force x"), Match::No);
    }
}
