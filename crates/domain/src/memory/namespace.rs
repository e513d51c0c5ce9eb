//! Where memories live: `level:owner[:path…]`.

text_enum! {
    /// Whose a namespace is. On equal keys the earlier level wins.
    pub enum MemoryLevel: "memory level" {
        /// Of one process; never stored.
        Temp = "temp",
        /// Of one session.
        Session = "session",
        /// Of one agent.
        Agent = "agent",
        /// Of one person.
        User = "user",
        /// Of one project.
        Project = "project",
        /// Of one team.
        Team = "team",
        /// Of everybody.
        App = "app",
    }
}

/// Segments separated by `:`, the first a level, the second its owner, the others a path: `user:alice:editor`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct Namespace(String);

/// A text that is no namespace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a namespace; accepted: level:owner[:path…] with a level of {levels}, at most {longest} bytes, \
     segments neither empty nor with blanks at their ends nor with control characters",
    levels = levels(), longest = Namespace::LONGEST)]
pub struct InvalidNamespace(String);

impl Namespace {
    /// The most bytes it has.
    pub const LONGEST: usize = 500;

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first segment.
    #[must_use]
    pub fn level(&self) -> MemoryLevel {
        // A namespace that exists begins with a level.
        self.segments().next().and_then(|level| level.parse().ok()).unwrap_or(MemoryLevel::Temp)
    }

    /// Its second segment.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.segments().nth(1).unwrap_or_default()
    }

    /// All segments in order.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split(':')
    }

    /// Its first segments are those of `prefix`: `user:alice:editor` starts with `user:alice`, `user:alicey` does not.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    }
}

impl std::str::FromStr for Namespace {
    type Err = InvalidNamespace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_segment = |segment: &str| !segment.is_empty() && segment.trim().len() == segment.len();
        let well_formed = text.len() <= Self::LONGEST
            && text.split(':').all(is_segment)
            && !text.chars().any(char::is_control)
            && text.split_once(':').is_some_and(|(level, _)| level.parse::<MemoryLevel>().is_ok());
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNamespace(text.chars().take(Self::LONGEST).collect()))
        }
    }
}

impl std::fmt::Display for Namespace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&self.0)
    }
}

fn levels() -> String {
    MemoryLevel::ALL.iter().map(|level| level.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn namespaces() -> impl Strategy<Value = Namespace> {
        let level = prop::sample::select(MemoryLevel::ALL);
        (level, prop::collection::vec("[a-c]{1,2}", 1..4))
            .prop_map(|(level, path)| format!("{level}:{}", path.join(":")).parse().expect("well-formed"))
    }

    proptest! {
        #[test]
        fn a_namespace_survives_its_text(namespace in namespaces()) {
            prop_assert_eq!(namespace.to_string().parse::<Namespace>(), Ok(namespace));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            drop(text.parse::<Namespace>());
        }

        #[test]
        fn a_prefix_is_one_of_segments(left in namespaces(), right in namespaces()) {
            let (all, first): (Vec<_>, Vec<_>) = (left.segments().collect(), right.segments().collect());
            prop_assert_eq!(left.starts_with(&right), all.starts_with(&first));
        }
    }

    #[test]
    fn a_prefix_ends_where_a_segment_ends() {
        let namespace = |text: &str| text.parse::<Namespace>().expect("a namespace");
        let alice = namespace("user:alice");
        assert!(alice.starts_with(&alice));
        assert!(namespace("user:alice:editor").starts_with(&alice));
        assert!(!namespace("user:alicey").starts_with(&alice));
        assert!(!alice.starts_with(&namespace("user:alice:editor")));
        assert_eq!((alice.level(), alice.owner()), (MemoryLevel::User, "alice"));
    }

    #[test]
    fn texts_without_level_and_owner_are_refused() {
        let long = format!("user:{}", "a".repeat(500));
        for bad in [
            "",
            "user",
            "user:",
            ":alice",
            "users:alice",
            "user::a",
            "user:a:",
            "user: a",
            "user:a\n",
            "User:a",
            &long,
        ] {
            assert!(bad.parse::<Namespace>().is_err(), "{bad}");
        }
        let error = "alice".parse::<Namespace>().expect_err("no level").to_string();
        assert!(error.contains("\"alice\"") && error.contains("temp, session, agent"), "{error}");
    }
}
