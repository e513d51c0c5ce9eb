//! Which tools a hook is for.

use regex_lite::Regex;

/// A pattern of names, as the Claude Code CLI reads them: nothing or `*` is every name, `A|B` are names, and whatever has
/// other characters is a regular expression that must match the whole name.
#[derive(Debug, Clone)]
pub enum HookMatcher {
    /// Every name.
    Every,
    /// One of these names.
    Names(Vec<String>),
    /// Every name that this matches as a whole.
    Pattern(Regex),
}

/// A text that is no matcher.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a matcher: {problem}; accepted: *, names such as Bash|Write, or a regular expression such as mcp__.*"
)]
pub struct InvalidHookMatcher {
    text: String,
    problem: String,
}

impl HookMatcher {
    const LONGEST: usize = 1000;

    /// Whether it is for this name. What has no name is for everybody.
    #[must_use]
    pub fn matches(&self, name: Option<&str>) -> bool {
        match (self, name) {
            (Self::Every, _) | (_, None) => true,
            (Self::Names(names), Some(name)) => names.iter().any(|known| known == name),
            (Self::Pattern(pattern), Some(name)) => pattern.is_match(name),
        }
    }
}

impl std::str::FromStr for HookMatcher {
    type Err = InvalidHookMatcher;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid =
            |problem: String| InvalidHookMatcher { text: text.chars().take(200).collect(), problem };
        if text.is_empty() || text == "*" {
            return Ok(Self::Every);
        }
        if text.len() > Self::LONGEST {
            return Err(invalid(format!("it is longer than {} bytes", Self::LONGEST)));
        }
        if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-|".contains(&byte)) {
            let names: Vec<_> = text.split('|').map(str::to_owned).collect();
            let is_whole = names.iter().all(|name| !name.is_empty());
            return is_whole
                .then_some(Self::Names(names))
                .ok_or_else(|| invalid("a name is missing".to_owned()));
        }
        // By itself first: what only fits together with our anchors would get around them.
        let compile = |pattern: &str| Regex::new(pattern).map_err(|error| invalid(error.to_string()));
        compile(text)?;
        compile(&format!("^(?:{text})$")).map(Self::Pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched<'n>(matcher: &str, names: &[&'n str]) -> Vec<&'n str> {
        let matcher: HookMatcher = matcher.parse().expect("a matcher");
        names.iter().copied().filter(|name| matcher.matches(Some(name))).collect()
    }

    #[test]
    fn a_matcher_means_what_the_agent_program_means_by_it() {
        let names = ["Bash", "BashOutput", "Write", "NotebookEdit", "mcp__git__push"];
        assert_eq!(matched("", &names), names);
        assert_eq!(matched("*", &names), names);
        assert_eq!(matched("Bash", &names), ["Bash"]);
        assert_eq!(matched("bash", &names), Vec::<&str>::new());
        assert_eq!(matched("Bash|Write", &names), ["Bash", "Write"]);
        assert_eq!(matched("mcp__.*", &names), ["mcp__git__push"]);
        assert_eq!(matched(".*Edit", &names), ["NotebookEdit"]);
        assert_eq!(matched("Bash.?|Write", &names), ["Bash", "Write"]);
    }

    #[test]
    fn an_event_without_a_name_is_for_every_hook() {
        assert!("Bash".parse::<HookMatcher>().expect("a matcher").matches(None));
    }

    #[test]
    fn what_can_never_match_is_refused() {
        for bad in ["(", "a)|(b", "Bash|", "|", "[z-a]", "*a", &"a".repeat(1001)] {
            let refused = bad.parse::<HookMatcher>().expect_err(bad).to_string();
            assert!(refused.contains("accepted: *"), "{refused}");
        }
    }
}
